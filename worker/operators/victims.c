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

struct victim victim_draw_hidden(struct mutation *mutation)
{
    const struct model *model = mutation->child->model;
    uint64_t hidden = model->layers[model->layer_count - 1].first_unit;
    assert(hidden > 0 && hidden <= UINT32_MAX);
    uint32_t number = random_below(&mutation->choices, (uint32_t)hidden);
    struct victim victim = {.layer = 0};
    while (number >= model->layers[victim.layer].out)
        number -= model->layers[victim.layer++].out;
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
