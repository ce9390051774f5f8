/* report.c: `ratchet report`: a run as a page. */
#include "common/os_signal.h"
#include "coordinator/commands/command.h"
#include "coordinator/commands/record_output.h"
#include "coordinator/commands/report_output.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

int command_report(const struct arguments *arguments)
{
    const struct report_request request = {
        .run = arguments->positional[0],
        .output = arguments->value[OPTION_OUTPUT],
        .figures = arguments->value[OPTION_FIGURES],
    };
    struct report_made made;
    struct error error;
    const sigset_t stops = signal_stops();
    sigprocmask(SIG_BLOCK, &stops, NULL);
    if (write_report(&request, &made, &error) != 0) {
        int stopped = signal_stop_waiting();
        if (stopped != 0)
            return complain(EXIT_SIGNAL + stopped, "report: stopped by signal %d (%s)", stopped,
                            strsignal(stopped));
        return complain(EXIT_FAILED, "%s", error.text);
    }
    if (made.warning[0] != '\0')
        complain(EXIT_DONE, "warning: %s", made.warning);
    if (arguments->given[OPTION_JSON]) {
        print_json(made.node);
        return EXIT_DONE;
    }
    json_node_free(&made.node);
    printf("report      %s\n", made.path);
    if (request.figures != NULL)
        printf("figures     %s\n", request.figures);
    return EXIT_DONE;
}
