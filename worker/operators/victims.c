/*
 * victims.c: which unit is hit: the three distributions of the published study, to the letter.
 *
 * In `full` the layer is drawn before the unit, so a unit of a narrow layer is hit more often than
 * one of a wide layer; in `hidden` all hidden units have the same chance.
 */
#include "worker/operators/mutation.h"

#include <assert.h>

struct victim victim_draw_full(struct mutation *mutation)
{
    const struct model *model = mutation->child->model;
    struct victim victim;
    victim.layer = random_below(&mutation->choices, model->layer_count);
    victim.unit = random_below(&mutation->choices, model->layers[victim.layer].out);
    return victim;
}

/* Hidden units of a layer that damage may draw from. */
static uint32_t units_of(const struct unit_layer *layer)
{
    return layer->is_stem ? 0 : layer->out;
}

struct victim victim_draw_hidden(struct mutation *mutation)
{
    const struct model *model = mutation->child->model;
    uint64_t hidden = 0;
    for (uint32_t l = 0; l + 1 < model->layer_count; l++)
        hidden += units_of(&model->layers[l]);
    if (hidden == 0) /* a model of logits alone */
        return victim_draw_output(mutation);
    assert(hidden <= UINT32_MAX);
    uint32_t number = random_below(&mutation->choices, (uint32_t)hidden);
    struct victim victim = {.layer = 0};
    while (number >= units_of(&model->layers[victim.layer]))
        number -= units_of(&model->layers[victim.layer++]);
    victim.unit = number;
    return victim;
}

struct victim victim_draw_output(struct mutation *mutation)
{
    const struct model *model = mutation->child->model;
    uint32_t last = model->layer_count - 1;
    return (struct victim){
        .layer = last,
        .unit = random_below(&mutation->choices, model->layers[last].out),
    };
}
