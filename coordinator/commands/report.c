/* report.c: placeholder while it is being written. */
#include "coordinator/commands/command.h"
int command_report(const struct arguments *arguments)
{
    (void)arguments;
    return complain(EXIT_FAILED, "report: not there yet");
}
