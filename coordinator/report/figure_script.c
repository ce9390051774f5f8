/* figure_script.c: see figure_script.h. */
#include "coordinator/report/figure_script.h"

#include "coordinator/report/utf8_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_FIRST = 1 << 14 };

static bool make_room(struct script *script, size_t bytes)
{
    size_t room = script->room == 0 ? ROOM_FIRST : script->room;
    while (room < script->bytes + bytes + 1)
        room *= 2;
    if (room == script->room)
        return true;
    char *text = room <= SCRIPT_BYTES_MAX ? realloc(script->text, room) : NULL;
    if (text == NULL) {
        script->failed = true;
        return false;
    }
    script->text = text;
    script->room = room;
    return true;
}

void script_add(struct script *script, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int bytes = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (bytes < 0)
        script->failed = true;
    if (script->failed || !make_room(script, (size_t)bytes))
        return;
    va_start(arguments, format);
    vsnprintf(script->text + script->bytes, script->room - script->bytes, format, arguments);
    va_end(arguments);
    script->bytes += (size_t)bytes;
}

void script_value(struct script *script, double value)
{
    script_add(script, " %.9g", value);
}

/* Bytes of the printable character at `text`; 0 when there is none, or none that is meant for
 * exchange. */
static size_t character_bytes(const unsigned char *text)
{
    uint32_t code;
    size_t bytes = utf8_character(text, &code);
    bool printable = code >= 0x20 && (code < 0x7f || code >= 0xa0) && (code & 0xfffe) != 0xfffe;
    return printable ? bytes : 0;
}

void script_label(struct script *script, const char *text)
{
    const unsigned char *next = (const unsigned char *)text;
    script_add(script, "'");
    for (int column = 0; *next != '\0'; column++) {
        size_t bytes = character_bytes(next);
        size_t step = bytes > 0 ? bytes : 1;
        if (column == SCRIPT_LABEL_COLUMNS - 1 && next[step] != '\0') {
            script_add(script, "\u2026");
            break;
        }
        if (bytes == 0)
            script_add(script, "?");
        else if (*next == '\'')
            script_add(script, "\u2019"); /* gnuplot does not take '' at the beginning */
        else if (*next == '>')
            script_add(script, "\u203a"); /* gnuplot leaves it, and ]]> may not be in XML */
        else
            script_add(script, "%.*s", (int)bytes, (const char *)next);
        next += step;
    }
    script_add(script, "'");
}

void script_free(struct script *script)
{
    free(script->text);
    *script = (struct script){0};
}
