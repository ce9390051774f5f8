/* order.c: see order.h. */
#include "coordinator/commands/order.h"

#include "coordinator/commands/ask.h"
#include "coordinator/commands/clean_text.h"
#include "coordinator/commands/record_output.h"
#include "coordinator/shell/run_directory.h"

#include <stdio.h>
#include <string.h>

int order_endpoint(const char *subject, char endpoint[ENDPOINT_BYTES_MAX], struct error *error)
{
    if (is_address(subject)) {
        if (strlen(subject) >= ENDPOINT_BYTES_MAX)
            return error_set(error, -1, "%.40s... is too long for an address", subject);
        memcpy(endpoint, subject, strlen(subject) + 1);
        return 0;
    }
    if (!run_directory_is_run(subject))
        return error_set(error, -1, "%s is not a run directory", subject);
    if (!run_directory_is_served(subject) || !run_directory_read_endpoint(subject, endpoint))
        return error_set(error, -1, "%s: no coordinator serves this run, so nobody works for it",
                         subject);
    return 0;
}

int order_name_worker(const char *name, struct user_command *command, struct error *error)
{
    if (strlen(name) >= sizeof command->worker)
        return error_set(error, -1, "'%.20s...' is too long for a worker's name", name);
    for (const char *c = name; *c != '\0'; c++)
        if (*c < ' ' || *c > '~')
            return error_set(error, -1, "a worker's name is printable ASCII");
    memcpy(command->worker, name, strlen(name) + 1);
    return 0;
}

static void print_answer(const struct command_answer *answer)
{
    struct json_node *root = json_node_object();
    json_set_bool(root, "done", answer->done);
    json_set_text(root, "reason", answer->reason);
    print_json(root);
}

int order_give(const char *endpoint, const struct user_command *command,
               const struct arguments *arguments)
{
    struct command_answer answer;
    struct error error;
    if (coordinator_order(endpoint, command, &answer, &error) != 0)
        return complain(EXIT_UNREACHABLE, "%s", error.text);
    if (arguments->given[OPTION_JSON]) {
        print_answer(&answer);
        return answer.done ? EXIT_DONE : EXIT_FAILED;
    }
    if (!answer.done)
        return complain(EXIT_FAILED, "%s", answer.reason);
    char clean[REASON_BYTES_MAX];
    clean_text(answer.reason, clean, sizeof clean);
    printf("%s\n", clean);
    return EXIT_DONE;
}
