/* spec_reader.c: see spec_reader.h. */
#include "worker/evaluators/spec_reader.h"

#include <assert.h>
#include <string.h>

struct reading {
    const struct spec_table *table;
    uint64_t known_rows, known_texts; /* bits: which keys were there */
    bool is_ours;                     /* `evaluator = NAME` was there */
};

/* Cuts "key = value" in two, in place. False when there is no " = ". */
static bool cut_line(char *line, const char **value)
{
    char *equals = strstr(line, " = ");
    if (equals == NULL)
        return false;
    *equals = '\0';
    *value = equals + 3;
    return true;
}

static bool has_our_prefix(const struct spec_table *table, const char *key)
{
    for (uint32_t i = 0; table->prefixes[i] != NULL; i++)
        if (strncmp(key, table->prefixes[i], strlen(table->prefixes[i])) == 0)
            return true;
    return false;
}

/* Notes that key number i was there; -1 when it was there before. */
static int know(uint64_t *known, uint32_t i, const char *key, struct error *error)
{
    uint64_t bit = UINT64_C(1) << i;
    if (*known & bit)
        return error_set(error, -1, "%s is given twice", key);
    *known |= bit;
    return 0;
}

/* 1 when the key is one of the texts, 0 when it is not, -1. */
static int read_text(struct reading *reading, const char *key, const char *value,
                     struct error *error)
{
    for (uint32_t i = 0; i < reading->table->text_count; i++) {
        const struct spec_text *row = &reading->table->texts[i];
        if (strcmp(row->key, key) != 0)
            continue;
        if (know(&reading->known_texts, i, key, error) != 0)
            return -1;
        if (strlen(value) >= row->size)
            return error_set(error, -1, "%s has more than %zu letters", key, row->size - 1);
        memcpy(row->text, value, strlen(value) + 1);
        return 1;
    }
    return 0;
}

static int read_evaluator(struct reading *reading, const char *value, struct error *error)
{
    char quoted[64];
    param_quote(value, quoted, sizeof quoted);
    if (strcmp(value, reading->table->evaluator) != 0)
        return error_set(error, -1, "the evaluator is %s, not %s", quoted,
                         reading->table->evaluator);
    reading->is_ours = true;
    return 0;
}

static int read_line(struct reading *reading, char *line, struct error *error)
{
    const struct spec_table *table = reading->table;
    const char *value;
    if (line[0] == '\0' || line[0] == '#')
        return 0;
    if (!cut_line(line, &value))
        return error_set(error, -1, "not a line of the form key = value");
    if (strcmp(line, "evaluator") == 0)
        return read_evaluator(reading, value, error);
    int text = read_text(reading, line, value, error);
    if (text != 0)
        return text < 0 ? -1 : 0;
    int row = param_find(table->rows, table->row_count, line);
    if (row >= 0) {
        if (know(&reading->known_rows, (uint32_t)row, line, error) != 0)
            return -1;
        return param_parse(&table->rows[row], value, &table->values[row], error);
    }
    if (!has_our_prefix(table, line))
        return 0;
    char quoted[64];
    param_quote(line, quoted, sizeof quoted);
    return error_set(error, -1, "unknown key %s", quoted);
}

static int read_lines(struct reading *reading, const char *spec, struct error *error)
{
    for (uint32_t number = 1; *spec != '\0'; number++) {
        size_t length = strcspn(spec, "\n");
        char line[SPEC_LINE_BYTES_MAX];
        struct error why;
        if (length >= sizeof line)
            return error_set(error, -1, "spec, line %u: longer than %d bytes", number,
                             SPEC_LINE_BYTES_MAX - 1);
        memcpy(line, spec, length);
        line[length] = '\0';
        if (read_line(reading, line, &why) != 0)
            return error_set(error, -1, "spec, line %u: %s", number, why.text);
        spec += length;
        spec += *spec == '\n';
    }
    return 0;
}

int spec_read(const char *spec, const struct spec_table *table, struct error *error)
{
    struct reading reading = {.table = table};
    assert(table->row_count <= 64 && table->text_count <= 64);
    for (uint32_t i = 0; i < table->row_count; i++)
        table->values[i] = table->rows[i].fallback;
    for (uint32_t i = 0; i < table->text_count; i++)
        table->texts[i].text[0] = '\0';
    if (read_lines(&reading, spec, error) != 0)
        return -1;
    if (!reading.is_ours)
        return error_set(error, -1, "spec: no line says evaluator = %s", table->evaluator);
    return 0;
}
