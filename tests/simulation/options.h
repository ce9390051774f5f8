/*
 * options.h: the command line of ratchet-sim.
 */
#ifndef RATCHET_TESTS_SIMULATION_OPTIONS_H
#define RATCHET_TESTS_SIMULATION_OPTIONS_H

#include "tests/simulation/faults.h"

enum exit_code { EXIT_CLEAN = 0, EXIT_WRONG = 1, EXIT_USAGE = 2, EXIT_STUCK = 3 };

struct options {
    uint64_t seed, seeds;
    uint64_t seconds; /* no further seed after that long; 0: all of them */
    uint64_t crowd, jobs;
    const char *faults;
    struct fault_choice choice;
    int first, verbose, json;
};

/* 0: go on; otherwise the exit code plus one, and everything is said. */
int options_parse(struct options *options, int argc, char **argv)
    __attribute__((warn_unused_result));

#endif
