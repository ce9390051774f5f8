/*
 * ask.h: putting a question to a living coordinator, or giving it an order, over its control
 * socket.
 */
#ifndef RATCHET_COORDINATOR_COMMANDS_ASK_H
#define RATCHET_COORDINATOR_COMMANDS_ASK_H

#include "coordinator/commands/command.h"
#include "coordinator/shell/json.h"
#include "proto/message.h"

/* Whether a person means an address by this, and not a folder. */
bool is_address(const char *text);

/*
 * The key with which this command asks, before it asks: that of --key and --server-key, else
 * RUN/admin.key of a RUN that has one, else none: in the clear. -1 when an option names no key.
 */
int ask_take_key(const struct arguments *arguments, struct error *error)
    __attribute__((warn_unused_result));

/* The answer, the caller's to free; NULL with the reason: nobody answers, or not a coordinator. */
struct json_node *coordinator_ask(const char *endpoint, const struct status_request *request,
                                  struct error *error);

/* What the coordinator says to an order: carried out, or refused. -1 with the reason as above. */
int coordinator_order(const char *endpoint, const struct user_command *command,
                      struct command_answer *answer, struct error *error)
    __attribute__((warn_unused_result));

#endif
