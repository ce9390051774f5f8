/*
 * html_writer.h: a page as it grows: markup that we wrote, and texts that anybody may have written.
 *
 * The two are kept apart by name: html_raw takes literals of this program; everything else goes
 * through html_text or html_say, which escape for element content and for attributes in double
 * quotes, and replace what is no UTF-8 or no character of a text. Running out of memory is
 * remembered and seen once, at the end.
 */
#ifndef RATCHET_COORDINATOR_REPORT_HTML_WRITER_H
#define RATCHET_COORDINATOR_REPORT_HTML_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct html {
    char *bytes; /* [count], no NUL; free() it */
    size_t count, room;
    bool failed; /* memory was out: the page is not whole */
};

/* Markup as it is. */
void html_raw(struct html *html, const char *markup);
/* A text, escaped. */
void html_text(struct html *html, const char *text);
/* A formatted text of less than 1 KiB, escaped. */
void html_say(struct html *html, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A whole element around a formatted text: tag "td", or "td.number" for a class. */
void html_element(struct html *html, const char *tag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Bytes as base64 (RFC 4648), without line breaks. */
struct html_bytes {
    const void *bytes;
    size_t count;
};
void html_base64(struct html *html, struct html_bytes bytes);

#endif
