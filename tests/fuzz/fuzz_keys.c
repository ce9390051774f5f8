/*
 * fuzz_keys.c: any bytes as a key file, as a list of known keys, and as a token.
 *
 * What is accepted must say the same once it is written and read again, and every refusal must have
 * words. The list that was accepted is then used: a stranger brings the bytes as a token, and
 * somebody revokes by them; neither may break the order that looking up relies on.
 */
#include "common/key_text.h"
#include "coordinator/shell/key_registry.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct key_registry *registry, *again;

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_key_file(const char *text, size_t size)
{
    struct key_file key, echo;
    struct error error = {.text = ""};
    char printed[KEY_TEXT_BYTES_MAX];
    if (key_text_parse(text, size, &key, &error) != 0) {
        require(error.text[0] != '\0');
        return;
    }
    size_t bytes = key_text_print(&key, printed);
    require(key_text_parse(printed, bytes, &echo, NULL) == 0);
    require(memcmp(&key, &echo, sizeof key) == 0);
}

static void check_order(void)
{
    for (uint32_t i = 0; i < registry->key_count; i++) {
        const struct known_key *entry = &registry->keys[i];
        require(key_registry_find(registry, &entry->key) == entry);
        require(i == 0 || memcmp(entry[-1].key.bytes, entry->key.bytes, KEY_BYTES) < 0);
    }
}

static void check_echo(void)
{
    size_t bytes;
    char *text = key_registry_print(registry, &bytes);
    require(text != NULL);
    require(key_registry_parse(again, text, bytes, NULL) == 0);
    free(text);
    require(again->key_count == registry->key_count && again->token_count == registry->token_count);
    for (uint32_t i = 0; i < registry->key_count; i++)
        require(public_key_equal(&again->keys[i].key, &registry->keys[i].key) &&
                again->keys[i].revoked == registry->keys[i].revoked &&
                strcmp(again->keys[i].name, registry->keys[i].name) == 0);
}

/* The bytes as what a peer or a person says: up to the first NUL, and not too long. */
static void check_words(const char *text, size_t size)
{
    char word[TOKEN_BYTES_MAX];
    struct error error = {.text = ""};
    struct revocation done;
    size_t length = size < sizeof word ? size : sizeof word - 1;
    memcpy(word, text, length);
    word[length] = '\0';
    const struct join_request request = {.key = {{1}}, .name = word, .token = word, .now_ms = 1000};
    if (key_registry_join(registry, &request, &error) != 0)
        require(error.text[0] != '\0');
    else
        require(!key_registry_find(registry, &request.key)->revoked);
    check_order();
    require(key_registry_revoke(registry, word, 2000, &done, &error) == 0 ||
            (done.keys == 0 && done.tokens == 0));
    check_order();
    check_echo();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct error error = {.text = ""};
    if (registry == NULL) {
        registry = key_registry_create();
        again = key_registry_create();
        require(registry != NULL && again != NULL);
    }
    check_key_file(text, size);
    if (key_registry_parse(registry, text, size, &error) == 0) {
        check_order();
        check_echo();
    } else {
        require(error.text[0] != '\0' && registry->key_count == 0 && registry->token_count == 0);
    }
    check_words(text, size);
    return 0;
}
