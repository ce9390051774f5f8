/*
 * intruder.c: connects to a coordinator with any key and under any name, and says what it is told.
 *
 * Usage: e2e_intruder ENDPOINT SERVER_FILE KEY_FILE INSTANCE WORD...
 *
 * INSTANCE is 32 hexadecimal digits. Each WORD is said in turn and what comes back within a while
 * is printed, one line a message: "WORD: KIND epoch N", then its bytes as text, with what is not
 * printable as a dot; "WORD: nothing" when nothing came. Words: hello, hello=TOKEN, goodbye=EPOCH,
 * heartbeat=EPOCH, status, drain, and on the bulk socket pull. Exit code 0; 4 when it is not let
 * in, with the reason. Not a test by itself: identity.test runs it.
 */
#include "common/os_clock.h"
#include "common/os_key.h"
#include "common/version.h"
#include "proto/codec.h"
#include "worker/shell/shell_zmq.h"

#include "common/endpoint.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MS = 1500, TURN_MS = 20 };

struct intruder {
    struct connection *connection;
    struct codec *codec;
    struct instance_id instance;
    char name[NAME_BYTES_MAX];
};

static int parse_instance(const char *hex, struct instance_id *instance)
{
    for (size_t i = 0; i < sizeof instance->bytes; i++) {
        unsigned byte;
        if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
            return -1;
        instance->bytes[i] = (uint8_t)byte;
    }
    return instance->bytes[0] != 0 ? 0 : -1;
}

static struct hello hello_of(const struct intruder *intruder, const char *token)
{
    struct hello hello = {
        .protocol_version = PROTOCOL_VERSION,
        .name = "intruder",
        .host = "nowhere",
        .instance = intruder->instance,
        .slots = 1,
        .numeric_count = 1,
        .numeric = {"portable"},
    };
    snprintf(hello.engine_version, sizeof hello.engine_version, "%s", RATCHET_VERSION);
    snprintf(hello.token, sizeof hello.token, "%s", token);
    memcpy(hello.home.bytes, intruder->instance.bytes, sizeof hello.home.bytes);
    return hello;
}

/* The message of a word; false: there is no such word. */
static bool message_of(const struct intruder *intruder, const char *word, struct message *message,
                       enum connection_channel *channel)
{
    const char *value = strchr(word, '=') != NULL ? strchr(word, '=') + 1 : "";
    *message = (struct message){.epoch = strtoull(value, NULL, 10)};
    *channel = CHANNEL_CONTROL;
    if (strncmp(word, "hello", 5) == 0) {
        *message = (struct message){.kind = MESSAGE_HELLO, .hello = hello_of(intruder, value)};
    } else if (strncmp(word, "goodbye=", 8) == 0) {
        message->kind = MESSAGE_GOODBYE;
        snprintf(message->goodbye.reason, sizeof message->goodbye.reason, "told to");
    } else if (strncmp(word, "heartbeat=", 10) == 0) {
        message->kind = MESSAGE_HEARTBEAT;
    } else if (strcmp(word, "status") == 0) {
        message->kind = MESSAGE_STATUS_REQUEST;
    } else if (strcmp(word, "drain") == 0) {
        message->kind = MESSAGE_COMMAND;
        message->command.kind = COMMAND_DRAIN;
        snprintf(message->command.worker, sizeof message->command.worker, "anna");
    } else if (strcmp(word, "pull") == 0) {
        message->kind = MESSAGE_PULL;
        message->pull.length = 1;
        message->pull.digest.bytes[0] = 1;
        *channel = CHANNEL_BULK;
    } else {
        return false;
    }
    return true;
}

static void print_bytes(const struct connection_datagram *datagram)
{
    printf("bytes: ");
    for (size_t i = 0; i < datagram->count; i++)
        putchar(isprint(datagram->bytes[i]) ? datagram->bytes[i] : '.');
    printf("\n");
}

/* Prints what is there. Returns how many messages. */
static int take_answers(struct intruder *intruder, const char *word,
                        enum connection_channel channel)
{
    struct connection_datagram datagram;
    int count = 0;
    while (connection_receive(intruder->connection, channel, &datagram)) {
        struct codec_cursor cursor = {.bytes = datagram.bytes, .size = datagram.count};
        struct message message;
        while (codec_next(intruder->codec, &cursor, &message, NULL) == CODEC_OK) {
            printf("%s: %s epoch %llu\n", word, message_name(message.kind),
                   (unsigned long long)message.epoch);
            count++;
        }
        print_bytes(&datagram);
    }
    return count;
}

/* Says it once and waits for an answer. 0; 4: not let in. */
static int say(struct intruder *intruder, const char *word, const struct message *message,
               enum connection_channel channel)
{
    uint64_t until_ms = clock_monotonic_ms() + ANSWER_MS;
    struct error error;
    int answers = 0;
    connection_queue(intruder->connection, channel, message);
    connection_flush(intruder->connection);
    while (answers == 0 && clock_monotonic_ms() < until_ms) {
        const struct connection_wait wait = {.timeout_ms = TURN_MS};
        connection_wait(intruder->connection, &wait);
        if (connection_is_refused(intruder->connection, clock_monotonic_ms(), &error)) {
            printf("%s: refused: %s\n", word, error.text);
            return 4;
        }
        answers = take_answers(intruder, word, channel);
    }
    if (answers == 0)
        printf("%s: nothing\n", word);
    fflush(stdout);
    return 0;
}

static int run(struct intruder *intruder, char **words)
{
    int code = 0;
    for (; *words != NULL && code == 0; words++) {
        struct message message;
        enum connection_channel channel;
        if (!message_of(intruder, *words, &message, &channel)) {
            fprintf(stderr, "e2e_intruder: no such word: %s\n", *words);
            return 2;
        }
        code = say(intruder, *words, &message, channel);
    }
    return code;
}

int main(int argc, char **argv)
{
    struct intruder intruder = {.connection = NULL};
    struct key_file key, server;
    struct error error = {.text = "wrong arguments"};
    char bulk[ENDPOINT_BYTES_MAX];
    int code = 2;
    if (argc < 6 || parse_instance(argv[4], &intruder.instance) != 0 ||
        endpoint_bulk(argv[1], bulk, sizeof bulk, &error) != 0 ||
        key_file_read(argv[2], &server, &error) != 0 || key_file_own(argv[3], &key, &error) != 0)
        goto out;
    key.server = server.own;
    const struct connection_options options = {
        .control = argv[1], .bulk = bulk, .instance = intruder.instance, .key = &key};
    intruder.codec = codec_create();
    intruder.connection = connection_open(&options, &error);
    if (intruder.codec != NULL && intruder.connection != NULL)
        code = run(&intruder, argv + 5);
    connection_close(&intruder.connection);
    codec_destroy(&intruder.codec);
out:
    if (code == 2)
        fprintf(stderr, "e2e_intruder: %s\n", error.text);
    return code;
}
