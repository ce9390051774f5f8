/*
 * damage.c: one unit hit: its numbers, the child's cumulative damage, the job's hits.
 *
 * Which numbers belong to a part, and that their moments go with them, is network.h's affair.
 */
#include "worker/operators/mutation.h"

#include <assert.h>

void mutation_hit_incoming(struct mutation *mutation, struct victim victim, uint32_t parts)
{
    if ((parts & DAMAGE_INCOMING) == 0)
        return;
    if ((parts & DAMAGE_REINITIALISED) != 0)
        network_draw_incoming(mutation->child, victim.layer, victim.unit, &mutation->fresh);
    else
        network_zero_incoming(mutation->child, victim.layer, victim.unit);
}

void mutation_hit_outgoing(struct mutation *mutation, struct victim victim, uint32_t parts)
{
    if ((parts & DAMAGE_OUTGOING) != 0)
        network_zero_outgoing(mutation->child, victim.layer, victim.unit);
}

void mutation_record(struct mutation *mutation, struct victim victim, uint32_t parts)
{
    const struct unit_layer *layer = &mutation->child->model->layers[victim.layer];
    assert(parts <= DAMAGE_ALL);
    if (layer->outgoing_count == 0)
        parts &= ~(uint32_t)DAMAGE_OUTGOING; /* nothing to lose: a logit, a term of a sum */
    mutation->child->damage[layer->first_unit + victim.unit] |= (uint8_t)parts;
    damage_list_add(mutation->hits, victim.layer, victim.unit, parts);
}

void mutation_hit(struct mutation *mutation, struct victim victim, uint32_t parts)
{
    mutation_hit_incoming(mutation, victim, parts);
    mutation_hit_outgoing(mutation, victim, parts);
    mutation_record(mutation, victim, parts);
}

void operator_list_damage(const struct network *network, struct damage_list *list)
{
    const struct model *model = network->model;
    damage_list_clear(list);
    for (uint32_t l = 0; l < model->layer_count; l++) {
        const uint8_t *damage = network->damage + model->layers[l].first_unit;
        for (uint32_t u = 0; u < model->layers[l].out; u++)
            if (damage[u] != 0)
                damage_list_add(list, l, u, damage[u]);
    }
}
