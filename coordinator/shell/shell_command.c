/*
 * shell_command.c: what a user orders over the control socket. See shell_internal.h.
 *
 * The core carries an order out in one step and answers in the same step. The answer waits for the
 * end of the turn, as messages to workers do: a user who reads "done" can rely on the ledger. An
 * answer that is lost does no harm, since orders may be given again.
 */
#include "coordinator/shell/shell_internal.h"

int shell_take_command(struct shell *shell, const struct socket_peer *from,
                       const struct user_command *command, struct error *error)
{
    if (shell->answers >= ANSWERS_PER_TURN)
        return 0;
    shell->answers++;
    shell->command_from = *from;
    const struct core_event event = {
        .kind = CORE_COMMAND_RECEIVED,
        .now_ms = shell->now_ms,
        .command = command,
    };
    return shell_step(shell, &event, error);
}

void shell_keep_answer(struct shell *shell, const struct command_answer *answer)
{
    if (shell->command_answer_count < ANSWERS_PER_TURN)
        shell->command_answers[shell->command_answer_count++] =
            (struct shell_command_answer){.to = shell->command_from, .answer = *answer};
}

void shell_send_answers(struct shell *shell)
{
    for (uint32_t i = 0; i < shell->command_answer_count; i++) {
        const struct message message = {
            .kind = MESSAGE_ANSWER,
            .epoch = shell->run.epoch,
            .answer = shell->command_answers[i].answer,
        };
        shell_answer(shell, &shell->command_answers[i].to, &message);
    }
    shell->command_answer_count = 0;
}
