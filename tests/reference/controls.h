/*
 * controls.h: the course of a learning rate, smoothed labels and limits on norms in double, with
 * the C library's functions: the oracle of the engine's controls.
 *
 * It shares the engine's description of a schedule and no line of arithmetic.
 */
#ifndef RATCHET_TESTS_REFERENCE_CONTROLS_H
#define RATCHET_TESTS_REFERENCE_CONTROLS_H

#include "tests/reference/mlp.h"
#include "worker/engine/schedule.h"

/* The rate of a step, counted from 0. */
double reference_rate(const struct schedule *schedule, double lr, uint64_t step);

/* As reference_gradient, against the target (1 - smoothing) onehot + smoothing / classes: by that
 * mixture of the losses with every sample's own label and with one label for all. */
double reference_smoothed_gradient(const struct model *model, const double *parameters,
                                   const struct reference_batch *batch, double smoothing,
                                   double *gradient);

double reference_length(uint64_t count, const double *values);
/* torch.nn.utils.clip_grad_norm_ */
void reference_clip(double limit, uint64_t count, double *gradient);
/* The nearest parameters that are no longer than the limit. */
void reference_clamp(double limit, uint64_t count, double *parameters);

#endif
