/*
 * shell_zmq.c: see shell_zmq.h.
 *
 * Bounds: a queue of each socket holds QUEUE_MAX datagrams; a frame larger than a datagram may be
 * ends the link to whoever sent it. ZeroMQ's own heartbeats find links that are dead without a sign
 * (a switched-off host, a forgotten NAT entry), so that the socket reconnects; who is alive is
 * decided by the core alone.
 */
#include "worker/shell/shell_zmq.h"

#include "proto/codec.h"
#include "worker/shell/handshake_zmq.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum {
    LINGER_MS = 500,
    RECONNECT_MS_MIN = 100,
    RECONNECT_MS_MAX = 2000,
    CONNECT_MS_MAX = 5000,
    ALIVE_MS = 2000,      /* between ZeroMQ's own heartbeats */
    ALIVE_MS_MAX = 10000, /* without an answer to them the link is made anew */
    QUEUE_MAX = 256,
};

struct channel {
    void *socket;
    size_t used;
    uint8_t outgoing[DATAGRAM_BYTES_MAX];
};

struct connection {
    void *context;
    struct codec *codec;
    zmq_msg_t incoming;
    uint64_t dropped;
    struct handshake *handshake; /* how the control socket's connecting goes */
    struct channel channels[CHANNEL_COUNT];
};

/* --------------------------------------------------------------------------------- open, close */

static void set_number(void *socket, int option, int value)
{
    int failed = zmq_setsockopt(socket, option, &value, sizeof value);
    assert(!failed); /* an option that this ZeroMQ does not know: a bug of the build */
}

static void set_options(void *socket, const struct instance_id *instance)
{
    const int64_t frame_max = DATAGRAM_BYTES_MAX;
    int failed = zmq_setsockopt(socket, ZMQ_ROUTING_ID, instance->bytes, sizeof instance->bytes) ||
                 zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_max, sizeof frame_max);
    assert(!failed);
    set_number(socket, ZMQ_LINGER, LINGER_MS);
    set_number(socket, ZMQ_RECONNECT_IVL, RECONNECT_MS_MIN);
    set_number(socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MS_MAX);
    set_number(socket, ZMQ_CONNECT_TIMEOUT, CONNECT_MS_MAX);
    set_number(socket, ZMQ_HEARTBEAT_IVL, ALIVE_MS);
    set_number(socket, ZMQ_HEARTBEAT_TIMEOUT, ALIVE_MS_MAX);
    set_number(socket, ZMQ_HEARTBEAT_TTL, ALIVE_MS_MAX);
    set_number(socket, ZMQ_SNDHWM, QUEUE_MAX);
    set_number(socket, ZMQ_RCVHWM, QUEUE_MAX);
}

static void set_key(void *socket, const struct key_file *key)
{
    int failed = zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, key->server.bytes, KEY_BYTES) ||
                 zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, key->own.bytes, KEY_BYTES) ||
                 zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, key->secret.bytes, KEY_BYTES);
    assert(!failed);
}

static int open_channel(struct connection *connection, enum connection_channel channel,
                        const struct connection_options *options, struct error *error)
{
    const char *endpoint = channel == CHANNEL_CONTROL ? options->control : options->bulk;
    void *socket = zmq_socket(connection->context, ZMQ_DEALER);
    connection->channels[channel].socket = socket;
    if (socket == NULL)
        return error_set(error, -1, "cannot open a socket: %s", zmq_strerror(errno));
    set_options(socket, &options->instance);
    /* IPv6 only where it is asked for: names are otherwise looked up in a way that needs both. */
    set_number(socket, ZMQ_IPV6, strchr(endpoint, '[') != NULL);
    if (options->key != NULL)
        set_key(socket, options->key);
    if (channel == CHANNEL_CONTROL) {
        const struct handshake_options watched = {.context = connection->context,
                                                  .socket = socket,
                                                  .endpoint = endpoint,
                                                  .encrypted = options->key != NULL};
        connection->handshake = handshake_watch(&watched, error);
        if (connection->handshake == NULL)
            return -1;
    }
    if (zmq_connect(socket, endpoint) != 0)
        return error_set(error, -1, "cannot connect to %s: %s", endpoint, zmq_strerror(errno));
    return 0;
}

