/*
 * checkpoint.c: a network as bytes; see network.h.
 *
 * The tensors of a model are a fixed list of slots; what is kept of the optimiser says how many of
 * them, from the front, a file has. The headers of the three possible files are made with the
 * model. A file that begins with one of them is read without looking at its header; any other is
 * parsed and every tensor held against its slot before the first number is taken over.
 *
 * Tensors need not be aligned in a file, so their bytes are copied.
 */
#include "worker/engine/checkpoint.h"

#include "common/safetensors.h"
#include "worker/engine/network.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "safetensors are little-endian");
_Static_assert(PLAN_TENSORS_MAX + 4 <= SAFETENSORS_TENSORS_MAX,
               "the deepest network has a checkpoint");

/* Behind the slots of the plan's tensors. */
enum { SLOT_DAMAGE, SLOT_STEP, SLOT_M, SLOT_V, EXTRA_SLOTS };
/* Tensors beyond the model's that a reader still has room for, to name them. */
enum { STRANGERS_MAX = 64 };

static uint32_t layer_slots(const struct model *model)
{
    return model->plan->tensor_count;
}

static uint32_t slots_of_state(const struct model *model, enum optimizer_state state)
{
    static const uint32_t extra[] = {[OPTIMIZER_STATE_NONE] = SLOT_DAMAGE + 1,
                                     [OPTIMIZER_STATE_VELOCITY] = SLOT_M + 1,
                                     [OPTIMIZER_STATE_MOMENTS] = SLOT_V + 1};
    return layer_slots(model) + extra[state];
}

/* ----------------------------------------------------------------------------------- slots */

static struct safetensors_tensor layer_tensor(const struct model *model, uint32_t slot)
{
    const struct tensor *own = &model->plan->tensors[slot];
    struct safetensors_tensor tensor = {.type = SAFETENSORS_F32, .rank = own->rank};
    _Static_assert(sizeof own->name <= sizeof tensor.name, "every name fits a file");
    for (uint32_t i = 0; i < own->rank; i++)
        tensor.shape[i] = own->shape[i];
    snprintf(tensor.name, sizeof tensor.name, "%s", own->name);
    return tensor;
}

static const char *slot_name(const struct model *model, uint32_t slot)
{
    static const char *const extra[EXTRA_SLOTS] = {"damage", "optimizer.step", "optimizer.m",
                                                   "optimizer.v"};
    return slot < layer_slots(model) ? model->plan->tensors[slot].name
                                     : extra[slot - layer_slots(model)];
}

static struct safetensors_tensor slot_tensor(const struct model *model, uint32_t slot)
{
    if (slot < layer_slots(model))
        return layer_tensor(model, slot);
    const struct safetensors_tensor extra[EXTRA_SLOTS] = {
        [SLOT_DAMAGE] = {"damage", SAFETENSORS_U8, 1, {model->unit_count}, 0, 0},
        [SLOT_STEP] = {"optimizer.step", SAFETENSORS_U64, 1, {1}, 0, 0},
        [SLOT_M] = {"optimizer.m", SAFETENSORS_F32, 1, {model->parameter_count}, 0, 0},
        [SLOT_V] = {"optimizer.v", SAFETENSORS_F32, 1, {model->parameter_count}, 0, 0},
    };
    return extra[slot - layer_slots(model)];
}

static size_t slot_bytes(const struct model *model, uint32_t slot)
{
    if (slot < layer_slots(model))
        return model->plan->tensors[slot].count * sizeof(float);
    const size_t extra[EXTRA_SLOTS] = {
        [SLOT_DAMAGE] = model->unit_count,
        [SLOT_STEP] = sizeof(uint64_t),
        [SLOT_M] = model->parameter_count * sizeof(float),
        [SLOT_V] = model->parameter_count * sizeof(float),
    };
    return extra[slot - layer_slots(model)];
}

/* Where a network keeps the numbers of a slot. */
static void *slot_memory(const struct network *network, uint32_t slot)
{
    const struct model *model = network->model;
    if (slot < layer_slots(model))
        return network->parameters + model->plan->tensors[slot].offset;
    void *const extra[EXTRA_SLOTS] = {
        [SLOT_DAMAGE] = network->damage,
        [SLOT_STEP] = (void *)&network->optimizer_step,
        [SLOT_M] = network->m,
        [SLOT_V] = network->v,
    };
    return extra[slot - layer_slots(model)];
}

