/*
 * schedule.h: the learning rate of each step of a training.
 *
 * A rate is a function of the schedule and of the step's number in the training, so a training may
 * be cut anywhere. It is computed in double with IEEE operations in the order that README.md gives
 * (the cosine is portable_cosine), and belongs to the class `portable`.
 */
#ifndef RATCHET_WORKER_ENGINE_SCHEDULE_H
#define RATCHET_WORKER_ENGINE_SCHEDULE_H

#include <stdint.h>

enum schedule_kind {
    SCHEDULE_CONSTANT = 0,
    /* final + (lr - final) (1 + cos(pi t / T)) / 2 at step t of T: Loshchilov and Hutter 2017, eq.
     * 5, without a restart */
    SCHEDULE_COSINE = 1,
    /* The same over T_0 steps, then over T_0 * T_mult, and so on, each from lr: ibid., SGDR */
    SCHEDULE_SGDR = 2,
    /* lr * decay^floor(t / decay_steps) */
    SCHEDULE_GEOMETRIC = 3,
};

/* All zeros: the rate is lr throughout. What a kind does not name is ignored. */
struct schedule {
    enum schedule_kind kind;
    uint64_t warmup;         /* in front of the schedule: step s has lr * (s + 1) / warmup */
    uint64_t steps;          /* cosine: of the whole training, warm-up and all */
    uint64_t restart_steps;  /* sgdr: T_0, at least 1 */
    uint64_t restart_factor; /* sgdr: T_mult, at least 1 */
    double final;            /* cosine, sgdr */
    double decay;            /* geometric, above 0 */
    uint64_t decay_steps;    /* geometric, at least 1 */
};

/* Of step `step` of the training, counted from 0; `lr` is the greatest. */
double schedule_rate(const struct schedule *schedule, double lr, uint64_t step);

#endif
