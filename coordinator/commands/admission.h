/*
 * admission.h: by which rule a committed job entered its population, or did not.
 *
 * Told from the ledger alone: the line's commits before it say whom it met. The rules are those of
 * coordinator/search, told again for people and not decided anew; where what is found here does not
 * agree with what was committed, the rule is ADMISSION_UNTOLD.
 */
#ifndef RATCHET_COORDINATOR_COMMANDS_ADMISSION_H
#define RATCHET_COORDINATOR_COMMANDS_ADMISSION_H

#include "coordinator/reading/reader.h"

enum admission_rule {
    ADMISSION_UNTOLD = 1,  /* a strategy whose rule is not known here */
    ADMISSION_EVALUATION,  /* the job made no individual */
    ADMISSION_FAILED,      /* nobody could carry it out */
    ADMISSION_DIVERGED,    /* not a number: never a winner */
    ADMISSION_ROOM,        /* the population was not full yet */
    ADMISSION_STRICT,      /* fitter than the rival, which is the one that is kept */
    ADMISSION_EPSILON,     /* not worse than the rival by more than epsilon */
    ADMISSION_WORST,       /* fitter than the rival, which is the worst */
    ADMISSION_PARENT,      /* fitter than the rival, which is its parent */
    ADMISSION_PARENT_GONE, /* its parent had left the population */
    ADMISSION_OLDEST,      /* whoever comes takes the place of the rival, which is the oldest */
};

/* "strict"; for JSON. */
const char *admission_rule_name(enum admission_rule rule);

struct admission {
    enum admission_rule rule;
    uint32_t kept, capacity; /* individuals in the population when it came */
    double epsilon;
    bool has_rival, has_champion;
    struct job_key rival, champion; /* champion: of its line, when it came */
    double rival_fitness, champion_fitness;
};

/* `record` is one of the reader's. 0, or -1 with the reason. */
int admission_explain(struct reader *reader, const struct commit_record *record,
                      struct admission *admission, struct error *error)
    __attribute__((warn_unused_result));

#endif
