/* ask.c: see ask.h. */
#include "coordinator/commands/ask.h"

#include "common/os_file.h"
#include "common/os_key.h"
#include "coordinator/shell/shell_zmq.h"
#include "proto/codec.h"

#include <stdlib.h>
#include <string.h>

enum { ANSWER_MS = 3000, REQUEST_BYTES = 256 };

/* A command asks one coordinator: what the options say of it holds for all its questions. */
static struct key_file asking_key;
static bool has_key;

bool is_address(const char *text)
{
    return strstr(text, "://") != NULL;
}

/* Absent, or not ours to read: whether that matters is seen when nobody answers. */
static void take_key_of_run(const char *run)
{
    char path[OS_PATH_BYTES_MAX];
    has_key = os_path_join(path, sizeof path, run, "admin.key", NULL) == 0 &&
              key_file_read(path, &asking_key, NULL) == 0 && asking_key.has_secret &&
              asking_key.has_server;
}

int ask_take_key(const struct arguments *arguments, struct error *error)
{
    const char *key = arguments->value[OPTION_KEY];
    const char *server = arguments->value[OPTION_SERVER_KEY];
    struct key_file server_key;
    has_key = false;
    if (key == NULL && server == NULL) {
        if (!is_address(arguments->positional[0]))
            take_key_of_run(arguments->positional[0]);
        return 0;
    }
    if (key == NULL)
        return error_set(error, -1, "--server-key needs --key: the owner's key");
    if (key_file_read(key, &asking_key, error) != 0)
        return -1;
    if (!asking_key.has_secret)
        return error_set(error, -1, "--key %.300s holds no secret key", key);
    if (server != NULL) {
        if (key_file_read(server, &server_key, error) != 0)
            return -1;
        asking_key.server = server_key.own;
        asking_key.has_server = true;
    }
    if (!asking_key.has_server)
        return error_set(error, -1, "--key %.300s is for no coordinator: add --server-key", key);
    has_key = true;
    return 0;
}

/* Whoever is not let in gets no answer at all: the words say what may be missing. */
static void add_advice(struct error *error)
{
    struct error said = *error;
    if (strncmp(said.text, "no answer", 9) == 0)
        error_set(error, -1, "%.300s%s", said.text,
                  has_key ? "; is the coordinator gone, or is this not its owner's key?"
                          : "; one that encrypts answers only with --key");
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
    const struct exchange exchange = {.endpoint = endpoint,
                                      .request = request,
                                      .request_bytes = used,
                                      .timeout_ms = ANSWER_MS,
                                      .key = has_key ? &asking_key : NULL};
    if (sockets_exchange(&exchange, &dialogue->reply, &bytes, error) != 0) {
        add_advice(error);
        return -1;
    }
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
