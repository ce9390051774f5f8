/* model_families.c: see model_families.h, and model_text.h for what each family stands for. */
#include "common/model_families.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER_MAX = 1048576 };

/* A family under way. */
struct maker {
    const char *at;
    struct model_family *family;
    size_t layers_used, canonical_used;
    bool overflows;
};

static void put(char *to, size_t size, size_t *used, bool *overflows, const char *format,
                va_list arguments)
{
    int length = vsnprintf(to + *used, size - *used, format, arguments);
    assert(length >= 0);
    if ((size_t)length >= size - *used)
        *overflows = true;
    else
        *used += (size_t)length;
}

__attribute__((format(printf, 2, 3))) static void put_layers(struct maker *maker,
                                                             const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put(maker->family->layers, sizeof maker->family->layers, &maker->layers_used, &maker->overflows,
        format, arguments);
    va_end(arguments);
}

__attribute__((format(printf, 2, 3))) static void put_canonical(struct maker *maker,
                                                                const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put(maker->family->canonical, sizeof maker->family->canonical, &maker->canonical_used,
        &maker->overflows, format, arguments);
    va_end(arguments);
}

/* A number without leading zeros; false when there is none, or too large a one. */
static bool take_number(struct maker *maker, uint32_t *number)
{
    uint64_t value = 0;
    const char *first = maker->at;
    for (; *maker->at >= '0' && *maker->at <= '9'; maker->at++)
        if (value <= NUMBER_MAX)
            value = value * 10 + (uint64_t)(*maker->at - '0');
    *number = (uint32_t)value;
    return maker->at != first && *first != '0' && value <= NUMBER_MAX;
}

/* A letter and its number; `usual` when the letter is not there. */
static bool take_part(struct maker *maker, char letter, uint32_t usual, uint32_t *number)
{
    *number = usual;
    if (*maker->at != letter)
        return true;
    maker->at++;
    if (maker->at[0] == '0' && !(maker->at[1] >= '0' && maker->at[1] <= '9')) {
        *number = 0;
        maker->at++;
        return true;
    }
    return take_number(maker, number);
}

/* DxW */
struct extent {
    uint32_t depth, width;
};

static bool take_extent(struct maker *maker, struct extent *extent)
{
    if (!take_number(maker, &extent->depth) || *maker->at != 'x')
        return false;
    maker->at++;
    return take_number(maker, &extent->width);
}

/* ------------------------------------------------------------------------------- the families */

static bool make_resmlp(struct maker *maker)
{
    struct extent size;
    if (!take_extent(maker, &size))
        return false;
    put_layers(maker, "[stem %u,%u*(residual(dense %u,linear %u),activation)]", size.width,
               size.depth, size.width, size.width);
    put_canonical(maker, "%ux%u", size.depth, size.width);
    return true;
}

static bool make_stage(struct maker *maker, const char *separator)
{
    uint32_t channels, kernel, stride, padding, pool;
    if (!take_number(maker, &channels) || !take_part(maker, 'k', 3, &kernel) ||
        !take_part(maker, 's', 1, &stride) || !take_part(maker, 'p', 0, &padding) ||
        !take_part(maker, 'm', 1, &pool) || kernel == 0 || stride == 0 || pool == 0)
        return false;
    put_layers(maker, "%sconv %uk%us%up%u", separator, channels, kernel, stride, padding);
    put_canonical(maker, "%s%uk%u", separator, channels, kernel);
    if (stride != 1)
        put_canonical(maker, "s%u", stride);
    if (padding != 0)
        put_canonical(maker, "p%u", padding);
    if (pool == 1)
        return true;
    put_layers(maker, ",maxpool %u", pool);
    put_canonical(maker, "m%u", pool);
    return true;
}

static bool make_cnn(struct maker *maker)
{
    const char *separator = "";
    put_layers(maker, "[");
    for (;;) {
        if (!make_stage(maker, separator))
            return false;
        if (*maker->at != ',')
            break;
        maker->at++;
        while (*maker->at == ' ')
            maker->at++;
        separator = ",";
    }
    put_layers(maker, "]");
    return true;
}

static bool make_recurrent(struct maker *maker, const char *word)
{
    struct extent size;
    if (!take_extent(maker, &size))
        return false;
    put_layers(maker, "[%u*%s %u]", size.depth, word, size.width);
    put_canonical(maker, "%ux%u", size.depth, size.width);
    return true;
}

static bool make_gru(struct maker *maker)
{
    return make_recurrent(maker, "gru");
}

static bool make_bigru(struct maker *maker)
{
    return make_recurrent(maker, "bigru");
}

static bool make_transformer(struct maker *maker)
{
    struct extent size;
    uint32_t heads, patch, ratio;
    if (!take_extent(maker, &size) || *maker->at != 'h' || !take_part(maker, 'h', 1, &heads) ||
        !take_part(maker, 'p', 1, &patch) || !take_part(maker, 'r', 4, &ratio) || heads == 0 ||
        patch == 0 || ratio == 0 || (uint64_t)ratio * size.width > NUMBER_MAX)
        return false;
    put_layers(maker, "[");
    if (patch > 1)
        put_layers(maker, "patch %u,", patch);
    put_layers(maker,
               "project %u,positions,%u*(residual(norm,attention %u),residual(norm,conv %uk1,"
               "project %u)),norm,mean]",
               size.width, size.depth, heads, ratio * size.width, size.width);
    put_canonical(maker, "%ux%uh%u", size.depth, size.width, heads);
    if (patch > 1)
        put_canonical(maker, "p%u", patch);
    if (ratio != 4)
        put_canonical(maker, "r%u", ratio);
    return true;
}

static const struct family_row {
    const char *prefix;
    bool (*make)(struct maker *maker);
    const char *usage;
} families[] = {
    {"resmlp:", make_resmlp, "resmlp:DxW with D blocks of W units"},
    {"cnn:", make_cnn,
     "cnn:STAGE,STAGE,... with stages C[kK][sS][pP][mM]: C channels, kernel K, stride S, padding "
     "P, max-pooling M"},
    {"gru:", make_gru, "gru:DxW with D layers of W units"},
    {"bigru:", make_bigru, "bigru:DxW with D layers of W units in each direction"},
    {"transformer:", make_transformer,
     "transformer:DxWhH[pP][rR] with D blocks of width W, H heads, patches of P and R*W units "
     "between"},
};

static const struct family_row *find(const char *text)
{
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        if (strncmp(text, families[i].prefix, strlen(families[i].prefix)) == 0)
            return &families[i];
    return NULL;
}

bool model_family_is(const char *text)
{
    return find(text) != NULL;
}

int model_family_expand(const char *text, struct model_family *family, struct error *error)
{
    const struct family_row *row = find(text);
    assert(row != NULL);
    *family = (struct model_family){.input = ""};
    struct maker maker = {.at = text + strlen(row->prefix), .family = family};
    put_canonical(&maker, "%s", row->prefix);
    bool made = row->make(&maker);
    while (*maker.at == ' ')
        maker.at++;
    if (!made || maker.overflows || (*maker.at != '\0' && *maker.at != '@'))
        return error_set(error, -1, "write %s%s", row->usage,
                         maker.overflows ? ", and fewer of them" : "");
    family->input = maker.at;
    return 0;
}
