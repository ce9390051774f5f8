/*
 * fuzz_experiment.c: any bytes as an experiment file, and what stands behind their first NUL as an
 * override.
 *
 * A refusal must come with a sentence that a terminal can bear. What is taken must be described by
 * its canonical text alone: given back as overrides of an empty file, that text makes the same
 * experiment.
 */
#include "coordinator/experiment/experiment.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OVERRIDES_MAX = 512, OVERRIDE_BYTES_MAX = 512 };

static void check_sentence(const struct error *error)
{
    assert(error->text[0] != '\0');
    for (const char *c = error->text; *c != '\0'; c++)
        assert(*c >= ' ' && *c <= '~');
}

/* "a = b" lines into "a=b" overrides. */
static void check_canonical(const char *canonical)
{
    static char texts[OVERRIDES_MAX][OVERRIDE_BYTES_MAX];
    const char *overrides[OVERRIDES_MAX] = {"name=again", "budget.jobs=1"};
    uint32_t count = 2;
    for (const char *line = canonical; *line != '\0'; line = strchr(line, '\n') + 1) {
        const char *equals = strstr(line, " = ");
        assert(equals != NULL && count + 1 < OVERRIDES_MAX);
        int written = snprintf(texts[count], OVERRIDE_BYTES_MAX, "%.*s=%.*s", (int)(equals - line),
                               line, (int)strcspn(equals + 3, "\n"), equals + 3);
        assert(written > 0 && written < OVERRIDE_BYTES_MAX);
        overrides[count] = texts[count];
        count++;
    }
    /* A place, so no part of the text, and yet needed. */
    if (strstr(canonical, "data.set = idx\n") != NULL)
        overrides[count++] = "data.dir=there";
    struct error error = {""};
    struct experiment *again = experiment_parse("{}", "again", overrides, count, &error);
    if (again == NULL)
        fprintf(stderr, "%s\n", error.text);
    assert(again != NULL && strcmp(experiment_canonical(again), canonical) == 0);
    experiment_destroy(&again);
}

static void check_data(const struct experiment *experiment)
{
    struct experiment_data data;
    if (!experiment_data(experiment, &data))
        return;
    assert(data.set[0] != '\0' && (data.dir == NULL || data.dir[0] != '\0'));
    assert(strcmp(data.set, "idx") != 0 || data.dir != NULL);
    assert(!data.made || (data.dir == NULL && data.samples % 10 == 0));
}

static void check_core(const struct experiment *experiment)
{
    struct core_config config = {0};
    experiment_fill_core(experiment, &config);
    assert(config.line_count >= 1 && config.open_lines <= config.line_count);
    struct line_config last;
    config.line(config.line_context, config.line_count - 1, &last);
    assert(last.search.line == config.line_count - 1);
    assert(last.search.operator_count >= 1 || last.search.strategy->founders_only);
    assert(last.search.operator_count <= OPERATORS_MAX);
    assert((uint64_t)last.lookahead * config.open_lines <= 4000000);
}

static char *copy_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    assert(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, 0, size) : NULL;
    size_t length = end == NULL ? size : (size_t)(end - data);
    char *text = copy_text(data, length);
    char *override = end == NULL ? NULL : copy_text(end + 1, size - length - 1);
    const char *overrides[] = {override};
    struct error error = {""};
    struct experiment *experiment =
        experiment_parse(text, "x.yaml", overrides, override != NULL, &error);
    if (experiment == NULL) {
        check_sentence(&error);
    } else {
        check_canonical(experiment_canonical(experiment));
        check_core(experiment);
        check_data(experiment);
    }
    experiment_destroy(&experiment);
    free(text);
    free(override);
    return 0;
}
