/*
 * orders.c: what a user orders of a run that is served, and the one answer to it.
 *
 * An order may be repeated without harm: whoever got no answer gives it again. What an order does
 * is in the file of its topic; here is the table that leads there.
 */
#include "coordinator/core/core_internal.h"

#include <stdarg.h>
#include <stdio.h>

typedef void order_handler(struct core *core, const struct user_command *command,
                           struct command_answer *answer);

static order_handler *const handlers[COMMAND_KIND_LAST + 1] = {
    [COMMAND_DRAIN] = drain_order,
    [COMMAND_SKIP] = skip_order,
};

void order_done(struct command_answer *answer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    answer->done = true;
    vsnprintf(answer->reason, sizeof answer->reason, format, arguments);
    va_end(arguments);
}

void order_refused(struct command_answer *answer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    answer->done = false;
    vsnprintf(answer->reason, sizeof answer->reason, format, arguments);
    va_end(arguments);
}

void orders_on_command(struct core *core, const struct user_command *command)
{
    struct command_answer answer = {.done = false};
    order_handler *handle = command->kind <= COMMAND_KIND_LAST ? handlers[command->kind] : NULL;
    if (core->finished)
        order_refused(&answer, "the run has ended");
    else if (handle == NULL)
        order_refused(&answer, "this coordinator does not know that order");
    else
        handle(core, command, &answer);
    struct core_effect *effect = effect_add(core, CORE_ANSWER);
    if (effect != NULL)
        effect->answer = answer;
}
