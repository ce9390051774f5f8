/* op_rows.c: an image's rows as the steps of a sequence: numbers change places, nothing else. */
#include "worker/engine/ops/ops.h"

#include <string.h>

/* Number (c, y, x) of the image, and where it is among the steps: channel c * W + x of step y. */
struct places {
    float *image, *step;
};

static struct places places_of(const struct op *op, const struct activations *image,
                               const struct activations *steps, uint32_t number)
{
    const uint32_t width = op->in.width, height = op->in.height;
    const uint32_t x = number % width, y = number / width % height;
    const uint32_t channel = number / width / height * width + x;
    return (struct places){image->values + number * image->stride,
                           steps->values + (channel * height + y) * steps->stride};
}

static void forward(const struct pass *pass, const struct program_step *step)
{
    const struct op *op = pass_op(pass, step);
    const struct activations image = pass_value(pass, op->input);
    const struct activations steps = pass_value(pass, op->output);
    for (uint32_t i = 0; i < image.units; i++) {
        const struct places places = places_of(op, &image, &steps, i);
        memcpy(places.step, places.image, image.stride * sizeof *places.step);
    }
}

static void backward(const struct pass *pass, const struct program_step *step)
{
    const struct op *op = pass_op(pass, step);
    const enum delta_use use = pass->model->program->ops[step->first].input;
    const struct activations image = pass_delta(pass, op->input);
    const struct activations steps = pass_delta(pass, op->output);
    for (uint32_t i = 0; use != DELTA_UNWANTED && i < image.units; i++) {
        const struct places places = places_of(op, &image, &steps, i);
        const struct activations from = {1, image.n, image.stride, places.step};
        const struct activations to = {1, image.n, image.stride, places.image};
        pass_on(&from, &to, use);
    }
}

const struct op_row op_rows_as_steps = {
    .name = "rows",
    .forward = forward,
    .backward = backward,
};
