/*
 * core_state.h: the worker core's memory, and what its parts offer one another.
 *
 * Only the files of this folder include it. Each part is one file:
 *
 *   worker_core.c  creation, step, deadline, view: the tables that say which event goes where
 *   joining.c      hello, welcome, refusal, stop, silence: are we in, and in whose run?
 *   leases.c       leases that arrive
 *   tasks.c        rows of the task table: find, add, end, sweep
 *   inputs.c       blobs that tasks need: fetched once, shared, pinned until the last user ends
 *   slots.c        which slot runs what; finished, died, killed
 *   cohorts.c      tasks that a slot is given together
 *   results.c      finished results: offered, spooled, settled by verdicts, recovered
 *   beats.c        hello and heartbeat as messages
 *   handover.c     running jobs given back, trained as far as they are
 *   leaving.c      the way out
 *
 * Two habits keep a step bounded. Whatever may touch many tasks at once (another run, another
 * epoch, leaving) only starts the *sweep*, which visits some tasks per step; until it has passed,
 * nothing else is done. Whatever may produce many effects is a loop that stops when the step's
 * effects are full and is taken up again by the next step, for which worker_core_deadline() asks at
 * once.
 */
#ifndef RATCHET_WORKER_CORE_CORE_STATE_H
#define RATCHET_WORKER_CORE_CORE_STATE_H

#include "common/fixed_map.h"
#include "worker/core/task_heap.h"
#include "worker/core/worker_core.h"

enum {
    NEEDS_MAX = 3 + JOB_PARENTS_MAX, /* blobs of one task: its spec, data set, parents and state */
    BLOBS_MAX = 2 * HELD_MAX,        /* distinct blobs wanted at once; more leases are not taken */
    RESEND_DOUBLINGS_MAX = 3, /* a result without verdict: resend_ms, doubling to 8 times that */
    LEAVE_MS_MAX = 8000,      /* leaving: how long results keep us once nothing runs, and hand-overs
                                  in all; container runtimes kill 10 s after SIGTERM */
    DRAIN_MS_MAX = 60000,     /* the same when the coordinator asked us: nobody will kill us */
    SWEEP_TASKS_MAX = 256,    /* tasks visited by one step of the sweep */
    END_EFFECTS_MAX = NEEDS_MAX + 2, /* of ending one task, whatever its phase */
    COHORT_SPECS_MAX = 16, /* specs of which a slot's word on cohorts is remembered: the latest */
    STREAMS_SEEN_MAX = 64, /* leases that are looked back on */
};

#define TASK_NONE UINT32_MAX
#define BLOB_NONE UINT32_MAX
#define WAITER_NONE UINT32_MAX

enum task_phase {
    TASK_WAITING = 1, /* for bytes */
    TASK_RUNNABLE,    /* for a slot */
    TASK_RUNNING,
    TASK_FINISHED,
    TASK_HANDED_OVER, /* trained up to some step: its state waits for the verdict */
};

/* One blob that a task needs. While the blob is on its way, the need is a link of the blob's
 * waiters. */
struct need {
    uint32_t blob;
    bool waiting;
    uint32_t next, previous; /* waiters, as task * NEEDS_MAX + need */
};

struct task {
    enum task_phase phase;
    struct run_id run;
    struct lease lease; /* of a recovered result only the key is known */
    struct digest description;
    uint64_t arrival;
    uint32_t slot; /* of a running one */
    uint32_t mate; /* likewise: the next task of its slot, or TASK_NONE */
    bool joins;    /* runnable, and in the ring of those with which it may go together */
    struct map_key alike;
    uint32_t next_alike, previous_alike;
    uint32_t need_count, missing;
    struct need needs[NEEDS_MAX]; /* a state is the last */
    uint32_t next_of_job;    /* another task of the same job: under another description or run, or
                                what it came to before it was audited */
    uint32_t next, previous; /* all tasks in order of arrival; free rows use next */
    /* Finished ones only. */
    bool settled; /* the coordinator of `offered_epoch` has the result */
    bool spooled;
    uint32_t doublings;
    uint64_t offered_epoch; /* in which the result was last offered or due; 0: in none */
    struct result result;
    struct partial partial; /* of one that was handed over: pinned */
};

