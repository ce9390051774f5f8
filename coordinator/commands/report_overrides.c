/* report_overrides.c: see report_overrides.h. */
#include "coordinator/commands/report_overrides.h"

#include "coordinator/experiment/experiment.h"
#include "coordinator/reading/settings_text.h"

#include <assert.h>
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

/* What each line of `text` says that the file does not. */
static void add_settings(const char *text, const char *file, char **overrides, uint32_t *count)
{
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

/* All that a file sets, of whatever scope, as `key = value` lines. */
struct listing {
    char *text;
    size_t bytes;
    FILE *stream;
};

static void list_setting(void *context, const struct listed_setting *setting)
{
    struct listing *listing = context;
    fprintf(listing->stream, "%s = %s\n", setting->key, setting->value);
}

static char *list_file(const struct experiment *experiment)
{
    struct listing listing = {.text = NULL};
    const struct experiment_visitor visitor = {&listing, list_setting};
    listing.stream = open_memstream(&listing.text, &listing.bytes);
    assert(listing.stream != NULL);
    int rc = experiment_list(experiment, &visitor, NULL);
    int closed = fclose(listing.stream);
    assert(rc == 0 && closed == 0);
    return listing.text;
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
    char *file = list_file(experiment);
    add_settings(report->canonical, file, overrides, &count);
    add_settings(report->limits, file, overrides, &count);
    free(file);
    experiment_destroy(&experiment);
    return overrides;
}

void report_overrides_free(char **overrides)
{
    for (uint32_t i = 0; overrides != NULL && overrides[i] != NULL; i++)
        free(overrides[i]);
    free(overrides);
}
