/*
 * checkpoint_output.h: what `replay` and `export` share: an individual of a run is opened, made
 * again where need be, and a file is written from it.
 */
#ifndef RATCHET_COORDINATOR_COMMANDS_CHECKPOINT_OUTPUT_H
#define RATCHET_COORDINATOR_COMMANDS_CHECKPOINT_OUTPUT_H

#include "coordinator/commands/command.h"
#include "coordinator/replay/replay.h"

/* An individual, found by a command's RUN and ID. */
struct checkpoint_source {
    const char *command; /* "replay" */
    const struct arguments *arguments;
    struct reader reader;
    struct commit_record record;
    char id[ID_BYTES_MAX];
    char program[OS_PATH_BYTES_MAX]; /* ratchet-worker */
    char output[OS_PATH_BYTES_MAX];  /* where to write what --output wants; "": it was not given */
    bool line_shown;                 /* a terminal has a line of progress */
};

/*
 * Opens RUN and finds ID; --device and --output are checked as far as that can be done before any
 * work. EXIT_DONE, or another exit code after a complaint; then nothing is open. From here on
 * SIGINT, SIGTERM and SIGHUP are blocked, but for those that are ignored.
 */
int checkpoint_source_open(struct checkpoint_source *source, const char *command,
                           const struct arguments *arguments);
void checkpoint_source_close(struct checkpoint_source *source);

/*
 * replay() with the command's program, device and progress on a terminal; the caller fills extent,
 * take_child and context. EXIT_DONE, or another exit code after a complaint; a result that differs
 * is complained about as well.
 */
int checkpoint_source_replay(struct checkpoint_source *source, struct replay_options *options,
                             struct replay_outcome *outcome, enum replay_result *result);

#endif
