/*
 * model_text.c: a model's text as a list of layers; see model_text.h.
 *
 * Layers are read from left to right, once, and written again as they are read: what comes out is
 * the canonical text. A family is written as the layers that it stands for and read as those
 * (model_families.c).
 */
#include "common/model_text.h"

#include "common/model_families.h"
#include "common/param.h"
#include "common/suggest.h"
#include "common/topology.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { NESTING_MAX = 8, SIZE_MAX_UNITS = TOPOLOGY_WIDTH_MAX, EDGE_MAX = 1024 };

struct reader {
    const char *whole, *at;
    struct model_text *model;
    struct error *error;
    size_t used;      /* of model->text */
    uint32_t nesting; /* open brackets */
};

/* What may follow a word. */
enum word_size { SIZE_NONE, SIZE_UNITS, SIZE_EDGE, SIZE_BRACKET };

static const struct word {
    const char *name;
    enum layer_word word;
    enum word_size size;
} words[] = {
    {"dense", LAYER_DENSE, SIZE_UNITS},
    {"stem", LAYER_STEM, SIZE_UNITS},
    {"linear", LAYER_LINEAR, SIZE_UNITS},
    {"conv", LAYER_CONV, SIZE_UNITS},
    {"project", LAYER_PROJECT, SIZE_UNITS},
    {"maxpool", LAYER_MAX_POOL, SIZE_EDGE},
    {"mean", LAYER_MEAN, SIZE_NONE},
    {"patch", LAYER_PATCH, SIZE_EDGE},
    {"rows", LAYER_ROWS, SIZE_NONE},
    {"positions", LAYER_POSITIONS, SIZE_NONE},
    {"norm", LAYER_NORM, SIZE_NONE},
    {"attention", LAYER_ATTENTION, SIZE_UNITS},
    {"gru", LAYER_GRU, SIZE_UNITS},
    {"bigru", LAYER_BIGRU, SIZE_UNITS},
    {"activation", LAYER_ACTIVATION, SIZE_NONE},
    {"residual", LAYER_RESIDUAL, SIZE_BRACKET},
};

enum { WORDS = sizeof words / sizeof words[0] };

__attribute__((format(printf, 2, 3))) static int refuse(const struct reader *reader,
                                                        const char *format, ...)
{
    char reason[256], quoted[64];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    param_quote(reader->whole, quoted, sizeof quoted);
    return error_set(reader->error, -1, "model \"%s\": %s", quoted, reason);
}

/* --------------------------------------------------------------------------- reading, writing */

static void skip_blanks(struct reader *reader)
{
    while (*reader->at == ' ')
        reader->at++;
}

static bool take(struct reader *reader, char expected)
{
    skip_blanks(reader);
    if (*reader->at != expected)
        return false;
    reader->at++;
    skip_blanks(reader);
    return true;
}

