/* key_registry.c: see key_registry.h. Looking up, letting in, revoking. */
#include "coordinator/shell/key_registry.h"

#include "common/os_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TOKEN_SECRET_BYTES = 16, /* cannot be guessed */
    PREFIX_DIGITS_MIN = 8,
};

/* How long a token is remembered that lets nobody in any more. */
static const uint64_t FORGET_MS = UINT64_C(30) * 24 * 3600 * 1000;

struct key_registry *key_registry_create(void)
{
    struct key_registry *registry = calloc(1, sizeof *registry);
    if (registry == NULL)
        return NULL;
    registry->keys = calloc(REGISTRY_KEYS_MAX, sizeof *registry->keys);
    registry->tokens = calloc(REGISTRY_TOKENS_MAX, sizeof *registry->tokens);
    if (registry->keys == NULL || registry->tokens == NULL)
        key_registry_destroy(&registry);
    return registry;
}

void key_registry_destroy(struct key_registry **registry)
{
    if (*registry == NULL)
        return;
    free((*registry)->keys);
    free((*registry)->tokens);
    free(*registry);
    *registry = NULL;
}

/* ------------------------------------------------------------------------------------------- keys
 */

static int order_of(const struct public_key *a, const struct public_key *b)
{
    return memcmp(a->bytes, b->bytes, KEY_BYTES);
}

