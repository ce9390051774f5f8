/*
 * explain.h: why a job is where it is, why a worker has no work, what holds a line and the run.
 *
 * Views of a core, for `ratchet why`: they change nothing and allocate nothing, and what they cost
 * grows with the jobs in flight and the workers, never with the jobs done. They say what is so, in
 * enums and numbers; words are made of it by coordinator/commands/why_*.c. What has gone (committed
 * jobs, lost workers) is not here but in the ledger.
 */
#ifndef RATCHET_COORDINATOR_CORE_EXPLAIN_H
#define RATCHET_COORDINATOR_CORE_EXPLAIN_H

#include "coordinator/core/core.h"

enum {
    EXPLAINED_LEASES_MAX = 8,
    EXPLAINED_TROUBLES_MAX = 4,
};

/* All workers together, as the dispatcher sees them. */
struct crowd {
    uint32_t joined, ready, suspect, benched, draining; /* joined: all of them */
    uint32_t full;              /* ready, and take no work at all at present */
    uint32_t slots, slots_idle; /* of the ready ones; idle: without a job */
    uint32_t slots_slow; /* of the idle: whatever job they got, faster workers would wait for it */
    uint32_t waiting;    /* jobs and opinions that wait for a worker */
};

struct crowd core_crowd(const struct core *core);
/* Silence after which a worker counts as lost. */
uint32_t core_lost_ms(const struct core *core);

/* ------------------------------------------------------------------------------------- lines */

enum line_stage { LINE_IS_WAITING = 1, LINE_IS_OPEN, LINE_IS_CLOSED, LINE_IS_STALLED };

/* What keeps a line from having more jobs in flight. */
enum creation_hold {
    CREATION_WINDOW = 1, /* as many are as lookahead allows: a commit makes room */
    CREATION_STRATEGY,   /* the strategy waits for commits before it proposes more */
    CREATION_OVER,       /* all that the limits allow are created: the line comes to its end */
    CREATION_FINAL,      /* only the final evaluation is left */
};

struct line_explanation {
    uint32_t line;
    enum line_stage stage;
    uint64_t commits;
    /* Of an open line: */
    enum creation_hold hold;
    uint64_t next_commit, jobs; /* number of the next job to commit; the budget */
    uint32_t lookahead, in_flight;
    uint32_t waiting, leased, held, quarantined; /* of those in flight; the rest is past the limits
                                                  */
    bool has_oldest;
    struct job_key oldest; /* of those in flight: an ordered line commits it next */
};

/* False when there is no such line. */
bool core_explain_line(const struct core *core, uint32_t line, struct line_explanation *explained);
/* Open lines, fills up to `max`; returns how many it filled. */
uint32_t core_open_lines(const struct core *core, uint32_t *lines, uint32_t max);

/* -------------------------------------------------------------------------------------- jobs */

enum job_stage {
    JOB_IS_UNKNOWN = 1,  /* its line or number does not exist */
    JOB_IS_LINE_WAITING, /* its line is not open yet */
    JOB_IS_NOT_CREATED,
    JOB_IS_BEYOND, /* past a limit: nobody will carry it out unless that is raised */
    JOB_IS_WAITING,
    JOB_IS_LEASED,
    JOB_IS_HELD,
    JOB_IS_QUARANTINED,
    JOB_IS_OVER, /* committed, or its line has ended: the ledger knows */
};

/* Why a job (or an opinion on one) is with no worker. */
enum worker_wait {
    WAIT_RESTART = 1, /* after a restart, workers may first claim what they run */
    WAIT_NOBODY,      /* no worker has joined */
    WAIT_SILENT,      /* all are suspect, benched or draining */
    WAIT_ROOM,        /* all ready ones take no work at present */
    WAIT_BUSY,        /* all ready ones have as much as they asked for */
    WAIT_FASTER,      /* those with room would be done with it too late: faster ones are busy */
    WAIT_OTHERS,      /* those with room had trouble with it, or have spoken: others are busy */
    WAIT_MOMENT,      /* nothing: it goes out at the next step */
};

/* What a result waits for before it is committed. */
enum commit_wait {
    COMMIT_TURN = 1, /* older jobs of its line */
    COMMIT_BYTES,    /* its child's bytes are under way */
    COMMIT_OPINION,  /* another worker's word on its child */
    COMMIT_MOMENT,   /* nothing */
    COMMIT_AUDIT,    /* another worker's result of the same job */
};

struct worker_tag {
    struct instance_id instance;
    bool joined; /* still; otherwise name and host are "" */
    char name[NAME_BYTES_MAX], host[NAME_BYTES_MAX];
};

