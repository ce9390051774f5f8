/* lists.c: `ratchet operators`, `strategies`, `validate` and `runs`: what there is. */
#include "common/operator_catalog.h"
#include "coordinator/commands/command.h"
#include "coordinator/commands/table.h"
#include "coordinator/experiment/experiment.h"
#include "coordinator/reading/reader.h"
#include "coordinator/search/strategy.h"
#include "coordinator/shell/json.h"
#include "coordinator/shell/run_directory.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_json(struct json_node *root)
{
    char *text = json_print(root, JSON_INDENTED);
    printf("%s\n", text);
    free(text);
    json_node_free(&root);
}

/* ---------------------------------------------------------------------- operators, strategies */

static struct json_node *params_node(const struct param *params, uint32_t count)
{
    struct json_node *list = json_node_array();
    for (uint32_t i = 0; i < count; i++) {
        char range[128], fallback[64];
        param_range(&params[i], range, sizeof range);
        param_format(&params[i], params[i].fallback, fallback, sizeof fallback);
        struct json_node *node = json_node_object();
        json_set_text(node, "name", params[i].name);
        json_set_text(node, "range", range);
        json_set_text(node, "default", fallback);
        json_set_text(node, "help", params[i].help);
        json_append_node(list, node);
    }
    return list;
}

static void show_params(const struct param *params, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char range[128], fallback[64];
        param_range(&params[i], range, sizeof range);
        param_format(&params[i], params[i].fallback, fallback, sizeof fallback);
        printf("    %-14s %s (%s; default %s)\n", params[i].name, params[i].help, range, fallback);
    }
}

static const struct {
    enum evaluator_set bit;
    const char *name;
} evaluators[] = {{FOR_NULL, "null"}, {FOR_TRAIN, "train"}};

enum { EVALUATORS = sizeof evaluators / sizeof evaluators[0] };

static struct json_node *operator_node(const struct operator_info *info)
{
    struct json_node *node = json_node_object(), *list = json_node_array();
    for (uint32_t i = 0; i < EVALUATORS; i++)
        if ((info->evaluators & evaluators[i].bit) != 0)
            json_append_node(list, json_node_text(evaluators[i].name));
    json_set_text(node, "name", info->name);
    json_set_text(node, "summary", info->summary);
    json_set_u64(node, "parents", info->parents);
    json_set_node(node, "evaluators", list);
    json_set_text(node, "founder", info->founder);
    json_set_node(node, "params", params_node(info->params, info->param_count));
    return node;
}

/* "    for train; 1 parent; founder init.decay" */
static void show_operator(const struct operator_info *info)
{
    const char *before = "    for ";
    printf("%-14s %s\n", info->name, info->summary);
    for (uint32_t i = 0; i < EVALUATORS; i++) {
        if ((info->evaluators & evaluators[i].bit) == 0)
            continue;
        printf("%s%s", before, evaluators[i].name);
        before = ", ";
    }
    printf("; %" PRIu32 " parent%s", info->parents, info->parents == 1 ? "" : "s");
    printf("%s%s\n", info->founder == NULL ? "" : "; founder ",
           info->founder == NULL ? "" : info->founder);
    show_params(info->params, info->param_count);
}

int command_operators(const struct arguments *arguments)
{
    struct json_node *root = json_node_array();
    const struct operator_info *info;
    for (uint32_t i = 0; (info = operator_at(i)) != NULL; i++) {
        if (arguments->given[OPTION_JSON])
            json_append_node(root, operator_node(info));
        else
            show_operator(info);
    }
    if (arguments->given[OPTION_JSON])
        print_json(root);
    else
        json_node_free(&root);
    return EXIT_DONE;
}

int command_strategies(const struct arguments *arguments)
{
    struct json_node *root = json_node_array();
    const struct strategy *strategy;
    for (uint32_t i = 0; (strategy = strategy_at(i)) != NULL; i++) {
        if (!arguments->given[OPTION_JSON]) {
            printf("%-14s %s\n", strategy->name, strategy->summary);
            show_params(strategy->params, strategy->param_count);
            continue;
        }
        struct json_node *node = json_node_object();
        json_set_text(node, "name", strategy->name);
        json_set_text(node, "summary", strategy->summary);
        json_set_node(node, "params", params_node(strategy->params, strategy->param_count));
        json_append_node(root, node);
    }
    if (arguments->given[OPTION_JSON])
        print_json(root);
    else
        json_node_free(&root);
    return EXIT_DONE;
}

/* ----------------------------------------------------------------------------------- validate */

