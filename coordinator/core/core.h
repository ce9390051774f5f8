/*
 * core.h: the coordinator as data in, data out.
 *
 * core_step() is the only function that changes a core. It takes one event, which carries the time,
 * and appends effects; it reads no clock, touches no socket, file or thread, and allocates nothing:
 * all memory is taken by core_create(). The same events give the same effects, which is why the
 * simulator can run this very code through years of bad days.
 *
 * The shell carries the effects out in order, with one rule: the PERSIST effects of a batch are on
 * disk before any SEND of that batch leaves, and a DROP_BLOB is carried out only after the batch is
 * synced.
 *
 * Life of a core: core_create; core_replay for each record of the ledger, in order; core_start;
 * core_step for ever after. When core_deadline() is in the past, the shell steps a TICKED event;
 * the core cuts long work (a cascade of commits, a flood of leases) into steps that way, so that
 * effects stay bounded.
 *
 * The rules: creation in lines.c, commit order in commits.c, digest in chain.h, second opinions in
 * results.c and audits.c; README.md of this folder leads to each.
 */
#ifndef RATCHET_COORDINATOR_CORE_CORE_H
#define RATCHET_COORDINATOR_CORE_CORE_H

#include "common/error.h"
#include "coordinator/search/strategy.h"
#include "proto/message.h"

struct core;

enum commit_mode {
    COMMIT_ORDERED = 1, /* in job order: the run is a function of (experiment, seed) */
    COMMIT_ARRIVAL = 2, /* as results arrive; the ledger has the order */
};

struct line_config {
    struct search_config search;
    struct digest spec;  /* what the jobs of this line evaluate with */
    struct digest data;  /* the data set that they fetch; zero: none */
    uint32_t lookahead;  /* jobs in flight (created, not committed) */
    uint64_t jobs;       /* budget: jobs to create; the final one is not counted */
    double stop_fitness; /* stop creating once the champion is at least this good; NaN: never */
    uint64_t stop_stagnation; /* commits without a new champion; 0: never */
};

struct core_config {
    struct run_id run;
    uint64_t epoch; /* of this life; larger than any before */
    char experiment[NAME_BYTES_MAX];
    struct digest experiment_digest; /* where every line's chain starts */
    enum commit_mode mode;
    bool final_evaluation; /* each line's last job evaluates its champion on the test slice */
    bool opinion_promising;
    double audit; /* share of the jobs that are carried out a second time before their commit: 0..1
                   */
    bool poison_fails; /* a poisonous job is committed as FAILED; otherwise it stops its line */
    char numeric[VERSION_BYTES_MAX]; /* class of an ordered run; "" in arrival mode: any; "native":
                                        any openblas-..., of an ordered run the first that joins */
    uint32_t line_count, open_lines;
    uint32_t places; /* lines that may be open during replay; 0: open_lines */
    void (*line)(const void *context, uint32_t line, struct line_config *config); /* fills it */
    const void *line_context;
    uint32_t sessions_max;
    uint32_t heartbeat_ms, suspect_ms, lost_ms;
    uint32_t confirm_ms;  /* a lease that no heartbeat lists after this long did not arrive */
    uint32_t receipt_ms;  /* a result that is undecided for so long is acknowledged; less than a
                             worker waits before it sends one again */
    uint32_t reattach_ms; /* after a restart: how long to wait for workers to claim what they run */
};

/* The usual timings and limits; the caller fills the rest. */
struct core_config core_config_default(void);

/* ------------------------------------------------------------------ records: what the ledger keeps
 */

struct commit_record {
    uint64_t sequence; /* over the whole run, from 1 */
    struct job job;
    struct digest description; /* job_digest(&job) */
    uint32_t operator_index;
    struct job_key parent_ids[JOB_PARENTS_MAX];
    uint32_t depth;
    enum outcome outcome;
    double fitness;
    uint32_t metric_count;
    struct metric metrics[METRICS_MAX];
    struct digest child;
    uint64_t child_bytes, steps;
    bool admitted, champion;
    struct digest chain; /* of the line, this commit included */
    /* Below: told to people, never part of a digest. */
    uint32_t attempts; /* how often the job was handed out, */
    uint32_t opinions; /* and how often for a second opinion: its child, or the job once more */
    uint32_t compute_ms;
    char worker[NAME_BYTES_MAX], host[NAME_BYTES_MAX];
    char numeric[VERSION_BYTES_MAX]; /* class in which the worker computed */
    uint64_t waited_ms;              /* from creation to commit */
};

