/* replay.c: `ratchet replay`: an individual made again and held against what was committed. */
#include "common/os_clock.h"
#include "coordinator/commands/checkpoint_output.h"
#include "coordinator/commands/record_output.h"

#include <inttypes.h>
#include <stdio.h>

struct answer {
    const struct checkpoint_source *source;
    struct replay_outcome outcome;
    bool equal;
    const char *output; /* NULL: nothing was written */
    uint64_t wall_ms;
};

static int write_child(void *context, const uint8_t *bytes, size_t count, struct error *error)
{
    const char *path = context;
    return os_write_atomic(path, bytes, count, 0644, error);
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
    json_set_text(node, "output", answer->output);
    print_json(node);
}

static void print_answer(const struct answer *answer)
{
    const struct commit_record *record = &answer->source->record;
    char hex[DIGEST_HEX_BYTES], fitness[NUMBER_BYTES_MAX];
    format_number(record->fitness, fitness);
    printf("%-12s %s, %s, fitness %s, by %s\n", "individual", answer->source->id,
           outcome_name(record->outcome), fitness, operator_of(record));
    printf("%-12s %" PRIu64 "%s\n", "jobs", answer->outcome.jobs,
           answer->outcome.jobs > 1 ? ", its ancestors' included" : "");
    digest_to_hex(&record->child, hex);
    printf("%-12s %s\n", "checkpoint", digest_is_zero(&record->child) ? "-" : hex);
    printf("%-12s equal to what was committed, bit by bit\n", "result");
    printf("%-12s %.2f s, of which %.2f s computing\n", "time", (double)answer->wall_ms / 1e3,
           (double)answer->outcome.compute_ms / 1e3);
    if (answer->output != NULL)
        printf("%-12s %s, %" PRIu64 " bytes\n", "file", answer->output, record->child_bytes);
}

int command_replay(const struct arguments *arguments)
{
    struct checkpoint_source source;
    uint64_t started_ms = clock_monotonic_ms();
    int code = checkpoint_source_open(&source, "replay", arguments);
    if (code != EXIT_DONE)
        return code;
    const char *output = arguments->value[OPTION_OUTPUT];
    struct replay_options options = {
        .extent =
            arguments->given[OPTION_FROM_FOUNDERS] ? REPLAY_FROM_FOUNDERS : REPLAY_FROM_STORED,
        .take_child = output != NULL ? write_child : NULL,
        .context = (void *)(uintptr_t)output,
    };
    struct answer answer = {.source = &source};
    enum replay_result result = REPLAY_FAILED;
    code = checkpoint_source_replay(&source, &options, &answer.outcome, &result);
    answer.equal = result == REPLAY_EQUAL;
    answer.output = answer.equal ? output : NULL;
    answer.wall_ms = clock_monotonic_ms() - started_ms;
    if (arguments->given[OPTION_JSON] && (result == REPLAY_EQUAL || result == REPLAY_DIFFERS))
        print_answer_json(&answer);
    else if (answer.equal)
        print_answer(&answer);
    checkpoint_source_close(&source);
    return code;
}