struct connection *connection_open(const struct connection_options *options, struct error *error)
{
    struct connection *connection = malloc(sizeof *connection);
    if (connection == NULL) {
        error_set(error, -1, "no memory for the sockets");
        return NULL;
    }
    zmq_msg_init(&connection->incoming);
    connection->dropped = 0;
    connection->handshake = NULL;
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        connection->channels[i].socket = NULL;
        connection->channels[i].used = 0;
    }
    connection->codec = codec_create();
    connection->context = zmq_ctx_new();
    if (options->key != NULL && zmq_has("curve") != 1)
        error_set(error, -1, "this libzmq was built without CURVE: it cannot encrypt");
    else if (connection->codec == NULL || connection->context == NULL)
        error_set(error, -1, "no memory for the sockets");
    else if (open_channel(connection, CHANNEL_CONTROL, options, error) == 0 &&
             open_channel(connection, CHANNEL_BULK, options, error) == 0)
        return connection;
    connection_close(&connection);
    return NULL;
}

void connection_close(struct connection **connection)
{
    struct connection *closed = *connection;
    if (closed == NULL)
        return;
    zmq_msg_close(&closed->incoming);
    handshake_close(&closed->handshake);
    for (int i = 0; i < CHANNEL_COUNT; i++)
        if (closed->channels[i].socket != NULL)
            zmq_close(closed->channels[i].socket);
    while (closed->context != NULL && zmq_ctx_term(closed->context) != 0 && errno == EINTR)
        continue;
    codec_destroy(&closed->codec);
    free(closed);
    *connection = NULL;
}

/* ------------------------------------------------------------------------------ wait, receive */

void connection_wait(struct connection *connection, const struct connection_wait *wait)
{
    zmq_pollitem_t items[CHANNEL_COUNT + CONNECTION_DESCRIPTORS_MAX + HANDSHAKE_SOCKETS] = {{0}};
    assert(wait->descriptor_count <= CONNECTION_DESCRIPTORS_MAX);
    for (int i = 0; i < CHANNEL_COUNT; i++)
        items[i] = (zmq_pollitem_t){.socket = connection->channels[i].socket, .events = ZMQ_POLLIN};
    for (uint32_t i = 0; i < wait->descriptor_count; i++)
        items[CHANNEL_COUNT + i] =
            (zmq_pollitem_t){.fd = wait->descriptors[i], .events = ZMQ_POLLIN};
    int used = CHANNEL_COUNT + (int)wait->descriptor_count;
    void *watched[HANDSHAKE_SOCKETS];
    uint32_t watched_count = handshake_sockets(connection->handshake, watched);
    for (uint32_t i = 0; i < watched_count; i++)
        items[used++] = (zmq_pollitem_t){.socket = watched[i], .events = ZMQ_POLLIN};
    int count = zmq_poll(items, used, wait->timeout_ms);
    assert(count >= 0 || errno == EINTR);
}

/* One frame. False when there is none. */
static bool receive_frame(struct connection *connection, void *socket)
{
    int received = zmq_msg_recv(&connection->incoming, socket, ZMQ_DONTWAIT);
    assert(received >= 0 || errno == EAGAIN || errno == EINTR);
    return received >= 0;
}

bool connection_receive(struct connection *connection, enum connection_channel channel,
                        struct connection_datagram *datagram)
{
    void *socket = connection->channels[channel].socket;
    while (receive_frame(connection, socket)) {
        if (!zmq_msg_more(&connection->incoming)) {
            datagram->bytes = zmq_msg_data(&connection->incoming);
            datagram->count = zmq_msg_size(&connection->incoming);
            return true;
        }
        /* Datagrams have one frame: whoever sent more is none of ours. All parts have arrived. */
        while (zmq_msg_more(&connection->incoming) && receive_frame(connection, socket))
            continue;
    }
    return false;
}

/* ----------------------------------------------------------------------------------------- send */

static void send_datagram(struct connection *connection, struct channel *channel)
{
    if (channel->used == 0)
        return;
    int sent = zmq_send(channel->socket, channel->outgoing, channel->used, ZMQ_DONTWAIT);
    assert(sent >= 0 || errno == EAGAIN || errno == EINTR);
    if (sent < 0)
        connection->dropped++;
    channel->used = 0;
}

void connection_queue(struct connection *connection, enum connection_channel channel,
                      const struct message *message)
{
    struct channel *out = &connection->channels[channel];
    if (codec_append(connection->codec, message, out->outgoing, sizeof out->outgoing, &out->used))
        return;
    send_datagram(connection, out);
    bool fits =
        codec_append(connection->codec, message, out->outgoing, sizeof out->outgoing, &out->used);
    assert(fits);
}

void connection_flush(struct connection *connection)
{
    for (int i = 0; i < CHANNEL_COUNT; i++)
        send_datagram(connection, &connection->channels[i]);
}

bool connection_is_refused(struct connection *connection, uint64_t now_ms, struct error *error)
{
    return handshake_is_refused(connection->handshake, now_ms, error);
}

uint64_t connection_dropped(const struct connection *connection)
{
    return connection->dropped;
}