/* The kinds of JSON; null for what never happens. `context` is the object. */
static void set_setting(void *context, const struct listed_setting *setting)
{
    struct json_node *node = context;
    switch (setting->kind) {
    case LISTED_TEXT:
        json_set_text(node, setting->key, setting->value);
        break;
    case LISTED_WHOLE:
        json_set_u64(node, setting->key, strtoull(setting->value, NULL, 10));
        break;
    case LISTED_REAL:
        json_set_f64(node, setting->key, strtod(setting->value, NULL));
        break;
    case LISTED_BOOLEAN:
        json_set_bool(node, setting->key, strcmp(setting->value, "true") == 0);
        break;
    case LISTED_NEVER:
        json_set_text(node, setting->key, NULL);
        break;
    }
}

/* An empty text is shown as YAML would have it. */
static void show_setting(void *context, const struct listed_setting *setting)
{
    (void)context;
    printf("%s = %s\n", setting->key, setting->value[0] != '\0' ? setting->value : "\"\"");
}

int command_validate(const struct arguments *arguments)
{
    struct error error;
    struct experiment *experiment = load_experiment(arguments, &error);
    if (experiment == NULL)
        return complain(EXIT_BAD_EXPERIMENT, "%s", error.text);
    char hex[DIGEST_HEX_BYTES];
    struct digest digest = experiment_digest(experiment);
    struct json_node *settings = json_node_object();
    bool json = arguments->given[OPTION_JSON];
    const struct experiment_visitor visitor = {settings, json ? set_setting : show_setting};
    digest_to_hex(&digest, hex);
    int code = EXIT_DONE;
    if (experiment_list(experiment, &visitor, &error) != 0) {
        code = complain(EXIT_FAILED, "%s", error.text);
        json_node_free(&settings);
    } else if (json) {
        struct json_node *root = json_node_object();
        json_set_text(root, "name", experiment_name(experiment));
        json_set_text(root, "digest", hex);
        json_set_u64(root, "jobs", experiment_jobs(experiment));
        json_set_node(root, "settings", settings);
        print_json(root);
    } else {
        printf("\n%" PRIu64 " jobs; experiment %s is valid, its digest %s\n",
               experiment_jobs(experiment), experiment_name(experiment), hex);
        json_node_free(&settings);
    }
    experiment_destroy(&experiment);
    return code;
}

/* --------------------------------------------------------------------------------------- runs */

struct run_row {
    char name[NAME_BYTES_MAX], state[16], digest[DIGEST_HEX_BYTES];
    uint64_t commits;
};

/* -1 when the ledger cannot be read: such a run is listed as damaged. */
static int read_row(const char *path, struct run_row *row)
{
    struct reader reader;
    struct commit_record record;
    char finished[32];
    if (reader_open(&reader, path, NULL) != 0)
        return -1;
    int rc = reader_rewind(&reader, NULL);
    while (rc == 0 && (rc = reader_next_commit(&reader, &record, NULL)) > 0) {
        row->commits++;
        rc = 0;
    }
    snprintf(row->name, sizeof row->name, "%s", reader.header.name);
    reader_fact(&reader, "finished", finished, sizeof finished);
    reader_fact(&reader, "digest", row->digest, sizeof row->digest);
    const char *state = run_directory_is_served(path) ? "running"
                        : finished[0] != '\0'         ? "finished"
                                                      : "stopped";
    snprintf(row->state, sizeof row->state, "%s", state);
    reader_close(&reader);
    return rc;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void add_row(const char *path, struct json_node *root, struct table *table)
{
    struct run_row row = {0};
    if (read_row(path, &row) != 0)
        snprintf(row.state, sizeof row.state, "damaged");
    table_add(table, "%s", path);
    table_add(table, "%s", row.name);
    table_add(table, "%s", row.state);
    table_add(table, "%" PRIu64, row.commits);
    table_add(table, "%.16s", row.digest);
    struct json_node *node = json_node_object();
    json_set_text(node, "directory", path);
    json_set_text(node, "name", row.name);
    json_set_text(node, "state", row.state);
    json_set_u64(node, "commits", row.commits);
    json_set_text(node, "digest", row.digest[0] != '\0' ? row.digest : NULL);
    json_append_node(root, node);
}

int command_runs(const struct arguments *arguments)
{
    static const char *const titles[] = {"run", "experiment", "state", ">commits", "digest", NULL};
    const char *folder = arguments->positional_count > 0 ? arguments->positional[0] : "runs";
    struct dirent **entries;
    int count = scandir(folder, &entries, is_visible, alphasort);
    if (count < 0)
        return complain(EXIT_FAILED, "cannot read %s: %s", folder, strerror(errno));
    struct json_node *root = json_node_array();
    struct table *table = table_create(titles);
    for (int i = 0; i < count; i++) {
        char path[OS_PATH_BYTES_MAX];
        if (os_path_join(path, sizeof path, folder, entries[i]->d_name, NULL) == 0 &&
            run_directory_is_run(path))
            add_row(path, root, table);
        free(entries[i]);
    }
    free(entries);
    if (arguments->given[OPTION_JSON]) {
        print_json(root);
    } else {
        table_print(table);
        json_node_free(&root);
    }
    table_destroy(&table);
    return EXIT_DONE;
}
