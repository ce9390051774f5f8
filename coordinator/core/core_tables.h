/*
 * core_tables.h: the coordinator core's state, for the files of this folder and for nobody else.
 *
 * Everything is an index into a table that core_create() sized: sessions (joined workers), leases
 * (a job at a worker), slots (jobs in flight), blobs (checkpoints that something alive refers to),
 * places (open lines).
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
#ifndef RATCHET_COORDINATOR_CORE_CORE_TABLES_H
#define RATCHET_COORDINATOR_CORE_CORE_TABLES_H

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
    struct lease_key died[POISON_DEATHS];  /* the attempts behind `deaths` */
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

#endif
