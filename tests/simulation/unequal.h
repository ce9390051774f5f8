/*
 * unequal.h: how much of its machines' speed a cluster of unequal ones makes use of.
 *
 * The production coordinator core hands jobs to made-up workers in virtual time: they take as long
 * as the scenario says, messages take a millisecond, nothing is lost. No worker core, codec or
 * network: what is measured is who gets which job when. It is exact: the same scenario gives the
 * same milliseconds on every machine.
 */
#ifndef RATCHET_TESTS_SIMULATION_UNEQUAL_H
#define RATCHET_TESTS_SIMULATION_UNEQUAL_H

#include "common/digest.h"
#include "coordinator/core/core.h"

enum { UNEQUAL_WORKERS_MAX = 32 };

/* Workers of one sort. */
struct unequal_sort {
    uint32_t workers, slots; /* slots: of each */
    uint32_t job_ms;
    uint32_t later_job_ms;      /* what a job takes from `changes_ms` on */
    uint64_t changes_ms;        /* 0: it stays as it is */
    uint64_t joins_ms, goes_ms; /* goes_ms 0: it stays */
};

struct unequal_scenario {
    const char *name;
    enum commit_mode mode;
    uint32_t lookahead, lines, jobs; /* jobs: of each line */
    uint32_t noise_percent;          /* a job takes so much more or less */
    enum { UNEQUAL_TRUSTING, UNEQUAL_CONFIRMING } opinions;
    uint64_t seed; /* of the noise */
    struct unequal_sort sorts[4];
};

struct unequal_result {
    bool finished;
    struct digest digest;
    uint64_t ms;     /* from the first worker's joining to the last commit */
    double ideal_ms; /* the same if no slot was ever idle and nothing computed twice */
    uint64_t twins;  /* leases for late jobs */
    uint64_t carried_out, commits;
};

struct unequal_result unequal_run(const struct unequal_scenario *scenario);
/* The same with the first sort of workers alone. */
struct unequal_result unequal_run_first_sort(const struct unequal_scenario *scenario);

/* The scenarios that the design names; the last one has no name. */
extern const struct unequal_scenario unequal_scenarios[];

#endif
