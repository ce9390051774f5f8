/*
 * receipts.c: telling workers that a result is here, though undecided.
 *
 * HELD spares the worker sending its result again. Most results are released a moment after they
 * came, which says as much: so HELD is said only of those that are still undecided after
 * receipt_ms, long before the worker would repeat itself.
 */
#include "coordinator/core/core_internal.h"

static void forget(struct core *core, uint32_t index)
{
    core->slots[index].owes_receipt = false;
    list_remove(&core->unreceipted, &core->slots[0].by_receipt, sizeof *core->slots, index);
}

void receipt_owe(struct core *core, uint32_t index)
{
    struct slot *slot = &core->slots[index];
    slot->owes_receipt = true;
    slot->held_ms = core->now_ms;
    list_append(&core->unreceipted, &core->slots[0].by_receipt, sizeof *slot, index);
}

void receipt_settle(struct core *core, uint32_t index)
{
    if (core->slots[index].owes_receipt)
        forget(core, index);
}

uint64_t receipts_deadline(const struct core *core)
{
    uint32_t oldest = core->unreceipted.head;
    return oldest == NONE ? UINT64_MAX : core->slots[oldest].held_ms + core->config.receipt_ms;
}

void receipts_give(struct core *core)
{
    for (uint32_t i = 0; i < RECEIPTS_PER_STEP && receipts_deadline(core) <= core->now_ms; i++) {
        uint32_t index = core->unreceipted.head;
        const struct slot *slot = &core->slots[index];
        forget(core, index);
        if (session_find(core, &slot->holder) != NONE)
            effect_verdict(core, &slot->holder, &slot->held_under, VERDICT_HELD);
    }
}
