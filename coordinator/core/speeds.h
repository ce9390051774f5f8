/*
 * speeds.h: how fast each worker is, and what follows from it.
 *
 * Jobs that evaluate with the same thing (a line's spec) are of one *kind*. A worker's *pace* is
 * what a job of a kind takes it, measured: from the times that results bring, and from the age of
 * jobs that it has not finished yet. Nobody is asked how fast a machine is.
 *
 * So that workers and kinds can be compared, each kind has its *work*: what the first job of it
 * took, on a worker of slowness 1: a unit and nothing more. A worker's *slowness* is its pace over
 * the work, averaged over what it did. Slowness falls into classes, four to an octave; workers of
 * neighbouring classes count as equally fast, as measurements are noisy.
 *
 * A slot may run several jobs at once, a cohort, and each takes as long as all of them: to whoever
 * waits for it such a worker has so many more slots (*lanes*), each with that pace.
 *
 * Times in microseconds. Included by core_internal.h alone.
 */
#ifndef RATCHET_COORDINATOR_CORE_SPEEDS_H
#define RATCHET_COORDINATOR_CORE_SPEEDS_H

#include "coordinator/core/core.h"

enum {
    SPEED_CLASSES = 128,
    SPEED_RATE_OF_ONE = 1 << 20, /* of one slot of slowness 1 */
    PACES_MAX = 8,         /* kinds for which a worker's pace is remembered: the latest ones */
    KINDS_REMEMBERED = 32, /* kinds that no open line has, for lines to come */
};

struct lease_entry;
struct session;

/* What jobs have in common that makes them take the same time. */
struct kind {
    struct digest spec;
    uint32_t serial; /* never used twice; 0: a free entry */
    uint32_t places; /* open lines of this kind */
    bool measured;
    uint64_t work_us; /* before it is measured: a guess */
};

struct pace {
    uint32_t serial; /* of the kind */
    uint32_t results;
    uint64_t us;
};

/* Of a session. */
struct speed {
    uint32_t own_slots; /* at least 1, */
    uint32_t slots;     /* and as many times the jobs that one runs at once, by its last results */
    double slowness;    /* by what it has done; 0: not measured */
    bool is_bound;      /* all that is known is that it is at least so slow */
    uint32_t results;
    uint64_t stale_ms; /* on the liveness clock: what was measured is too old from then on */
    struct pace paces[PACES_MAX];
    uint32_t next_pace, last_pace; /* where the next one goes; which was measured last */
    uint32_t last_kind;
    uint64_t load_us; /* work of the leases that it holds */
    /* Of the list of its leases so many run, from the head on, and this is the first that waits
     * for a slot, or NONE. */
    uint32_t running, first_queued;
    uint32_t speed_class; /* by slowness, or by what it has not finished in time */
    /* What it adds to the sums of its class; `rate` 0: nothing. */
    uint64_t rate, rated_load_us;
    uint32_t rated_class;
    bool rated_trusted;
};

/* Sums over the able and measured workers of a class. */
struct speed_class {
    uint32_t sessions;
    uint64_t rate;    /* SPEED_RATE_OF_ONE: a microsecond of work each microsecond */
    uint64_t load_us; /* work that they hold */
};

struct speeds {
    struct kind *kinds;
    uint32_t kind_capacity, next_kind, serial;
    uint64_t guess_us;
    uint32_t measured_count; /* workers in the sums, */
    uint32_t trusted_count;  /* and those among them that are trusted */
    uint64_t present[SPEED_CLASSES / 64];
    struct speed_class classes[SPEED_CLASSES];
};

/* The kind of a line that opens; the same for the same spec. */
uint32_t kind_open(struct core *core, const struct digest *spec);
void kind_close(struct core *core, uint32_t kind);

/* `slots`: as many as the worker says that it has. */
void speed_init(struct speed *speed, uint32_t slots);
/* A lease was added to its session's list, or is about to leave it. */
void speed_lease_added(struct core *core, uint32_t lease);
void speed_lease_leaves(struct core *core, uint32_t lease);

/* A job that took a worker so long. */
struct job_time {
    uint32_t slot;
    uint32_t compute_ms;
    uint32_t cohort; /* jobs that shared this time; 0: this one */
};
void speed_on_result(struct core *core, uint32_t session, struct job_time time);
/* The lease ends because another worker was quicker: this one would have taken longer still. */
void speed_on_outrun(struct core *core, uint32_t lease);

/* Brings class and sums up to date with the session and the time. */
void speed_refresh(struct core *core, uint32_t session);
/* Nothing is known of its speed, or what is known is old. */
bool speed_is_unknown(const struct core *core, const struct session *session);
/* It was seen to finish jobs, and not left behind by others since. */
bool speed_is_trusted(const struct speed *speed);
/* Of a slowness; 0 to SPEED_CLASSES - 1. */
uint32_t speed_class_of(double slowness);
/* The class in which the session is now. */
uint32_t speed_class_now(const struct core *core, const struct session *session);

/* So long has the lease been running; 0 when it waits for a slot. */
uint64_t speed_age_us(const struct core *core, const struct lease_entry *lease);
/* What a job of this kind usually takes the session; 0: not known. */
uint64_t speed_usual_us(const struct core *core, uint32_t session, uint32_t kind);
/* What it takes now, by the age of what the session has not finished as well. */
uint64_t speed_pace_us(const struct core *core, uint32_t session, uint32_t kind);
/* For people: of the kind that was measured last, in milliseconds; 0: not known. */
uint64_t speed_told_ms(const struct session *session);
/* After this time the session would have finished one more job of this kind; 0: not known. */
uint64_t speed_finish_us(const struct core *core, uint32_t session, uint32_t kind);
/* The clearly faster ones among the able workers together: what they have to do, and how fast. */
struct speed_class speed_of_faster(const struct core *core, uint32_t session);

#endif
