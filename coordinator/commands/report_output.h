/*
 * report_output.h: the report as commands ask for it: read, draw, lay out, write.
 *
 * `ratchet report` is this and its words; `ratchet run --report` calls it once the run is over and
 * its ledger is closed.
 */
#ifndef RATCHET_COORDINATOR_COMMANDS_REPORT_OUTPUT_H
#define RATCHET_COORDINATOR_COMMANDS_REPORT_OUTPUT_H

#include "common/error.h"
#include "common/os_file.h"

struct json_node;

struct report_request {
    const char *run;     /* its directory */
    const char *output;  /* the page; NULL: RUN/report.html */
    const char *figures; /* a folder that gets the figures as files, too; NULL: none does */
};

struct report_made {
    char path[OS_PATH_BYTES_MAX]; /* of the page */
    bool drawn;                   /* it has figures: all, unless there is a warning */
    char warning[512];            /* why figures are missing, for people; "": none are */
    struct json_node *node; /* path, figures, warning and the run's main numbers; the caller's to
                               free */
};

/*
 * 0, or -1 with the reason: then there is nothing in *made to free, and what was there before is
 * still there. Without gnuplot the page is made all the same, and says so; only `figures` needs it.
 */
int write_report(const struct report_request *request, struct report_made *made,
                 struct error *error) __attribute__((warn_unused_result));

#endif
