/* liar.c: see liar.h. */
#include "tests/simulation/liar.h"

#include "tests/simulation/simulation.h"

#include <math.h>
#include <string.h>

/* One field each, so that whoever compares has to look at all of them. */
enum lie { LIE_FITNESS, LIE_METRICS, LIE_CHILD, LIE_STEPS, LIE_DETAIL, LIE_COUNT };

/* Large enough that no two lies are the same by chance. */
static double wrong(struct dice *dice, double value)
{
    return value - 0.25 - dice_unit(dice);
}

static void tell(struct dice *dice, const struct finding *finding)
{
    struct result *result = &finding->news->result;
    switch ((enum lie)dice_below(dice, LIE_COUNT)) {
    case LIE_FITNESS:
        result->fitness = wrong(dice, result->fitness);
        break;
    case LIE_METRICS:
        if (result->metric_count > 0) {
            uint32_t metric = dice_below(dice, result->metric_count);
            result->metrics[metric].value = wrong(dice, result->metrics[metric].value);
        }
        break;
    case LIE_CHILD: /* nobody cares for one that diverged */
        if (!isfinite(result->fitness))
            break;
        for (uint32_t i = 0; i < 8 && i < finding->child_bytes; i++)
            finding->child[finding->child_bytes - 1 - i] ^= (uint8_t)(1 + dice_below(dice, 255));
        break;
    case LIE_STEPS:
        result->steps += 1 + dice_u64(dice) % 1000000000;
        break;
    case LIE_DETAIL:
        result->detail_bytes = 16;
        for (uint32_t i = 0; i < result->detail_bytes; i++)
            finding->news->detail[i] = (uint8_t)dice_below(dice, 256);
        break;
    case LIE_COUNT:
        break;
    }
}

void liar_speak(struct worker_node *node, const struct finding *finding)
{
    struct simulation *simulation = node->simulation;
    struct dice *dice = &simulation->world.dice;
    if (node->role->forges) {
        struct digest description = job_digest(finding->job);
        uint64_t habit;
        memcpy(&habit, description.bytes, sizeof habit);
        struct dice own = dice_open(habit + node->seat, DICE_WORLD);
        simulation->fault_counts[FAULT_FORGER]++;
        tell(&own, finding);
    } else if (node->role->errs_per_million > dice_below(dice, 1000000)) {
        simulation->fault_counts[FAULT_LIAR]++;
        tell(dice, finding);
    }
}
