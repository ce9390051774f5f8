/* run_recall.c: see run_recall.h. */
#include "coordinator/shell/run_recall.h"

#include "coordinator/shell/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_KEPT_MAX = 256, LINE_BYTES_MAX = 512 };

/* `key=value` texts, as --set would give them. */
struct overrides {
    uint32_t count;
    const char *items[LINES_KEPT_MAX];
    char text[LINES_KEPT_MAX][LINE_BYTES_MAX];
};

/* A limit that is not set cannot be given as an override; this fitness nobody reaches. */
static const char *value_of(const char *key, const char *value)
{
    if (strcmp(value, "never") != 0)
        return value;
    return strcmp(key, "stop.fitness") == 0 ? "1000000000" : NULL;
}

/* Takes the lines of `key = value`. False: more or longer than any experiment has. */
static bool add_lines(struct overrides *overrides, const char *lines)
{
    while (*lines != '\0') {
        char line[LINE_BYTES_MAX];
        size_t length = strcspn(lines, "\n");
        if (length >= sizeof line || overrides->count == LINES_KEPT_MAX)
            return false;
        memcpy(line, lines, length);
        line[length] = '\0';
        lines += length + (lines[length] == '\n');
        char *middle = strstr(line, " = ");
        if (middle == NULL)
            return false;
        *middle = '\0';
        const char *value = value_of(line, middle + 3);
        if (value == NULL)
            continue;
        char *text = overrides->text[overrides->count];
        snprintf(text, LINE_BYTES_MAX, "%.*s=%.*s", LINE_BYTES_MAX / 4, line, LINE_BYTES_MAX / 2,
                 value);
        overrides->items[overrides->count++] = text;
    }
    return true;
}

/* What a file needs and the search does not, should it have come from --set. */
static bool add_places(struct overrides *overrides, const struct ledger_header *header)
{
    char name[NAME_BYTES_MAX + 16];
    snprintf(name, sizeof name, "name = %s", header->name);
    return add_lines(overrides, name) && (strstr(header->canonical, "data.set = idx\n") == NULL ||
                                          add_lines(overrides, "data.dir = there"));
}

static struct experiment *recall(const struct overrides *overrides,
                                 const struct ledger_header *header, struct error *error)
{
    struct error reason;
    struct experiment *experiment = experiment_parse(header->yaml, "the ledger's experiment",
                                                     overrides->items, overrides->count, &reason);
    if (experiment == NULL) {
        error_set(error, -1, "the experiment in the ledger cannot be read: %.300s", reason.text);
        return NULL;
    }
    struct digest digest = experiment_digest(experiment);
    if (digest_equal(&digest, &header->experiment_digest))
        return experiment;
    experiment_destroy(&experiment);
    error_set(error, -1, "the experiment in the ledger is not the one with which the run began");
    return NULL;
}

struct experiment *run_recall(struct ledger *ledger, const struct ledger_header *header,
                              struct error *error)
{
    char limits[RUN_LIMITS_BYTES_MAX] = "";
    enum ledger_result result = ledger_get_fact(ledger, "limits", limits, sizeof limits, error);
    if (result != LEDGER_OK && result != LEDGER_END)
        return NULL;
    struct overrides *overrides = calloc(1, sizeof *overrides);
    struct experiment *experiment = NULL;
    if (overrides == NULL)
        error_set(error, -1, "no memory for the experiment");
    else if (!add_lines(overrides, header->canonical) || !add_lines(overrides, limits) ||
             !add_places(overrides, header))
        error_set(error, -1, "the settings in the ledger are not those of an experiment");
    else
        experiment = recall(overrides, header, error);
    free(overrides);
    return experiment;
}
