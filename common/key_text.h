/*
 * key_text.h: keys as text: what stands in a key file, and what people type.
 *
 * A key is a Curve25519 key of 32 bytes, in text 64 hexadecimal digits. A key file is three or four
 * lines, each of which must be there in this order and nothing else:
 *
 *   ratchet-key 1
 *   public HEX
 *   secret HEX          not in the file that is handed out
 *   server HEX          only where the key is for one coordinator
 *
 * Pure: texts in, structs out. Files are os_key.h's business.
 */
#ifndef RATCHET_COMMON_KEY_TEXT_H
#define RATCHET_COMMON_KEY_TEXT_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KEY_BYTES = 32, KEY_HEX_BYTES = 65 /* with its NUL */, KEY_TEXT_BYTES_MAX = 512 };

struct public_key {
    uint8_t bytes[KEY_BYTES];
};

struct secret_key {
    uint8_t bytes[KEY_BYTES];
};

struct key_file {
    struct public_key own;
    bool has_secret, has_server;
    struct secret_key secret;
    struct public_key server; /* of the coordinator that the key is for */
};

bool public_key_equal(const struct public_key *a, const struct public_key *b);
void public_key_to_hex(const struct public_key *key, char hex[KEY_HEX_BYTES]);
/* Takes exactly 64 hexadecimal digits and a NUL; false leaves *key alone. */
bool public_key_from_hex(const char *hex, struct public_key *key);

/* 0, or -1 with the line and what is wrong with it. Whether secret and public part belong together
 * is not looked at. */
int key_text_parse(const char *text, size_t bytes, struct key_file *key, struct error *error)
    __attribute__((warn_unused_result));
/* The text of a key file with its NUL; its length comes back. */
size_t key_text_print(const struct key_file *key, char text[KEY_TEXT_BYTES_MAX]);

/* ------------------------------------------------------------------- lines of words, for parsers
 */

enum { WORD_LINE_WORDS_MAX = 8, WORD_LINE_BYTES_MAX = 512 };

/* Reads a text line by line; `words` point into `line`. */
struct word_lines {
    const char *text;
    size_t bytes, position;
    uint32_t number; /* of the line read last, from 1 */
    uint32_t count;
    const char *words[WORD_LINE_WORDS_MAX];
    char line[WORD_LINE_BYTES_MAX];
};

enum word_lines_result { WORD_LINES_LINE = 1, WORD_LINES_END, WORD_LINES_BAD };

/*
 * The next line, split at single blanks. Bad, with the line's number: too long, too many words, a
 * blank too many, a byte that is not printable ASCII, or a last line without its end.
 */
enum word_lines_result word_lines_next(struct word_lines *lines, struct error *error)
    __attribute__((warn_unused_result));

/* Decimal digits only, up to `most`. False leaves *value alone. */
bool word_to_number(const char *word, uint64_t most, uint64_t *value);

#endif
