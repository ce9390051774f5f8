/* utf8_text.c: see utf8_text.h. */
#include "coordinator/report/utf8_text.h"

size_t utf8_character(const unsigned char *text, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    *code = text[0];
    if (text[0] < 0x80)
        return 1;
    if (text[0] < 0xc0 || text[0] >= 0xf8)
        return 0;
    const size_t bytes = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
    *code &= 0x7fu >> bytes;
    /* The NUL that ends the text is no continuation, so it is never passed. */
    for (size_t i = 1; i < bytes; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (text[i] & 0x3f);
    }
    if (*code < least[bytes] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
        return 0;
    return bytes;
}