enum input_kind {
    INPUT_STOP = 1,   /* an open line creates no more jobs (hours are over, or a user said so) */
    INPUT_CANCEL = 2, /* a line that was not open yet never creates one */
    INPUT_SKIP = 3,   /* a job in flight is committed as FAILED when its turn comes */
    INPUT_LAST = INPUT_SKIP,
};

struct input_record {
    uint64_t sequence;
    enum input_kind kind;
    uint32_t line;
    uint64_t job; /* of INPUT_SKIP, else 0 */
};

struct ledger_record {
    enum { RECORD_COMMIT = 1, RECORD_INPUT = 2 } kind;
    union {
        struct commit_record commit;
        struct input_record input;
    };
};

/* --------------------------------------------------------------------------------------- events */

enum core_event_kind {
    CORE_TICKED = 1,
    CORE_MESSAGE_RECEIVED,
    CORE_BLOB_STORED,      /* verified and durable enough to survive kill -9 */
    CORE_BLOB_UNAVAILABLE, /* the worker does not have it, or stopped answering */
    CORE_STOP_REQUESTED,   /* becomes an INPUT_STOP or INPUT_CANCEL for every line */
    CORE_COMMAND_RECEIVED, /* a user's; answered by one ANSWER in the same step */
};

struct core_event {
    enum core_event_kind kind;
    uint64_t now_ms; /* monotonic; an earlier value than the last one counts as the last one */
    union {
        struct {
            struct instance_id from;
            const struct message *message; /* borrowed for the step */
        } received;
        struct {
            struct instance_id from; /* of an unavailable one */
            struct digest digest;
        } blob;
        const struct user_command *command; /* borrowed for the step */
    };
};

/* -------------------------------------------------------------------------------------- effects */

enum core_effect_kind {
    CORE_SEND = 1,
    CORE_PERSIST_COMMIT,
    CORE_PERSIST_INPUT,
    CORE_PERSIST_DETAIL, /* at the result's arrival, before its commit; a later one replaces it, one
                            of 0 bytes takes it back */
    CORE_PULL_BLOB,   /* until stored or unavailable; when the store has it already, say stored */
    CORE_CANCEL_PULL, /* no longer wanted: give it up without a word */
    CORE_DROP_BLOB,   /* nothing alive refers to it */
    CORE_NOTE,        /* for the log and the ledger's events; never decides anything */
    CORE_FINISH,      /* the run has ended, for the reason given */
    CORE_ANSWER, /* to whom the command of this step came from; like a SEND, it leaves after the
                    batch's PERSISTs are on disk: what is told is so */
};

enum note_kind {
    NOTE_WORKER_JOINED = 1,
    NOTE_WORKER_REFUSED,
    NOTE_WORKER_SUSPECT,
    NOTE_WORKER_LOST,
    NOTE_WORKER_LEFT,
    NOTE_WORKER_BENCHED,
    NOTE_LEASE_UNCLAIMED, /* a worker does not have what it was given */
    NOTE_SLOT_DIED,
    NOTE_ATTEMPT_FAILED,
    NOTE_JOB_QUARANTINED,
    NOTE_OPINION_DIFFERS,
    NOTE_LINE_CLOSED,
    NOTE_RESULT_DROPPED, /* to make room in its worker */
    NOTE_STUCK,          /* no worker has room for any work */
    NOTE_WORKER_DRAINING,
    NOTE_JOB_HANDED_OVER,
    NOTE_JOB_SKIPPED, /* a user gave it up */
    NOTE_KIND_LAST = NOTE_JOB_SKIPPED,
};

enum finish_code {
    FINISH_DONE = 1,     /* every line is closed */
    FINISH_POISONED = 2, /* what is left is quarantined; resumable */
};

