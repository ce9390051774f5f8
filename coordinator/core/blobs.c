/*
 * blobs.c: which checkpoints something alive refers to, where they are, and who waits for them.
 *
 * A reference is held by each individual of a population, by each line's champion, by each parent
 * of a job in flight, by its state if it is partly trained, and by a result whose bytes are wanted.
 * When the last one goes the blob may
 * be dropped from the store, or its pull is called off.
 */
#include "coordinator/core/core_internal.h"

#include <assert.h>

enum drop_kind { DROP_USUAL, DROP_ANCHOR };

static struct map_key key_of(const struct digest *digest)
{
    return map_key_of_bytes(digest->bytes);
}

uint32_t blob_find(const struct core *core, const struct digest *digest)
{
    uint32_t blob = fixed_map_find(core->by_digest, key_of(digest));
    if (blob == FIXED_MAP_NONE || !digest_equal(&core->blobs[blob].digest, digest))
        return NONE;
    return blob;
}

bool blob_conflicts(const struct core *core, const struct digest *digest)
{
    uint32_t blob = fixed_map_find(core->by_digest, key_of(digest));
    return blob != FIXED_MAP_NONE && !digest_equal(&core->blobs[blob].digest, digest);
}

/* From the free list, else one never used: a large table is touched only as far as it is needed. */
static uint32_t take_entry(struct core *core)
{
    uint32_t index = core->free_blob;
    if (index == NONE) {
        assert(core->fresh_blobs < core->blob_capacity);
        return core->fresh_blobs++;
    }
    core->free_blob = core->blobs[index].next_free;
    return index;
}

uint32_t blob_reference(struct core *core, const struct digest *digest)
{
    uint32_t index = blob_find(core, digest);
    if (index == NONE) {
        index = take_entry(core);
        struct blob *blob = &core->blobs[index];
        *blob = (struct blob){.digest = *digest, .state = BLOB_UNKNOWN};
        for (uint32_t i = 0; i < HOLDERS_MAX; i++)
            blob->holders[i].session = NONE;
        blob->state_of = NONE;
        list_init(&blob->waiting);
        fixed_map_insert(core->by_digest, key_of(digest), index);
    }
    core->blobs[index].references++;
    return index;
}

static void forget(struct core *core, uint32_t index)
{
    struct blob *blob = &core->blobs[index];
    fixed_map_remove(core->by_digest, key_of(&blob->digest));
    blob->next_free = core->free_blob;
    core->free_blob = index;
}

static void drop_from_store(struct core *core, const struct digest *digest, enum drop_kind kind)
{
    struct core_effect *effect = effect_add(core, CORE_DROP_BLOB);
    if (effect == NULL)
        return;
    effect->drop.digest = *digest;
    effect->drop.anchor = kind == DROP_ANCHOR;
}

static void drop_if_unused(struct core *core, uint32_t index)
{
    struct blob *blob = &core->blobs[index];
    if (blob->references > 0)
        return;
    assert(blob->waiting.head == NONE);
    if (blob->state == BLOB_STORED)
        drop_from_store(core, &blob->digest, blob->anchor ? DROP_ANCHOR : DROP_USUAL);
    if (blob->state == BLOB_PULLING) {
        struct core_effect *effect = effect_add(core, CORE_CANCEL_PULL);
        if (effect != NULL)
            effect->cancel = blob->digest;
    }
    forget(core, index);
}

void blob_release(struct core *core, uint32_t index)
{
    assert(core->blobs[index].references > 0);
    core->blobs[index].references--;
    drop_if_unused(core, index);
}

void blob_add_holder(struct core *core, uint32_t index, uint32_t session)
{
    struct blob *blob = &core->blobs[index];
    struct holder holder = {.session = session, .generation = core->sessions[session].generation};
    for (uint32_t i = 0; i < HOLDERS_MAX; i++)
        if (blob->holders[i].session == holder.session &&
            blob->holders[i].generation == holder.generation)
            return;
    blob->holders[blob->next_holder++ % HOLDERS_MAX] = holder;
}

