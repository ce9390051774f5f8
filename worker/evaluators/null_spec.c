/*
 * null_spec.c: the null evaluator's settings, read from the spec's `key = value` lines.
 */
#include "worker/evaluators/null.h"

#include "worker/evaluators/spec_reader.h"

enum { ROW_DIM, ROW_WORK_MS, ROW_CRASH, ROW_HEAL, ROW_COUNT };

static const struct param rows[ROW_COUNT] = {
    [ROW_DIM] = {.name = "null.dim",
                 .kind = PARAM_WHOLE,
                 .least = 1,
                 .most = 1048576,
                 .fallback = 16,
                 .help = "length of a genome"},
    [ROW_WORK_MS] = {.name = "null.work_ms",
                     .kind = PARAM_WHOLE,
                     .least = 0,
                     .most = 3600000,
                     .fallback = 0,
                     .help = "sleep per job, in milliseconds"},
    [ROW_CRASH] = {.name = "null.crash_per_million",
                   .kind = PARAM_WHOLE,
                   .least = 0,
                   .most = 1000000,
                   .fallback = 0,
                   .help = "attempts in a million that kill their slot"},
    [ROW_HEAL] = {.name = "null.heal",
                  .kind = PARAM_REAL,
                  .least = 0,
                  .most = 1,
                  .fallback = 0.1,
                  .help = "fraction of the way to the target that one job's training goes"},
};

static const char *const prefixes[] = {"null.", NULL};

int null_spec_parse(const char *spec, struct null_spec *parsed, struct error *error)
{
    double values[ROW_COUNT];
    const struct spec_table table = {
        .evaluator = "null",
        .prefixes = prefixes,
        .rows = rows,
        .row_count = ROW_COUNT,
        .values = values,
    };
    if (spec_read(spec, &table, error) != 0)
        return -1;
    *parsed = (struct null_spec){
        .dim = (uint32_t)values[ROW_DIM],
        .work_ms = (uint32_t)values[ROW_WORK_MS],
        .crash_per_million = (uint32_t)values[ROW_CRASH],
        .heal = values[ROW_HEAL],
    };
    return 0;
}