struct lease_explanation {
    struct job_key job;
    struct worker_tag worker;
    const char *worker_state; /* as in struct worker_summary */
    uint64_t worker_silent_ms;
    uint32_t reason; /* enum lease_reason */
    uint32_t attempt;
    uint32_t phase; /* enum held_phase, as the last heartbeat told; 0: none has told yet */
    uint64_t since_ms;
};

struct job_explanation {
    struct job_key job;
    enum job_stage stage;
    /* From JOB_IS_WAITING to JOB_IS_QUARANTINED: */
    uint64_t age_ms; /* since it was created, or the coordinator started */
    uint32_t attempts, opinions, deaths, failures;
    uint64_t partial_steps; /* carried out already by those who handed it over; 0: none */
    uint32_t trouble_count; /* workers where it died, failed or got lost; the last few */
    struct worker_tag troubles[EXPLAINED_TROUBLES_MAX];
    uint32_t lease_count; /* those filled in */
    struct lease_explanation leases[EXPLAINED_LEASES_MAX];
    /* While it, or an opinion on it, waits for a worker: */
    enum worker_wait worker_wait;
    uint64_t restart_ms; /* of WAIT_RESTART: so long still */
    uint32_t ahead;      /* jobs and opinions that wait as well, and are older */
    /* While it is held: */
    enum commit_wait commit_wait;
    bool its_turn; /* no older job of its line is in the way */
    enum outcome outcome;
    double fitness;
    char worker[NAME_BYTES_MAX], host[NAME_BYTES_MAX]; /* who computed it */
    struct worker_tag holder;                          /* who has its bytes */
    uint64_t child_bytes;
    uint32_t contradictions; /* opinions, or results of audits, that did not agree with it */
};

void core_explain_job(const struct core *core, struct job_key job,
                      struct job_explanation *explained);

/* ----------------------------------------------------------------------------------- workers */

/* Why a worker has no more work than it has. */
enum worker_hold {
    WORKER_HAS_ENOUGH = 1, /* every slot has a job */
    WORKER_IS_SUSPECT,
    WORKER_IS_BENCHED,
    WORKER_IS_DRAINING, /* it was told to leave */
    WORKER_TAKES_NONE,  /* it asks for none: its cache is full, or it is about to leave */
    WORKER_RESTART,     /* the coordinator was restarted and hands nothing out yet */
    WORKER_WOULD_DELAY, /* whatever job it got, faster workers would wait for it */
    WORKER_NO_JOBS,     /* no job waits */
    WORKER_AVOIDED,     /* the jobs that wait had trouble there, or want another's word */
    WORKER_MOMENT,      /* nothing: it gets one at the next step */
};

struct worker_explanation {
    struct worker_tag worker;
    char numeric[VERSION_BYTES_MAX];
    const char *state; /* as in struct worker_summary */
    enum worker_hold hold;
    uint32_t slots, capacity, leases;
    uint32_t running, queued, kept; /* of the leases; kept: results of its that wait for a verdict
                                     */
    uint64_t done, silent_ms;
    uint64_t job_ms;      /* what a job takes it, of the kind measured last; 0: not measured */
    uint32_t lease_count; /* those filled in */
    struct lease_explanation lease[EXPLAINED_LEASES_MAX];
};

/*
 * Workers of that name, or whose instance begins with these hexadecimal digits (four at least).
 * Fills up to `max`; returns how many it filled.
 */
uint32_t core_find_workers(const struct core *core, const char *name, struct instance_id *found,
                           uint32_t max);
/* False when it has not joined. */
bool core_explain_worker(const struct core *core, const struct instance_id *instance,
                         struct worker_explanation *explained);

/* -------------------------------------------------------------------------------------- run */

/* What the whole run waits for. */
enum run_hold {
    RUN_IS_OVER = 1,
    RUN_RESTART,
    RUN_NOBODY,
    RUN_SILENT,
    RUN_ROOM,
    RUN_COMPUTES, /* every slot has a job: the workers are what it waits for */
    RUN_WINDOW,   /* slots are idle: full windows wait for their oldest jobs */
    RUN_STRATEGY, /* slots are idle: the strategy wants results first */
    RUN_ENDS,     /* slots are idle: the last jobs are under way */
    RUN_DELAYS,   /* slots are idle: they are so slow that the others would wait for them */
    RUN_AVOIDS,   /* slots are idle: jobs wait for another worker than those */
    RUN_MOMENT,
};

enum run_hold core_explain_run(const struct core *core);

#endif
