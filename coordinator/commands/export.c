/*
 * export.c: `ratchet export`: an individual's network as a file that other programs open.
 *
 * The file is safetensors, with what one needs to use the network as texts under "__metadata__".
 * Where the run has the checkpoint no more, it is made again, and the file is written only if it
 * came out as committed.
 */
#include "common/param.h"
#include "common/version.h"
#include "coordinator/commands/checkpoint_output.h"
#include "coordinator/commands/record_output.h"
#include "coordinator/reading/model_layers.h"
#include "coordinator/reading/settings_text.h"
#include "coordinator/replay/data_facts.h"
#include "coordinator/replay/network_file.h"
#include "coordinator/replay/run_blob.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS_MAX = 32, VALUE_BYTES_MAX = 512 };

struct exported {
    struct checkpoint_source source;
    const char *path;         /* as it was given */
    struct data_facts *facts; /* NULL: the run has no data set */
    uint32_t tensors;
    size_t bytes;
    uint64_t jobs; /* made again for it */
};

/* The texts of the file; the values are its own. */
struct texts {
    struct safetensors_text items[TEXTS_MAX];
    uint32_t count;
};

/* ----------------------------------------------------------------------------------- the texts */

/* Takes the value. */
static void add_taken(struct texts *texts, const char *key, char *value)
{
    assert(texts->count < TEXTS_MAX && value != NULL);
    texts->items[texts->count++] = (struct safetensors_text){.key = key, .value = value};
}

/* What is not printable ASCII becomes '?'. */
static void add(struct texts *texts, const char *key, const char *value)
{
    char quoted[VALUE_BYTES_MAX];
    param_quote(value, quoted, sizeof quoted);
    add_taken(texts, key, strdup(quoted));
}

static void add_number(struct texts *texts, const char *key, double value)
{
    char text[NUMBER_BYTES_MAX];
    format_number(value, text);
    add(texts, key, text);
}

static void add_digest(struct texts *texts, const char *key, const struct digest *digest)
{
    char hex[DIGEST_HEX_BYTES];
    digest_to_hex(digest, hex);
    add(texts, key, hex);
}

static void add_settings(struct texts *texts, const char *canonical)
{
    static const struct {
        const char *key, *setting;
    } rows[] = {
        {"model.spec", "model.spec"},
        {"model.activation", "model.activation"},
        {"data.set", "data.set"},
        {"inputs.scaling", "data.inputs"},
    };
    char value[VALUE_BYTES_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (settings_find(canonical, rows[i].setting, value, sizeof value))
            add(texts, rows[i].key, value);
    }
}

/* The names of the classes as a JSON list. */
static char *class_list(const char *classes)
{
    struct json_node *list = json_node_array();
    while (*classes != '\0') {
        char name[VALUE_BYTES_MAX];
        size_t bytes = strcspn(classes, "\n");
        snprintf(name, sizeof name, "%.*s", (int)bytes, classes);
        json_append_node(list, json_node_text(name));
        classes += bytes + (classes[bytes] == '\n');
    }
    char *text = json_print(list, JSON_ONE_LINE);
    json_node_free(&list);
    return text;
}

static void add_run(struct texts *texts, const struct exported *exported)
{
    const struct ledger_header *header = &exported->source.reader.header;
    const struct commit_record *record = &exported->source.record;
    char run[2 * sizeof header->run.bytes + 1];
    for (size_t i = 0; i < sizeof header->run.bytes; i++)
        snprintf(run + 2 * i, 3, "%02x", header->run.bytes[i]);
    add(texts, "format", "pt"); /* what readers of PyTorch's world ask for */
    add(texts, "ratchet.version", RATCHET_VERSION);
    add(texts, "ratchet.run", run);
    add(texts, "ratchet.experiment", header->name);
    add(texts, "ratchet.individual", exported->source.id);
    add_digest(texts, "ratchet.checkpoint", &record->child);
    add_number(texts, "ratchet.fitness", record->fitness);
}

