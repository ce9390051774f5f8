/* ask.c: see ask.h. */
#include "coordinator/commands/ask.h"

#include "coordinator/shell/shell_zmq.h"
#include "proto/codec.h"

#include <stdlib.h>
#include <string.h>

enum { ANSWER_MS = 3000, REQUEST_BYTES = 256 };

bool is_address(const char *text)
{
    return strstr(text, "://") != NULL;
}

/* What is said when an answer is not the one that was asked for. */
static int wrong_answer(const char *endpoint, const struct message *message, struct error *error)
{
    if (message->kind == MESSAGE_REFUSED)
        return error_set(error, -1, "%s: %s", endpoint, message->refused.reason);
    return error_set(error, -1, "%s gave an answer that does not belong to the question", endpoint);
}

static int decode(struct codec *codec, const char *endpoint, struct codec_cursor *cursor,
                  struct message *message, struct error *error)
{
    switch (codec_next(codec, cursor, message, error)) {
    case CODEC_OK:
        return 0;
    case CODEC_WRONG_VERSION:
        return error_set(error, -1,
                         "%s speaks protocol version %u and this is %d: use the same release",
                         endpoint, cursor->peer_version, PROTOCOL_VERSION);
    default:
        return error_set(error, -1, "%s is not a ratchet coordinator", endpoint);
    }
}

/* One question and its answer, whose pointers hold until `reply` is freed and `codec` is gone. */
struct dialogue {
    struct codec *codec;
    uint8_t *reply;
    struct message answer;
};

static int dialogue_hold(struct dialogue *dialogue, const char *endpoint,
                         const struct message *question, struct error *error)
{
    uint8_t request[REQUEST_BYTES];
    size_t used = 0, bytes = 0;
    *dialogue = (struct dialogue){.codec = codec_create()};
    if (dialogue->codec == NULL ||
        !codec_append(dialogue->codec, question, request, sizeof request, &used))
        return error_set(error, -1, "no memory for a question");
    const struct exchange exchange = {endpoint, request, used, ANSWER_MS};
    if (sockets_exchange(&exchange, &dialogue->reply, &bytes, error) != 0)
        return -1;
    struct codec_cursor cursor = {.bytes = dialogue->reply, .size = bytes};
    return decode(dialogue->codec, endpoint, &cursor, &dialogue->answer, error);
}

static void dialogue_end(struct dialogue *dialogue)
{
    free(dialogue->reply);
    codec_destroy(&dialogue->codec);
}

struct json_node *coordinator_ask(const char *endpoint, const struct status_request *request,
                                  struct error *error)
{
    struct json_node *root = NULL;
    struct dialogue dialogue;
    const struct message question = {.kind = MESSAGE_STATUS_REQUEST, .status_request = *request};
    if (dialogue_hold(&dialogue, endpoint, &question, error) == 0) {
        const struct message *answer = &dialogue.answer;
        if (answer->kind == MESSAGE_STATUS)
            root = json_parse(answer->status.json, answer->status.json_bytes, error);
        else
            (void)wrong_answer(endpoint, answer, error);
    }
    dialogue_end(&dialogue);
    return root;
}

int coordinator_order(const char *endpoint, const struct user_command *command,
                      struct command_answer *answer, struct error *error)
{
    struct dialogue dialogue;
    const struct message question = {.kind = MESSAGE_COMMAND, .command = *command};
    int code = dialogue_hold(&dialogue, endpoint, &question, error);
    if (code == 0 && dialogue.answer.kind == MESSAGE_ANSWER)
        *answer = dialogue.answer.answer;
    else if (code == 0)
        code = wrong_answer(endpoint, &dialogue.answer, error);
    dialogue_end(&dialogue);
    return code;
}
