/* checkpoint_output.c: see checkpoint_output.h. */
#include "coordinator/commands/checkpoint_output.h"

#include "common/os_signal.h"
#include "coordinator/reading/output_path.h"
#include "coordinator/shell/local_worker.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int checkpoint_source_open(struct checkpoint_source *source, const char *command,
                           const struct arguments *arguments)
{
    struct error error;
    *source = (struct checkpoint_source){.command = command, .arguments = arguments};
    if (check_device(arguments->value[OPTION_DEVICE], &error) != 0)
        return complain(EXIT_USAGE, "%s: %s", command, error.text);
    const struct output_wish wish = {arguments->value[OPTION_OUTPUT], arguments->positional[0]};
    if (wish.output != NULL && output_path_find(&wish, source->output, &error) != 0)
        return complain(EXIT_FAILED, "%s: %s", command, error.text);
    if (reader_open(&source->reader, arguments->positional[0], &error) != 0)
        return complain(EXIT_FAILED, "%s", error.text);
    if (reader_find(&source->reader, arguments->positional[1], &source->record, &error) != 0) {
        reader_close(&source->reader);
        return complain(EXIT_FAILED, "%s", error.text);
    }
    format_id(source->record.job.key, source->id);
    const sigset_t stops = signal_stops();
    sigprocmask(SIG_BLOCK, &stops, NULL);
    return EXIT_DONE;
}

void checkpoint_source_close(struct checkpoint_source *source)
{
    reader_close(&source->reader);
}

struct narration {
    struct checkpoint_source *source;
    const struct replay_options *told; /* what the caller wants to hear */
};

static void show_progress(void *context, uint64_t done, uint64_t total)
{
    const struct narration *narration = context;
    struct checkpoint_source *source = narration->source;
    if (source->line_shown)
        fputs("\r\033[K", stderr);
    source->line_shown = done < total;
    if (source->line_shown)
        fprintf(stderr, "job %llu of %llu", (unsigned long long)done + 1,
                (unsigned long long)total);
    fflush(stderr);
}

static int pass_on(void *context, const uint8_t *bytes, size_t count, struct error *error)
{
    const struct narration *narration = context;
    return narration->told->take_child(narration->told->context, bytes, count, error);
}

int checkpoint_source_replay(struct checkpoint_source *source, struct replay_options *options,
                             struct replay_outcome *outcome, enum replay_result *result)
{
    struct error error;
    struct narration narration = {.source = source, .told = options};
    if (local_worker_find_program(source->program, &error) != 0)
        return complain(EXIT_FAILED, "%s: %s", source->command, error.text);
    const struct replay_options narrated = {
        .program = source->program,
        .device = source->arguments->value[OPTION_DEVICE],
        .extent = options->extent,
        .progressed = isatty(STDERR_FILENO) ? show_progress : NULL,
        .take_child = options->take_child != NULL ? pass_on : NULL,
        .context = &narration,
    };
    *result = replay(&source->reader, &source->record, &narrated, outcome, &error);
    if (source->line_shown)
        fputs("\r\033[K", stderr);
    source->line_shown = false;
    int stopped = signal_stop_waiting();
    switch (*result) {
    case REPLAY_EQUAL:
        return EXIT_DONE;
    case REPLAY_STOPPED:
        return complain(EXIT_SIGNAL + stopped, "%s: stopped by signal %d (%s)", source->command,
                        stopped, strsignal(stopped));
    case REPLAY_DIFFERS:
    case REPLAY_FAILED:
        break;
    }
    return complain(EXIT_FAILED, "%s", error.text);
}
