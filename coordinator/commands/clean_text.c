/* clean_text.c: see clean_text.h. */
#include "coordinator/commands/clean_text.h"

#include "coordinator/report/utf8_text.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The controls of ASCII and of ISO 6429, which terminals take in UTF-8, too; line and paragraph
 * ends; marks without width, and those of direction. */
static bool is_control(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0x061c, 0x061c}, {0x200b, 0x200f},
        {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    }
    return false;
}

void clean_text(const char *text, char *clean, size_t size)
{
    assert(size > 0);
    size_t used = 0;
    while (*text != '\0') {
        uint32_t code;
        size_t bytes = utf8_character((const unsigned char *)text, &code);
        bool shown = bytes > 0 && !is_control(code);
        if (used + (shown ? bytes : 1) >= size)
            break;
        if (shown)
            memcpy(clean + used, text, bytes);
        else
            clean[used] = '?';
        used += shown ? bytes : 1;
        text += bytes > 0 ? bytes : 1;
    }
    clean[used] = '\0';
}

void print_clean(struct clean_row row, const char *text)
{
    char clean[CLEAN_ROW_BYTES_MAX];
    clean_text(text, clean, sizeof clean);
    printf("%-*s %s\n", row.width, row.title, clean);
}