/* --------------------------------------------------------------------------------- headers */

static int create_header(struct model *model, enum optimizer_state state,
                         struct safetensors_tensor *tensors, uint8_t *buffer)
{
    struct checkpoint_header *header = &model->checkpoint_headers[state];
    size_t count = safetensors_write(tensors, slots_of_state(model, state), buffer,
                                     SAFETENSORS_HEADER_BYTES_MAX);
    assert(count > 0); /* a unit test writes the longest */
    header->bytes = malloc(count);
    if (header->bytes == NULL)
        return -1;
    header->count = count;
    memcpy(header->bytes, buffer, count);
    return 0;
}

int checkpoint_headers_create(struct model *model, struct error *error)
{
    uint32_t count = layer_slots(model) + EXTRA_SLOTS;
    struct safetensors_tensor *tensors = calloc(count, sizeof *tensors);
    uint8_t *buffer = malloc(SAFETENSORS_HEADER_BYTES_MAX);
    int code = -1;
    if (tensors == NULL || buffer == NULL)
        goto out;
    for (uint32_t slot = 0; slot < count; slot++)
        tensors[slot] = slot_tensor(model, slot);
    if (create_header(model, OPTIMIZER_STATE_NONE, tensors, buffer) != 0 ||
        create_header(model, OPTIMIZER_STATE_VELOCITY, tensors, buffer) != 0 ||
        create_header(model, OPTIMIZER_STATE_MOMENTS, tensors, buffer) != 0)
        goto out;
    code = 0;
out:
    free(tensors);
    free(buffer);
    return code == 0 ? 0 : error_set(error, -1, "model: no memory for its checkpoints' headers");
}

void checkpoint_headers_destroy(struct model *model)
{
    for (uint32_t state = 0; state <= OPTIMIZER_STATE_MOMENTS; state++)
        free(model->checkpoint_headers[state].bytes);
}

/* --------------------------------------------------------------------------------- writing */

static size_t checkpoint_bytes(const struct model *model, enum optimizer_state state)
{
    size_t bytes = model->checkpoint_headers[state].count;
    bytes += model->parameter_count * sizeof(float) + slot_bytes(model, layer_slots(model));
    for (uint32_t slot = layer_slots(model) + 1; slot < slots_of_state(model, state); slot++)
        bytes += slot_bytes(model, slot);
    return bytes;
}

size_t network_checkpoint_bytes(const struct network *network)
{
    return checkpoint_bytes(network->model, network->state);
}

void network_checkpoint_write(const struct network *network, uint8_t *bytes)
{
    const struct model *model = network->model;
    const struct checkpoint_header *header = &model->checkpoint_headers[network->state];
    memcpy(bytes, header->bytes, header->count);
    bytes += header->count;
    for (uint32_t slot = 0; slot < slots_of_state(model, network->state); slot++) {
        size_t size = slot_bytes(model, slot);
        memcpy(bytes, slot_memory(network, slot), size);
        bytes += size;
    }
}

/* --------------------------------------------------------------------------------- reading */

/* A file as the slots see it. */
struct source {
    const uint8_t *bytes;
    size_t count;
    const uint8_t **slots; /* [layer slots + EXTRA_SLOTS]; NULL: not in the file */
};

/* Whether the file is one that network_checkpoint_write makes; then all its slots are found. */
static bool find_canonical(const struct model *model, struct source *source)
{
    for (uint32_t state = 0; state <= OPTIMIZER_STATE_MOMENTS; state++) {
        const struct checkpoint_header *header = &model->checkpoint_headers[state];
        if (source->count != checkpoint_bytes(model, state) ||
            memcmp(source->bytes, header->bytes, header->count) != 0)
            continue;
        const uint8_t *at = source->bytes + header->count;
        for (uint32_t slot = 0; slot < slots_of_state(model, state); slot++) {
            source->slots[slot] = at;
            at += slot_bytes(model, slot);
        }
        return true;
    }
    return false;
}

/* The slot of a name as slot_tensor writes it, or the number of slots. Files mostly have the slots'
 * own order: the search begins where the last one ended. */
static uint32_t slot_of_name(const struct model *model, const char *name, uint32_t near)
{
    uint32_t count = layer_slots(model) + EXTRA_SLOTS;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slot = (near + i) % count;
        if (strcmp(slot_name(model, slot), name) == 0)
            return slot;
    }
    return count;
}

