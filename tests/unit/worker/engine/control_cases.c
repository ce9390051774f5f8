/* control_cases.c: see control_cases.h. */
#include "tests/unit/worker/engine/control_cases.h"

static const struct control_case cases[] = {
    {.name = "constant", .lr = 0.01},
    {.name = "warmup", .lr = 0.01, .schedule = {.warmup = 5}},
    {.name = "cosine",
     .lr = 0.02,
     .schedule = {.kind = SCHEDULE_COSINE, .warmup = 3, .steps = CONTROL_STEPS, .final = 0.002}},
    {.name = "sgdr",
     .lr = 0.02,
     .schedule = {.kind = SCHEDULE_SGDR, .restart_steps = 2, .restart_factor = 2, .final = 0.001}},
    {.name = "geometric",
     .lr = 0.02,
     .schedule = {.kind = SCHEDULE_GEOMETRIC, .decay = 0.8, .decay_steps = 2}},
    {.name = "l2", .lr = 0.01, .l2 = 0.5},
    {.name = "weight_decay", .lr = 0.01, .weight_decay = 0.5},
    {.name = "label_smoothing", .lr = 0.01, .label_smoothing = 0.2},
    {.name = "clip_norm", .lr = 0.02, .clip_norm = 0.25},
    {.name = "clamp_norm", .lr = 0.02, .clamp_norm = 2.5},
    {.name = "sequential", .lr = 0.01, .order = ORDER_SEQUENTIAL},
    {.name = "all",
     .lr = 0.02,
     .schedule = {.kind = SCHEDULE_SGDR,
                  .warmup = 2,
                  .restart_steps = 4,
                  .restart_factor = 1,
                  .final = 0.001},
     .l2 = 0.01,
     .weight_decay = 0.1,
     .label_smoothing = 0.1,
     .clip_norm = 0.3,
     .clamp_norm = 2.5,
     .order = ORDER_SEQUENTIAL},
};

const struct control_case *control_case_at(uint32_t index)
{
    return index < sizeof cases / sizeof cases[0] ? &cases[index] : NULL;
}

struct training_settings control_case_training(const struct control_case *control,
                                               enum optimizer optimizer, uint32_t batch)
{
    return (struct training_settings){
        .optimizer = optimizer,
        .lr = control->lr,
        .beta1 = 0.9,
        .beta2 = 0.999,
        /* Not small beside the gradients: else the first steps are signs, and a gradient near 0
         * shows its rounding at full size. */
        .eps = 1e-2,
        .momentum = optimizer == OPTIMIZER_SGD ? 0.9 : 0,
        .l2 = control->l2,
        .schedule = control->schedule,
        .label_smoothing = control->label_smoothing,
        .clip_norm = control->clip_norm,
        .clamp_norm = control->clamp_norm,
        .order = control->order,
        .batch = batch,
    };
}
