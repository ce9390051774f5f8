/* model.c: see model.h. How fresh numbers are drawn is in model_draw.c. */
#include "worker/engine/model.h"

#include "worker/engine/checkpoint.h"
#include "worker/engine/program.h"

#include <stdlib.h>

static int fill(struct model *model, const struct model_options *options, struct error *error)
{
    model->plan = plan_create(&options->text, options->inputs, options->classes, error);
    if (model->plan == NULL)
        return -1;
    model->activation = options->activation;
    model->initialisation = options->initialisation;
    model->inputs = model->plan->inputs;
    model->classes = model->plan->classes;
    model->layer_count = model->plan->layer_count;
    model->layers = model->plan->layers;
    model->parameter_count = model->plan->parameter_count;
    model->unit_count = model->plan->unit_count;
    model->program = program_create(model);
    if (model->program == NULL)
        return error_set(error, -1, "model: no memory for its %u ops", model->plan->op_count);
    return checkpoint_headers_create(model, error);
}

struct model *model_create(const struct model_options *options, struct error *error)
{
    struct model *model = calloc(1, sizeof *model);
    if (model == NULL) {
        error_set(error, -1, "model: no memory");
        return NULL;
    }
    if (fill(model, options, error) != 0)
        model_destroy(&model);
    return model;
}

void model_destroy(struct model **model)
{
    if (*model == NULL)
        return;
    checkpoint_headers_destroy(*model);
    program_destroy(&(*model)->program);
    plan_destroy(&(*model)->plan);
    free(*model);
    *model = NULL;
}