static void add_use(struct texts *texts, const struct exported *exported)
{
    add_settings(texts, exported->source.reader.header.canonical);
    add(texts, "model.outputs", "logits");
    if (exported->facts == NULL)
        return;
    add_digest(texts, "data.digest", &exported->source.record.job.data);
    add(texts, "data.source", exported->facts->source);
    add_taken(texts, "classes", class_list(exported->facts->classes));
    add(texts, "inputs.type", exported->facts->type);
    add_number(texts, "inputs.mean", exported->facts->mean);
    add_number(texts, "inputs.deviation", exported->facts->deviation);
}

static int compare_keys(const void *a, const void *b)
{
    const struct safetensors_text *one = a, *other = b;
    return strcmp(one->key, other->key);
}

static void texts_free(struct texts *texts)
{
    for (uint32_t i = 0; i < texts->count; i++)
        free((char *)(uintptr_t)texts->items[i].value);
}

/* ------------------------------------------------------------------------------------ the file */

/* Only networks that were trained have layers, and more in their checkpoints than these. */
static bool is_trained(const struct exported *exported)
{
    char evaluator[VALUE_BYTES_MAX];
    return settings_find(exported->source.reader.header.canonical, "evaluator", evaluator,
                         sizeof evaluator) &&
           strcmp(evaluator, "train") == 0;
}

/* Whether the layers follow one another, each but the last with the activation behind it. Of others
 * the model's text alone says how they belong together. */
static bool is_stack(const struct exported *exported)
{
    struct plan *plan = model_layers_plan(exported->source.reader.header.canonical, 0);
    bool is = plan != NULL;
    for (uint32_t i = 0; is && i < plan->op_count; i++)
        is = plan->ops[i].kind == OP_LINEAR && plan->ops[i].input == i &&
             plan->ops[i].activates == (i + 1 < plan->op_count);
    plan_destroy(&plan);
    return is;
}

static int add_layers(struct texts *texts, const struct exported *exported,
                      const struct network_file *network, struct error *error)
{
    if (!is_stack(exported))
        return 0;
    char *layers = network_file_layers(network);
    if (layers == NULL)
        return error_set(error, -1, "the checkpoint of %s is no stack of layers",
                         exported->source.id);
    add_taken(texts, "model.layers", layers);
    return 0;
}

static int write_network(struct exported *exported, const struct network_file *network,
                         struct error *error)
{
    struct texts texts = {.count = 0};
    uint8_t *bytes;
    int rc = 0;
    add_run(&texts, exported);
    if (is_trained(exported)) {
        rc = add_layers(&texts, exported, network, error);
        add_use(&texts, exported);
    }
    qsort(texts.items, texts.count, sizeof *texts.items, compare_keys);
    const struct network_texts list = {.items = texts.items, .count = texts.count};
    if (rc == 0)
        rc = network_file_write(network, &list, &bytes, &exported->bytes, error);
    texts_free(&texts);
    if (rc != 0)
        return -1;
    exported->tensors = network->count;
    rc = os_write_atomic(exported->source.output, bytes, exported->bytes, 0644, error);
    free(bytes);
    return rc;
}

/* A struct replay_options' take_child. */
static int take_checkpoint(void *context, const uint8_t *bytes, size_t count, struct error *error)
{
    struct exported *exported = context;
    const struct network_source source = {
        .bytes = bytes,
        .count = count,
        .prefix = is_trained(exported) ? "layers." : "",
    };
    struct network_file network;
    if (network_file_open(&network, &source, error) != 0)
        return -1;
    int rc = write_network(exported, &network, error);
    network_file_close(&network);
    return rc;
}

/* ---------------------------------------------------------------------------------- its sources */

/* The data set's facts, unless the run has none. */
static int read_facts(struct exported *exported, struct error *error)
{
    const struct commit_record *record = &exported->source.record;
    uint8_t *bytes;
    size_t count;
    if (digest_is_zero(&record->job.data))
        return 0;
    struct error why;
    if (run_blob_read(exported->source.reader.path, &record->job.data, &bytes, &count, &why) !=
        RUN_BLOB_WHOLE)
        return error_set(error, -1, "the data set cannot be had: %.400s", why.text);
    exported->facts = calloc(1, sizeof *exported->facts);
    int rc = exported->facts != NULL ? data_facts_read(bytes, count, exported->facts, error)
                                     : error_set(error, -1, "no memory for the data set's facts");
    free(bytes);
    return rc;
}

