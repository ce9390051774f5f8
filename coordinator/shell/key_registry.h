/*
 * key_registry.h: whose keys are known, which were revoked, which tokens let further ones in.
 *
 * Values and rules only: key_store.h keeps it in a file, gate.h acts upon it. As text it is
 *
 *   ratchet-keys 1
 *   token ID HASH LEFT USES EXPIRES_MS
 *   key HEX joined|revoked JOINED_MS REVOKED_MS TOKEN NAME
 *
 * tokens before keys, times in milliseconds since 1970, "-" for a TOKEN or NAME that there is none
 * of. Of a token only the hash is kept. Used-up and expired ones stay for a while, and so do those
 * that were closed, of which 0 of 0 uses are left: who comes with one is told what is wrong with
 * it.
 */
#ifndef RATCHET_COORDINATOR_SHELL_KEY_REGISTRY_H
#define RATCHET_COORDINATOR_SHELL_KEY_REGISTRY_H

#include "common/digest.h"
#include "common/key_text.h"
#include "common/limits.h"

enum {
    REGISTRY_KEYS_MAX = 16384,
    REGISTRY_TOKENS_MAX = 1024,
    REGISTRY_BYTES_MAX = 8 << 20,
    TOKEN_ID_BYTES = 9, /* 8 hexadecimal digits and a NUL */
    TOKEN_USES_MAX = 100000,
    TOKEN_HOURS_MAX = 24 * 366,
};

struct known_key {
    struct public_key key;
    bool revoked;
    uint64_t joined_ms, revoked_ms; /* revoked_ms: 0 while it is not */
    char token[TOKEN_ID_BYTES];     /* that let it in; "-": none */
    char name[NAME_BYTES_MAX];      /* that its worker had then; "-": none */
};

struct join_token {
    char id[TOKEN_ID_BYTES];
    struct digest hash;
    uint32_t uses_left, uses; /* uses 0: closed */
    uint64_t expires_ms;
};

struct key_registry {
    uint32_t key_count, token_count;
    struct known_key *keys; /* ascending by key; REGISTRY_KEYS_MAX */
    struct join_token *tokens;
};

/* NULL: no memory. */
struct key_registry *key_registry_create(void);
void key_registry_destroy(struct key_registry **registry);

/* Replaces what is in it. 0, or -1 with the line and what is wrong; it is empty then. */
int key_registry_parse(struct key_registry *registry, const char *text, size_t bytes,
                       struct error *error) __attribute__((warn_unused_result));
/* The text, the caller's to free; NULL: no memory. */
char *key_registry_print(const struct key_registry *registry, size_t *bytes);

/* NULL: not known. */
const struct known_key *key_registry_find(const struct key_registry *registry,
                                          const struct public_key *key);
/* Whether any token would let a further key in. */
bool key_registry_is_open(const struct key_registry *registry, uint64_t now_ms);

/* What is asked of a new token. */
struct token_order {
    uint32_t uses;
    uint64_t now_ms, expires_ms;
};

/* Makes a token; its text is told here and never again. -1: there are too many. */
int key_registry_add_token(struct key_registry *registry, const struct token_order *order,
                           char text[TOKEN_BYTES_MAX], struct error *error)
    __attribute__((warn_unused_result));

struct join_request {
    struct public_key key;
    const char *name;  /* of the worker */
    const char *token; /* "": none */
    uint64_t now_ms;
};

/*
 * Lets a key in with its token, of which one use is gone then; a key that is in already needs none.
 * -1 with the sentence that may be told to whoever asked: revoked, no token, used up, expired, not
 * ours, no room.
 */
int key_registry_join(struct key_registry *registry, const struct join_request *request,
                      struct error *error) __attribute__((warn_unused_result));

/* What was done now; what had been done before does not count. */
struct revocation {
    uint32_t keys, tokens; /* revoked, closed */
};

/*
 * Closes a token by its id: nobody gets in with it any more, and the keys that it let in stay. If
 * `who` is no token's id, revokes by key (64 digits, or the first 8 or more of one that is known)
 * or by name: all keys of that name. A whole key need not be known. Tokens that let those keys in
 * are closed, too: else whoever holds one would come back with another key. -1: nothing fits, or
 * several keys begin so.
 */
int key_registry_revoke(struct key_registry *registry, const char *who, uint64_t now_ms,
                        struct revocation *revocation, struct error *error)
    __attribute__((warn_unused_result));

#endif
