/*
 * core_internal.h: the coordinator core's tables, shared by the files of this folder and by nobody
 * else.
 *
 * Everything is an index into a table that core_create() sized: sessions (joined workers), leases
 * (a job at a worker), slots (jobs in flight), blobs (checkpoints that something alive refers to),
 * places (open lines). Who changes what:
 *
 *   sessions.c  hello, heartbeat, liveness, goodbye
 *   numeric.c   which numeric class is welcome
 *   leases.c    hand-out and take-back of jobs
 *   results.c   results, second opinions on would-be champions
 *   deaths.c    slot processes that died
 *   relief.c    making room when all caches are full
 *   audits.c    jobs that are carried out a second time before their commit
 *   groups.c    how many workers there are of each numeric class
 *   speeds.c    how fast workers are
 *   credit.c    who may get work, and who first
 *   waiting.c   jobs that wait for a worker
 *   window.c    which of them goes to whom
 *   twins.c     second leases of late jobs
 *   lines.c     creation rule, stops, poison
 *   skips.c     jobs that a user gives up
 *   blobs.c     who refers to which checkpoint
 *   commits.c   results enter their line's state
 *   orders.c    what users order, and the answers
 *   drain.c     workers that are to leave
 *   handover.c  jobs given back partly trained
 *   slots.c     the table of jobs in flight
 *   receipts.c  telling workers that a result is here
 *   replay.c    the ledger's records, applied anew
 *   core.c      create, step, deadline, views
 *   explain.c   views that answer "why?"
 *   effects.c   appending effects; index lists
 *
 * Life of a job (struct slot):
 *
 *   WAITING --lease--> LEASED --result--> HELD --its turn, bytes and opinion there--> committed
 * (freed) ^                 | lost, died, failed   | bytes gone, result disproved
 *      +-----------------+----------------------+
 *
 *   third counted death: QUARANTINED until its turn to commit, when its line stalls; or HELD as
 * failed, as whatever job a user gives up
 */
#ifndef RATCHET_COORDINATOR_CORE_CORE_INTERNAL_H
#define RATCHET_COORDINATOR_CORE_CORE_INTERNAL_H

#include "common/fixed_map.h"
#include "coordinator/core/core.h"
#include "coordinator/core/speeds.h"

#define NONE UINT32_MAX

enum {
    COMMITS_PER_STEP = 48, /* then the step ends and the deadline is in the past */
    LEASES_PER_STEP = 128,
    VERDICTS_PER_BEAT = 128, /* the next heartbeat gets the next ones */
    LOSSES_PER_STEP = 64,
    RECEIPTS_PER_STEP = 64,
    INPUTS_PER_STEP = 128,
    OPENINGS_PER_STEP = 64,
    DROPS_PER_STEP = 64,
    POISON_DEATHS = 3,
    FAILURES_MAX = 3,
    DISPUTES_MAX = 8,
    HOLDERS_MAX = 4,
    OPINIONS_MAX = 2,
    VOTES_MAX = 16,
    TROUBLES_MAX = 4,
    PARKED_PER_STEP = 1024,
    STUCK_MS = 15000, /* so long must nothing be leased for want of room before something is done */
    RELIEF_MS = 1000, /* between two results that are given up to make room */
    ANCHOR_DEPTH = 50,
    CLOCK_STEP_MS_MAX = 1000, /* of silence per step: a coordinator that was stopped for a minute
                                 must not blame its workers */
    TICK_MS = 500,
};

/* A doubly linked list threaded through a table by index. */
struct list {
    uint32_t head, tail;
};

struct link {
    uint32_t next, previous;
};

enum session_state { SESSION_FREE = 0, SESSION_READY, SESSION_SUSPECT };