/* Index of the first key that is not smaller. */
static uint32_t place_of(const struct key_registry *registry, const struct public_key *key)
{
    uint32_t low = 0, high = registry->key_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (order_of(&registry->keys[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct known_key *find(const struct key_registry *registry, const struct public_key *key)
{
    uint32_t place = place_of(registry, key);
    if (place == registry->key_count || !public_key_equal(&registry->keys[place].key, key))
        return NULL;
    return &registry->keys[place];
}

const struct known_key *key_registry_find(const struct key_registry *registry,
                                          const struct public_key *key)
{
    return find(registry, key);
}

/* An entry for a key that is not there yet; NULL when there is no room. */
static struct known_key *insert(struct key_registry *registry, const struct public_key *key)
{
    if (registry->key_count == REGISTRY_KEYS_MAX)
        return NULL;
    uint32_t place = place_of(registry, key);
    struct known_key *entry = &registry->keys[place];
    memmove(entry + 1, entry, (registry->key_count - place) * sizeof *entry);
    registry->key_count++;
    *entry = (struct known_key){.key = *key, .token = "-", .name = "-"};
    return entry;
}

/* ----------------------------------------------------------------------------------------- tokens
 */

bool key_registry_is_open(const struct key_registry *registry, uint64_t now_ms)
{
    for (uint32_t i = 0; i < registry->token_count; i++)
        if (registry->tokens[i].uses_left > 0 && now_ms < registry->tokens[i].expires_ms)
            return true;
    return false;
}

static void forget_old_tokens(struct key_registry *registry, uint64_t now_ms)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < registry->token_count; i++) {
        const struct join_token *token = &registry->tokens[i];
        if (now_ms < token->expires_ms || now_ms - token->expires_ms < FORGET_MS)
            registry->tokens[kept++] = *token;
    }
    registry->token_count = kept;
}

int key_registry_add_token(struct key_registry *registry, const struct token_order *order,
                           char text[TOKEN_BYTES_MAX], struct error *error)
{
    uint8_t random[4 + TOKEN_SECRET_BYTES];
    forget_old_tokens(registry, order->now_ms);
    if (registry->token_count == REGISTRY_TOKENS_MAX)
        return error_set(error, -1, "there are %d tokens already", REGISTRY_TOKENS_MAX);
    if (os_random_bytes(random, sizeof random, error) != 0)
        return -1;
    struct join_token *token = &registry->tokens[registry->token_count++];
    *token = (struct join_token){
        .uses_left = order->uses, .uses = order->uses, .expires_ms = order->expires_ms};
    snprintf(token->id, sizeof token->id, "%02x%02x%02x%02x", random[0], random[1], random[2],
             random[3]);
    size_t used = (size_t)snprintf(text, TOKEN_BYTES_MAX, "ratchet-%s-", token->id);
    for (size_t i = 4; i < sizeof random; i++)
        used += (size_t)snprintf(text + used, TOKEN_BYTES_MAX - used, "%02x", random[i]);
    token->hash = digest_of(text, used);
    return 0;
}

static struct join_token *find_token(const struct key_registry *registry, const char *text)
{
    struct digest hash = digest_of(text, strlen(text));
    for (uint32_t i = 0; i < registry->token_count; i++)
        if (digest_equal(&registry->tokens[i].hash, &hash))
            return &registry->tokens[i];
    return NULL;
}

/* The token if it lets somebody in; NULL with the reason. */
static struct join_token *usable_token(const struct key_registry *registry, const char *text,
                                       uint64_t now_ms, struct error *error)
{
    static const char advice[] = "ask the coordinator's owner for one (ratchet keys token)";
    struct join_token *token = text[0] != '\0' ? find_token(registry, text) : NULL;
    const char *trouble = NULL;
    if (text[0] == '\0')
        trouble = "this worker's key is not known and it brought no token";
    else if (token == NULL)
        trouble = "the token is none of this coordinator's";
    else if (token->uses == 0)
        trouble = "the token was closed";
    else if (token->uses_left == 0)
        trouble = "the token is used up";
    else if (now_ms >= token->expires_ms)
        trouble = "the token has expired";
    if (trouble == NULL)
        return token;
    error_set(error, -1, "%s: %s", trouble, advice);
    return NULL;
}

/* A name from outside becomes one word of printable ASCII, as the text needs it. */
static void name_entry(struct known_key *entry, const char *name)
{
    if (name[0] == '\0')
        return;
    snprintf(entry->name, sizeof entry->name, "%s", name);
    for (char *c = entry->name; *c != '\0'; c++)
        if (*c <= ' ' || *c > '~')
            *c = '_';
}

int key_registry_join(struct key_registry *registry, const struct join_request *request,
                      struct error *error)
{
    const struct known_key *known = find(registry, &request->key);
    if (known != NULL)
        return known->revoked ? error_set(error, -1, "this worker's key was revoked") : 0;
    struct join_token *token = usable_token(registry, request->token, request->now_ms, error);
    if (token == NULL)
        return -1;
    struct known_key *entry = insert(registry, &request->key);
    if (entry == NULL)
        return error_set(error, -1, "the coordinator has no room for further keys");
    token->uses_left--;
    entry->joined_ms = request->now_ms;
    memcpy(entry->token, token->id, sizeof entry->token);
    name_entry(entry, request->name);
    return 0;
}

/* --------------------------------------------------------------------------------------- revoking
 */

static bool is_prefix(const char *text)
{
    size_t length = strlen(text);
    return length >= PREFIX_DIGITS_MIN && length < KEY_HEX_BYTES - 1 &&
           strspn(text, "0123456789abcdef") == length;
}

static bool fits(const struct known_key *entry, const char *who)
{
    char hex[KEY_HEX_BYTES];
    public_key_to_hex(&entry->key, hex);
    return strcmp(entry->name, who) == 0 || strcmp(hex, who) == 0 ||
           (is_prefix(who) && strncmp(hex, who, strlen(who)) == 0);
}

/* Keys of which a name or the beginning is given. A beginning that fits several is a mistake. */
static int check_unique(const struct key_registry *registry, const char *who, struct error *error)
{
    uint32_t begun = 0, named = 0;
    for (uint32_t i = 0; i < registry->key_count; i++) {
        bool is_name = strcmp(registry->keys[i].name, who) == 0;
        named += is_name;
        begun += !is_name && fits(&registry->keys[i], who);
    }
    if (begun > 1 || (begun > 0 && named > 0))
        return error_set(error, -1, "%.70s fits %u keys: give more of the one that is meant", who,
                         begun + named);
    if (begun + named == 0)
        return error_set(
            error, -1,
            "no key is called %.70s or begins so, and no token; `ratchet keys list` shows them",
            who);
    return 0;
}

/* How many there are of that id, and how many of them are closed now. */
struct closing {
    uint32_t found, closed;
};

/* One that would let nobody in anyway stays as it is: the list says why that is. */
static struct closing close_tokens(struct key_registry *registry, const char *id, uint64_t now_ms)
{
    struct closing closing = {.found = 0};
    for (uint32_t i = 0; i < registry->token_count; i++) {
        struct join_token *token = &registry->tokens[i];
        if (strcmp(token->id, id) != 0)
            continue;
        closing.found++;
        if (token->uses_left == 0 || now_ms >= token->expires_ms)
            continue;
        token->uses_left = token->uses = 0;
        closing.closed++;
    }
    return closing;
}

int key_registry_revoke(struct key_registry *registry, const char *who, uint64_t now_ms,
                        struct revocation *revocation, struct error *error)
{
    struct public_key key;
    /* An id comes before a name: workers name themselves, and one might take that of a token. */
    struct closing closing = close_tokens(registry, who, now_ms);
    *revocation = (struct revocation){.tokens = closing.closed};
    if (closing.found > 0)
        return 0;
    if (strcmp(who, "-") == 0)
        return error_set(error, -1, "\"-\" is no worker's name");
    if (public_key_from_hex(who, &key) && find(registry, &key) == NULL) {
        if (insert(registry, &key) == NULL)
            return error_set(error, -1, "there is no room for further keys");
    } else if (!public_key_from_hex(who, &key) && check_unique(registry, who, error) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < registry->key_count; i++) {
        struct known_key *entry = &registry->keys[i];
        if (!fits(entry, who))
            continue;
        revocation->tokens += close_tokens(registry, entry->token, now_ms).closed;
        if (entry->revoked)
            continue;
        entry->revoked = true;
        entry->revoked_ms = now_ms;
        revocation->keys++;
    }
    return 0;
}
