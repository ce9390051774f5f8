/* restore.c: see restore.h. */
#include "coordinator/commands/restore.h"

#include "coordinator/commands/command.h"
#include "coordinator/replay/replay.h"
#include "coordinator/shell/local_worker.h"

static int keep(void *context, const uint8_t *bytes, size_t count, struct error *error)
{
    return run_keep_checkpoint(context, bytes, count, error);
}

int restore_checkpoint(void *context, struct run *run, const struct commit_record *record,
                       struct error *error)
{
    struct restoring *restoring = context;
    char program[OS_PATH_BYTES_MAX];
    struct reader reader;
    if (local_worker_find_program(program, error) != 0 ||
        reader_open(&reader, run->directory.path, error) != 0)
        return -1;
    if (!restoring->was_told)
        complain(EXIT_DONE, "%s/blobs lacks checkpoints: they are made again", run->directory.path);
    restoring->was_told = true;
    const struct replay_options options = {.program = program,
                                           .device = restoring->device,
                                           .extent = REPLAY_FROM_STORED,
                                           .take_child = keep,
                                           .context = run};
    struct replay_outcome outcome;
    enum replay_result result = replay(&reader, record, &options, &outcome, error);
    reader_close(&reader);
    return result == REPLAY_EQUAL ? 0 : -1;
}
