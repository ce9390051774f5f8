/* update.c: see update.h. */
#include "worker/engine/update.h"

#include <math.h>

double update_power(double base, uint64_t exponent)
{
    double power = 1.0;
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            power *= base;
        base *= base;
    }
    return power;
}

struct update update_prepare(const struct training_settings *settings, double weight_decay,
                             uint64_t optimizer_step)
{
    struct update update = {.optimizer = settings->optimizer};
    float keep = (float)(1.0 - settings->lr * weight_decay);
    if (settings->optimizer == OPTIMIZER_SGD) {
        update.sgd = (struct sgd_step){.keep = keep,
                                       .l2 = (float)settings->l2,
                                       .lr = (float)settings->lr,
                                       .momentum = (float)settings->momentum};
        return update;
    }
    double first = 1.0 - update_power(settings->beta1, optimizer_step + 1);
    double second = 1.0 - update_power(settings->beta2, optimizer_step + 1);
    update.adamw = (struct adamw_step){.keep = keep,
                                       .l2 = (float)settings->l2,
                                       .beta1 = (float)settings->beta1,
                                       .beta2 = (float)settings->beta2,
                                       .one_less_beta1 = (float)(1.0 - settings->beta1),
                                       .one_less_beta2 = (float)(1.0 - settings->beta2),
                                       .step_size = (float)(settings->lr / first),
                                       .root_scale = (float)(1.0 / sqrt(second)),
                                       .eps = (float)settings->eps};
    return update;
}
