/*
 * own_keys.h: what a worker needs to be let in: its own key, the coordinator's, and once a token.
 */
#ifndef RATCHET_WORKER_SHELL_OWN_KEYS_H
#define RATCHET_WORKER_SHELL_OWN_KEYS_H

#include "common/key_text.h"
#include "common/limits.h"

struct own_keys_options {
    const char *server_key; /* a file; NULL: no keys at all, in the clear */
    const char *key;        /* a file; NULL: worker-HOST.key where key_default_path() says */
    const char *token;      /* as given: the token, or @FILE; NULL: of $RATCHET_TOKEN, if any */
    const char *host;
};

struct own_keys {
    bool encrypted;
    struct key_file key; /* the pair, and the coordinator's public key */
    char token[TOKEN_BYTES_MAX];
};

/*
 * Reads them, and makes the worker's own when there is none yet. One key per user and host: all the
 * workers there are one person's. 0, or -1 with the reason; fills *keys in any case.
 */
int own_keys_load(const struct own_keys_options *options, struct own_keys *keys,
                  struct error *error) __attribute__((warn_unused_result));
void own_keys_wipe(struct own_keys *keys);

#endif
