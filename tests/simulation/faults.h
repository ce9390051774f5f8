/*
 * faults.h: the catalogue of what can go wrong, and how bad each is in one seed.
 *
 * "Swarm testing" (Groce, Zhang, Eide, Chen, Regehr, ISSTA 2012): a seed does not roll every fault
 * a little; it switches most of them off and gives each of the others a strength between rare
 * and absurd. Faults hide each other's bugs, so a day without crashes but with half of all messages
 * lost finds other things than an average day.
 *
 * To add a fault: a line in the enum, a row in faults.c, and the place that asks for it.
 */
#ifndef RATCHET_TESTS_SIMULATION_FAULTS_H
#define RATCHET_TESTS_SIMULATION_FAULTS_H

#include "common/error.h"

#include <stdint.h>

enum fault {
    FAULT_LOSS,
    FAULT_DUPLICATION,
    FAULT_DELAY,
    FAULT_DAMAGE,
    FAULT_PARTITION,
    FAULT_CLOG,
    FAULT_COORDINATOR_KILL,
    FAULT_POWER_CUT,
    FAULT_COORDINATOR_STALL,
    FAULT_COORDINATOR_PAUSE,
    FAULT_DISK_FULL,
    FAULT_WORKER_KILL,
    FAULT_WORKER_REHOME,
    FAULT_WORKER_PAUSE,
    FAULT_WORKER_LEAVE,
    FAULT_DRAIN,
    FAULT_SLOT_DEATH,
    FAULT_SLOT_HANG,
    FAULT_ATTEMPT_FAILED,
    FAULT_CACHE_EVICTION,
    FAULT_CACHE_FULL,
    FAULT_POISON,
    FAULT_DIVERGENCE,
    FAULT_FOREIGN,
    FAULT_WRONG_OPINION,
    FAULT_CLOCK_DRIFT,
    FAULT_CLOCK_STEP,
    FAULT_LIAR,
    FAULT_FORGER,
    FAULT_STOP,
    FAULT_BUDGET_RAISE,
    FAULT_SKIP,
    FAULT_COUNT,
};

enum fault_measure {
    FAULT_PER_MILLION = 1, /* chance per message, job or seat */
    FAULT_EVERY_MS = 2,    /* mean time from one to the next */
};

struct fault_info {
    const char *name;
    enum fault_measure measure;
    uint64_t least, most; /* strength in that measure, when on; each magnitude equally likely */
    const char *help;
};

const struct fault_info *fault_info(enum fault fault);

/* Which faults a seed may have, and whether it has to have them all. */
struct fault_choice {
    uint64_t allowed; /* bit set */
    uint64_t forced;  /* of these: on in every seed */
};

/*
 * Words between commas: "none"; "default": each may be on; a fault's name: it is on in every seed;
 * its name behind a minus: it is off. 0, or -1 with the unknown word.
 */
int fault_choice_parse(const char *text, struct fault_choice *choice, struct error *error)
    __attribute__((warn_unused_result));

/* Strength per fault in its measure; 0: off. */
struct fault_plan {
    uint64_t strength[FAULT_COUNT];
};

/* Where there are forgers, whatever would leave one alone is off, also when it was asked for. */
struct fault_plan fault_plan_draw(uint64_t seed, const struct fault_choice *choice);
/* The chance of a FAULT_PER_MILLION fault. */
double fault_chance(const struct fault_plan *plan, enum fault fault);

#endif
