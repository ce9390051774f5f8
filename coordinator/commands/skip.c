/* skip.c: `ratchet skip`: a job is given up, and its line goes on. */
#include "coordinator/commands/ask.h"
#include "coordinator/commands/order.h"
#include "coordinator/commands/record_output.h"
#include "coordinator/reading/reader.h"
#include "coordinator/shell/run_directory.h"
#include "coordinator/shell/run_skip.h"

#include <stdio.h>
#include <string.h>

/* "0/12", "12", "0/final", "final". */
static int parse_job(const char *text, struct job_key *job, struct error *error)
{
    const char *slash = strchr(text, '/');
    char number[32];
    if (parse_id(text, job) && job->job <= JOB_NUMBER_FINAL)
        return 0;
    if (strcmp(slash != NULL ? slash + 1 : text, "final") == 0) {
        snprintf(number, sizeof number, "%.*s/0", slash != NULL ? (int)(slash - text) : 1,
                 slash != NULL ? text : "0");
        if (parse_id(number, job)) {
            job->job = JOB_NUMBER_FINAL;
            return 0;
        }
    }
    return error_set(error, -1, "'%.40s' is no job: expected LINE/JOB, JOB or LINE/final", text);
}

/* Nobody serves the run: the skip waits in its ledger. */
static int skip_in_ledger(const struct arguments *arguments, struct job_key job)
{
    char id[ID_BYTES_MAX], text[REASON_BYTES_MAX];
    struct error error;
    int rc = run_skip(arguments->positional[0], job, &error);
    if (rc < 0)
        return complain(EXIT_FAILED, "%s", error.text);
    format_id(job, id);
    snprintf(text, sizeof text,
             rc > 0 ? "job %s is skipped already"
                    : "job %s is skipped: it is committed as failed when the run goes on, with the "
                      "same `ratchet run` or `serve`",
             id);
    if (!arguments->given[OPTION_JSON])
        return printf("%s\n", text) > 0 ? EXIT_DONE : EXIT_FAILED;
    struct json_node *node = json_node_object();
    json_set_bool(node, "done", true);
    json_set_text(node, "reason", text);
    print_json(node);
    return EXIT_DONE;
}

int command_skip(const struct arguments *arguments)
{
    const char *subject = arguments->positional[0];
    char endpoint[ENDPOINT_BYTES_MAX];
    struct error error;
    struct user_command command = {.kind = COMMAND_SKIP};
    if (parse_job(arguments->positional[1], &command.job, &error) != 0)
        return complain(EXIT_USAGE, "%s", error.text);
    if (!is_address(subject) && !run_directory_is_served(subject))
        return skip_in_ledger(arguments, command.job);
    if (order_endpoint(subject, endpoint, &error) != 0)
        return complain(EXIT_FAILED, "%s", error.text);
    return order_give(endpoint, &command, arguments);
}