static void pull(struct core *core, uint32_t index, const struct instance_id *from, uint64_t bytes)
{
    struct blob *blob = &core->blobs[index];
    blob->state = BLOB_PULLING;
    blob->pulled_from = *from;
    struct core_effect *effect = effect_add(core, CORE_PULL_BLOB);
    if (effect == NULL)
        return;
    effect->pull.from = *from;
    effect->pull.digest = blob->digest;
    effect->pull.bytes = bytes;
}

uint32_t blob_want_state(struct core *core, uint32_t slot_index, const struct partial *state,
                         const struct instance_id *from)
{
    assert(blob_find(core, &state->state) == NONE);
    uint32_t index = blob_reference(core, &state->state);
    core->blobs[index].state_of = slot_index;
    pull(core, index, from, state->bytes);
    return index;
}

void blob_want(struct core *core, uint32_t slot_index)
{
    struct slot *slot = &core->slots[slot_index];
    if (slot->child_blob != NONE)
        return;
    slot->child_blob = blob_reference(core, &slot->child);
    struct blob *blob = &core->blobs[slot->child_blob];
    if (blob->state == BLOB_STORED)
        return;
    list_append(&blob->waiting, &core->slots[0].by_blob, sizeof(struct slot), slot_index);
    slot->waits_for_blob = true;
    if (blob->state == BLOB_UNKNOWN)
        pull(core, slot->child_blob, &slot->holder, slot->child_bytes);
}

void blob_stop_waiting(struct core *core, uint32_t slot_index)
{
    struct slot *slot = &core->slots[slot_index];
    if (!slot->waits_for_blob)
        return;
    slot->waits_for_blob = false;
    list_remove(&core->blobs[slot->child_blob].waiting, &core->slots[0].by_blob,
                sizeof(struct slot), slot_index);
}

void blob_on_stored(struct core *core, const struct digest *digest)
{
    uint32_t index = blob_find(core, digest);
    if (index == NONE) { /* it came in while its pull was being called off */
        drop_from_store(core, digest, DROP_USUAL);
        return;
    }
    struct blob *blob = &core->blobs[index];
    blob->state = BLOB_STORED;
    while (blob->waiting.head != NONE) {
        uint32_t slot = blob->waiting.head;
        blob_stop_waiting(core, slot);
        slot_mark_ready(core, slot);
    }
    uint32_t state_of = blob->state_of;
    blob->state_of = NONE;
    if (state_of != NONE)
        handover_on_stored(core, state_of);
    else
        drop_if_unused(core, index);
}

/* The job is done again, elsewhere if there is somewhere else. */
static void note_unavailable(struct core *core, uint32_t slot_index, const struct instance_id *from)
{
    const struct slot *slot = &core->slots[slot_index];
    struct note note = {.kind = NOTE_ATTEMPT_FAILED, .job = &slot->job.key, .instance = from};
    effect_note(core, note, "worker %s: the child that it made cannot be fetched from it",
                slot->worker);
    uint32_t session = session_find(core, from);
    if (session != NONE)
        slot_note_trouble(core, slot_index, session);
}

void blob_on_unavailable(struct core *core, const struct digest *digest,
                         const struct instance_id *from)
{
    uint32_t index = blob_find(core, digest);
    if (index == NONE || core->blobs[index].state != BLOB_PULLING)
        return;
    struct blob *blob = &core->blobs[index];
    blob->state = BLOB_UNKNOWN;
    blob->references++; /* the entry must outlive the results that are dropped below */
    uint32_t state_of = blob->state_of;
    blob->state_of = NONE;
    if (state_of != NONE)
        handover_on_unavailable(core, state_of);
    uint32_t next, drops = 0;
    for (uint32_t slot = blob->waiting.head; slot != NONE && drops < DROPS_PER_STEP; slot = next) {
        next = core->slots[slot].by_blob.next;
        if (!instance_equal(&core->slots[slot].holder, from))
            continue;
        note_unavailable(core, slot, from);
        result_drop(core, slot);
        drops++;
    }
    /* Whoever still waits names another worker, or is dropped when the next pull fails as well. */
    if (blob->waiting.head != NONE) {
        const struct slot *slot = &core->slots[blob->waiting.head];
        pull(core, index, &slot->holder, slot->child_bytes);
    }
    blob->references--;
    drop_if_unused(core, index);
}
