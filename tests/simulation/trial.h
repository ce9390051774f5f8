/*
 * trial.h: the experiment of one seed, and the workers that take part.
 *
 * A trial is what `ratchet run` would read from a file, small enough to be over in a second: a
 * strategy with random parameters, a few operators of the null evaluator, one to four lines. The
 * cast says what machines there are. They are drawn apart, since a trial's result must not depend
 * on its cast: that is the promise under test, and the fault-free reference run has a cast of one
 * worker with one slot.
 */
#ifndef RATCHET_TESTS_SIMULATION_TRIAL_H
#define RATCHET_TESTS_SIMULATION_TRIAL_H

#include "coordinator/core/core.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/network.h"
#include "worker/evaluators/null.h"

enum { ROLES_MAX = 12 };
enum { TRIAL_LINES_MAX = 4, TRIAL_DATA_BYTES_MAX = 4096 };

/*
 * Some runs end twice: under a first budget, and, resumed by the user with a larger one, under the
 * full one. The result must be that of a run which had the full budget from the start.
 */
enum trial_stage { STAGE_FIRST = 1, STAGE_FULL = 2 };

struct trial {
    struct core_config config; /* all but the epoch; line_context is set by trial_core_config */
    struct line_config lines[TRIAL_LINES_MAX];
    struct line_config first_lines[TRIAL_LINES_MAX]; /* with the first budget, which may be the full
                                                        one */
    bool extended;                                   /* it is not */
    char spec[256];                                  /* the evaluator's settings */
    struct digest spec_digest;
    struct null_spec null;
    /* A data set, which the null evaluator does not look at: it is fetched and held all the same,
     * in up to hundreds of chunks. Some trials have none: then no bytes and a digest of zeros. */
    uint8_t data[TRIAL_DATA_BYTES_MAX];
    uint32_t data_bytes;
    struct digest data_digest;
    /*
     * How much longer everything takes that the user and the machines decide: jobs, heartbeats,
     * patience, faults. At 1 jobs take milliseconds and a day of faults some minutes; at 256 jobs
     * take minutes or hours, and the day is one. What the cores and the network decide stays.
     */
    uint64_t pace;
    bool crowd;
    uint64_t job_ms; /* what a job takes a worker of speed 1 */
    uint32_t poison_per_million, divergent_per_million;
};

/* The trial of a seed. Of the faults those matter to it that are in the jobs and budgets
 * themselves. */
void trial_draw(struct trial *trial, uint64_t seed, const struct fault_plan *plan);
/* The jobs of the longest line: the final one is not counted. */
uint32_t trial_jobs_max(const struct trial *trial);
/* The configuration of one life of the coordinator. Borrows from the trial. */
struct core_config trial_core_config(const struct trial *trial, enum trial_stage stage,
                                     uint64_t epoch);
/*
 * Makes it a trial for a crowd, whatever was drawn: one line, ordered, with work for everybody at
 * any time and jobs of ten seconds.
 */
void trial_suit_crowd(struct trial *trial, uint32_t workers, uint32_t jobs);
/* One line for people. */
void trial_describe(const struct trial *trial, char *text, size_t size);

/* A job that kills every slot that runs it. */
bool trial_is_poison(const struct trial *trial, const struct job *job);
/* A job whose training diverges. If it does, its result is made what the ledger must say of it. */
bool trial_let_diverge(const struct trial *trial, const struct job *job, struct result *result);

/*
 * Whom the coordinator has to refuse; another numeric class only in an ordered run. Older and newer
 * ones speak another version of the protocol.
 */
enum foreignness {
    FOREIGN_NOT = 0,
    FOREIGN_NUMERIC,
    FOREIGN_ENGINE,
    FOREIGN_OLDER,
    FOREIGN_NEWER,
    FOREIGN_LAST = FOREIGN_NEWER,
};

struct role {
    uint32_t slots, jobs_per_slot;
    uint32_t cohort_max, cohort_best; /* as its user, and as its slots say */
    uint32_t slowness;                /* 1 .. 100 times job_ms */
    uint32_t host;
    uint32_t spool_ms;
    uint64_t linger_ms, arrives_ms;
    bool mistaken; /* its second opinions are wrong half of the time; its own results are not */
    uint32_t errs_per_million; /* how often its hardware makes a mistake */
    bool forges;               /* all its results are wrong, each always in the same way */
    bool stays;                /* for the next run */
    enum foreignness foreign;
};

struct cast {
    uint32_t seats;
    uint32_t role_count; /* of a crowd each role is given to many seats */
    struct role roles[ROLES_MAX];
};

const struct role *cast_role(const struct cast *cast, uint32_t seat);

void cast_draw(struct cast *cast, uint64_t seed, const struct fault_plan *plan);
/* One worker with one slot, there from the start. */
struct cast cast_of_one(void);
/* So many workers with one slot each, in the drawn roles, who come within some seconds. */
void cast_make_crowd(struct cast *cast, uint32_t workers);

/* What the workers of the run's own class offer. */
extern const char TRIAL_NUMERIC[];

#endif
