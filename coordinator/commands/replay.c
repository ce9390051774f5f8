/* replay.c: `ratchet replay`: an individual made again and held against what was committed. */
#include "common/os_clock.h"
#include "coordinator/commands/checkpoint_output.h"
#include "coordinator/commands/clean_text.h"
#include "coordinator/commands/record_output.h"
#include "coordinator/commands/replay_by.h"
#include "coordinator/shell/run_restore.h"

#include <inttypes.h>
#include <stdio.h>

struct answer {
    const struct checkpoint_source *source;
    struct replay_outcome outcome;
    bool equal;
    const char *file; /* NULL: nothing was written */
    bool restored;
    uint64_t wall_ms;
};

/* Where a proven child goes, as the options say. */
static int take_child(void *context, const uint8_t *bytes, size_t count, struct error *error)
{
    struct checkpoint_source *source = context;
    if (source->arguments->given[OPTION_OUTPUT] &&
        os_write_atomic(source->output, bytes, count, 0644, error) != 0)
        return -1;
    if (!source->arguments->given[OPTION_RESTORE])
        return 0;
    const struct checkpoint_bytes checkpoint = {source->record.child, bytes, count};
    return run_restore(source->arguments->positional[0], &checkpoint, error);
}

static struct json_node *difference_node(const struct replay_difference *difference)
{
    char id[ID_BYTES_MAX];
    struct json_node *node = json_node_object();
    format_id(difference->key, id);
    json_set_text(node, "job", id);
    json_set_text(node, "field", difference->field);
    json_set_text(node, "committed", difference->committed);
    json_set_text(node, "came_out", difference->came_out);
    return node;
}

static void print_answer_json(const struct answer *answer)
{
    const struct commit_record *record = &answer->source->record;
    char hex[DIGEST_HEX_BYTES];
    struct json_node *node = json_node_object();
    json_set_text(node, "run", answer->source->arguments->positional[0]);
    json_set_text(node, "id", answer->source->id);
    json_set_bool(node, "equal", answer->equal);
    json_set_u64(node, "jobs", answer->outcome.jobs);
    json_set_text(node, "outcome", outcome_name(record->outcome));
    json_set_f64(node, "fitness", record->fitness);
    digest_to_hex(&record->child, hex);
    json_set_text(node, "checkpoint", digest_is_zero(&record->child) ? NULL : hex);
    json_set_text(node, "numeric", record->numeric);
    json_set_u64(node, "compute_ms", answer->outcome.compute_ms);
    json_set_u64(node, "wall_ms", answer->wall_ms);
    if (answer->equal)
        json_set_text(node, "difference", NULL);
    else
        json_set_node(node, "difference", difference_node(&answer->outcome.difference));
    json_set_text(node, "file", answer->file);
    json_set_bool(node, "restored", answer->restored);
    print_json(node);
}

static void print_answer(const struct answer *answer)
{
    const struct commit_record *record = &answer->source->record;
    char hex[DIGEST_HEX_BYTES], fitness[NUMBER_BYTES_MAX], operator[OPERATOR_NAME_BYTES_MAX];
    clean_text(operator_of(record), operator, sizeof operator);
    format_number(record->fitness, fitness);
    printf("%-12s %s, %s, fitness %s, by %s\n", "individual", answer->source->id,
           outcome_name(record->outcome), fitness, operator);
    printf("%-12s %" PRIu64 "%s\n", "jobs", answer->outcome.jobs,
           answer->outcome.jobs > 1 ? ", its ancestors' included" : "");
    digest_to_hex(&record->child, hex);
    printf("%-12s %s\n", "checkpoint", digest_is_zero(&record->child) ? "-" : hex);
    printf("%-12s equal to what was committed, bit by bit\n", "result");
    printf("%-12s %.2f s, of which %.2f s computing\n", "time", (double)answer->wall_ms / 1e3,
           (double)answer->outcome.compute_ms / 1e3);
    if (answer->file != NULL)
        printf("%-12s %s, %" PRIu64 " bytes\n", "file", answer->file, record->child_bytes);
    if (answer->restored)
        printf("%-12s %" PRIu64 " bytes, in %s/blobs\n", "restored", record->child_bytes,
               answer->source->arguments->positional[0]);
}

int command_replay(const struct arguments *arguments)
{
    struct checkpoint_source source;
    uint64_t started_ms = clock_monotonic_ms();
    if (arguments->given[OPTION_BY])
        return replay_by(arguments);
    if (arguments->positional_count < 2)
        return complain(EXIT_USAGE,
                        "replay: needs RUN ID, or RUN --by WORKER; `ratchet replay --help` tells "
                        "more");
    int code = checkpoint_source_open(&source, "replay", arguments);
    if (code != EXIT_DONE)
        return code;
    const char *output = arguments->value[OPTION_OUTPUT];
    bool restore = arguments->given[OPTION_RESTORE];
    struct replay_options options = {
        .extent =
            arguments->given[OPTION_FROM_FOUNDERS] ? REPLAY_FROM_FOUNDERS : REPLAY_FROM_STORED,
        .take_child = output != NULL || restore ? take_child : NULL,
        .context = &source,
    };
    struct answer answer = {.source = &source};
    enum replay_result result = REPLAY_FAILED;
    code = checkpoint_source_replay(&source, &options, &answer.outcome, &result);
    answer.equal = result == REPLAY_EQUAL;
    answer.file = answer.equal ? output : NULL;
    answer.restored = answer.equal && restore;
    answer.wall_ms = clock_monotonic_ms() - started_ms;
    if (arguments->given[OPTION_JSON] && (result == REPLAY_EQUAL || result == REPLAY_DIFFERS))
        print_answer_json(&answer);
    else if (answer.equal)
        print_answer(&answer);
    checkpoint_source_close(&source);
    return code;
}
