/* drain.c: `ratchet drain`: a worker hands over what it does, and leaves. */
#include "coordinator/commands/order.h"

int command_drain(const struct arguments *arguments)
{
    struct error error;
    char endpoint[ENDPOINT_BYTES_MAX];
    struct user_command command = {.kind = COMMAND_DRAIN};
    if (order_name_worker(arguments->positional[1], &command, &error) != 0 ||
        order_endpoint(arguments->positional[0], endpoint, &error) != 0)
        return complain(EXIT_FAILED, "%s", error.text);
    return order_give(endpoint, &command, arguments);
}
