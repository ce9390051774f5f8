/*
 * null_spec.c: the null evaluator's settings, read from the spec's `key = value` lines.
 *
 * The spec belongs to the whole experiment: keys outside `null.` are for others and passed over,
 * except `evaluator`, which must say that this one is meant.
 */
#include "worker/evaluators/null.h"

#include "common/param.h"

#include <stdbool.h>
#include <string.h>

enum { LINE_BYTES_MAX = 256, PREFIX_BYTES = 5 /* "null." */ };

enum { ROW_DIM, ROW_WORK_MS, ROW_CRASH, ROW_HEAL, ROW_COUNT };

static const struct param rows[ROW_COUNT] = {
    [ROW_DIM] = {.name = "dim",
                 .kind = PARAM_WHOLE,
                 .least = 1,
                 .most = 1048576,
                 .fallback = 16,
                 .help = "length of a genome"},
    [ROW_WORK_MS] = {.name = "work_ms",
                     .kind = PARAM_WHOLE,
                     .least = 0,
                     .most = 3600000,
                     .fallback = 0,
                     .help = "sleep per job, in milliseconds"},
    [ROW_CRASH] = {.name = "crash_per_million",
                   .kind = PARAM_WHOLE,
                   .least = 0,
                   .most = 1000000,
                   .fallback = 0,
                   .help = "attempts in a million that kill their slot"},
    [ROW_HEAL] = {.name = "heal",
                  .kind = PARAM_REAL,
                  .least = 0,
                  .most = 1,
                  .fallback = 0.1,
                  .help = "fraction of the way to the target that one job's training goes"},
};

struct reading {
    double values[ROW_COUNT];
    bool known[ROW_COUNT];
    bool is_null; /* `evaluator = null` was there */
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

static int read_setting(struct reading *reading, const char *key, const char *value,
                        struct error *error)
{
    int row = param_find(rows, ROW_COUNT, key + PREFIX_BYTES);
    if (row < 0)
        return error_set(error, -1, "unknown key %s", key);
    if (reading->known[row])
        return error_set(error, -1, "%s is given twice", key);
    reading->known[row] = true;
    return param_parse(&rows[row], value, &reading->values[row], error);
}

static int read_line(struct reading *reading, char *line, struct error *error)
{
    const char *value;
    if (line[0] == '\0' || line[0] == '#')
        return 0;
    if (!cut_line(line, &value))
        return error_set(error, -1, "not a line of the form key = value");
    if (strncmp(line, "null.", PREFIX_BYTES) == 0)
        return read_setting(reading, line, value, error);
    if (strcmp(line, "evaluator") != 0)
        return 0;
    if (strcmp(value, "null") != 0)
        return error_set(error, -1, "the evaluator is %s, not null", value);
    reading->is_null = true;
    return 0;
}

static int read_lines(struct reading *reading, const char *spec, struct error *error)
{
    for (uint32_t number = 1; *spec != '\0'; number++) {
        size_t length = strcspn(spec, "\n");
        char line[LINE_BYTES_MAX];
        struct error why;
        if (length >= sizeof line)
            return error_set(error, -1, "spec, line %u: longer than %d bytes", number,
                             LINE_BYTES_MAX - 1);
        memcpy(line, spec, length);
        line[length] = '\0';
        if (read_line(reading, line, &why) != 0)
            return error_set(error, -1, "spec, line %u: %s", number, why.text);
        spec += length;
        spec += *spec == '\n';
    }
    return 0;
}

int null_spec_parse(const char *spec, struct null_spec *parsed, struct error *error)
{
    struct reading reading = {0};
    for (uint32_t i = 0; i < ROW_COUNT; i++)
        reading.values[i] = rows[i].fallback;
    if (read_lines(&reading, spec, error) != 0)
        return -1;
    if (!reading.is_null)
        return error_set(error, -1, "spec: no line says evaluator = null");
    *parsed = (struct null_spec){
        .dim = (uint32_t)reading.values[ROW_DIM],
        .work_ms = (uint32_t)reading.values[ROW_WORK_MS],
        .crash_per_million = (uint32_t)reading.values[ROW_CRASH],
        .heal = reading.values[ROW_HEAL],
    };
    return 0;
}
