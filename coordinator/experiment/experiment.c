/*
 * experiment.c: see experiment.h. Loads, owns and hands out; the checks are in experiment_read.c.
 * Lines differ in their number only: a line's configuration is made when the core asks for it.
 */
#include "coordinator/experiment/experiment.h"

#include "common/os_file.h"
#include "coordinator/experiment/experiment_state.h"
#include "coordinator/experiment/experiment_yaml.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

uint32_t experiment_open_lines(const struct experiment *experiment)
{
    double lines = experiment->settings.lines, open = experiment->settings.open_lines;
    return (uint32_t)(open < lines ? open : lines);
}

static struct digest digest_of_canonical(const char *canonical)
{
    static const char head[] = "ratchet experiment 1\n";
    struct digest_state state;
    digest_init(&state);
    digest_update(&state, head, sizeof head - 1);
    digest_update(&state, canonical, strlen(canonical));
    return digest_final(&state);
}

/* What follows from settings that have been checked. Fails only when memory is out. */
static int derive(struct experiment *experiment, const char *path, struct error *error)
{
    experiment->canonical = experiment_render(experiment, SETTING_SEARCH);
    experiment->spec = experiment_render(experiment, SETTING_SPEC);
    if (experiment->canonical == NULL || experiment->spec == NULL)
        return error_set(error, -1, "%s: out of memory", path);
    experiment->digest = digest_of_canonical(experiment->canonical);
    experiment->spec_digest = digest_of(experiment->spec, strlen(experiment->spec));
    return 0;
}

static int parse(struct experiment *experiment, struct entries *entries,
                 const char *const *overrides, uint32_t override_count, struct error *error)
{
    if (experiment_yaml_read(experiment->yaml, entries, error) != 0 ||
        entries_fold_layers(entries, error) != 0)
        return -1;
    for (uint32_t i = 0; i < override_count; i++)
        if (entries_override(entries, overrides[i], error) != 0)
            return -1;
    if (experiment_read(experiment, entries, error) != 0)
        return -1;
    return derive(experiment, entries->file, error);
}

struct experiment *experiment_parse(const char *text, const char *path,
                                    const char *const *overrides, uint32_t override_count,
                                    struct error *error)
{
    struct experiment *experiment = calloc(1, sizeof *experiment);
    char *yaml = strdup(text), *copy = strdup(path);
    if (experiment == NULL || yaml == NULL || copy == NULL) {
        free(experiment);
        free(yaml);
        free(copy);
        error_set(error, -1, "%s: out of memory", path);
        return NULL;
    }
    experiment->yaml = yaml;
    experiment->path = copy;
    struct entries entries = {.file = path};
    int failed = parse(experiment, &entries, overrides, override_count, error);
    entries_fini(&entries);
    if (failed)
        experiment_destroy(&experiment);
    return experiment;
}

struct experiment *experiment_load(const char *path, const char *const *overrides,
                                   uint32_t override_count, struct error *error)
{
    char *text;
    size_t count;
    if (os_read_file(path, EXPERIMENT_FILE_BYTES_MAX, &text, &count, error) != 0)
        return NULL;
    struct experiment *experiment = NULL;
    if (strlen(text) != count)
        error_set(error, -1, "%s: is not text: byte %zu is NUL", path, strlen(text) + 1);
    else
        experiment = experiment_parse(text, path, overrides, override_count, error);
    free(text);
    return experiment;
}

void experiment_destroy(struct experiment **experiment)
{
    struct experiment *old = *experiment;
    *experiment = NULL;
    if (old == NULL)
        return;
    free(old->path);
    free(old->yaml);
    free(old->canonical);
    free(old->spec);
    free(old);
}

/* -------------------------------------------------------------------------------------- answers */

const char *experiment_path(const struct experiment *experiment)
{
    return experiment->path;
}

const char *experiment_name(const struct experiment *experiment)
{
    return experiment->settings.name;
}

const char *experiment_yaml(const struct experiment *experiment)
{
    return experiment->yaml;
}

uint64_t experiment_seed(const struct experiment *experiment)
{
    return experiment->settings.seed;
}

uint64_t experiment_jobs(const struct experiment *experiment)
{
    return (uint64_t)experiment->settings.jobs * (uint64_t)experiment->settings.lines;
}

double experiment_stop_hours(const struct experiment *experiment)
{
    return experiment->settings.stop_hours;
}

enum keep_policy experiment_keep(const struct experiment *experiment)
{
    return experiment->settings.keep == KEEP_CHOICE_ALL ? KEEP_ALL : KEEP_LIVE;
}

uint64_t experiment_disk_max(const struct experiment *experiment)
{
    return experiment->settings.disk_max;
}

const char *experiment_canonical(const struct experiment *experiment)
{
    return experiment->canonical;
}

struct digest experiment_digest(const struct experiment *experiment)
{
    return experiment->digest;
}

const char *experiment_spec(const struct experiment *experiment)
{
    return experiment->spec;
}

/* ------------------------------------------------------------------------------------- the core */

static void fill_line(const void *context, uint32_t line, struct line_config *config)
{
    const struct experiment *experiment = context;
    assert(line < experiment->settings.lines);
    *config = (struct line_config){
        .search = experiment->search,
        .spec = experiment->spec_digest,
        .lookahead = (uint32_t)experiment->settings.lookahead,
        .jobs = (uint64_t)experiment->settings.jobs,
        .stop_fitness = experiment->settings.stop_fitness,
        .stop_stagnation = (uint64_t)experiment->settings.stop_stagnation,
    };
    config->search.line = line;
    config->search.stream =
        experiment->settings.stream == STREAM_CHOICE_SHARED ? STREAM_SHARED : STREAM_OF_LINE;
}

/* The choice's word, as the core knows it: native classes have their library's name, and any class
 * may take part in a portable experiment that commits in the order of arrival. */
static void fill_numeric(const struct experiment *experiment, struct core_config *config)
{
    static const char *const names[] = {
        [NUMERIC_CHOICE_PORTABLE] = "portable",
        [NUMERIC_CHOICE_NATIVE] = "native",
        [NUMERIC_CHOICE_AVX512_BF16] = "avx512_bf16",
        [NUMERIC_CHOICE_AMX_BF16] = "amx_bf16",
    };
    size_t choice = (size_t)experiment->settings.numeric;
    bool ordered = experiment->settings.commit == COMMIT_CHOICE_ORDERED;
    strcpy(config->numeric, choice == NUMERIC_CHOICE_PORTABLE && !ordered ? "" : names[choice]);
}

void experiment_fill_core(const struct experiment *experiment, struct core_config *config)
{
    const struct settings *settings = &experiment->settings;
    strcpy(config->experiment, settings->name);
    config->experiment_digest = experiment->digest;
    config->mode = settings->commit == COMMIT_CHOICE_ARRIVAL ? COMMIT_ARRIVAL : COMMIT_ORDERED;
    config->final_evaluation = settings->final_evaluation != 0;
    config->opinion_promising = settings->promising != 0;
    config->audit = settings->audit;
    config->poison_fails = settings->poison == POISON_FAILS;
    fill_numeric(experiment, config);
    config->line_count = (uint32_t)settings->lines;
    config->open_lines = experiment_open_lines(experiment);
    config->line = fill_line;
    config->line_context = experiment;
}