__attribute__((format(printf, 2, 3))) static int write_text(struct reader *reader,
                                                            const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t room = sizeof reader->model->text - reader->used;
    int length = vsnprintf(reader->model->text + reader->used, room, format, arguments);
    va_end(arguments);
    assert(length >= 0);
    if ((size_t)length >= room)
        return refuse(reader, "written out, it has more than %zu characters",
                      sizeof reader->model->text - 1);
    reader->used += (size_t)length;
    return 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

/* A whole number from `least` to `most`, without leading zeros. */
struct bounds {
    uint32_t least, most;
};

static int read_number(struct reader *reader, const char *what, struct bounds bounds,
                       uint32_t *number)
{
    const char *first = reader->at;
    uint64_t value = 0;
    for (; is_digit(*reader->at); reader->at++)
        if (value <= bounds.most)
            value = value * 10 + (uint64_t)(*reader->at - '0');
    size_t digits = (size_t)(reader->at - first);
    if (digits == 0 || (digits > 1 && *first == '0') || value < bounds.least || value > bounds.most)
        return refuse(reader, "%s is a whole number from %u to %u", what, bounds.least,
                      bounds.most);
    *number = (uint32_t)value;
    return 0;
}

/* -------------------------------------------------------------------------------------- layers */

static int append(struct reader *reader, const struct layer_item *item)
{
    if (reader->model->count == MODEL_TEXT_ITEMS_MAX)
        return refuse(reader, "at most %d layers and brackets can be written",
                      MODEL_TEXT_ITEMS_MAX);
    reader->model->items[reader->model->count++] = *item;
    return 0;
}

static int read_word(struct reader *reader, const struct word **found)
{
    const char *names[WORDS];
    char name[16];
    size_t length = 0;
    while (is_letter(reader->at[length]))
        length++;
    snprintf(name, sizeof name, "%.*s", (int)(length < 15 ? length : 15), reader->at);
    for (uint32_t i = 0; i < WORDS; i++) {
        names[i] = words[i].name;
        if (strcmp(name, words[i].name) == 0) {
            reader->at += length;
            *found = &words[i];
            return 0;
        }
    }
    if (length == 0)
        return refuse(reader, "a layer is missing");
    const char *close = suggest_nearest(name, names, WORDS);
    if (close != NULL)
        return refuse(reader, "there is no layer \"%s\"; did you mean \"%s\"?", name, close);
    return refuse(reader, "there is no layer \"%s\"", name);
}

/* NkKsSpP: the parts behind N in this order, each with a default. */
static int read_convolution(struct reader *reader, struct layer_item *item)
{
    const struct {
        char letter;
        const char *what;
        struct bounds bounds;
        uint32_t *number, usual;
    } parts[] = {
        {'k', "the kernel behind k", {1, EDGE_MAX}, &item->kernel, 3},
        {'s', "the stride behind s", {1, EDGE_MAX}, &item->stride, 1},
        {'p', "the padding behind p", {0, EDGE_MAX}, &item->padding, 0},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        *parts[i].number = parts[i].usual;
        if (*reader->at != parts[i].letter)
            continue;
        reader->at++;
        if (read_number(reader, parts[i].what, parts[i].bounds, parts[i].number) != 0)
            return -1;
    }
    if (item->padding >= item->kernel)
        return refuse(reader, "a padding of %u is not below the kernel of %u", item->padding,
                      item->kernel);
    if (write_text(reader, "k%u", item->kernel) != 0 ||
        (item->stride != 1 && write_text(reader, "s%u", item->stride) != 0) ||
        (item->padding != 0 && write_text(reader, "p%u", item->padding) != 0))
        return -1;
    return 0;
}

static int read_size(struct reader *reader, const struct word *word, struct layer_item *item)
{
    const struct bounds units = {1, SIZE_MAX_UNITS}, edge = {1, EDGE_MAX};
    char what[48];
    skip_blanks(reader);
    snprintf(what, sizeof what, "the number behind %s", word->name);
    if (read_number(reader, what, word->size == SIZE_EDGE ? edge : units, &item->size) != 0 ||
        write_text(reader, " %u", item->size) != 0)
        return -1;
    return word->word == LAYER_CONV ? read_convolution(reader, item) : 0;
}

static int read_layers(struct reader *reader, char end);

/* The inside of a residual or group, up to its bracket. */
static int read_bracket(struct reader *reader)
{
    const struct layer_item end = {.word = LAYER_END, .repeat = 1};
    if (!take(reader, '('))
        return refuse(reader, "'(' is missing behind residual");
    if (reader->nesting == NESTING_MAX)
        return refuse(reader, "at most %d brackets in one another", NESTING_MAX);
    reader->nesting++;
    if (write_text(reader, "(") != 0 || read_layers(reader, ')') != 0 ||
        write_text(reader, ")") != 0)
        return -1;
    reader->nesting--;
    return append(reader, &end);
}

static int read_layer(struct reader *reader)
{
    const struct bounds repeats = {1, MODEL_TEXT_REPEAT_MAX};
    struct layer_item item = {.repeat = 1};
    const struct word *word = NULL;
    if (is_digit(*reader->at)) {
        if (read_number(reader, "a number of repetitions", repeats, &item.repeat) != 0)
            return -1;
        if (!take(reader, '*'))
            return refuse(reader, "'*' is missing behind %u", item.repeat);
        if (item.repeat > 1 && write_text(reader, "%u*", item.repeat) != 0)
            return -1;
    }
    if (*reader->at == '(') {
        item.word = LAYER_GROUP;
        return append(reader, &item) != 0 ? -1 : read_bracket(reader);
    }
    if (read_word(reader, &word) != 0 || write_text(reader, "%s", word->name) != 0)
        return -1;
    item.word = word->word;
    if ((word->size == SIZE_UNITS || word->size == SIZE_EDGE) &&
        read_size(reader, word, &item) != 0)
        return -1;
    if (append(reader, &item) != 0)
        return -1;
    return word->size == SIZE_BRACKET ? read_bracket(reader) : 0;
}

/* LAYER, LAYER, ... up to and with the end. */
static int read_layers(struct reader *reader, char end)
{
    for (;;) {
        if (read_layer(reader) != 0)
            return -1;
        if (take(reader, end))
            return 0;
        if (!take(reader, ','))
            return refuse(reader, "',' or '%c' is missing behind a layer", end);
        if (write_text(reader, ",") != 0)
            return -1;
    }
}

/* @HxW or @CxHxW, or nothing. */
static int read_input(struct reader *reader)
{
    const struct bounds sizes = {1, SIZE_MAX_UNITS};
    uint32_t numbers[3], count = 0;
    if (!take(reader, '@'))
        return 0;
    do {
        if (count == 3)
            return refuse(reader, "behind @ stand two or three sizes, as in @28x28");
        if (read_number(reader, "a size behind @", sizes, &numbers[count]) != 0)
            return -1;
        count++;
    } while (take(reader, 'x'));
    if (count < 2)
        return refuse(reader, "behind @ stand two or three sizes, as in @28x28");
    reader->model->input =
        (struct value_shape){count == 3 ? numbers[0] : 1, numbers[count - 2], numbers[count - 1]};
    return write_text(reader, "@%ux%ux%u", reader->model->input.channels,
                      reader->model->input.height, reader->model->input.width);
}

/* ------------------------------------------------------------------------------------ families */

/* The layers of `mlp`, and its canonical text. */
static int read_mlp(struct reader *reader)
{
    struct topology topology;
    if (topology_parse(reader->whole, &topology, reader->error) != 0)
        return -1;
    for (uint32_t i = 0; i < topology.group_count; i++) {
        const struct layer_item item = {.word = LAYER_DENSE,
                                        .repeat = topology.groups[i].depth,
                                        .size = topology.groups[i].width};
        if (append(reader, &item) != 0)
            return -1;
    }
    _Static_assert((int)MODEL_TEXT_BYTES_MAX >= (int)TOPOLOGY_TEXT_BYTES_MAX, "it fits");
    topology_format(&topology, reader->model->text);
    return 0;
}

static int read_list(struct reader *reader)
{
    if (!take(reader, '['))
        return refuse(reader, "'[' is missing behind layers:");
    if (write_text(reader, "layers:[") != 0 || read_layers(reader, ']') != 0 ||
        write_text(reader, "]") != 0 || read_input(reader) != 0)
        return -1;
    return *reader->at == '\0' ? 0 : refuse(reader, "something follows its end");
}

/* A family but mlp: its layers are read from the list that it stands for. */
static int read_family(struct reader *reader)
{
    struct model_family family;
    struct error reason;
    if (model_family_expand(reader->whole, &family, &reason) != 0)
        return refuse(reader, "%.200s", reason.text);
    struct reader layers = *reader;
    layers.at = family.layers;
    if (!take(&layers, '[') || read_layers(&layers, ']') != 0)
        return -1;
    layers.at = family.input;
    reader->used = 0;
    layers.used = 0;
    if (write_text(&layers, "%s", family.canonical) != 0 || read_input(&layers) != 0)
        return -1;
    return *layers.at == '\0' ? 0 : refuse(reader, "something follows its end");
}

int model_text_parse(const char *text, struct model_text *model, struct error *error)
{
    struct reader reader = {.whole = text, .at = text, .model = model, .error = error};
    *model = (struct model_text){.count = 0};
    if (strnlen(text, MODEL_TEXT_BYTES_MAX) == MODEL_TEXT_BYTES_MAX)
        return refuse(&reader, "at most %d characters", MODEL_TEXT_BYTES_MAX - 1);
    if (strncmp(text, "layers:", 7) == 0) {
        reader.at += 7;
        return read_list(&reader);
    }
    if (model_family_is(text))
        return read_family(&reader);
    if (strncmp(text, "mlp:", 4) == 0)
        return read_mlp(&reader);
    if (strcmp(text, "linear") == 0)
        return write_text(&reader, "linear");
    return refuse(&reader, "it is neither \"linear\" nor does it start with mlp:, resmlp:, cnn:, "
                           "gru:, bigru:, transformer: or layers:");
}
