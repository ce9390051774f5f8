/* report_overrides.c: see report_overrides.h. */
#include "coordinator/commands/report_overrides.h"

#include "coordinator/experiment/experiment.h"
#include "coordinator/report/settings_text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETTINGS_MAX = 512, TEXT_BYTES_MAX = 1024 };

static void add(char **overrides, uint32_t *count, const char *text)
{
    if (*count == SETTINGS_MAX)
        return;
    overrides[*count] = strdup(text);
    assert(overrides[*count] != NULL);
    (*count)++;
}

static void add_settings(const struct report *report, const char *file, char **overrides,
                         uint32_t *count)
{
    const char *text = report->canonical;
    struct setting setting;
    while (settings_next(&text, &setting)) {
        char key[128], own[TEXT_BYTES_MAX / 2], value[TEXT_BYTES_MAX / 2], both[TEXT_BYTES_MAX];
        if (setting.key_bytes >= sizeof key || setting.value_bytes >= sizeof own)
            continue;
        snprintf(key, sizeof key, "%.*s", (int)setting.key_bytes, setting.key);
        snprintf(own, sizeof own, "%.*s", (int)setting.value_bytes, setting.value);
        if (settings_find(file, key, value, sizeof value) && strcmp(value, own) == 0)
            continue;
        snprintf(both, sizeof both, "%s=%s", key, own);
        add(overrides, count, both);
    }
}

/*
 * The budget is in no canonical text, since it may grow. Where each line of a finished run has the
 * same number of jobs, that number is a budget which gives the same run. 0: nothing to be said.
 */
static uint64_t budget_of(const struct report *report, const struct experiment *experiment)
{
    char lines[32];
    if (strcmp(report->state, "finished") != 0 || report->line_count != report->lines_total)
        return 0;
    uint64_t jobs = report->jobs / report->lines_total;
    for (size_t i = 0; i < report->line_count; i++)
        if (report->lines[i].commits != jobs + report->lines[i].has_final)
            return 0;
    settings_find(experiment_canonical(experiment), "search.lines", lines, sizeof lines);
    return experiment_jobs(experiment) == jobs * strtoull(lines, NULL, 10) ? 0 : jobs;
}

char **report_overrides(const struct report *report)
{
    struct experiment *experiment =
        experiment_parse(report->yaml, "experiment.yaml", NULL, 0, NULL);
    if (experiment == NULL)
        return NULL;
    uint32_t count = 0;
    char **overrides = calloc(SETTINGS_MAX + 1, sizeof *overrides);
    assert(overrides != NULL);
    add_settings(report, experiment_canonical(experiment), overrides, &count);
    uint64_t budget = budget_of(report, experiment);
    if (budget > 0) {
        char text[64];
        snprintf(text, sizeof text, "budget.jobs=%" PRIu64, budget);
        add(overrides, &count, text);
    }
    experiment_destroy(&experiment);
    return overrides;
}

void report_overrides_free(char **overrides)
{
    for (uint32_t i = 0; overrides != NULL && overrides[i] != NULL; i++)
        free(overrides[i]);
    free(overrides);
}