enum blob_state { BLOB_FETCHING = 1, BLOB_READY, BLOB_FAILED };

struct blob {
    struct digest digest;
    enum blob_state state;
    uint32_t users; /* 0 while FETCHING: nobody wants it any more, but the answer is still due */
    uint32_t first_waiter;
    uint32_t next; /* failed blobs in order; free rows */
};

enum slot_state {
    SLOT_STARTING = 1, /* until it says ready */
    SLOT_IDLE,
    SLOT_BUSY,
    SLOT_KILLED, /* on our order; whatever it still says is not wanted */
};

struct slot {
    enum slot_state state;
    uint32_t task;  /* of a busy one: the first that it runs; the others follow as mates */
    uint32_t due;   /* answers still to come: of its tasks, and of jobs that are not wanted any more
                       but had company */
    uint32_t given; /* jobs that it was given together */
};

/* What a slot has said of a spec. */
struct cohort_spec {
    struct digest spec;
    uint32_t size; /* 0: a free row */
};

/* What a lease of late was trained on, and for which line. */
struct stream_seen {
    struct map_key key;
    uint32_t line;
};

enum link_state { LINK_JOINING = 1, LINK_READY };

struct worker_core {
    struct worker_config config;
    struct worker_effects *effects; /* of the step that is under way */
    uint64_t now;
    bool started; /* has seen an event other than a recovered result */
    bool leaving, gone;
    bool asked;           /* by a signal to leave */
    bool handing_over;    /* leaving, and running jobs are to be given back */
    uint32_t stop_cursor; /* slots below it were asked to stop */

    enum link_state link;
    bool welcomed;  /* ever */
    uint64_t heard; /* when the coordinator was last heard; at first: the start */
    uint64_t hello_at, hello_soonest;
    uint32_t hello_ms; /* the next pause between two hellos */
    uint64_t beat_at;
    uint64_t epoch;          /* 0: in none */
    struct run_id run;       /* zero: in none */
    struct run_id ended_run; /* its results are worth nothing any more */
    char numeric[VERSION_BYTES_MAX];
    uint32_t heartbeat_ms, lost_ms;

    bool cache_full;
    uint64_t cache_bytes;
    uint32_t crowded_by; /* children that left no room for a job's inputs: no work is asked for
                            until there are fewer; 0: it was not so */
    uint64_t leave_by;   /* UINT64_MAX until nothing runs, or jobs are to be handed over */
    enum worker_exit leave_code;
    char leave_reason[REASON_BYTES_MAX]; /* what goodbye says */

    struct task *tasks;
    uint8_t (*details)[DETAIL_BYTES_MAX]; /* by task */
    uint32_t tasks_fresh, tasks_free;     /* rows never used from here on; rows given back */
    uint32_t task_count, first_task, last_task;
    uint32_t queued, running, finished; /* finished: or handed over */
    uint32_t unsettled, children;       /* of the finished: without verdict; with a child */
    uint64_t arrivals;
    uint32_t sweep;         /* next task of the sweep; TASK_NONE: it has passed */
    struct fixed_map *jobs; /* (line, job) to the first task of that job */
    struct task_heap *runnable, *offers;

    struct fixed_map *alike; /* to the first of a ring of runnable tasks */
    struct cohort_spec cohort_specs[COHORT_SPECS_MAX];
    uint32_t next_cohort_spec;
    struct stream_seen streams_seen[STREAMS_SEEN_MAX];
    uint32_t next_stream_seen;
    bool streams_shared;       /* by lines of this run, */
    struct digest cohort_spec; /* whose last job was of this spec */
    uint64_t cohorts, cohort_jobs;

    struct blob *blobs;
    uint32_t blobs_fresh, blobs_free, blob_count;
    uint32_t first_failed, last_failed;
    struct fixed_map *blobs_by_digest;

    struct slot slots[SLOTS_MAX];
    uint64_t idle[SLOTS_MAX / 64]; /* a bit for each idle slot */

    struct held *held; /* the list of the last heartbeat */
};

/* ----------------------------------------------------------------- effects (worker_core.c) */

