/*
 * utf8_text.h: characters of a text that may be anything.
 */
#ifndef RATCHET_COORDINATOR_REPORT_UTF8_TEXT_H
#define RATCHET_COORDINATOR_REPORT_UTF8_TEXT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Bytes of the UTF-8 character (RFC 3629) at `text`, with its *code; 0 when there is none: needless
 * length, surrogates, what is beyond Unicode. The NUL that ends the text is a character of its own.
 */
size_t utf8_character(const unsigned char *text, uint32_t *code);

#endif
