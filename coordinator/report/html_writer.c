/* html_writer.c: see html_writer.h. */
#include "coordinator/report/html_writer.h"

#include "coordinator/report/utf8_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_LEAST = 65536, SAID_BYTES_MAX = 1024 };

/* U+FFFD, for what is no character. */
static const char replacement[] = "\xef\xbf\xbd";

static char *reserve(struct html *html, size_t count)
{
    if (html->failed)
        return NULL;
    if (html->room - html->count < count) {
        size_t room = html->room > 0 ? html->room : ROOM_LEAST;
        while (room - html->count < count && room <= SIZE_MAX / 2)
            room *= 2;
        char *grown = room - html->count < count ? NULL : realloc(html->bytes, room);
        if (grown == NULL) {
            html->failed = true;
            return NULL;
        }
        html->bytes = grown;
        html->room = room;
    }
    char *end = html->bytes + html->count;
    html->count += count;
    return end;
}

static void append(struct html *html, const char *bytes, size_t count)
{
    char *end = reserve(html, count);
    if (end != NULL)
        memcpy(end, bytes, count);
}

void html_raw(struct html *html, const char *markup)
{
    append(html, markup, strlen(markup));
}

/* ---------------------------------------------------------------------------------------- text */

/* What stands for one byte of ASCII; NULL: itself. */
static const char *escape_of(unsigned char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return (c < ' ' && c != '\n' && c != '\t') || c == 0x7f ? replacement : NULL;
    }
}

void html_text(struct html *html, const char *text)
{
    const unsigned char *rest = (const unsigned char *)text;
    while (*rest != '\0') {
        uint32_t code;
        if (*rest < 0x80) {
            const char *escape = escape_of(*rest);
            if (escape != NULL)
                html_raw(html, escape);
            else
                append(html, (const char *)rest, 1);
            rest++;
            continue;
        }
        size_t count = utf8_character(rest, &code);
        if (count > 0)
            append(html, (const char *)rest, count);
        else
            html_raw(html, replacement);
        rest += count > 0 ? count : 1;
    }
}

static void say(struct html *html, const char *format, va_list arguments)
{
    char text[SAID_BYTES_MAX];
    vsnprintf(text, sizeof text, format, arguments);
    html_text(html, text);
}

void html_say(struct html *html, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(html, format, arguments);
    va_end(arguments);
}

void html_element(struct html *html, const char *tag, const char *format, ...)
{
    size_t name = strcspn(tag, ".");
    html_raw(html, "<");
    append(html, tag, name);
    if (tag[name] != '\0') {
        html_raw(html, " class=\"");
        html_raw(html, tag + name + 1);
        html_raw(html, "\"");
    }
    html_raw(html, ">");
    va_list arguments;
    va_start(arguments, format);
    say(html, format, arguments);
    va_end(arguments);
    html_raw(html, "</");
    append(html, tag, name);
    html_raw(html, ">");
}

/* -------------------------------------------------------------------------------------- base64 */

void html_base64(struct html *html, struct html_bytes bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *from = bytes.bytes;
    for (size_t left = bytes.count; left > 0; left -= left < 3 ? left : 3, from += 3) {
        uint32_t group = (uint32_t)from[0] << 16 | (left > 1 ? (uint32_t)from[1] << 8 : 0) |
                         (left > 2 ? from[2] : 0u);
        const char text[4] = {digits[group >> 18], digits[group >> 12 & 63],
                              left > 1 ? digits[group >> 6 & 63] : '=',
                              left > 2 ? digits[group & 63] : '='};
        append(html, text, sizeof text);
    }
}
