/* replay.c: placeholder while it is being written. */
#include "coordinator/commands/command.h"
int command_replay(const struct arguments *arguments)
{
    (void)arguments;
    return complain(EXIT_FAILED, "replay: not there yet");
}
