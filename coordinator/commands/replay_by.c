/* replay_by.c: see replay_by.h. */
#include "coordinator/commands/replay_by.h"

#include "common/os_clock.h"
#include "common/os_signal.h"
#include "coordinator/commands/clean_text.h"
#include "coordinator/commands/record_output.h"
#include "coordinator/replay/replay_worker.h"
#include "coordinator/shell/local_worker.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct trial {
    const struct arguments *arguments;
    struct reader reader;
    struct worker_commits commits;
    struct worker_outcome outcome;
    bool equal, line_shown;
    uint64_t wall_ms;
};

static void show_progress(void *context, uint64_t done, uint64_t total)
{
    struct trial *trial = context;
    if (trial->line_shown)
        fputs("\r\033[K", stderr);
    trial->line_shown = done < total;
    if (trial->line_shown)
        fprintf(stderr, "commit %" PRIu64 " of %" PRIu64, done + 1, total);
    fflush(stderr);
}

static struct json_node *wrong_node(const struct worker_outcome *outcome)
{
    char id[ID_BYTES_MAX];
    struct json_node *node = json_node_object();
    format_id(outcome->difference.key, id);
    json_set_u64(node, "commit", outcome->wrong.sequence);
    json_set_text(node, "job", id);
    json_set_text(node, "worker", outcome->wrong.worker);
    json_set_text(node, "field", outcome->difference.field);
    json_set_text(node, "committed", outcome->difference.committed);
    json_set_text(node, "came_out", outcome->difference.came_out);
    return node;
}

static void print_trial_json(const struct trial *trial)
{
    struct json_node *node = json_node_object();
    json_set_text(node, "run", trial->arguments->positional[0]);
    json_set_text(node, "worker", trial->commits.name);
    json_set_bool(node, "equal", trial->equal);
    json_set_u64(node, "commits", trial->commits.count);
    json_set_u64(node, "commits_equal", trial->outcome.commits);
    json_set_u64(node, "jobs", trial->outcome.jobs);
    json_set_u64(node, "compute_ms", trial->outcome.compute_ms);
    json_set_u64(node, "wall_ms", trial->wall_ms);
    if (trial->equal)
        json_set_text(node, "first_wrong", NULL);
    else
        json_set_node(node, "first_wrong", wrong_node(&trial->outcome));
    print_json(node);
}

static void print_trial(const struct trial *trial)
{
    print_clean((struct clean_row){12, "worker"}, trial->commits.name);
    printf("%-12s %zu, and %" PRIu64 " job%s made again in all\n", "commits", trial->commits.count,
           trial->outcome.jobs, trial->outcome.jobs == 1 ? "" : "s");
    printf("%-12s all equal to what was committed, bit by bit\n", "result");
    printf("%-12s %.2f s, of which %.2f s computing\n", "time", (double)trial->wall_ms / 1e3,
           (double)trial->outcome.compute_ms / 1e3);
}

/* What follows from it: the exit code. `why` is the replay's own sentence. */
static int conclude(struct trial *trial, enum replay_result result, const struct error *why)
{
    const char *run = trial->arguments->positional[0];
    bool json = trial->arguments->given[OPTION_JSON];
    int stopped = signal_stop_waiting();
    trial->equal = result == REPLAY_EQUAL;
    if (json && (result == REPLAY_EQUAL || result == REPLAY_DIFFERS))
        print_trial_json(trial);
    switch (result) {
    case REPLAY_EQUAL:
        if (!json)
            print_trial(trial);
        return EXIT_DONE;
    case REPLAY_DIFFERS:
        return complain(
            EXIT_FAILED,
            "commit %" PRIu64 " is wrong: %s; `ratchet rewind %s %" PRIu64 "` resumes before it",
            trial->outcome.wrong.sequence, why->text, run, trial->outcome.wrong.sequence);
    case REPLAY_STOPPED:
        return complain(EXIT_SIGNAL + stopped, "replay: stopped by signal %d (%s)", stopped,
                        strsignal(stopped));
    case REPLAY_FAILED:
        break;
    }
    return complain(EXIT_FAILED, "%s", why->text);
}

static int carry_out(struct trial *trial)
{
    struct error error;
    char program[OS_PATH_BYTES_MAX];
    uint64_t started_ms = clock_monotonic_ms();
    if (local_worker_find_program(program, &error) != 0)
        return complain(EXIT_FAILED, "replay: %s", error.text);
    const struct replay_options options = {
        .program = program,
        .device = trial->arguments->value[OPTION_DEVICE],
        .extent = trial->arguments->given[OPTION_FROM_FOUNDERS] ? REPLAY_FROM_FOUNDERS
                                                                : REPLAY_FROM_STORED,
        .progressed = isatty(STDERR_FILENO) ? show_progress : NULL,
        .context = trial,
    };
    const sigset_t stops = signal_stops();
    sigprocmask(SIG_BLOCK, &stops, NULL);
    enum replay_result result =
        worker_commits_replay(&trial->reader, &trial->commits, &options, &trial->outcome, &error);
    trial->wall_ms = clock_monotonic_ms() - started_ms;
    return conclude(trial, result, &error);
}

int replay_by(const struct arguments *arguments)
{
    struct error error;
    struct trial trial = {.arguments = arguments};
    if (arguments->positional_count > 1 || arguments->given[OPTION_OUTPUT] ||
        arguments->given[OPTION_RESTORE])
        return complain(EXIT_USAGE, "replay: --by takes neither an ID nor --output nor --restore");
    if (check_device(arguments->value[OPTION_DEVICE], &error) != 0)
        return complain(EXIT_USAGE, "replay: %s", error.text);
    if (reader_open(&trial.reader, arguments->positional[0], &error) != 0)
        return complain(EXIT_FAILED, "%s", error.text);
    int code;
    if (worker_commits_find(&trial.reader, arguments->value[OPTION_BY], &trial.commits, &error) ==
        0)
        code = carry_out(&trial);
    else
        code = complain(EXIT_FAILED, "%s", error.text);
    worker_commits_free(&trial.commits);
    reader_close(&trial.reader);
    return code;
}