/* True when `count` more effects fit into this step. */
bool worker_has_room(const struct worker_core *core, uint32_t count);
struct worker_effect *worker_emit(struct worker_core *core, enum worker_effect_kind kind);
/* A message to the coordinator, with kind and epoch filled in. */
struct message *worker_emit_message(struct worker_core *core, enum message_kind kind);
void worker_emit_unpin(struct worker_core *core, const struct digest *digest);
/* Says EXIT; the core does nothing more after it. */
void worker_emit_exit(struct worker_core *core, enum worker_exit code, const char *reason);

bool worker_run_equal(const struct run_id *a, const struct run_id *b);
/* a + b, or UINT64_MAX. */
uint64_t worker_time_after(uint64_t a, uint64_t b);

/* ------------------------------------------------------------------------------- joining.c */

void worker_start(struct worker_core *core);
/* Any sign of life from the coordinator. */
void worker_hear(struct worker_core *core);
/* Goes back to JOINING; says hello as soon as it may. */
void worker_rejoin(struct worker_core *core);
/* Silent: results are kept back and go to disk. Lost: hellos instead of heartbeats. */
bool worker_hears_nothing(const struct worker_core *core);
bool worker_has_lost_coordinator(const struct worker_core *core);
/* Hello, heartbeat and the end of patience, when they are due. */
void worker_keep_in_touch(struct worker_core *core);
uint64_t worker_touch_deadline(const struct worker_core *core);

void worker_on_welcome(struct worker_core *core, const struct message *message);
void worker_on_refused(struct worker_core *core, const struct message *message);
void worker_on_rejoin(struct worker_core *core, const struct message *message);
void worker_on_alive(struct worker_core *core, const struct message *message);
void worker_on_stop(struct worker_core *core, const struct message *message);

/* --------------------------------------------------------------------------------- beats.c */

void worker_emit_hello(struct worker_core *core);
void worker_emit_heartbeat(struct worker_core *core);

/* -------------------------------------------------------------------------------- leases.c */

void worker_on_lease(struct worker_core *core, const struct message *message);

/* --------------------------------------------------------------------------------- tasks.c */

/* The tasks of a job: first, then each one's next_of_job. TASK_NONE: there is none (further). */
uint32_t worker_task_first(const struct worker_core *core, struct job_key job);
/* The newest task of this run and description, or TASK_NONE. */
uint32_t worker_task_find(const struct worker_core *core, struct job_key job,
                          const struct run_id *run, const struct digest *description);
bool worker_task_table_full(const struct worker_core *core);
/* Adds a row; the table must not be full. The caller fills in what belongs to the phase. */
uint32_t worker_task_add(struct worker_core *core, const struct lease_key *key,
                         const struct run_id *run, const struct digest *description);
void worker_task_enter(struct worker_core *core, uint32_t index, enum task_phase phase);
/*
 * Ends a task in whatever phase: gives its pins back, stops its slot, forgets its result (a spooled
 * one stays on disk). Up to END_EFFECTS_MAX effects.
 */
void worker_task_end(struct worker_core *core, uint32_t index);
void worker_task_sweep_start(struct worker_core *core);
/* True once the sweep has passed. */
bool worker_task_sweep(struct worker_core *core);

/* -------------------------------------------------------------------------------- inputs.c */

/*
 * Asks for the blobs of a fresh task of which lease and description are filled in; one that lacks
 * none becomes RUNNABLE. False, with nothing changed, when they cannot be asked for now.
 */
bool worker_inputs_take(struct worker_core *core, uint32_t index);
/* A finished child is pinned no more. */
void worker_inputs_gain_room(struct worker_core *core);
/* Gives them back: up to NEEDS_MAX effects. */
void worker_inputs_release(struct worker_core *core, uint32_t index);
/* Ends the tasks whose blobs cannot be had; without its state a task goes on. True once none is
 * left. */
bool worker_inputs_end_failed(struct worker_core *core);

void worker_on_blob_ready(struct worker_core *core, const struct worker_event *event);
void worker_on_blob_failed(struct worker_core *core, const struct worker_event *event);
void worker_on_blob_no_room(struct worker_core *core, const struct worker_event *event);
void worker_on_blob_too_large(struct worker_core *core, const struct worker_event *event);

/* --------------------------------------------------------------------------------- slots.c */

