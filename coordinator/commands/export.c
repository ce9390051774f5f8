/* export.c: placeholder while it is being written. */
#include "coordinator/commands/command.h"
int command_export(const struct arguments *arguments)
{
    (void)arguments;
    return complain(EXIT_FAILED, "export: not there yet");
}
