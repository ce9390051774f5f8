/* dispatch_keys.c: see dispatch_keys.h. */
#include "tests/bench/dispatch_keys.h"

#include "coordinator/shell/key_store.h"

#include <assert.h>
#include <stdio.h>
#include <zmq.h>

/* A token that is used at once: no worker of a benchmark brings one. */
static int let_in(void *context, struct key_registry *registry, struct error *error)
{
    const struct public_key *key = context;
    const struct token_order order = {.uses = 1, .now_ms = 1, .expires_ms = 2};
    char token[TOKEN_BYTES_MAX];
    if (key_registry_add_token(registry, &order, token, error) != 0)
        return -1;
    const struct join_request request = {
        .key = *key, .name = "bench", .token = token, .now_ms = order.now_ms};
    return key_registry_join(registry, &request, error);
}

int dispatch_keys_make(const char *folder, struct dispatch_keys *keys, struct error *error)
{
    if (os_path_join(keys->folder, sizeof keys->folder, folder, "keys", error) != 0 ||
        os_path_join(keys->worker_file, sizeof keys->worker_file, folder, "worker.key", error) != 0)
        return -1;
    struct key_store *store = key_store_open(keys->folder, KEY_STORE_COMMAND_WAIT_MS, error);
    if (store == NULL)
        return -1;
    snprintf(keys->server_file, sizeof keys->server_file, "%s", key_store_server_file(store));
    int rc = key_file_own(keys->worker_file, &keys->worker, error);
    keys->worker.has_server = true;
    keys->worker.server = key_store_server(store)->own;
    if (rc == 0)
        rc = key_store_change(store, let_in, &keys->worker.own, error);
    key_store_close(&store);
    return rc;
}

static void set_key(void *socket, int option, const void *bytes)
{
    int rc = zmq_setsockopt(socket, option, bytes, KEY_BYTES);
    assert(rc == 0);
    (void)rc;
}

void dispatch_keys_use(void *socket, const struct key_file *key)
{
    set_key(socket, ZMQ_CURVE_SERVERKEY, key->server.bytes);
    set_key(socket, ZMQ_CURVE_PUBLICKEY, key->own.bytes);
    set_key(socket, ZMQ_CURVE_SECRETKEY, key->secret.bytes);
}

void dispatch_keys_serve(void *socket, const struct key_file *key)
{
    const int server = 1;
    int rc = zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &server, sizeof server);
    assert(rc == 0);
    (void)rc;
    set_key(socket, ZMQ_CURVE_SECRETKEY, key->secret.bytes);
}