/* Hands runnable tasks, oldest first, to idle slots. */
void worker_slots_fill(struct worker_core *core);
/* True when worker_slots_fill() would do something. */
bool worker_slots_can_fill(const struct worker_core *core);
/* The task of the slot with this description, or TASK_NONE. */
uint32_t worker_slot_task(const struct worker_core *core, uint32_t slot,
                          const struct digest *description);
/* It has answered for this task of its. */
void worker_slot_answered(struct worker_core *core, uint32_t index);
/* It has answered for something else than its tasks: for a job that was abandoned, or it is broken
 * and killed. */
void worker_slot_answered_else(struct worker_core *core, uint32_t slot);
/* If a slot still runs this task: kills it, unless it runs others as well; then its answer will not
 * be wanted. */
void worker_slot_abandon(struct worker_core *core, uint32_t index);

void worker_on_slot_ready(struct worker_core *core, const struct worker_event *event);
void worker_on_slot_finished(struct worker_core *core, const struct worker_event *event);
void worker_on_slot_died(struct worker_core *core, const struct worker_event *event);

/* ------------------------------------------------------------------------------- cohorts.c */

/* The task has become runnable, or is so no longer. */
void worker_cohort_enter(struct worker_core *core, uint32_t index);
void worker_cohort_leave(struct worker_core *core, uint32_t index);
/* How many runnable tasks, this one counted in, an idle slot should take; at least 1. */
uint32_t worker_cohort_size(const struct worker_core *core, uint32_t index, uint32_t idle_slots);
/* The next one to go with this task, which has just left the runnable ones. */
uint32_t worker_cohort_mate(const struct worker_core *core, uint32_t index);
/* A lease has come. */
void worker_cohort_note(struct worker_core *core, const struct lease *lease);
/* Jobs that each slot would run together if it could have them. */
uint32_t worker_cohort_wanted(const struct worker_core *core);
/* Another run: nothing is known of its streams. */
void worker_cohort_forget_streams(struct worker_core *core);
void worker_on_slot_cohort(struct worker_core *core, const struct worker_event *event);

/* ------------------------------------------------------------------------------- results.c */

/* A running task has its result: keeps a copy, spools it if it is worth that. Its slot is free
 * already. */
void worker_result_keep(struct worker_core *core, uint32_t index, const struct result *result);
/* Due for an offer now, as if it had never been offered. */
void worker_result_renew(struct worker_core *core, uint32_t index);
/* The newest lease of a task is the one to answer. */
void worker_result_readdress(struct worker_core *core, uint32_t index, const struct lease *lease);
/* Sends the results that are due. */
void worker_results_offer(struct worker_core *core);
uint64_t worker_results_deadline(const struct worker_core *core);
void worker_emit_unspool(struct worker_core *core, uint32_t index);

void worker_on_verdict(struct worker_core *core, const struct message *message);
void worker_on_recovered(struct worker_core *core, const struct worker_event *event);

/* ------------------------------------------------------------------------------ handover.c */

/* Leaving: has running jobs handed over, and goes `within_ms` in any case. */
void worker_hand_over(struct worker_core *core, uint64_t within_ms);
/* Asks busy slots to stop. True once all were asked. */
bool worker_stop_slots(struct worker_core *core);
/* True when worker_stop_slots() would do something. */
bool worker_stops_slots(const struct worker_core *core);
/* Offers the task's state. */
void worker_emit_handover(struct worker_core *core, uint32_t index);
void worker_on_drain(struct worker_core *core, const struct message *message);
void worker_on_slot_handed_over(struct worker_core *core, const struct worker_event *event);

/* ------------------------------------------------------------------------------- leaving.c */

/* Says goodbye and exits once nothing is left to wait for. */
void worker_leave_if_done(struct worker_core *core);
void worker_on_leave_requested(struct worker_core *core, const struct worker_event *event);
void worker_on_cache_gone(struct worker_core *core, const struct worker_event *event);
void worker_on_finish_requested(struct worker_core *core, const struct worker_event *event);
/* No new work; goes with this code and reason once nobody needs it any more. */
void worker_leave(struct worker_core *core, enum worker_exit code, const char *reason);

#endif
