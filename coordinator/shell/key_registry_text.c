/* key_registry_text.c: the registry as text, out and in. See key_registry.h. */
#include "coordinator/shell/key_registry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char head[] = "ratchet-keys";

enum { LINE_BYTES = 320 };

/* ---------------------------------------------------------------------------------------- reading
 */

/* Eight lower-case hexadecimal digits. */
static bool take_token_id(const char *word, char id[TOKEN_ID_BYTES])
{
    if (strlen(word) != TOKEN_ID_BYTES - 1 ||
        strspn(word, "0123456789abcdef") != TOKEN_ID_BYTES - 1)
        return false;
    memcpy(id, word, TOKEN_ID_BYTES);
    return true;
}

static int bad_line(const struct word_lines *lines, const char *what, struct error *error)
{
    return error_set(error, -1, "line %u: %s", lines->number, what);
}

static int take_token(struct key_registry *registry, const struct word_lines *lines,
                      struct error *error)
{
    struct join_token token;
    uint64_t left, uses;
    if (registry->key_count > 0)
        return bad_line(lines, "a token after a key", error);
    if (registry->token_count == REGISTRY_TOKENS_MAX)
        return bad_line(lines, "too many tokens", error);
    if (lines->count != 6 || !take_token_id(lines->words[1], token.id) ||
        !digest_from_hex(lines->words[2], &token.hash) ||
        !word_to_number(lines->words[3], TOKEN_USES_MAX, &left) ||
        !word_to_number(lines->words[4], TOKEN_USES_MAX, &uses) || left > uses ||
        !word_to_number(lines->words[5], UINT64_MAX, &token.expires_ms))
        return bad_line(lines, "is not \"token ID HASH LEFT USES EXPIRES_MS\"", error);
    token.uses_left = (uint32_t)left;
    token.uses = (uint32_t)uses;
    for (uint32_t i = 0; i < registry->token_count; i++)
        if (digest_equal(&registry->tokens[i].hash, &token.hash))
            return bad_line(lines, "a token that was there before", error);
    registry->tokens[registry->token_count++] = token;
    return 0;
}

/* One word: key_registry_join() sees to it. */
static bool take_name(const char *word, char name[NAME_BYTES_MAX])
{
    size_t length = strlen(word);
    if (length == 0 || length >= NAME_BYTES_MAX)
        return false;
    memcpy(name, word, length + 1);
    return true;
}

static int take_key(struct key_registry *registry, const struct word_lines *lines,
                    struct error *error)
{
    struct known_key entry = {.token = "-"};
    if (registry->key_count == REGISTRY_KEYS_MAX)
        return bad_line(lines, "too many keys", error);
    bool whole =
        lines->count == 7 && public_key_from_hex(lines->words[1], &entry.key) &&
        word_to_number(lines->words[3], UINT64_MAX, &entry.joined_ms) &&
        word_to_number(lines->words[4], UINT64_MAX, &entry.revoked_ms) &&
        (strcmp(lines->words[5], "-") == 0 || take_token_id(lines->words[5], entry.token)) &&
        take_name(lines->words[6], entry.name);
    if (whole) {
        entry.revoked = strcmp(lines->words[2], "revoked") == 0;
        whole = entry.revoked || strcmp(lines->words[2], "joined") == 0;
    }
    if (!whole)
        return bad_line(lines, "is not \"key HEX joined|revoked JOINED_MS REVOKED_MS TOKEN NAME\"",
                        error);
    if (registry->key_count > 0 &&
        memcmp(registry->keys[registry->key_count - 1].key.bytes, entry.key.bytes, KEY_BYTES) >= 0)
        return bad_line(lines, "the key is not greater than the one before", error);
    registry->keys[registry->key_count++] = entry;
    return 0;
}

static int take_head(struct word_lines *lines, struct error *error)
{
    struct error reason;
    if (word_lines_next(lines, &reason) != WORD_LINES_LINE || lines->count != 2 ||
        strcmp(lines->words[0], head) != 0)
        return error_set(error, -1, "line 1: is not \"%s 1\": not a list of keys", head);
    if (strcmp(lines->words[1], "1") != 0)
        return error_set(error, -1, "line 1: a list of version %.20s; this release knows 1",
                         lines->words[1]);
    return 0;
}

static int take_line(struct key_registry *registry, const struct word_lines *lines,
                     struct error *error)
{
    if (strcmp(lines->words[0], "token") == 0)
        return take_token(registry, lines, error);
    if (strcmp(lines->words[0], "key") == 0)
        return take_key(registry, lines, error);
    return bad_line(lines, "begins with neither \"token\" nor \"key\"", error);
}

int key_registry_parse(struct key_registry *registry, const char *text, size_t bytes,
                       struct error *error)
{
    struct word_lines lines = {.text = text, .bytes = bytes};
    registry->key_count = registry->token_count = 0;
    int rc = take_head(&lines, error);
    while (rc == 0) {
        enum word_lines_result result = word_lines_next(&lines, error);
        if (result == WORD_LINES_END)
            return 0;
        rc = result == WORD_LINES_LINE ? take_line(registry, &lines, error) : -1;
    }
    registry->key_count = registry->token_count = 0;
    return -1;
}

/* ---------------------------------------------------------------------------------------- writing
 */

static size_t print_token(const struct join_token *token, char *text)
{
    char hex[DIGEST_HEX_BYTES];
    digest_to_hex(&token->hash, hex);
    return (size_t)snprintf(text, LINE_BYTES, "token %s %s %u %u %" PRIu64 "\n", token->id, hex,
                            token->uses_left, token->uses, token->expires_ms);
}

static size_t print_key(const struct known_key *entry, char *text)
{
    char hex[KEY_HEX_BYTES];
    public_key_to_hex(&entry->key, hex);
    return (size_t)snprintf(text, LINE_BYTES, "key %s %s %" PRIu64 " %" PRIu64 " %s %s\n", hex,
                            entry->revoked ? "revoked" : "joined", entry->joined_ms,
                            entry->revoked_ms, entry->token, entry->name);
}

char *key_registry_print(const struct key_registry *registry, size_t *bytes)
{
    size_t lines = 1 + (size_t)registry->key_count + registry->token_count;
    char *text = malloc(lines * LINE_BYTES);
    if (text == NULL)
        return NULL;
    *bytes = (size_t)snprintf(text, LINE_BYTES, "%s 1\n", head);
    for (uint32_t i = 0; i < registry->token_count; i++)
        *bytes += print_token(&registry->tokens[i], text + *bytes);
    for (uint32_t i = 0; i < registry->key_count; i++)
        *bytes += print_key(&registry->keys[i], text + *bytes);
    return text;
}