struct session {
    enum session_state state;
    struct instance_id instance;
    struct home_id home;
    bool benched;      /* gave a result that others disproved: gets no more work */
    bool proven_wrong; /* by two others: its bench is not lifted while it stays */
    bool draining;     /* was told to leave: gets no more work */
    char name[NAME_BYTES_MAX], host[NAME_BYTES_MAX], numeric[VERSION_BYTES_MAX];
    uint32_t group; /* those of its numeric class */
    uint32_t slots, capacity, lease_count;
    uint32_t beat;       /* counts heartbeats, to tell which leases the last one listed */
    uint32_t generation; /* of this table entry: a stale index is recognised */
    uint64_t heard_ms;   /* on the liveness clock */
    uint64_t done;
    struct link by_silence; /* longest silent first */
    struct link by_credit;  /* see struct credit */
    uint32_t credit_list;   /* in which of the lists */
    bool in_credit, able;   /* able: ready, not benched, with any capacity at all */
    bool silent;            /* suspect and not benched */
    struct speed speed;
    struct list leases;
};

struct lease_entry {
    struct lease_key key;
    uint32_t slot, session;
    enum lease_reason reason;
    uint64_t since_ms, since_live_ms;
    bool runs;        /* as far as can be told from here: the oldest leases have the slots, */
    uint64_t runs_ms; /* since then, on the liveness clock */
    uint64_t work_us;
    bool measures;  /* the worker's speed was not known when it got this one */
    uint32_t beat;  /* session->beat of the last heartbeat that listed it, */
    uint32_t phase; /* and enum held_phase by that one; 0: none has yet. For explain.c alone */
    struct link in_session, in_slot;
};

enum slot_state {
    SLOT_FREE = 0,
    SLOT_WAITING,
    SLOT_LEASED,
    SLOT_HELD,
    SLOT_QUARANTINED,
    SLOT_BEYOND, /* past the limits: see lines.c */
};

enum opinion_state { OPINION_NONE = 0, OPINION_WAITING, OPINION_LEASED, OPINION_AGREED };

/* What a worker says of a job: who, and a hash of all that must be equal. See audits.c. */
struct vote {
    struct home_id by;
    struct digest print;
};

/* A job in flight. */
struct slot {
    enum slot_state state;
    struct job job;
    struct digest description;
    uint32_t place;
    uint64_t order; /* of creation over the run: the oldest is leased first */
    uint64_t created_ms;
    uint32_t operator_index;
    struct job_key parent_ids[JOB_PARENTS_MAX];
    uint32_t depth; /* of the child */
    uint32_t parent_blobs[JOB_PARENTS_MAX];
    uint32_t attempts, deaths, failures;   /* attempts: leases of all kinds, */
    struct lease_key failed[FAILURES_MAX]; /* the attempts behind `failures`; zero: another reason
                                            */
    uint32_t opinions;                     /* and how many of them asked for an opinion */
    uint32_t twins;                        /* or were second ones of a late job */
    uint64_t work_us;                      /* as counted where it waits, or its leases are */
    uint32_t trouble_count; /* workers where the job died, failed or got lost; the last few */
    struct instance_id trouble_at[TROUBLES_MAX];
    struct list leases;
    struct link in_place;
    uint32_t heap_place, newest_place; /* among the waiting, or NONE */
    uint32_t next_parked;
    bool in_ready;
    struct link by_ready; /* held results that may be due for commit */

    bool has_detail; /* the ledger holds one of an earlier result */
    bool skipped;    /* by an input: HELD as failed */

    /* The result, while HELD. */
    enum outcome outcome;
    double fitness;
    uint32_t metric_count;
    struct metric metrics[METRICS_MAX];
    struct digest child;
    uint64_t child_bytes, steps;
    uint32_t compute_ms;
    char worker[NAME_BYTES_MAX], host[NAME_BYTES_MAX], numeric[VERSION_BYTES_MAX];
    struct instance_id holder; /* who has the child's bytes */
    struct lease_key held_under;
    bool owes_receipt; /* its worker has not been told that the result is here, */
    uint64_t held_ms;  /* which it has been since then */
    struct link by_receipt;
    uint32_t child_blob; /* reference held while the bytes are wanted, or NONE */
    bool waits_for_blob;
    struct link by_blob; /* slots that wait for the same bytes */

    /* What is carried out of it already, while there is no result. */
    struct partial partial;                  /* whoever gets the job goes on from here */
    uint32_t partial_blob;                   /* reference, or NONE: there is none */
    char partial_numeric[VERSION_BYTES_MAX]; /* in which class: no other can go on */
    struct partial handed;                   /* being fetched, */
    uint32_t handed_blob;                    /* reference, or NONE: none is, */
    uint32_t handed_lease;                   /* and under which lease it was given back */

