/*
 * key_store.h: the folder of a coordinator's keys.
 *
 *   DIR/server.key   its own key pair, made on first use
 *   DIR/server.pub   the public part, to hand out
 *   DIR/known        key_registry.h: keys let in, keys revoked, tokens
 *   DIR/lock         held while `known` is changed
 *
 * The folder is its owner's alone (0700), the files but server.pub, too (0600). `ratchet keys` and
 * any number of coordinators may use it at once: each change is read, made and written under the
 * lock and replaces the file whole; readers see that the file is another one and read it again.
 */
#ifndef RATCHET_COORDINATOR_SHELL_KEY_STORE_H
#define RATCHET_COORDINATOR_SHELL_KEY_STORE_H

#include "common/os_key.h"
#include "coordinator/shell/key_registry.h"

struct key_store;

/* How long a command waits for the lock. Whoever serves does not wait: 0. */
enum { KEY_STORE_COMMAND_WAIT_MS = 5000 };

/*
 * `folder` NULL: "keys" where key_default_path() says. Makes what is missing. `lock_wait_ms`: how
 * long a change waits, at most, while another process holds the lock. NULL with the reason.
 */
struct key_store *key_store_open(const char *folder, uint32_t lock_wait_ms, struct error *error);
void key_store_close(struct key_store **store);

const char *key_store_folder(const struct key_store *store);
/* Path of the file that workers are given. */
const char *key_store_server_file(const struct key_store *store);
const struct key_file *key_store_server(const struct key_store *store);
/* As last read; until the next call that may read it again. */
const struct key_registry *key_store_registry(const struct key_store *store);

enum key_store_news {
    KEY_STORE_SAME = 0,
    KEY_STORE_CHANGED, /* read again */
    KEY_STORE_DAMAGED, /* cannot be read, with the reason: what was read before still holds */
};

/*
 * Looks whether somebody else changed the file: one stat() when nobody did. Each change is told of
 * once, also one that key_store_change() was the first to read.
 */
enum key_store_news key_store_refresh(struct key_store *store, struct error *error);

/*
 * Reads, lets `change` change, and writes, all under the lock. What `change` answers comes back: 0,
 * or -1 with its reason, and then nothing is written; -1 also when the file cannot be read or
 * written, or another process holds the lock for too long.
 */
int key_store_change(struct key_store *store,
                     int (*change)(void *context, struct key_registry *registry,
                                   struct error *error),
                     void *context, struct error *error) __attribute__((warn_unused_result));

#endif