struct core_effect {
    enum core_effect_kind kind;
    union {
        struct {
            struct instance_id to;
            struct message message; /* its pointers hold until the next step */
        } send;
        struct commit_record commit;
        struct input_record input;
        struct {
            struct job_key job;
            uint32_t bytes;
            const uint8_t *detail; /* borrowed from the event */
        } detail;
        struct {
            struct instance_id from;
            struct digest digest;
            uint64_t bytes; /* expected size */
        } pull;
        struct digest cancel;
        struct {
            struct digest digest;
            bool anchor; /* every 50th ancestor: `keep: live` keeps it all the same */
        } drop;
        struct {
            enum note_kind kind;
            bool has_job, has_instance;
            struct job_key job;
            struct instance_id instance;
            char text[REASON_BYTES_MAX + NAME_BYTES_MAX];
            const char *log_tail; /* borrowed from the event, or NULL */
        } note;
        struct {
            enum finish_code code;
        } finish;
        struct command_answer answer;
    };
};

/* Effects of one step: never more than this. */
enum { CORE_EFFECTS_MAX = 1024 };

struct core_effects {
    uint32_t count;
    struct core_effect items[CORE_EFFECTS_MAX];
};

/* ------------------------------------------------------------------------------------- functions
 */

/* Takes a copy of the config. NULL with the reason when memory is out or the config makes no sense.
 */
struct core *core_create(const struct core_config *config, struct error *error);
void core_destroy(struct core **core);

/*
 * core_replay: a larger budget reopens lines that had closed, and a stalled line is tried again, so
 * more lines may be open at once than open_lines: create the core anew with places = line_count.
 */
#define CORE_NEEDS_PLACES (-2)

/*
 * Applies one record of the ledger. Fails, naming the commit and the field, when the record is not
 * what this experiment and this engine would have produced: the ledger belongs to another
 * experiment or version, or is damaged. Records of a line's final job are checked when the line
 * ends there under the present budget and passed over otherwise: a larger budget goes on behind
 * them.
 */
int core_replay(struct core *core, const struct ledger_record *record, struct error *error)
    __attribute__((warn_unused_result));
/*
 * Whether that job may be given up, at this moment: it is in flight, or the one at which its line
 * stalled. Says why it may not. Also before core_start().
 */
enum skip_answer { SKIP_REFUSED = -1, SKIP_ALLOWED = 0, SKIP_IS_THERE = 1 /* already */ };
enum skip_answer core_may_skip(const struct core *core, struct job_key job, struct error *error)
    __attribute__((warn_unused_result));

/* From here on jobs may be leased. */
void core_start(struct core *core, uint64_t now_ms);

/* Clears `effects`, then fills it. */
void core_step(struct core *core, const struct core_event *event, struct core_effects *effects);
/* When to step a TICKED at the latest; in the past when work is left over. */
uint64_t core_deadline(const struct core *core);

/* The run's digest: of the lines' chains in order. Closed lines count with their final job. */
struct digest core_digest(const struct core *core);

/* True when the core refers to `digest`: after replay, the store keeps these and the anchors. */
bool core_needs_blob(const struct core *core, const struct digest *digest);

/* --------------------------------------------------------------------------- views, for status */

struct core_summary {
    uint64_t commits, created, jobs_total; /* jobs_total: over all lines, final jobs not counted */
    uint32_t lines, lines_closed, lines_open, lines_stalled;
    uint32_t waiting, leased, held, quarantined; /* jobs in flight by state */
    uint32_t workers, suspects, slots;
    uint64_t results, results_stale, attempts, deaths, opinions, handovers;
    /* Jobs whose result was to be confirmed; further executions that did so, and that did not. */
    uint64_t audits, audits_agreed, audits_differed;
    uint64_t admitted;
    bool has_champion;
    struct job_key champion;
    double champion_fitness;
};

struct core_summary core_summary(const struct core *core);

struct worker_summary {
    struct instance_id instance;
    char name[NAME_BYTES_MAX], host[NAME_BYTES_MAX];
    const char *state; /* "ready", "suspect", "draining", "benched" */
    uint32_t slots, capacity, leases;
    uint64_t done, silent_ms;
    uint64_t job_ms; /* what a job takes it, of the kind measured last; 0: not measured */
};

/* Whether a worker of that instance is joined. */
bool core_knows_worker(const struct core *core, const struct instance_id *instance);

/* Fills up to `max`; returns how many. */
uint32_t core_workers(const struct core *core, uint64_t now_ms, struct worker_summary *workers,
                      uint32_t max);

#endif
