/*
 * control_cases.h: trainings under control, each with one of its means, the last with all: what the
 * tests of the controls share.
 */
#ifndef RATCHET_TESTS_UNIT_WORKER_ENGINE_CONTROL_CASES_H
#define RATCHET_TESTS_UNIT_WORKER_ENGINE_CONTROL_CASES_H

#include "worker/engine/engine.h"

/* Steps that the schedules are made for. */
enum { CONTROL_STEPS = 13 };

struct control_case {
    const char *name;
    double lr; /* the greatest */
    struct schedule schedule;
    double l2, weight_decay, label_smoothing, clip_norm, clamp_norm; /* 0: without */
    enum sample_order order;
};

/* NULL past the last. */
const struct control_case *control_case_at(uint32_t index);

/* Mini-batches of `batch`; of the optimiser what torch has as defaults, with momentum for SGD. */
struct training_settings control_case_training(const struct control_case *control,
                                               enum optimizer optimizer, uint32_t batch);

#endif
