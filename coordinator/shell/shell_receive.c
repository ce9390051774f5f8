/*
 * shell_receive.c: what comes in on the control socket. See shell_internal.h.
 *
 * Two kinds of peers speak here. Workers have an identity of 16 bytes and may say what workers say;
 * the core hears them. Commands have whatever name ZeroMQ gave them and may ask for the status, of
 * which the core never hears, or give an order (shell_command.c). Everything else is counted and
 * forgotten.
 */
#include "coordinator/shell/shell_internal.h"

#include "common/os_clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    REFUSALS_NOTED_MAX = 32,
    /*
     * Messages after which a turn takes no further datagram. What a turn has to say leaves when it
     * has settled: were all results of a busy cluster taken in one turn, the workers would wait for
     * the coordinator and then the coordinator for the workers.
     */
    MESSAGES_PER_TURN = 512,
};

static bool is_from_worker(enum message_kind kind)
{
    return kind == MESSAGE_HELLO || kind == MESSAGE_HEARTBEAT || kind == MESSAGE_RESULT ||
           kind == MESSAGE_HANDOVER || kind == MESSAGE_DEATH || kind == MESSAGE_GOODBYE;
}

void shell_answer(struct shell *shell, const struct socket_peer *to, const struct message *message)
{
    uint8_t *bytes = malloc(DATAGRAM_BYTES_MAX);
    struct codec *codec = codec_create();
    size_t used = 0;
    if (bytes != NULL && codec != NULL &&
        codec_append(codec, message, bytes, DATAGRAM_BYTES_MAX, &used))
        sockets_send(shell->sockets, SOCKET_CONTROL, to, bytes, used);
    codec_destroy(&codec);
    free(bytes);
}

static void answer_status(struct shell *shell, const struct socket_peer *to,
                          const struct status_request *request)
{
    if (shell->answers >= ANSWERS_PER_TURN)
        return;
    char *json =
        request->subject == STATUS_RUN ? shell_status_json(shell) : shell_why_json(shell, request);
    struct message message = {
        .kind = MESSAGE_STATUS,
        .epoch = shell->run.epoch,
        .status = {.json_bytes = (uint32_t)strlen(json), .json = json},
    };
    shell->answers++;
    shell_answer(shell, to, &message);
    free(json);
}

int shell_note_refusal(struct shell *shell, const char *text, struct error *error)
{
    if (shell->refusals_noted >= REFUSALS_NOTED_MAX)
        return 0;
    shell->refusals_noted++;
    const struct ledger_note note = {
        .wall_ms = clock_wall_ms(), .kind = "worker_refused", .text = text};
    return shell_note(shell, &note, error);
}

/* Somebody of another version; it understands REFUSED whatever its version is. */
static int refuse_version(struct shell *shell, const struct socket_peer *to, uint32_t version,
                          struct error *error)
{
    struct message message = {
        .kind = MESSAGE_REFUSED,
        .refused = {.code = REFUSED_VERSION},
    };
    snprintf(
        message.refused.reason, sizeof message.refused.reason,
        "this coordinator speaks protocol version %d and the worker speaks %u: use one release of "
        "ratchet everywhere",
        PROTOCOL_VERSION, version);
    if (shell->answers++ < ANSWERS_PER_TURN)
        shell_answer(shell, to, &message);
    return shell_note_refusal(shell, message.refused.reason, error);
}

static int take_message(struct shell *shell, const struct socket_peer *from,
                        const struct message *message, struct error *error)
{
    struct instance_id instance;
    shell->messages++;
    if (message->kind == MESSAGE_STATUS_REQUEST) {
        answer_status(shell, from, &message->status_request);
        return 0;
    }
    if (message->kind == MESSAGE_COMMAND)
        return shell_take_command(shell, from, &message->command, error);
    bool allowed = socket_peer_is_worker(from, &instance) && is_from_worker(message->kind);
    /* The frame says who it is; a hello that says otherwise is nobody's. */
    if (allowed && message->kind == MESSAGE_HELLO)
        allowed = memcmp(&message->hello.instance, &instance, sizeof instance) == 0;
    if (!allowed) {
        shell->strangers++;
        return 0;
    }
    struct core_event event = {
        .kind = CORE_MESSAGE_RECEIVED,
        .now_ms = shell->now_ms,
        .received = {.from = instance, .message = message},
    };
    return shell_step(shell, &event, error);
}

static int take_datagram(struct shell *shell, const struct datagram *datagram, struct error *error)
{
    struct codec_cursor cursor = {.bytes = datagram->bytes, .size = datagram->count};
    struct message message;
    if (!shell_opens_datagram(shell, datagram))
        return 0;
    for (;;) {
        switch (codec_next(shell->codec, &cursor, &message, NULL)) {
        case CODEC_OK: {
            int speaks = shell_lets_speak(shell, datagram, &message, error);
            if (speaks < 0 ||
                (speaks > 0 && take_message(shell, &datagram->from, &message, error) != 0))
                return -1;
            break;
        }
        case CODEC_END:
            return 0;
        case CODEC_MALFORMED:
            shell->malformed++;
            return 0;
        case CODEC_WRONG_VERSION:
            return refuse_version(shell, &datagram->from, cursor.peer_version, error);
        }
    }
}

int shell_receive(struct shell *shell, uint32_t budget, struct error *error)
{
    struct datagram datagram;
    shell->answers = shell->stranger_answers = 0;
    shell->messages = 0;
    while (budget-- > 0 && shell->messages < MESSAGES_PER_TURN &&
           sockets_receive(shell->sockets, SOCKET_CONTROL, &datagram)) {
        if (take_datagram(shell, &datagram, error) != 0)
            return -1;
    }
    return 0;
}
