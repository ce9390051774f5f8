/*
 * worker_core.h: the worker's supervisor as data in, data out.
 *
 * The counterpart of the coordinator's core, of the same shape: worker_core_step() takes one event
 * with the time and fills in its effects; no clock, socket, file, thread or allocation. It joins,
 * takes leases, sees that their bytes are in the cache, hands them to free slots, keeps finished
 * results until their verdict, and carries on through any outage of the coordinator.
 *
 * States: JOINING (says hello until welcomed), READY (welcomed; silent coordinators are waited
 * for), LEAVING (no new work: hands running jobs over or waits for them, then goodbye), GONE.
 */
#ifndef RATCHET_WORKER_CORE_WORKER_CORE_H
#define RATCHET_WORKER_CORE_WORKER_CORE_H

#include "common/error.h"
#include "proto/message.h"

#include <stddef.h>

struct worker_core;

struct worker_config {
    char name[NAME_BYTES_MAX], host[NAME_BYTES_MAX];
    char engine_version[VERSION_BYTES_MAX];
    struct instance_id instance;
    struct home_id home;
    char token[TOKEN_BYTES_MAX]; /* that lets its key in; "": none. Only over encrypted wires */
    uint32_t slots;
    uint32_t jobs_per_slot; /* leases wanted per slot: 2 hides one round trip */
    uint32_t cohort; /* most jobs that a slot is given together, 1 .. WORKER_COHORT_MAX; fewer where
                        the slot says that fewer are better */
    uint32_t numeric_count;
    char numeric[NUMERIC_CLASSES_MAX][VERSION_BYTES_MAX];
    uint32_t hello_ms_min, hello_ms_max; /* 250 doubling to 8000 between hellos */
    uint32_t resend_ms;                  /* a result without verdict is sent again after this */
    uint32_t spool_ms;  /* results that took at least this long go to disk; shorter ones only while
                           the coordinator is silent: they are cheaper to compute again */
    uint64_t linger_ms; /* without a coordinator: leave after this; UINT64_MAX: never */
    bool stay;          /* do not leave when the run ends: join the next one */
};

/* No slot is given more jobs at once: that all of them end together is still one step's work. */
enum { WORKER_COHORT_MAX = 16 };

struct worker_config worker_config_default(void);

enum worker_event_kind {
    WORKER_TICKED = 1,
    WORKER_MESSAGE_RECEIVED,
    WORKER_SLOT_READY,       /* the slot process is up and idle */
    WORKER_SLOT_COHORT,      /* so many jobs of the spec that it works on are best given together */
    WORKER_SLOT_FINISHED,    /* it gave the result of a job, whose child is pinned once; it is idle
                                once all that it was given together have come to their end */
    WORKER_SLOT_HANDED_OVER, /* after a STOP_SLOT, instead: it gave the state of its job, which is
                                pinned once (or has 0 bytes: could not be kept) */
    WORKER_SLOT_DIED,
    WORKER_BLOB_READY,       /* in the cache, verified; answers FETCH */
    WORKER_BLOB_FAILED,      /* the coordinator has not got it either */
    WORKER_BLOB_NO_ROOM,     /* none beside what is pinned: likewise failed */
    WORKER_BLOB_TOO_LARGE,   /* the whole cache has no room for it: the run is not for this worker,
                                which leaves */
    WORKER_RESULT_RECOVERED, /* found in the spool of `run` at the start, before the first tick; the
                                child is pinned once */
    WORKER_CACHE_LEVEL,      /* free room beside what is pinned */
    WORKER_CACHE_GONE,       /* somebody took it away: nothing can be computed, it leaves at once */
    WORKER_LEAVE_REQUESTED,  /* SIGTERM: hand over what runs, then go; soon in any case */
    WORKER_FINISH_REQUESTED, /* finish what runs, however long that takes, then go */
};

