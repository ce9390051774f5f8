/*
 * stranger.c: says to a coordinator what no worker of ours would say, and prints what comes back.
 *
 * Usage: e2e_stranger ENDPOINT version|garbage. Exit code 0: there was an answer (it is on stdout);
 * 1: there was none. Not a test by itself: errors.test runs it.
 */
#include "coordinator/shell/shell_zmq.h"
#include "proto/codec.h"
#include "proto/seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int print_answer(const uint8_t *reply, size_t bytes)
{
    struct codec *codec = codec_create();
    struct codec_cursor cursor = {.bytes = reply, .size = bytes};
    struct message message;
    struct error error;
    if (codec == NULL || codec_next(codec, &cursor, &message, &error) != CODEC_OK) {
        fprintf(stderr, "the answer is not one: %s\n", error.text);
        return 1;
    }
    if (message.kind == MESSAGE_REFUSED)
        printf("refused %u: %s\n", message.refused.code, message.refused.reason);
    else
        printf("%s\n", message_name(message.kind));
    codec_destroy(&codec);
    return 0;
}

int main(int argc, char **argv)
{
    /* An envelope of two bytes behind its length: field 1, the version, is 99. And its seal. */
    uint8_t version[3 + SEAL_BYTES] = {2 + SEAL_BYTES, 0x08, 99};
    seal_write(version + 1, 2);
    /* A length that goes far beyond the end. */
    static const uint8_t garbage[] = {0xff, 0xff, 0x7f, 1, 2, 3};
    if (argc != 3) {
        fprintf(stderr, "usage: e2e_stranger ENDPOINT version|garbage\n");
        return 2;
    }
    struct exchange exchange = {.endpoint = argv[1], .timeout_ms = 1000};
    if (strcmp(argv[2], "version") == 0) {
        exchange.request = version;
        exchange.request_bytes = sizeof version;
    } else {
        exchange.request = garbage;
        exchange.request_bytes = sizeof garbage;
    }
    uint8_t *reply;
    size_t bytes;
    struct error error;
    if (sockets_exchange(&exchange, &reply, &bytes, &error) != 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    int code = print_answer(reply, bytes);
    free(reply);
    return code;
}
