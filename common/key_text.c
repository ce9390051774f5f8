/* key_text.c: see key_text.h. */
#include "common/key_text.h"

#include "common/digest.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(struct public_key) == sizeof(struct digest),
               "keys and digests are of one length, so that they share their hexadecimal form");

static const char head[] = "ratchet-key";

bool public_key_equal(const struct public_key *a, const struct public_key *b)
{
    return memcmp(a->bytes, b->bytes, KEY_BYTES) == 0;
}

static void bytes_to_hex(const uint8_t bytes[KEY_BYTES], char hex[KEY_HEX_BYTES])
{
    struct digest same;
    memcpy(same.bytes, bytes, sizeof same.bytes);
    digest_to_hex(&same, hex);
}

static bool bytes_from_hex(const char *hex, uint8_t bytes[KEY_BYTES])
{
    struct digest same;
    if (!digest_from_hex(hex, &same))
        return false;
    memcpy(bytes, same.bytes, KEY_BYTES);
    return true;
}

void public_key_to_hex(const struct public_key *key, char hex[KEY_HEX_BYTES])
{
    bytes_to_hex(key->bytes, hex);
}

bool public_key_from_hex(const char *hex, struct public_key *key)
{
    return bytes_from_hex(hex, key->bytes);
}

/* ------------------------------------------------------------------------------------------ lines
 */

static int split_line(struct word_lines *lines, struct error *error)
{
    char *word = lines->line;
    lines->count = 0;
    for (;;) {
        size_t length = strcspn(word, " ");
        if (length == 0)
            return error_set(error, -1, "line %u: a blank too many", lines->number);
        if (lines->count == WORD_LINE_WORDS_MAX)
            return error_set(error, -1, "line %u: more than %d words", lines->number,
                             WORD_LINE_WORDS_MAX);
        lines->words[lines->count++] = word;
        if (word[length] == '\0')
            return 0;
        word[length] = '\0';
        word += length + 1;
    }
}

enum word_lines_result word_lines_next(struct word_lines *lines, struct error *error)
{
    if (lines->position == lines->bytes)
        return WORD_LINES_END;
    const char *start = lines->text + lines->position;
    size_t left = lines->bytes - lines->position;
    const char *end = memchr(start, '\n', left);
    lines->number++;
    if (end == NULL) {
        error_set(error, -1, "line %u: has no end", lines->number);
        return WORD_LINES_BAD;
    }
    size_t length = (size_t)(end - start);
    if (length >= sizeof lines->line) {
        error_set(error, -1, "line %u: is longer than %d bytes", lines->number,
                  WORD_LINE_BYTES_MAX - 1);
        return WORD_LINES_BAD;
    }
    for (size_t i = 0; i < length; i++) {
        if (start[i] < ' ' || start[i] > '~') {
            error_set(error, -1, "line %u: byte %zu is not printable ASCII", lines->number, i + 1);
            return WORD_LINES_BAD;
        }
    }
    memcpy(lines->line, start, length);
    lines->line[length] = '\0';
    lines->position += length + 1;
    return split_line(lines, error) == 0 ? WORD_LINES_LINE : WORD_LINES_BAD;
}

bool word_to_number(const char *word, uint64_t most, uint64_t *value)
{
    uint64_t number = 0;
    if (word[0] == '\0')
        return false;
    for (; *word != '\0'; word++) {
        if (*word < '0' || *word > '9')
            return false;
        uint64_t digit = (uint64_t)(*word - '0');
        if (number > (UINT64_MAX - digit) / 10)
            return false;
        number = 10 * number + digit;
    }
    if (number > most)
        return false;
    *value = number;
    return true;
}

/* ---------------------------------------------------------------------------------- the key file
 */

/* A line "NAME HEX". 1: it is; 0: it is the end; -1: it is something else. */
static int read_key_line(struct word_lines *lines, const char *name, uint8_t bytes[KEY_BYTES],
                         struct error *error)
{
    switch (word_lines_next(lines, error)) {
    case WORD_LINES_END:
        return 0;
    case WORD_LINES_BAD:
        return -1;
    case WORD_LINES_LINE:
        break;
    }
    if (lines->count != 2 || strcmp(lines->words[0], name) != 0 ||
        !bytes_from_hex(lines->words[1], bytes))
        return error_set(error, -1, "line %u: \"%s\" and 64 hexadecimal digits are wanted",
                         lines->number, name);
    for (size_t i = 0; i < KEY_BYTES; i++)
        if (bytes[i] != 0)
            return 1;
    return error_set(error, -1, "line %u: a %s key of zeros is nobody's", lines->number, name);
}

int key_text_parse(const char *text, size_t bytes, struct key_file *key, struct error *error)
{
    struct word_lines lines = {.text = text, .bytes = bytes};
    struct error reason;
    *key = (struct key_file){.has_secret = false};
    if (word_lines_next(&lines, &reason) != WORD_LINES_LINE || lines.count != 2 ||
        strcmp(lines.words[0], head) != 0)
        return error_set(error, -1, "line 1: is not \"%s 1\": not a key file", head);
    if (strcmp(lines.words[1], "1") != 0)
        return error_set(error, -1, "line 1: a key file of version %.20s; this release knows 1",
                         lines.words[1]);
    int found = read_key_line(&lines, "public", key->own.bytes, error);
    if (found <= 0)
        return found < 0 ? -1 : error_set(error, -1, "line 2: the public key is missing");
    found = read_key_line(&lines, "secret", key->secret.bytes, error);
    if (found <= 0)
        return found;
    key->has_secret = true;
    found = read_key_line(&lines, "server", key->server.bytes, error);
    if (found <= 0)
        return found;
    key->has_server = true;
    if (word_lines_next(&lines, &reason) != WORD_LINES_END)
        return error_set(error, -1, "line 5: there is more than a key");
    return 0;
}

size_t key_text_print(const struct key_file *key, char text[KEY_TEXT_BYTES_MAX])
{
    char hex[KEY_HEX_BYTES];
    size_t used;
    public_key_to_hex(&key->own, hex);
    used = (size_t)snprintf(text, KEY_TEXT_BYTES_MAX, "%s 1\npublic %s\n", head, hex);
    if (key->has_secret) {
        bytes_to_hex(key->secret.bytes, hex);
        used += (size_t)snprintf(text + used, KEY_TEXT_BYTES_MAX - used, "secret %s\n", hex);
    }
    if (key->has_secret && key->has_server) {
        public_key_to_hex(&key->server, hex);
        used += (size_t)snprintf(text + used, KEY_TEXT_BYTES_MAX - used, "server %s\n", hex);
    }
    assert(used < KEY_TEXT_BYTES_MAX);
    return used;
}
