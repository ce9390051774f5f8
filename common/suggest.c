/*
 * suggest.c: see suggest.h.
 *
 * The usual dynamic programme over prefixes. Three rows are enough, because a swap looks back by
 * two.
 */
#include "common/suggest.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static int same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

uint32_t suggest_distance(const char *one, const char *other)
{
    size_t rows = strnlen(one, SUGGEST_WORD_BYTES_MAX + 1);
    size_t columns = strnlen(other, SUGGEST_WORD_BYTES_MAX + 1);
    if (rows > SUGGEST_WORD_BYTES_MAX || columns > SUGGEST_WORD_BYTES_MAX)
        return UINT32_MAX;
    uint32_t distance[3][SUGGEST_WORD_BYTES_MAX + 1];
    for (size_t j = 0; j <= columns; j++)
        distance[0][j] = (uint32_t)j;
    for (size_t i = 1; i <= rows; i++) {
        uint32_t *row = distance[i % 3];
        const uint32_t *above = distance[(i + 2) % 3];
        const uint32_t *two_above = distance[(i + 1) % 3];
        row[0] = (uint32_t)i;
        for (size_t j = 1; j <= columns; j++) {
            uint32_t replaced = above[j - 1] + !same_letter(one[i - 1], other[j - 1]);
            row[j] = smaller(replaced, smaller(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && same_letter(one[i - 1], other[j - 2]) &&
                same_letter(one[i - 2], other[j - 1]))
                row[j] = smaller(row[j], two_above[j - 2] + 1);
        }
    }
    return distance[rows % 3][columns];
}

const char *suggest_nearest(const char *word, const char *const *words, uint32_t count)
{
    const char *nearest = NULL;
    uint32_t least = (uint32_t)((strnlen(word, SUGGEST_WORD_BYTES_MAX) + 2) / 3 + 1);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t distance = suggest_distance(word, words[i]);
        if (distance < least) {
            least = distance;
            nearest = words[i];
        }
    }
    return nearest;
}
