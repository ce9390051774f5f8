/*
 * param.c: see param.h.
 *
 * Numbers are checked against a small grammar before strtod sees them, because strtod also takes
 * "inf", "nan", hexadecimal and leading blanks. strtod and printf follow the locale; no program of
 * Ratchet calls setlocale, so the locale is "C" and the point is a point.
 */
#include "common/param.h"

#include "common/suggest.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHOICES_MAX = 16,
    CHOICES_BYTES_MAX = 128,
    QUOTE_BYTES_MAX = 48,
};

/* The words of "a|b|c", cut apart. */
struct choices {
    char text[CHOICES_BYTES_MAX];
    const char *words[CHOICES_MAX];
    uint32_t count;
};

static void choices_split(const char *text, struct choices *choices)
{
    assert(strlen(text) < sizeof choices->text);
    strcpy(choices->text, text);
    choices->count = 0;
    char *rest = choices->text;
    for (char *word = strsep(&rest, "|"); word != NULL; word = strsep(&rest, "|")) {
        assert(choices->count < CHOICES_MAX);
        choices->words[choices->count++] = word;
    }
}

static const char *skip_digits(const char *text)
{
    return text + strspn(text, "0123456789");
}

/* [+-] digits [. digits] [e [+-] digits], with a digit before or after the point, and nothing else.
 */
static bool is_number(const char *text)
{
    text += *text == '+' || *text == '-';
    const char *end = skip_digits(text);
    bool has_digit = end > text;
    if (*end == '.') {
        const char *fraction = end + 1;
        end = skip_digits(fraction);
        has_digit = has_digit || end > fraction;
    }
    if (!has_digit)
        return false;
    if (*end == 'e' || *end == 'E') {
        const char *exponent = end + 1;
        exponent += *exponent == '+' || *exponent == '-';
        end = skip_digits(exponent);
        if (end == exponent)
            return false;
    }
    return *end == '\0';
}

static int parse_choice(const struct param *param, const char *text, double *value,
                        struct error *error)
{
    struct choices choices;
    choices_split(param->choices, &choices);
    for (uint32_t i = 0; i < choices.count; i++) {
        if (strcmp(choices.words[i], text) == 0) {
            *value = i;
            return 0;
        }
    }
    char quoted[QUOTE_BYTES_MAX];
    param_quote(text, quoted, sizeof quoted);
    const char *nearest = suggest_nearest(text, choices.words, choices.count);
    return error_set(error, -1, "expected %s, got '%s'%s%s%s", param->choices, quoted,
                     nearest == NULL ? "" : "; did you mean '", nearest == NULL ? "" : nearest,
                     nearest == NULL ? "" : "'?");
}

int param_parse(const struct param *param, const char *text, double *value, struct error *error)
{
    if (param->kind == PARAM_CHOICE)
        return parse_choice(param, text, value, error);
    if (is_number(text)) {
        /* Adding zero turns -0.0 into 0.0: one value, one text, one digest. */
        double number = strtod(text, NULL) + 0.0;
        bool whole = param->kind != PARAM_WHOLE || number == floor(number);
        if (whole && number >= param->least && number <= param->most) {
            *value = number;
            return 0;
        }
    }
    char range[CHOICES_BYTES_MAX], quoted[QUOTE_BYTES_MAX];
    param_range(param, range, sizeof range);
    param_quote(text, quoted, sizeof quoted);
    return error_set(error, -1, "expected %s, got '%s'", range, quoted);
}

static void format_real(double value, char *text, size_t size)
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, size, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            return;
    }
}

void param_format(const struct param *param, double value, char *text, size_t size)
{
    if (param->kind == PARAM_CHOICE) {
        struct choices choices;
        choices_split(param->choices, &choices);
        assert(value >= 0 && value < choices.count);
        snprintf(text, size, "%s", choices.words[(uint32_t)value]);
    } else if (param->kind == PARAM_WHOLE) {
        snprintf(text, size, "%.0f", value);
    } else {
        format_real(value, text, size);
    }
}

void param_range(const struct param *param, char *text, size_t size)
{
    if (param->kind == PARAM_CHOICE) {
        snprintf(text, size, "%s", param->choices);
        return;
    }
    char least[32], most[32];
    param_format(param, param->least, least, sizeof least);
    param_format(param, param->most, most, sizeof most);
    snprintf(text, size, "%s .. %s%s", least, most, param->kind == PARAM_WHOLE ? " (whole)" : "");
}

int param_find(const struct param *params, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(params[i].name, name) == 0)
            return (int)i;
    return -1;
}

void param_quote(const char *text, char *quoted, size_t size)
{
    assert(size > 4);
    size_t i = 0;
    for (; text[i] != '\0' && i < size - 1; i++)
        quoted[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
    quoted[i] = '\0';
    if (text[i] != '\0')
        memcpy(quoted + size - 4, "...", 4);
}
