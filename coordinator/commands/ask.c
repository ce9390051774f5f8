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

static struct json_node *parse_answer(struct codec *codec, const char *endpoint,
                                      const uint8_t *reply, size_t bytes, struct error *error)
{
    struct codec_cursor cursor = {.bytes = reply, .size = bytes};
    struct message message;
    switch (codec_next(codec, &cursor, &message, error)) {
    case CODEC_OK:
        if (message.kind == MESSAGE_STATUS)
            return json_parse(message.status.json, message.status.json_bytes, error);
        if (message.kind == MESSAGE_REFUSED)
            error_set(error, -1, "%s: %s", endpoint, message.refused.reason);
        else
            error_set(error, -1, "%s gave an answer that is not a status", endpoint);
        return NULL;
    case CODEC_WRONG_VERSION:
        error_set(error, -1, "%s speaks protocol version %u and this is %d: use the same release",
                  endpoint, cursor.peer_version, PROTOCOL_VERSION);
        return NULL;
    default:
        error_set(error, -1, "%s is not a ratchet coordinator", endpoint);
        return NULL;
    }
}

struct json_node *coordinator_ask(const char *endpoint, const struct status_request *request,
                                  struct error *error)
{
    struct json_node *root = NULL;
    uint8_t question[REQUEST_BYTES], *reply = NULL;
    size_t used = 0, bytes = 0;
    struct codec *codec = codec_create();
    struct message message = {.kind = MESSAGE_STATUS_REQUEST, .status_request = *request};
    if (codec == NULL || !codec_append(codec, &message, question, sizeof question, &used)) {
        error_set(error, -1, "no memory for a question");
        goto out;
    }
    const struct exchange exchange = {endpoint, question, used, ANSWER_MS};
    if (sockets_exchange(&exchange, &reply, &bytes, error) == 0)
        root = parse_answer(codec, endpoint, reply, bytes, error);
out:
    free(reply);
    codec_destroy(&codec);
    return root;
}