    /* Second opinion: on the child (LEASE_PROMISING), or the whole job once more (LEASE_AUDIT). */
    enum opinion_state opinion;
    enum lease_reason opinion_reason;
    struct digest opinion_description;
    uint32_t disputes; /* results dropped because opinions did not agree with them, and audits that
                          settled nothing */
    uint32_t opinion_count;
    double opinion_fitness[OPINIONS_MAX];
    struct instance_id opinion_by[OPINIONS_MAX];

    /* Of an audited job: what the held result says, and all votes of its numeric class, also those
     * whose results are gone; the last one is the last in time. */
    struct digest held_print;
    char vote_numeric[VERSION_BYTES_MAX];
    uint32_t vote_count, audit_failures;
    struct vote votes[VOTES_MAX];
};

enum blob_state { BLOB_UNKNOWN = 0, BLOB_PULLING, BLOB_STORED };

struct holder {
    uint32_t session, generation;
};

struct blob {
    struct digest digest;
    uint32_t references;
    enum blob_state state;
    bool anchor;
    struct instance_id pulled_from;
    struct list waiting; /* slots */
    uint32_t state_of;   /* slot whose state, handed over, this is to become; or NONE */
    struct holder holders[HOLDERS_MAX];
    uint32_t next_holder, next_free;
};

enum line_state { LINE_UNOPENED = 0, LINE_OPEN, LINE_CLOSED, LINE_STALLED };

/* What is remembered of each line for ever. */
struct line {
    enum line_state state;
    bool stopped;       /* by an input */
    bool stall_skipped; /* once STALLED: the job where it did is given up by an input */
    bool has_champion;
    uint32_t place;
    struct digest chain;
    uint64_t commits, created;
    uint64_t stalled_job; /* once STALLED */
    struct individual champion;
};

/* An open line. */
struct place {
    bool used;
    uint32_t line;
    struct line_config config;
    void *strategy; /* state */
    uint64_t next_job, next_commit;
    uint64_t stagnation; /* commits since the champion changed */
    struct list slots;
    uint32_t in_flight, due; /* created and not committed; of these, within the limits */
    bool ended;              /* by fitness, stagnation or a stop */
    bool finalising;         /* the final job was created */
    uint32_t champion_blob;
    uint32_t kind; /* of its jobs, by what they take */
};

enum { CREDIT_UNKNOWN = SPEED_CLASSES, CREDIT_WORDS = CREDIT_UNKNOWN / 64 + 1 };

/* Those that may get work, in turn, in lists by predicted finish; the last list is of those whose
 * speed is not known. */
struct credit {
    struct list lists[CREDIT_UNKNOWN + 1];
    uint64_t present[CREDIT_WORDS]; /* a bit for each list that is not empty */
};

/* The workers of one numeric class that have joined and are not benched. */
struct group {
    char numeric[VERSION_BYTES_MAX];
    uint32_t joined; /* benched ones counted in: 0 frees the entry */
    uint32_t trusted, able;
    uint32_t silent; /* suspect: they may be back in a moment */
};

struct core {
    struct core_config config;
    uint64_t now_ms, live_ms; /* live_ms: the liveness clock */
    bool started, finished;
    uint64_t dispatch_from_ms;
    uint64_t sequence, order;
    char numeric[VERSION_BYTES_MAX]; /* what `native` stands for in this run; "": not settled yet */
    bool numeric_kept;               /* a result depends on it */

    struct session *sessions;
    struct list by_silence;
    struct credit credit;
    struct speeds speeds;
    struct fixed_map *by_instance, *by_home;
    uint32_t session_count, benched_count, able_count;
    uint32_t *free_sessions, free_session_count;
    uint64_t silence_deadline; /* on the liveness clock */
    struct group *groups;      /* one for each class that was ever there at the same time */
    uint32_t group_count;

    struct lease_entry *leases;
    uint32_t *free_leases, free_lease_count, lease_capacity;