static void format_shape(const struct safetensors_tensor *tensor, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "[");
    for (uint32_t i = 0; i < tensor->rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%llu", i > 0 ? ", " : "",
                                 (unsigned long long)tensor->shape[i]);
    if (used < size)
        snprintf(text + used, size - used, "]");
}

static int check_tensor(const struct safetensors_tensor *found,
                        const struct safetensors_tensor *expected, struct error *error)
{
    if (found->type != expected->type)
        return error_set(error, -1, "checkpoint: tensor %s is of type %s, the model needs %s",
                         found->name, safetensors_type_name(found->type),
                         safetensors_type_name(expected->type));
    if (found->rank == expected->rank &&
        memcmp(found->shape, expected->shape, found->rank * sizeof found->shape[0]) == 0)
        return 0;
    char has[128], needs[128];
    format_shape(found, has, sizeof has);
    format_shape(expected, needs, sizeof needs);
    return error_set(error, -1, "checkpoint: tensor %s is of shape %s, the model needs %s",
                     found->name, has, needs);
}

static int find_slots(const struct model *model, struct source *source,
                      const struct safetensors_header *header, struct error *error)
{
    for (uint32_t i = 0, slot = 0; i < header->count; i++, slot++) {
        const struct safetensors_tensor *tensor = &header->tensors[i];
        slot = slot_of_name(model, tensor->name, slot);
        if (slot == layer_slots(model) + EXTRA_SLOTS)
            return error_set(error, -1, "checkpoint: tensor %s is none of this model's",
                             tensor->name);
        struct safetensors_tensor expected = slot_tensor(model, slot);
        if (check_tensor(tensor, &expected, error) != 0)
            return -1;
        source->slots[slot] = source->bytes + header->bytes + tensor->begin;
    }
    for (uint32_t slot = 0; slot < layer_slots(model); slot++)
        if (source->slots[slot] == NULL)
            return error_set(error, -1, "checkpoint: tensor %s is missing",
                             slot_tensor(model, slot).name);
    return 0;
}

static int find_parsed(const struct model *model, struct source *source, struct error *error)
{
    uint32_t capacity = layer_slots(model) + EXTRA_SLOTS + STRANGERS_MAX;
    struct safetensors_header header = {.tensors = calloc(capacity, sizeof *header.tensors)};
    struct error reason;
    int code = -1;
    if (header.tensors == NULL)
        return error_set(error, -1, "checkpoint: no memory to read it");
    if (safetensors_read(source->bytes, source->count, source->count, &header, capacity, &reason) !=
        0)
        error_set(error, -1, "checkpoint: %.480s", reason.text);
    else
        code = find_slots(model, source, &header, error);
    free(header.tensors);
    return code;
}

static int check_damage(const struct model *model, const uint8_t *damage, struct error *error)
{
    for (uint64_t unit = 0; damage != NULL && unit < model->unit_count; unit++)
        if (damage[unit] > DAMAGE_ALL)
            return error_set(error, -1, "checkpoint: damage of unit %llu is %u, at most %d",
                             (unsigned long long)unit, damage[unit], DAMAGE_ALL);
    return 0;
}

/* The last step: nothing can fail any more. */
static void take_over(struct network *network, const struct source *source)
{
    const struct model *model = network->model;
    uint32_t wanted = slots_of_state(model, network->state);
    for (uint32_t slot = 0; slot < layer_slots(model) + EXTRA_SLOTS; slot++) {
        void *memory = slot_memory(network, slot);
        size_t size = slot_bytes(model, slot);
        if (source->slots[slot] != NULL && slot < wanted)
            memcpy(memory, source->slots[slot], size);
        else
            memset(memory, 0, size);
    }
}

int network_checkpoint_read(struct network *network, const uint8_t *bytes, size_t count,
                            struct error *error)
{
    const struct model *model = network->model;
    uint32_t damage = layer_slots(model) + SLOT_DAMAGE;
    struct source source = {.bytes = bytes, .count = count};
    source.slots = calloc(layer_slots(model) + EXTRA_SLOTS, sizeof *source.slots);
    if (source.slots == NULL)
        return error_set(error, -1, "checkpoint: no memory to read it");
    int code = find_canonical(model, &source) ? 0 : find_parsed(model, &source, error);
    if (code == 0)
        code = check_damage(model, source.slots[damage], error);
    if (code == 0)
        take_over(network, &source);
    free(source.slots);
    return code;
}
