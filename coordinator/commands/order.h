/*
 * order.h: giving a living coordinator an order and telling what it answered, for the commands that
 * change a run while it is served.
 */
#ifndef RATCHET_COORDINATOR_COMMANDS_ORDER_H
#define RATCHET_COORDINATOR_COMMANDS_ORDER_H

#include "common/endpoint.h"
#include "coordinator/commands/command.h"
#include "proto/message.h"

/* Where the coordinator of RUN|ADDRESS listens; -1 with the reason when none serves the run. */
int order_endpoint(const char *subject, char endpoint[ENDPOINT_BYTES_MAX], struct error *error)
    __attribute__((warn_unused_result));

/* What a worker is called, into a command; -1 with the reason when nobody can be called so. */
int order_name_worker(const char *name, struct user_command *command, struct error *error)
    __attribute__((warn_unused_result));

/*
 * Gives the order to the coordinator at `endpoint` and shows the answer: on stdout when it was
 * carried out (EXIT_DONE), on stderr when it was refused (EXIT_FAILED) or nobody answered
 * (EXIT_UNREACHABLE). With --json: {"done", "reason"} on stdout, whatever was answered.
 */
int order_give(const char *endpoint, const struct user_command *command,
               const struct arguments *arguments);

#endif
