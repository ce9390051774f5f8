/*
 * dispatch_keys.h: the keys of one encrypted round of bench-dispatch.
 */
#ifndef RATCHET_TESTS_BENCH_DISPATCH_KEYS_H
#define RATCHET_TESTS_BENCH_DISPATCH_KEYS_H

#include "common/os_file.h"
#include "common/os_key.h"

struct dispatch_keys {
    char folder[OS_PATH_BYTES_MAX];      /* for serve --keys */
    char server_file[OS_PATH_BYTES_MAX]; /* for ratchet-worker --server-key */
    char worker_file[OS_PATH_BYTES_MAX]; /* for its --key */
    struct key_file worker;              /* let in already; with the server's public key */
};

/* Makes them in a folder below `folder`. 0, or -1 with the reason. */
int dispatch_keys_make(const char *folder, struct dispatch_keys *keys, struct error *error)
    __attribute__((warn_unused_result));

/* Makes a socket that is not connected yet a client with that key, or a server with it. */
void dispatch_keys_use(void *socket, const struct key_file *key);
void dispatch_keys_serve(void *socket, const struct key_file *key);

#endif