    struct slot *slots;
    uint32_t *free_slots, free_slot_count, slot_capacity;
    struct fixed_map *by_job;
    uint32_t *heap, heap_count;     /* slots to lease, oldest first */
    uint32_t *newest, newest_count; /* the plain ones among them, newest first */
    uint64_t waiting_us;            /* their work */
    bool leases_cut;                /* the last dispatch ended before its work did */
    uint64_t twin_at;               /* when a late job may have become worth a twin */
    uint32_t twin_place;            /* the place that was looked at last for one */
    uint64_t relief_at;             /* on the liveness clock; UINT64_MAX: not stuck */
    struct list ready, unreceipted; /* the latter longest held first */

    struct blob *blobs;
    uint32_t free_blob, fresh_blobs, blob_capacity; /* fresh: never used, from this index on */
    struct fixed_map *by_digest;

    struct line *lines;
    uint32_t next_line, open_count, closed_count, stalled_count;
    struct place *places;
    uint32_t place_count;
    uint32_t stop_cursor; /* lines below it have their INPUT_STOP; NONE: none requested */

    struct core_effects *effects; /* of the step under way; NULL during replay */
    struct core_summary counters;
};

/* ------------------------------------------------------------------------------- effects.c, list.c
 */

/* The next effect of this kind, its union unset. NULL during replay: nothing leaves then. */
struct core_effect *effect_add(struct core *core, enum core_effect_kind kind);
/* A message to `to` with kind and epoch set, its body unset; NULL during replay. */
struct message *effect_send(struct core *core, const struct instance_id *to,
                            enum message_kind kind);
void effect_verdict(struct core *core, const struct instance_id *to, const struct lease_key *lease,
                    enum verdict_kind verdict);

