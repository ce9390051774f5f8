/*
 * controls.c: operators without damage: new individuals, and the control arms of the published
 * study, which change nothing (none) or only how this one job trains (decay, dropout).
 */
#include "worker/operators/mutation.h"

/* The one parameter that each of these has. */
static double first_param(const struct mutation *mutation)
{
    return mutation->input->job->call.params[0];
}

void apply_init(struct mutation *mutation)
{
    model_draw(mutation->child->model, &mutation->fresh, mutation->child->parameters);
}

void apply_none(struct mutation *mutation)
{
    (void)mutation;
}

void apply_decay(struct mutation *mutation)
{
    mutation->training->weight_decay = first_param(mutation);
}

void apply_dropout(struct mutation *mutation)
{
    mutation->training->dropout = first_param(mutation);
}

void apply_init_decay(struct mutation *mutation)
{
    apply_init(mutation);
    apply_decay(mutation);
}

void apply_init_dropout(struct mutation *mutation)
{
    apply_init(mutation);
    apply_dropout(mutation);
}
