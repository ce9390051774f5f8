/* norm.c: see norm.h. */
#include "worker/engine/norm.h"

#include <math.h>

void norm_clip(const struct kernels *kernels, double limit, size_t count, float *gradient)
{
    /* As PyTorch has it. */
    const double margin = 1e-6;
    double factor = limit / (sqrt(kernels->sum_squares(count, gradient)) + margin);
    if (factor < 1.0)
        kernels->scale((float)factor, count, gradient);
}

void norm_clamp(const struct kernels *kernels, double limit, size_t count, float *parameters)
{
    double length = sqrt(kernels->sum_squares(count, parameters));
    if (length > limit)
        kernels->scale((float)(limit / length), count, parameters);
}
