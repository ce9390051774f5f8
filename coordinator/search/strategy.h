/*
 * strategy.h: what a search strategy is: ask for a job, judge its result, be told the decision.
 *
 * A strategy is a table of functions over a state of fixed size, one file each. It is pure: its
 * answers are a function of (experiment, line, what it was told so far), its random numbers come
 * from philox by job number, it allocates nothing and keeps no pointer into what it is handed. That
 * is what makes a run a replay of its ledger.
 *
 * The order of calls for one line: open; then, driven by the core, ask (until WAIT or the lookahead
 * is full); after that, for each commit, judge and tell, and again ask. judge may be called at any
 * time, on any candidate, and changes nothing: the core uses it to fetch bytes ahead of the commit.
 */
#ifndef RATCHET_COORDINATOR_SEARCH_STRATEGY_H
#define RATCHET_COORDINATOR_SEARCH_STRATEGY_H

#include "common/param.h"
#include "proto/job.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct operator_choice {
    struct operator_call call;
    uint32_t parents; /* how many it takes: 1 or 2 */
    double weight;    /* > 0, relative to the others */
};

/* Which jobs train on the same mini-batches. */
enum stream_rule {
    STREAM_OF_LINE = 0, /* none, of two lines */
    STREAM_SHARED,      /* those of equal numbers, of all lines: common random numbers */
};

/* What the search part of one line is made of; outlives the strategy's state. */
struct search_config {
    uint64_t seed;
    uint32_t line;
    enum stream_rule stream;
    uint32_t operator_count;
    struct operator_choice operators[OPERATORS_MAX];
    struct operator_call founder; /* makes individuals without parents: see choice_founder();
                                     without a name: "init" */
    const struct strategy *strategy;
    double params[STRATEGY_PARAMS_MAX]; /* in the order of strategy->params */
};

/* A member of a population. Its name is the job that made it. */
struct individual {
    uint64_t job;
    struct digest checkpoint;
    double fitness;
    uint32_t depth; /* generations since its founder, along the first parent */
};

/* What ask proposes. With no parents the job founds a new individual with config->founder. */
struct proposal {
    uint32_t operator_index; /* into config->operators; OPERATOR_INIT for a founder */
    uint32_t parent_count;
    struct individual parents[JOB_PARENTS_MAX]; /* copies */
    uint64_t stream;
};

#define OPERATOR_INIT UINT32_MAX

enum ask_answer {
    ASK_PROPOSED = 1,
    ASK_WAIT = 2, /* nothing until a further commit */
};

/* A result as the strategy sees it. */
struct candidate {
    struct individual individual; /* fitness is NaN unless outcome is OK */
    uint32_t operator_index;
    uint32_t parent_count;
    uint64_t parents[JOB_PARENTS_MAX]; /* their jobs */
    enum outcome outcome;
    uint32_t metric_count;
    const struct metric *metrics; /* borrowed */
};

/* What changed in the population at a commit. */
struct turnover {
    bool admitted;
    uint32_t evicted_count;
    struct individual evicted[2];
};

struct strategy {
    const char *name;
    const char *summary; /* one line for `ratchet strategies` */
    const struct param *params;
    uint32_t param_count;
    bool founders_only; /* never proposes an operator: an experiment need not list any */

    /* Sentence about params that do not fit together, or NULL. */
    const char *(*check)(const struct search_config *config);
    /* Bytes of state for this line; aligned for any type. */
    size_t (*state_size)(const struct search_config *config);
    /* Individuals that it may keep at once: bounds the core's tables. */
    uint32_t (*population_max)(const struct search_config *config);
    void (*open)(void *state, const struct search_config *config);
    /* `job` is the number that the proposed job will get. */
    enum ask_answer (*ask)(void *state, uint64_t job, struct proposal *proposal);
    bool (*judge)(const void *state, const struct candidate *candidate);
    /* `admitted` is what judge said just before; fills *turnover. */
    void (*tell)(void *state, const struct candidate *candidate, struct turnover *turnover);
    /* Individuals now kept, in a fixed order: returns how many, writes up to `max`. */
    uint32_t (*population)(const void *state, struct individual *individuals, uint32_t max);
};

/* All strategies, in the order in which they are listed; NULL past the end. */
const struct strategy *strategy_at(uint32_t index);
const struct strategy *strategy_find(const char *name);

#endif
