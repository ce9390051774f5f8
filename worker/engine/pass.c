/* pass.c: see pass.h. What each op does is in ops/. */
#include "worker/engine/pass.h"

#include "worker/engine/ops/ops.h"

#include <assert.h>
#include <string.h>

/* An update of fewer parameters waits for the next op's: narrow nets would pay more for the call
 * than for the work. Wide layers are updated while their gradient is in the cache. */
static const uint64_t update_parameters_min = 8192;

/* ------------------------------------------------------------------- where numbers lie, for ops/
 */

const struct op *pass_op(const struct pass *pass, const struct program_step *step)
{
    assert(step->end == step->first + 1);
    return &pass->model->plan->ops[step->first];
}

struct activations pass_value(const struct pass *pass, uint32_t value)
{
    const struct workspace *workspace = pass->workspace;
    const size_t stride = workspace->batch.stride;
    float *values = value == 0
                        ? workspace->batch.by_feature
                        : workspace->values + pass->model->program->values[value].row * stride;
    return (struct activations){shape_features(pass->model->plan->values[value]), workspace->n,
                                stride, values};
}

struct activations pass_delta(const struct pass *pass, uint32_t value)
{
    const struct program *program = pass->model->program;
    struct activations delta = pass_value(pass, value);
    const uint32_t slot = program->values[value].slot;
    delta.values =
        slot == PLAN_NONE ? NULL : pass->workspace->deltas + program->slot_row[slot] * delta.stride;
    return delta;
}

float *pass_kept(const struct pass *pass, const struct op *op)
{
    const struct program *program = pass->model->program;
    const struct program_op *own = &program->ops[op - pass->model->plan->ops];
    return pass->workspace->kept + own->kept * pass->workspace->batch.stride;
}

void add_values(const struct activations *from, const struct activations *to)
{
    for (uint32_t u = 0; u < to->units; u++) {
        const float *add = from->values + u * from->stride;
        float *sum = to->values + u * to->stride;
        for (size_t s = 0; s < to->stride; s++)
            sum[s] += add[s];
    }
}

void copy_values(const struct activations *from, const struct activations *to)
{
    for (uint32_t u = 0; u < to->units; u++)
        memcpy(to->values + u * to->stride, from->values + u * from->stride,
               to->stride * sizeof *to->values);
}

void pass_on(const struct activations *delta, const struct activations *to, enum delta_use use)
{
    if (use == DELTA_SET)
        copy_values(delta, to);
    else if (use == DELTA_ADD)
        add_values(delta, to);
}

bool pass_ends_at(const struct pass *pass, uint32_t value)
{
    return value == 0 ||
           (pass->first_op > 0 && value == pass->model->plan->ops[pass->first_op].input);
}

void pass_hand_over(const struct pass *pass, uint32_t value)
{
    if (pass_ends_at(pass, value) || !pass->model->program->values[value].delta_by_z)
        return;
    const uint32_t maker = value - 1; /* op i makes value i + 1 */
    const struct op *op = &pass->model->plan->ops[maker];
    struct activations values = pass_value(pass, value), delta = pass_delta(pass, value);
    activation_backward(pass, maker, &values, pass_kept(pass, op), &delta);
}

/* ------------------------------------------------------------------------------------ the walks */

/* A step of the program, or as much of it as is to be run. */
static struct program_step step_of(const struct pass *pass, uint32_t number)
{
    struct program_step step = pass->model->program->steps[number];
    if (step.first < pass->first_op)
        step.first = pass->first_op;
    return step;
}

struct activations pass_logits(const struct pass *pass)
{
    return pass_value(pass, pass->model->plan->value_count - 1);
}

float *pass_logits_delta(const struct pass *pass)
{
    return pass_delta(pass, pass->model->plan->value_count - 1).values;
}

void pass_forward(const struct pass *pass)
{
    const struct program *program = pass->model->program;
    for (uint32_t i = pass->first_step; i < program->step_count; i++) {
        const struct program_step step = step_of(pass, i);
        step.row->forward(pass, &step);
    }
}

void pass_backward(const struct pass *pass, const struct pass_update *update)
{
    const struct plan *plan = pass->model->plan;
    const struct program *program = pass->model->program;
    struct pass back = *pass;
    uint64_t pending = pass->model->parameter_count;
    back.update = update;
    for (uint32_t i = program->step_count; i-- > pass->first_step;) {
        const struct program_step step = step_of(pass, i);
        const struct op *first = &plan->ops[step.first], *last = &plan->ops[step.end - 1];
        if (!program->values[last->output].delta_wanted)
            continue; /* nor has anything before it parameters: all of them are updated */
        bool reports = step.row->reports != NULL && step.row->reports(pass, first);
        uint64_t done = last->parameters + last->parameter_count;
        if (reports && pending > done) {
            update->done(update->context, done, pending);
            pending = done;
        }
        step.row->backward(&back, &step);
        done = first->parameters;
        if (!reports && (i == pass->first_step || pending - done >= update_parameters_min))
            update->done(update->context, done, pending);
        if (reports || i == pass->first_step || pending - done >= update_parameters_min)
            pending = done;
    }
    const uint64_t bottom = plan->ops[step_of(pass, pass->first_step).first].parameters;
    if (pending > bottom) /* the first steps had nothing to do */
        update->done(update->context, bottom, pending);
}
