/*
 * update.h: the constants of one optimiser step.
 *
 * They are computed in double from the settings, whose lr is that of the step, and the number of
 * the step, with the operations that IEEE 754 defines (powers by squaring, no libm), and rounded to
 * float once.
 */
#ifndef RATCHET_WORKER_ENGINE_UPDATE_H
#define RATCHET_WORKER_ENGINE_UPDATE_H

#include "worker/engine/engine.h"
#include "worker/engine/kernels.h"

struct update {
    enum optimizer optimizer;
    struct adamw_step adamw;
    struct sgd_step sgd;
};

/* For the update that follows on `optimizer_step` others. */
struct update update_prepare(const struct training_settings *settings, double weight_decay,
                             uint64_t optimizer_step);

/* base^exponent: squares from the lowest bit of the exponent up, factors multiplied as they come.
 */
double update_power(double base, uint64_t exponent);

#endif