struct worker_event {
    enum worker_event_kind kind;
    uint64_t now_ms;
    union {
        const struct message *message; /* borrowed */
        struct {
            uint32_t slot;
            const struct result *result; /* borrowed; lease as in the RUN */
        } finished;
        struct {
            uint32_t slot;
            const struct handover *handover; /* borrowed; lease as in the RUN */
        } handed_over;
        struct {
            uint32_t slot;
            int32_t exit_code, signal;
            bool out_of_memory;
            const char *log_tail; /* borrowed */
        } died;
        struct {
            uint32_t slot, size;
        } cohort;
        uint32_t slot; /* ready */
        struct digest digest;
        struct {
            struct digest digest; /* where the member above is */
            uint64_t bytes, cache_bytes;
        } too_large;
        struct {
            struct run_id run;
            const struct result *result; /* borrowed */
        } recovered;
        struct {
            bool full; /* no room for another child: ask for no work */
            uint64_t bytes;
        } cache;
        const char *reason; /* why the cache is gone; borrowed */
    };
};

enum worker_effect_kind {
    WORKER_SEND = 1,
    WORKER_RUN,       /* hand the job to the slot, which is idle, with those that follow */
    WORKER_STOP_SLOT, /* ask it to stop its jobs at the next step; it answers for each with FINISHED
                         or HANDED_OVER */
    WORKER_KILL_SLOT, /* its jobs are no longer wanted: kill and start anew; no death is reported */
    WORKER_FETCH,     /* have the blob in the cache and pinned, then say BLOB_READY; each FETCH is
                         answered, once */
    WORKER_UNPIN,     /* one user less of a blob in the cache */
    WORKER_SPOOL,     /* keep the result on disk until UNSPOOL, under (run, job) */
    WORKER_UNSPOOL,
    WORKER_EXIT,
};

/* The program's exit codes, as far as the core decides them; scripts rely on them. */
enum worker_exit {
    WORKER_EXIT_DONE = 0,
    WORKER_EXIT_FAILED = 1,
    WORKER_EXIT_NOT_LET_IN = 4,
};

struct worker_effect {
    enum worker_effect_kind kind;
    union {
        struct message message; /* its pointers hold until the next step */
        struct {
            uint32_t slot;
            uint32_t more;      /* so many RUNs of the same slot follow at once: a cohort */
            struct lease lease; /* borrowed from nothing: a copy */
        } run;
        uint32_t slot;
        struct digest digest;
        struct {
            struct run_id run;
            const struct result *result; /* holds until the next step */
        } spool;
        struct {
            struct run_id run;
            struct job_key job;
        } unspool;
        struct {
            enum worker_exit code;
            char reason[REASON_BYTES_MAX];
        } exit;
    };
};

enum { WORKER_EFFECTS_MAX = 256 };

struct worker_effects {
    uint32_t count;
    struct worker_effect items[WORKER_EFFECTS_MAX];
};

/* NULL with the reason when memory is out or the config makes no sense. */
struct worker_core *worker_core_create(const struct worker_config *config, struct error *error);
void worker_core_destroy(struct worker_core **core);

/* Clears `effects`, then fills it. Nothing happens any more after an EXIT. */
void worker_core_step(struct worker_core *core, const struct worker_event *event,
                      struct worker_effects *effects);
/* When to step a TICKED at the latest; in the past when work is left over. */
uint64_t worker_core_deadline(const struct worker_core *core);

struct worker_view {
    const char *state; /* "joining", "ready", "leaving", "gone" */
    bool handing_over; /* leaving, and what runs is to be given back */
    uint32_t queued, running, finished;
    uint64_t cohorts, cohort_jobs; /* of several jobs, given to slots so far; the jobs in them */
    uint64_t silent_ms;            /* since the coordinator was last heard */
    const char *numeric;           /* the class of the last welcome, or ""; points into the core */
};

struct worker_view worker_core_view(const struct worker_core *core, uint64_t now_ms);

#endif
