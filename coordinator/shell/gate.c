/* gate.c: see gate.h. */
#include "coordinator/shell/gate.h"

#include "common/fixed_map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BINDINGS_MAX = 2 * SESSIONS_MAX };

struct binding {
    struct instance_id instance;
    struct public_key key;
    bool stolen[GATE_WIRES]; /* who spoke last under that name was somebody else */
};

struct gate {
    struct key_store *store;
    struct key_file owner;
    struct fixed_map *by_instance;
    uint32_t count;
    struct binding bindings[BINDINGS_MAX];
};

struct gate *gate_open(const char *folder, struct error *error)
{
    struct gate *gate = calloc(1, sizeof *gate);
    if (gate == NULL || (gate->by_instance = fixed_map_create(BINDINGS_MAX)) == NULL) {
        free(gate);
        error_set(error, -1, "no memory for keys");
        return NULL;
    }
    gate->store = key_store_open(folder, 0, error);
    if (gate->store == NULL) {
        gate_close(&gate);
        return NULL;
    }
    key_make(&gate->owner);
    gate->owner.has_server = true;
    gate->owner.server = key_store_server(gate->store)->own;
    return gate;
}

void gate_close(struct gate **gate)
{
    if (*gate == NULL)
        return;
    key_store_close(&(*gate)->store);
    fixed_map_destroy(&(*gate)->by_instance);
    secret_wipe(&(*gate)->owner, sizeof(*gate)->owner);
    free(*gate);
    *gate = NULL;
}

struct key_store *gate_store(const struct gate *gate)
{
    return gate->store;
}

const struct key_file *gate_owner(const struct gate *gate)
{
    return &gate->owner;
}

enum gate_role gate_role(const struct gate *gate, const struct public_key *key)
{
    if (public_key_equal(key, &gate->owner.own) || public_key_equal(key, &gate->owner.server))
        return GATE_OWNER;
    const struct known_key *known = key_registry_find(key_store_registry(gate->store), key);
    if (known == NULL)
        return GATE_STRANGER;
    return known->revoked ? GATE_REVOKED : GATE_WORKER;
}

bool gate_admits(const struct gate *gate, const struct public_key *key, uint64_t wall_ms)
{
    enum gate_role role = gate_role(gate, key);
    return role == GATE_OWNER || role == GATE_WORKER ||
           (role == GATE_STRANGER &&
            key_registry_is_open(key_store_registry(gate->store), wall_ms));
}

/* -------------------------------------------------------------------------------- whose instance
 */

static const struct binding *find(const struct gate *gate, const struct instance_id *instance)
{
    uint32_t index = fixed_map_find(gate->by_instance, map_key_of_bytes(instance->bytes));
    return index != FIXED_MAP_NONE ? &gate->bindings[index] : NULL;
}

enum gate_binding gate_binding(const struct gate *gate, const struct instance_id *instance,
                               const struct public_key *key)
{
    const struct binding *binding = find(gate, instance);
    if (binding == NULL)
        return GATE_UNBOUND;
    return public_key_equal(&binding->key, key) ? GATE_OWN : GATE_ANOTHERS;
}

/* The last one takes its place. */
static void forget(struct gate *gate, uint32_t index)
{
    struct binding *last = &gate->bindings[--gate->count];
    fixed_map_remove(gate->by_instance, map_key_of_bytes(gate->bindings[index].instance.bytes));
    if (index == gate->count)
        return;
    fixed_map_remove(gate->by_instance, map_key_of_bytes(last->instance.bytes));
    gate->bindings[index] = *last;
    fixed_map_insert(gate->by_instance, map_key_of_bytes(last->instance.bytes), index);
}

static void forget_the_dead(struct gate *gate, const struct gate_living *living)
{
    for (uint32_t i = gate->count; i-- > 0;)
        if (!living->is_alive(living->context, &gate->bindings[i].instance))
            forget(gate, i);
}

bool gate_bind(struct gate *gate, const struct instance_id *instance, const struct public_key *key,
               const struct gate_living *living)
{
    enum gate_binding binding = gate_binding(gate, instance, key);
    if (binding != GATE_UNBOUND)
        return binding == GATE_OWN;
    if (gate->count == BINDINGS_MAX)
        forget_the_dead(gate, living);
    if (gate->count == BINDINGS_MAX)
        return false;
    gate->bindings[gate->count] = (struct binding){.instance = *instance, .key = *key};
    fixed_map_insert(gate->by_instance, map_key_of_bytes(instance->bytes), gate->count++);
    return true;
}

bool gate_take_banished(struct gate *gate, struct instance_id *instance, struct public_key *key)
{
    for (uint32_t i = 0; i < gate->count; i++) {
        const struct binding *binding = &gate->bindings[i];
        if (gate_role(gate, &binding->key) == GATE_WORKER)
            continue;
        *instance = binding->instance;
        *key = binding->key;
        forget(gate, i);
        return true;
    }
    return false;
}

/* ---------------------------------------------------------------------------------------- routes
 */

void gate_note_route(struct gate *gate, const struct instance_id *instance, uint32_t wire,
                     enum gate_binding heard)
{
    uint32_t index = fixed_map_find(gate->by_instance, map_key_of_bytes(instance->bytes));
    assert(wire < GATE_WIRES);
    if (index != FIXED_MAP_NONE)
        gate->bindings[index].stolen[wire] = heard != GATE_OWN;
}

bool gate_trusts_route(const struct gate *gate, const struct instance_id *instance, uint32_t wire)
{
    const struct binding *binding = find(gate, instance);
    assert(wire < GATE_WIRES);
    return binding == NULL || !binding->stolen[wire];
}

struct home_id gate_home(const struct home_id *said, const struct public_key *key)
{
    struct digest_state state;
    struct home_id home;
    digest_init(&state);
    digest_update(&state, key->bytes, sizeof key->bytes);
    digest_update(&state, said->bytes, sizeof said->bytes);
    struct digest digest = digest_final(&state);
    memcpy(home.bytes, digest.bytes, sizeof home.bytes);
    return home;
}
