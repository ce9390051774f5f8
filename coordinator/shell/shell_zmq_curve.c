/* shell_zmq_curve.c: see shell_zmq_curve.h. */
#include "coordinator/shell/shell_zmq_curve.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum {
    ANSWERS_AT_ONCE = 64, /* handshakes in one turn: workers that are in are not kept waiting */
    /* Version, request, domain, address, identity, mechanism, key. The identity is that of our own
     * socket, which has none: which name a peer wants is not known before it is in. */
    FRAMES = 7,
    FRAME_BYTES_MAX = 256,
};

static const char domain[] = "ratchet";
static const char address[] = "inproc://zeromq.zap.01";
static const char version[] = "1.0";

struct curve {
    const struct sockets_guard *guard;
    void *socket;
};

struct frame {
    size_t size;
    uint8_t bytes[FRAME_BYTES_MAX];
};

struct question {
    struct frame from, empty; /* the way back */
    struct frame frames[FRAMES];
};

struct curve *curve_open(void *context, const struct sockets_guard *guard, struct error *error)
{
    struct curve *curve = calloc(1, sizeof *curve);
    if (curve == NULL) {
        error_set(error, -1, "no memory for encrypted sockets");
        return NULL;
    }
    curve->guard = guard;
    if (zmq_has("curve") != 1) {
        error_set(error, -1, "this libzmq was built without CURVE: it cannot encrypt");
        curve_close(&curve);
        return NULL;
    }
    curve->socket = zmq_socket(context, ZMQ_ROUTER);
    const int linger = 0;
    if (curve->socket == NULL ||
        zmq_setsockopt(curve->socket, ZMQ_LINGER, &linger, sizeof linger) != 0 ||
        zmq_bind(curve->socket, address) != 0) {
        error_set(error, -1, "cannot listen on %s: %s", address, zmq_strerror(zmq_errno()));
        curve_close(&curve);
    }
    return curve;
}

void curve_close(struct curve **curve)
{
    if (*curve == NULL)
        return;
    if ((*curve)->socket != NULL)
        zmq_close((*curve)->socket);
    free(*curve);
    *curve = NULL;
}

static void set_bytes(void *socket, int option, const void *bytes, size_t size)
{
    int rc = zmq_setsockopt(socket, option, bytes, size);
    assert(rc == 0);
    (void)rc;
}

void curve_protect(const struct curve *curve, void *socket)
{
    const int server = 1;
    set_bytes(socket, ZMQ_CURVE_SERVER, &server, sizeof server);
    set_bytes(socket, ZMQ_CURVE_SECRETKEY, curve->guard->server->secret.bytes, KEY_BYTES);
    set_bytes(socket, ZMQ_ZAP_DOMAIN, domain, sizeof domain - 1);
}

void curve_use_key(void *socket, const struct key_file *key)
{
    set_bytes(socket, ZMQ_CURVE_SERVERKEY, key->server.bytes, KEY_BYTES);
    set_bytes(socket, ZMQ_CURVE_PUBLICKEY, key->own.bytes, KEY_BYTES);
    set_bytes(socket, ZMQ_CURVE_SECRETKEY, key->secret.bytes, KEY_BYTES);
}

void *curve_socket(const struct curve *curve)
{
    return curve->socket;
}

/* -------------------------------------------------------------------------------------- questions
 */

static bool receive_frame(void *socket, struct frame *frame)
{
    int size = zmq_recv(socket, frame->bytes, sizeof frame->bytes, ZMQ_DONTWAIT);
    if (size < 0)
        return false;
    /* One that was cut is none of ZeroMQ's: its size says so. */
    frame->size = (size_t)size;
    return true;
}

static bool more_frames(void *socket)
{
    int more = 0;
    size_t size = sizeof more;
    return zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) == 0 && more != 0;
}

/* 1: a question; 0: something else; -1: nothing is there. All its frames are read. */
static int receive_question(void *socket, struct question *question)
{
    struct frame rest;
    uint32_t count = 0;
    bool whole = true;
    if (!receive_frame(socket, &question->from))
        return -1;
    if (!more_frames(socket) || !receive_frame(socket, &question->empty))
        return 0;
    while (more_frames(socket)) {
        struct frame *frame = count < FRAMES ? &question->frames[count] : &rest;
        if (!receive_frame(socket, frame))
            return 0;
        whole = whole && frame->size <= FRAME_BYTES_MAX;
        count++;
    }
    return whole && count == FRAMES && question->empty.size == 0 &&
           question->from.size <= FRAME_BYTES_MAX;
}

static bool says(const struct frame *frame, const char *text)
{
    return frame->size == strlen(text) && memcmp(frame->bytes, text, frame->size) == 0;
}

static bool takes_key(const struct question *question, struct public_key *key)
{
    const struct frame *frame = &question->frames[6];
    if (!says(&question->frames[0], version) || !says(&question->frames[2], domain) ||
        !says(&question->frames[5], "CURVE") || frame->size != KEY_BYTES)
        return false;
    memcpy(key->bytes, frame->bytes, KEY_BYTES);
    return true;
}

static void send_frame(void *socket, const void *bytes, size_t size)
{
    (void)zmq_send(socket, bytes, size, ZMQ_DONTWAIT | ZMQ_SNDMORE);
}

/* `user`: the key in text, or "" when it is not let in. */
static void send_answer(void *socket, const struct question *question, const char *user)
{
    const char *status = user[0] != '\0' ? "200" : "400";
    const char *text = user[0] != '\0' ? "OK" : "";
    send_frame(socket, question->from.bytes, question->from.size);
    send_frame(socket, "", 0);
    send_frame(socket, version, sizeof version - 1);
    send_frame(socket, question->frames[1].bytes, question->frames[1].size);
    send_frame(socket, status, strlen(status));
    send_frame(socket, text, strlen(text));
    send_frame(socket, user, strlen(user));
    (void)zmq_send(socket, "", 0, ZMQ_DONTWAIT); /* no further properties */
}

void curve_answer(struct curve *curve)
{
    struct question question;
    for (int i = 0; i < ANSWERS_AT_ONCE; i++) {
        char user[KEY_HEX_BYTES] = "";
        struct public_key key;
        int received = receive_question(curve->socket, &question);
        if (received < 0)
            return;
        if (received == 0)
            continue;
        if (takes_key(&question, &key) && curve->guard->admits(curve->guard->context, &key))
            public_key_to_hex(&key, user);
        send_answer(curve->socket, &question, user);
    }
}

bool curve_key_of(void *message, struct public_key *key)
{
    const char *user = zmq_msg_gets(message, "User-Id");
    return user != NULL && public_key_from_hex(user, key);
}
