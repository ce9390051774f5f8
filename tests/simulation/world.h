/*
 * world.h: virtual time, what is going to happen in it, and the verdict on the seed.
 *
 * The world is a heap of actions ordered by (time, sequence): two actions of one millisecond happen
 * in the order in which they were scheduled. Time passes only when the next action is taken;
 * nothing runs beside it. An action is a function with its context and three numbers which the
 * scheduler of the action gives a meaning; a cancelled action is one that finds its token out of
 * date.
 */
#ifndef RATCHET_TESTS_SIMULATION_WORLD_H
#define RATCHET_TESTS_SIMULATION_WORLD_H

#include "tests/simulation/dice.h"

#include <stddef.h>
#include <stdint.h>

struct action {
    void (*run)(void *context, const struct action *action);
    void *context;
    uint64_t token;
    uint32_t index;
    void *payload; /* owned by whoever scheduled it */
};

struct scheduled {
    uint64_t time_ms, sequence;
    struct action action;
};

enum failure_kind {
    FAILURE_NONE = 0,
    FAILURE_INVARIANT, /* a promise was broken */
    FAILURE_DIGEST,    /* the result differs from the fault-free one */
    FAILURE_LIVENESS,  /* no end in sight although all is well */
};

struct failure {
    enum failure_kind kind;
    uint64_t time_ms;
    char text[1024];
};

struct world {
    uint64_t now_ms, sequence;
    uint64_t crowd;   /* actions taken in this very millisecond: time must go on */
    uint64_t actions; /* taken in all */
    struct scheduled *heap;
    size_t count, capacity;
    struct dice dice;
    struct failure failure; /* the first one */
    enum { WORLD_QUIET, WORLD_VERBOSE } voice;
};

void world_init(struct world *world, uint64_t seed);
void world_fini(struct world *world);

void world_schedule(struct world *world, uint64_t delay_ms, struct action action);
/* When the next action is due; UINT64_MAX when there is none. */
uint64_t world_next_ms(const struct world *world);
/* Takes the next action, which must be there. Fails the seed when time stands still. */
void world_step(struct world *world);

/* Keeps the first failure; the simulation ends at its next step. */
void world_fail(struct world *world, enum failure_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A line on standard error, when verbose. */
void world_trace(const struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