static int make_again(struct exported *exported)
{
    struct replay_options options = {
        .extent = REPLAY_FROM_STORED, .take_child = take_checkpoint, .context = exported};
    struct replay_outcome outcome;
    enum replay_result result;
    int code = checkpoint_source_replay(&exported->source, &options, &outcome, &result);
    exported->jobs = outcome.jobs;
    return code;
}

/* Writes the file, from what the run has or from what is made again. */
static int export_network(struct exported *exported)
{
    const struct commit_record *record = &exported->source.record;
    struct error error;
    uint8_t *bytes;
    size_t count;
    if (digest_is_zero(&record->child))
        return complain(EXIT_FAILED, "export: %s %s", exported->source.id,
                        record->job.kind == JOB_EVALUATE
                            ? "is an evaluation: it makes no network, its parent has one"
                            : "has no checkpoint: its job came to no network");
    if (read_facts(exported, &error) != 0)
        return complain(EXIT_FAILED, "export: %s", error.text);
    enum run_blob_result stored =
        run_blob_read(exported->source.reader.path, &record->child, &bytes, &count, &error);
    if (stored == RUN_BLOB_FAILED)
        return complain(EXIT_FAILED, "export: %s", error.text);
    if (stored != RUN_BLOB_WHOLE)
        return make_again(exported);
    int rc = take_checkpoint(exported, bytes, count, &error);
    free(bytes);
    return rc == 0 ? EXIT_DONE : complain(EXIT_FAILED, "export: %s", error.text);
}

/* ----------------------------------------------------------------------------------- the command
 */

static void print_export(const struct exported *exported)
{
    char text[64] = "as stored in the run";
    if (exported->jobs > 0)
        snprintf(text, sizeof text, "made again by %" PRIu64 " job%s", exported->jobs,
                 exported->jobs > 1 ? "s" : "");
    printf("%-12s %s, %s\n", "individual", exported->source.id, text);
    printf("%-12s %s\n", "file", exported->path);
    printf("%-12s %u\n", "tensors", exported->tensors);
    printf("%-12s %zu\n", "bytes", exported->bytes);
}

static void print_export_json(const struct exported *exported)
{
    char hex[DIGEST_HEX_BYTES];
    struct json_node *node = json_node_object();
    json_set_text(node, "run", exported->source.arguments->positional[0]);
    json_set_text(node, "id", exported->source.id);
    digest_to_hex(&exported->source.record.child, hex);
    json_set_text(node, "checkpoint", hex);
    json_set_u64(node, "jobs", exported->jobs);
    json_set_text(node, "file", exported->path);
    json_set_text(node, "format", "safetensors");
    json_set_u64(node, "tensors", exported->tensors);
    json_set_u64(node, "bytes", exported->bytes);
    print_json(node);
}

int command_export(const struct arguments *arguments)
{
    const char *format = arguments->value[OPTION_FORMAT];
    if (format != NULL && strcmp(format, "safetensors") != 0)
        return complain(EXIT_USAGE, "export: --format takes safetensors, not '%s'", format);
    struct exported exported = {.path = arguments->value[OPTION_OUTPUT]};
    if (exported.path == NULL)
        return complain(EXIT_USAGE, "export: needs --output FILE");
    int code = checkpoint_source_open(&exported.source, "export", arguments);
    if (code != EXIT_DONE)
        return code;
    code = export_network(&exported);
    free(exported.facts);
    if (code == EXIT_DONE && arguments->given[OPTION_JSON])
        print_export_json(&exported);
    else if (code == EXIT_DONE)
        print_export(&exported);
    checkpoint_source_close(&exported.source);
    return code;
}