struct note {
    enum note_kind kind;
    const struct job_key *job;          /* or NULL */
    const struct instance_id *instance; /* or NULL */
    const char *log_tail;               /* or NULL */
};
void effect_note(struct core *core, struct note note, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* `links` is the table's first link, `stride` the size of a table entry. */
void list_init(struct list *list);
void list_append(struct list *list, struct link *links, size_t stride, uint32_t index);
void list_remove(struct list *list, struct link *links, size_t stride, uint32_t index);

/* ---------------------------------------------------------------------------------------- blobs.c
 */

/* Finds or makes the entry and adds a reference. */
uint32_t blob_reference(struct core *core, const struct digest *digest);
void blob_release(struct core *core, uint32_t blob);
uint32_t blob_find(const struct core *core, const struct digest *digest);
/* A table keyed by the first half of a digest cannot hold two that share it. Honest digests never
 * do. */
bool blob_conflicts(const struct core *core, const struct digest *digest);
/* Notes that the session has the bytes in its cache. */
void blob_add_holder(struct core *core, uint32_t blob, uint32_t session);
/* Makes the slot wait for its child's bytes and asks for them where nobody has yet. */
void blob_want(struct core *core, uint32_t slot);
void blob_stop_waiting(struct core *core, uint32_t slot);
/* Refers to a state that is handed over and asks for its bytes. The core must not know it yet. */
uint32_t blob_want_state(struct core *core, uint32_t slot, const struct partial *state,
                         const struct instance_id *from);
void blob_on_stored(struct core *core, const struct digest *digest);
void blob_on_unavailable(struct core *core, const struct digest *digest,
                         const struct instance_id *from);

/* ------------------------------------------------------------------------------------- sessions.c
 */

uint32_t session_find(const struct core *core, const struct instance_id *instance);
void sessions_on_message(struct core *core, const struct instance_id *from,
                         const struct message *message);
/* Marks suspects, drops the lost; at most LOSSES_PER_STEP. */
void sessions_watch(struct core *core);
/* To be called whenever capacity, leases or state of the session changed. */
void session_update_credit(struct core *core, uint32_t session);
void session_bench(struct core *core, const struct instance_id *instance);
/* Two others agree against it: also if nobody else is left, and for as long as it stays. */
void session_bench_proven(struct core *core, uint32_t session);
/* "ready", "suspect", "draining", "benched" */
const char *session_state_name(const struct session *session);
/* The worker with this cache and spool, under whatever instance, or NONE. */
uint32_t session_find_home(const struct core *core, const struct home_id *home);

/* -------------------------------------------------------------------------------------- numeric.c
 */

/* The class in which the worker would compute, or NULL when it has none that this run accepts. */
const char *numeric_choose(const struct core *core, const struct hello *hello);
/* A worker of this class joins: a run that has not got its one class yet has it from now on. */
void numeric_settle(struct core *core, const char *numeric);
/* There is a result of that class. */
void numeric_keep(struct core *core);
/* A worker has gone. */
void numeric_release(struct core *core);
/* Why numeric_choose() said NULL: names what is needed. */
void numeric_explain(const struct core *core, char reason[REASON_BYTES_MAX]);
/* The class of a commit of the ledger; -1 when the run has another one. */
int numeric_replay(struct core *core, const struct commit_record *record, struct error *error);

/* --------------------------------------------------------------------------------------- audits.c
 */

/* Whether the job is to be carried out a second time: a function of the experiment alone. */
bool audit_is_drawn(const struct core *core, const struct slot *slot);
/* The result that the slot holds has just come from this session. */
void audit_on_first(struct core *core, uint32_t slot, uint32_t session,
                    const struct result *result);
/* True when the held result needs no audit, or has passed it; asks for one otherwise. */
bool audit_prepare(struct core *core, uint32_t slot);
/* Whether a result of the slot's job by this session, beside the one that is held, is a vote. */
bool audit_welcomes(const struct core *core, const struct slot *slot, uint32_t session);
/* Votes that are not for the result that is held. */
uint32_t audit_contradictions(const struct slot *slot);
/* A worker lists a task of this job: is it an earlier execution than the one that the lease asks
 * for? */
bool audit_is_past(const struct core *core, uint32_t lease, const struct lease_key *listed);
/* A result of a job that is held. False, with nothing done, when no audit has a use for it. */
bool audit_on_result(struct core *core, uint32_t slot, uint32_t session,
                     const struct result *result);
/* The auditor could not carry it out, or its slot process died of it. */
void audit_on_failure(struct core *core, uint32_t slot);
/* To whom a waiting audit would go now: as leases_choose(). */
uint32_t audit_choose(const struct core *core, const struct slot *slot);
/* Nobody is left who could confirm the held result: it has to be made anew. */
bool audit_is_orphan(const struct core *core, const struct slot *slot);

/* --------------------------------------------------------------------------------------- groups.c
 */

/* A worker of the class joins: its group. */
uint32_t group_join(struct core *core, const char *numeric);
void group_leave(struct core *core, const struct session *session);
/* The workers of the class, or NULL: there is none. */
const struct group *group_of(const struct core *core, const char *numeric);

/* --------------------------------------------------------------------------------------- leases.c
 */

void leases_dispatch(struct core *core);
/* Hands the slot's job, or the opinion on it, to the session. */
void lease_give(struct core *core, uint32_t slot, uint32_t session, enum lease_reason reason);
/* To whom a waiting job (or opinion) would go now: a session; NONE: somebody who is busy now is
 * waited for, or nobody is there. */
uint32_t leases_choose(const struct core *core, const struct slot *slot);
/* A worker runs a job (or an audit) that nobody was given in this epoch: it is its lease from now
 * on. */
void lease_adopt(struct core *core, uint32_t slot, uint32_t session, const struct lease_key *key);
void lease_free(struct core *core, uint32_t lease);
/* Takes a lease back: the job (or opinion) waits again. */
void lease_lost(struct core *core, uint32_t lease);
/* The job died, failed or got lost there: it goes elsewhere while there is anybody else. A twin's
 * end is no trouble. */
void slot_note_trouble(struct core *core, uint32_t slot, uint32_t session);
bool slot_had_trouble_at(const struct slot *slot, const struct instance_id *instance);
/* Ends all leases of a job that needs them no longer; tells the workers to stop, except `except`.
 */
void leases_end(struct core *core, uint32_t slot, uint32_t except_session);
/* The slot's lease with this very key at this session, or NONE. */
uint32_t lease_find_key(const struct core *core, uint32_t slot, uint32_t session,
                        const struct lease_key *key);
/* The slot's lease at this session for the description with this prefix, or NONE. */
uint32_t lease_find(const struct core *core, uint32_t slot, uint32_t session, uint64_t prefix);

/* ------------------------------------------------------------- credit.c, waiting.c, window.c,
 * twins.c
 */

/* Puts the session into its list, or into none, by its state, leases and speed. */
void credit_place(struct core *core, uint32_t session);
/* Sees to it that the first session is where it belongs: time makes late ones slower. */
void credit_settle(struct core *core);
/* In the order of predicted finish, those of unknown speed last; NONE at the end. */
uint32_t credit_first(const struct core *core);
uint32_t credit_next(const struct core *core, uint32_t session);
/* The same, but only a few of each list, which take turns at its head. `seen` is 0 at first. */
uint32_t credit_next_of_few(const struct core *core, uint32_t session, uint32_t *seen);
uint32_t credit_first_known(const struct core *core);
uint32_t credit_first_unknown(const struct core *core);

/* Puts the slot among those to be leased (its job, or an opinion on its child). */
void waiting_add(struct core *core, uint32_t slot);
void waiting_remove(struct core *core, uint32_t slot);
/* A job that waits and that anybody may have. */
bool slot_is_plain(const struct slot *slot);

struct match {
    uint32_t slot, session; /* or NONE */
};
/* The next plain job that is to be leased, and to whom. */
struct match window_match(const struct core *core);
/* Whatever job the session got, faster ones would wait for it. */
bool window_is_closed_to(const struct core *core, uint32_t session);

/* Gives late jobs a second lease where workers have room and nothing else to do. */
void twins_dispatch(struct core *core);

/* -------------------------------------------------------------------------------------- results.c
 */

void results_on_result(struct core *core, uint32_t session, const struct result *result);
/* Sentence on what is wrong with a result of this job, or NULL. */
const char *result_fault(const struct core *core, const struct slot *slot,
                         const struct result *result);
/* The result as it is kept and compared: one NaN for all, diverged when its fitness is no number.
 */
struct result result_clean(const struct slot *slot, const struct result *result);
/* The slot holds this result from now on; whatever it held before is forgotten. */
void result_keep(struct core *core, uint32_t slot, const struct session *session,
                 const struct result *result);
/* The slot's result is void (bytes gone, disproved): the job waits again. */
void result_drop(struct core *core, uint32_t slot);
/* Bytes and opinions that a commit needs under the present state: true when all are there. */
bool result_prepare(struct core *core, uint32_t slot);
/* The description of the second opinion on the slot's child. */
struct job opinion_job(const struct slot *slot);
/* Takes back the detail of an earlier result. */
void result_forget_detail(struct core *core, uint32_t slot);

/* ---------------------------------------------------------------------------------------- deaths.c
 */

void deaths_on_death(struct core *core, uint32_t session, const struct death *death);

/* ---------------------------------------------------------------------------------------- relief.c
 */

/*
 * When every worker's cache is full of results whose turn has not come, the job whose turn it is
 * finds no worker: gives up the newest of those results, so that there is room again.
 */
void relief_advance(struct core *core);

/* ------------------------------------------------------------------------------------- receipts.c
 */

/* The slot has a result: its worker will hear of it, unless it is decided soon. */
void receipt_owe(struct core *core, uint32_t slot);
/* The worker needs no receipt any more: it was told, or hears the decision. */
void receipt_settle(struct core *core, uint32_t slot);
/* Gives those that are due, at most RECEIPTS_PER_STEP. */
void receipts_give(struct core *core);
/* When the next one is due, on the clock of events; UINT64_MAX: none is owed. */
uint64_t receipts_deadline(const struct core *core);

/* ---------------------------------------------------------------------------------------- orders.c
 */

/* Carries out what a user orders, and answers. */
void orders_on_command(struct core *core, const struct user_command *command);
/* The answer of an order's handler, a sentence. */
void order_done(struct command_answer *answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void order_refused(struct command_answer *answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* -------------------------------------------------------------------------------------- handover.c
 */

/* A worker gives a job back that is trained up to some step. */
void handover_on_message(struct core *core, uint32_t session, const struct handover *handover);
/* What the slot's job goes on from at this worker; no bytes: from the beginning. */
struct partial handover_for(const struct core *core, uint32_t slot, uint32_t session);
/* The bytes are there, or cannot be had. */
void handover_on_stored(struct core *core, uint32_t slot);
void handover_on_unavailable(struct core *core, uint32_t slot);
/* The lease ends: what was handed over under it is not waited for any more. */
void handover_on_lease_end(struct core *core, uint32_t lease);
/* What is carried out already is of no use any more. */
void handover_forget(struct core *core, uint32_t slot);

/* ----------------------------------------------------------------------------------------- drain.c
 */

/* COMMAND_DRAIN: the worker gets no more work and is told to leave, */
void drain_order(struct core *core, const struct user_command *command,
                 struct command_answer *answer);
/* and is told again with every heartbeat. */
void drain_remind(struct core *core, uint32_t session);

/* ---------------------------------------------------------------------------------------- slots.c
 */

struct map_key slot_key(struct job_key job);
/* A slot for job `number` of the place's line: key, seed, spec and data are filled in. */
struct slot *slot_open(struct core *core, uint32_t place, uint64_t number, uint32_t *index);
/* The job's description is complete: it waits for a worker from now on. */
void slot_publish(struct core *core, uint32_t index);
struct candidate slot_candidate(const struct core *core, uint32_t index);
void slot_unmark_ready(struct core *core, uint32_t index);
/* The same for a job past the limits: it holds its parents, and no worker hears of it. */
void slot_publish_beyond(struct core *core, uint32_t index);
/* Ends whatever concerns the job, gives up its references and frees the slot. */
void slot_close(struct core *core, uint32_t index);
/* Frees the slot; what the job refers to stays referred to. */
void slot_abandon(struct core *core, uint32_t index);

/* -------------------------------------------------------------------------------------- commits.c
 */

/* Whether the job is the one that its line may commit next. */
bool slot_is_next(const struct core *core, const struct slot *slot);
/* The slot's result may be due for commit. */
void slot_mark_ready(struct core *core, uint32_t index);
/* The result enters the line's state. `*record` is what the ledger keeps of it. */
void slot_commit(struct core *core, uint32_t index, struct commit_record *record);
/* A job was committed: the next one's result may be due now. */
void slot_mark_successor(struct core *core, struct job_key job);
/* Commits what is due, at most COMMITS_PER_STEP. */
void commits_advance(struct core *core);

/* ---------------------------------------------------------------------------------------- lines.c
 */

/* What the job key names in this core. */
enum job_standing { JOB_IN_FLIGHT, JOB_OVER, JOB_NOT_YET };
enum job_standing lines_standing(const struct core *core, struct job_key job, uint32_t *slot);

/* The creation rule, and what follows it at the end of a line. */
void lines_create_jobs(struct core *core, uint32_t place);
/* A place for one more line, or NONE. */
uint32_t lines_free_place(const struct core *core);
void lines_open_one(struct core *core, uint32_t place);
/* Opens lines while there is room, at most OPENINGS_PER_STEP. */
void lines_open(struct core *core);
bool lines_can_open(const struct core *core);
/* Every line is closed or stalled. */
bool lines_all_over(const struct core *core);
/* The job killed its worker too often: its line will stop there, or it is committed as failed. */
void lines_poison(struct core *core, uint32_t slot, const char *evidence);
/* Its line will stop there in any case. */
void lines_quarantine(struct core *core, uint32_t slot, const char *evidence);
/* Whatever is held or under way for the job is void: it is committed as failed in its turn. */
void lines_fail(struct core *core, uint32_t slot);
/* The line of this quarantined job, whose turn it is, stops; resumable by another life. */
void lines_stall(struct core *core, uint32_t slot);
void lines_request_stop(struct core *core);
/* INPUTs of a stop request, at most INPUTS_PER_STEP. */
void lines_stop_some(struct core *core);

/* ---------------------------------------------------------------------------------------- skips.c
 */

void skip_order(struct core *core, const struct user_command *command,
                struct command_answer *answer);
/* The same as the ledger has it: for a job in flight, by its slot. */
void skip_apply(struct core *core, uint32_t slot);

/* --------------------------------------------------------------------------------------- replay.c
 */

int replay_commit(struct core *core, const struct commit_record *record, struct error *error);
int replay_input(struct core *core, const struct input_record *record, struct error *error);

#endif
