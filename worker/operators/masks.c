/*
 * masks.c: damage as a heritable thing: a mask of one lineage, or one mixed from two, applied at
 * once to the first parent's numbers.
 *
 * A mask goes over the units twice: first all that enters, then all that leaves. So whatever the
 * hits call zero is zero in the end, also where a fresh row crosses a column that was cut.
 */
#include "worker/operators/mutation.h"

/* Cumulative damage by unit of the model, and how the two mix. */
struct mask {
    const uint8_t *first, *second; /* second: NULL for a mask of one parent */
    double rate;                   /* chance of a damaged unit to take the second's parts */
    struct random choices;
};

/*
 * What can be hit of a unit that a checkpoint says was hit in `damage`. A checkpoint may come from
 * elsewhere: row and bias go together, and not every unit has a column.
 */
static uint32_t parts_of(const struct model *model, uint32_t layer, uint8_t damage)
{
    uint32_t parts = 0;
    if ((damage & (DAMAGE_INCOMING | DAMAGE_BIAS)) != 0)
        parts |= DAMAGE_INCOMING | DAMAGE_BIAS | (damage & (uint32_t)DAMAGE_REINITIALISED);
    if (model->layers[layer].outgoing_count > 0)
        parts |= damage & (uint32_t)DAMAGE_OUTGOING;
    return parts;
}

/* The mask at that unit; one draw for each unit that is damaged in either parent. */
static uint8_t mask_next(struct mask *mask, uint64_t number)
{
    uint8_t first = mask->first[number];
    if (mask->second == NULL || (first | mask->second[number]) == 0)
        return first;
    return random_unit(&mask->choices) < mask->rate ? mask->second[number] : first;
}

/* Takes the mask by value: each walk draws the same choices. */
static void mask_walk(struct mutation *mutation, struct mask mask,
                      void (*hit)(struct mutation *mutation, struct victim victim, uint32_t parts))
{
    const struct model *model = mutation->child->model;
    struct victim victim;
    for (victim.layer = 0; victim.layer < model->layer_count; victim.layer++) {
        const struct unit_layer *layer = &model->layers[victim.layer];
        for (victim.unit = 0; victim.unit < layer->out; victim.unit++) {
            uint8_t damage = mask_next(&mask, layer->first_unit + victim.unit);
            uint32_t parts = parts_of(model, victim.layer, damage);
            if (parts != 0)
                hit(mutation, victim, parts);
        }
    }
}

static void mask_apply(struct mutation *mutation, const struct mask *mask)
{
    mask_walk(mutation, *mask, mutation_hit_incoming);
    mask_walk(mutation, *mask, mutation_hit_outgoing);
    mask_walk(mutation, *mask, mutation_record);
}

void apply_mask_replay(struct mutation *mutation)
{
    struct mask mask = {.first = mutation->input->parents[0]->damage};
    mask_apply(mutation, &mask);
}

void apply_mask_cross(struct mutation *mutation)
{
    const struct operator_input *input = mutation->input;
    struct mask mask = {
        .first = input->parents[0]->damage,
        .second = input->parents[1]->damage,
        .rate = input->job->call.params[0],
        .choices = mutation->choices,
    };
    mask_apply(mutation, &mask);
}
