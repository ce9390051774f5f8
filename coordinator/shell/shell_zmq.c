/*
 * shell_zmq.c: see shell_zmq.h.
 *
 * ROUTER_MANDATORY turns a send to somebody who is gone into an error instead of silence, and
 * HANDOVER gives an identity to whoever connects with it last: a worker that reconnects must not be
 * locked out by the dead connection that it left behind. ZeroMQ's own heartbeat closes such
 * half-open connections; whether a worker is alive is the core's judgement, not ours.
 *
 * Where there is a guard both sockets are CURVE servers, and shell_zmq_curve.c answers ZeroMQ's
 * questions about keys, which come in on a socket of their own inside the process.
 */
#include "coordinator/shell/shell_zmq_curve.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum {
    CONTROL_QUEUE = 512, /* datagrams per peer and direction; one usually carries a whole turn */
    BULK_QUEUE = 32,     /* chunks per peer and direction: 8 MiB; a puller's window is smaller */
    BACKLOG = 1024,
    HEARTBEAT_MS = 2000,
    HEARTBEAT_TIMEOUT_MS = 10000,
    HANDSHAKE_MS = 5000, /* who has not said who it is by then is disconnected */
    FREE_PORT_TRIES = 32,
    UNHEARD_MAX = 256, /* datagrams passed over at once; what is behind them is seen next time */
};

struct sockets {
    void *context;
    void *handle[SOCKET_COUNT];
    char endpoint[SOCKET_COUNT][ENDPOINT_BYTES_MAX];
    struct sockets_counts counts[SOCKET_COUNT];
    struct curve *curve; /* NULL: in the clear */
    struct sockets_guard guard;
    zmq_msg_t payload;
};

static void set_option(void *socket, int option, int value)
{
    int rc = zmq_setsockopt(socket, option, &value, sizeof value);
    assert(rc == 0);
    (void)rc;
}

static void set_common_options(void *socket, int queue)
{
    set_option(socket, ZMQ_LINGER, 0);
    set_option(socket, ZMQ_SNDHWM, queue);
    set_option(socket, ZMQ_RCVHWM, queue);
    set_option(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS);
    set_option(socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS);
    int64_t largest = DATAGRAM_BYTES_MAX;
    int rc = zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &largest, sizeof largest);
    assert(rc == 0);
    (void)rc;
}

static void *open_router(struct sockets *sockets, enum socket_name name)
{
    void *socket = zmq_socket(sockets->context, ZMQ_ROUTER);
    if (socket == NULL)
        return NULL;
    set_common_options(socket, name == SOCKET_CONTROL ? CONTROL_QUEUE : BULK_QUEUE);
    set_option(socket, ZMQ_ROUTER_MANDATORY, 1);
    set_option(socket, ZMQ_ROUTER_HANDOVER, 1);
    set_option(socket, ZMQ_BACKLOG, BACKLOG);
    set_option(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
    if (sockets->curve != NULL)
        curve_protect(sockets->curve, socket);
    return socket;
}

/* "address already in use", as the middle of a sentence. */
static const char *reason_of(int code, char *text, size_t size)
{
    snprintf(text, size, "%s", zmq_strerror(code));
    text[0] = (char)tolower((unsigned char)text[0]);
    return text;
}

/* Only where an address asks for it: ZeroMQ would show every IPv4 address in IPv6's form. */
static void allow_ipv6(void *socket, const char *endpoint)
{
    set_option(socket, ZMQ_IPV6, strchr(endpoint, '[') != NULL);
}

static int cannot_listen(const char *endpoint, int code, struct error *error)
{
    char reason[128];
    return error_set(error, -1, "cannot listen on %s: %s", endpoint,
                     reason_of(code, reason, sizeof reason));
}

/* Binds and reads back the address. 0, or the error number. */
static int bind_socket(struct sockets *sockets, enum socket_name name, const char *endpoint)
{
    allow_ipv6(sockets->handle[name], endpoint);
    if (zmq_bind(sockets->handle[name], endpoint) != 0)
        return zmq_errno();
    size_t size = sizeof sockets->endpoint[name];
    if (zmq_getsockopt(sockets->handle[name], ZMQ_LAST_ENDPOINT, sockets->endpoint[name], &size) !=
        0)
        return zmq_errno();
    return 0;
}

static bool asks_for_free_port(const char *endpoint)
{
    const char *colon = strrchr(endpoint, ':');
    return strncmp(endpoint, "tcp://", 6) == 0 && colon != NULL &&
           (strcmp(colon, ":*") == 0 || strcmp(colon, ":0") == 0);
}

/* A free port is of use only when the next one is free too: the kernel is asked until both are. */
static int bind_free_pair(struct sockets *sockets, const char *endpoint, struct error *error)
{
    int code = 0;
    for (int i = 0; i < FREE_PORT_TRIES; i++) {
        char bulk[ENDPOINT_BYTES_MAX];
        code = bind_socket(sockets, SOCKET_CONTROL, endpoint);
        if (code != 0)
            break;
        if (endpoint_bulk(sockets->endpoint[SOCKET_CONTROL], bulk, sizeof bulk, NULL) == 0) {
            code = bind_socket(sockets, SOCKET_BULK, bulk);
            if (code == 0)
                return 0;
        }
        zmq_unbind(sockets->handle[SOCKET_CONTROL], sockets->endpoint[SOCKET_CONTROL]);
    }
    return cannot_listen(endpoint, code, error);
}

static int bind_both(struct sockets *sockets, const struct sockets_options *options,
                     struct error *error)
{
    if (options->bulk == NULL && asks_for_free_port(options->control))
        return bind_free_pair(sockets, options->control, error);
    char next[ENDPOINT_BYTES_MAX];
    const char *bulk = options->bulk;
    if (bulk == NULL) {
        if (endpoint_bulk(options->control, next, sizeof next, error) != 0)
            return -1;
        bulk = next;
    }
    int code = bind_socket(sockets, SOCKET_CONTROL, options->control);
    if (code != 0)
        return cannot_listen(options->control, code, error);
    code = bind_socket(sockets, SOCKET_BULK, bulk);
    if (code != 0)
        return cannot_listen(bulk, code, error);
    return 0;
}

struct sockets *sockets_open(const struct sockets_options *options, struct error *error)
{
    struct sockets *sockets = calloc(1, sizeof *sockets);
    if (sockets == NULL) {
        error_set(error, -1, "no memory for the sockets");
        return NULL;
    }
    zmq_msg_init(&sockets->payload);
    sockets->context = zmq_ctx_new();
    if (sockets->context != NULL && options->guard != NULL) {
        sockets->guard = *options->guard;
        /* Before anybody can connect: without an answer ZeroMQ lets everybody in. */
        sockets->curve = curve_open(sockets->context, &sockets->guard, error);
        if (sockets->curve == NULL) {
            sockets_close(&sockets, 0);
            return NULL;
        }
    }
    for (int i = 0; sockets->context != NULL && i < SOCKET_COUNT; i++)
        sockets->handle[i] = open_router(sockets, (enum socket_name)i);
    if (sockets->handle[SOCKET_CONTROL] == NULL || sockets->handle[SOCKET_BULK] == NULL) {
        error_set(error, -1, "cannot open a socket: %s", zmq_strerror(zmq_errno()));
        sockets_close(&sockets, 0);
        return NULL;
    }
    if (bind_both(sockets, options, error) != 0)
        sockets_close(&sockets, 0);
    return sockets;
}

void sockets_close(struct sockets **sockets, int linger_ms)
{
    if (*sockets == NULL)
        return;
    for (int i = 0; i < SOCKET_COUNT; i++) {
        void *handle = (*sockets)->handle[i];
        if (handle == NULL)
            continue;
        set_option(handle, ZMQ_LINGER, linger_ms);
        zmq_close(handle);
    }
    zmq_msg_close(&(*sockets)->payload);
    curve_close(&(*sockets)->curve);
    if ((*sockets)->context != NULL)
        zmq_ctx_term((*sockets)->context);
    free(*sockets);
    *sockets = NULL;
}

const char *sockets_endpoint(const struct sockets *sockets, enum socket_name name)
{
    return sockets->endpoint[name];
}

struct sockets_ready sockets_wait(struct sockets *sockets, int descriptor, int timeout_ms)
{
    zmq_pollitem_t items[4] = {
        {.socket = sockets->handle[SOCKET_CONTROL], .events = ZMQ_POLLIN},
        {.socket = sockets->handle[SOCKET_BULK], .events = ZMQ_POLLIN},
    };
    int count = 2, asked = 0, described = 0;
    if (sockets->curve != NULL) {
        asked = count++;
        items[asked] =
            (zmq_pollitem_t){.socket = curve_socket(sockets->curve), .events = ZMQ_POLLIN};
    }
    if (descriptor >= 0) {
        described = count++;
        items[described] = (zmq_pollitem_t){.fd = descriptor, .events = ZMQ_POLLIN};
    }
    struct sockets_ready ready = {0};
    if (zmq_poll(items, count, timeout_ms) <= 0)
        return ready;
    ready.readable[SOCKET_CONTROL] = (items[0].revents & ZMQ_POLLIN) != 0;
    ready.readable[SOCKET_BULK] = (items[1].revents & ZMQ_POLLIN) != 0;
    ready.descriptor = described > 0 && items[described].revents != 0;
    if (asked > 0 && items[asked].revents != 0)
        curve_answer(sockets->curve);
    return ready;
}

bool socket_peer_is_worker(const struct socket_peer *peer, struct instance_id *instance)
{
    if (peer->size != sizeof instance->bytes || peer->bytes[0] == 0)
        return false;
    memcpy(instance->bytes, peer->bytes, sizeof instance->bytes);
    return true;
}

struct socket_peer socket_peer_of_worker(const struct instance_id *instance)
{
    struct socket_peer peer = {.size = sizeof instance->bytes};
    memcpy(peer.bytes, instance->bytes, sizeof instance->bytes);
    return peer;
}

static bool more_frames(void *socket)
{
    int more = 0;
    size_t size = sizeof more;
    return zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) == 0 && more != 0;
}

/* Reads the rest of a message that has more frames than ours have. */
static void skip_frames(struct sockets *sockets, void *socket)
{
    while (more_frames(socket)) {
        if (zmq_msg_recv(&sockets->payload, socket, ZMQ_DONTWAIT) < 0)
            return;
    }
}

/* Name and payload into *datagram. False when there is nothing; *whole: it is two frames. */
static bool receive_frames(struct sockets *sockets, void *socket, struct datagram *datagram,
                           bool *whole)
{
    struct socket_peer *from = &datagram->from;
    int size = zmq_recv(socket, from->bytes, sizeof from->bytes, ZMQ_DONTWAIT);
    if (size < 0)
        return false;
    from->size = (size_t)size;
    *whole = more_frames(socket) && zmq_msg_recv(&sockets->payload, socket, ZMQ_DONTWAIT) >= 0 &&
             !more_frames(socket);
    if (!*whole) {
        skip_frames(sockets, socket);
        return true;
    }
    datagram->bytes = zmq_msg_data(&sockets->payload);
    datagram->count = zmq_msg_size(&sockets->payload);
    return true;
}

/* Every frame says whose connection it came over; one that does not is nobody's. */
static bool is_heard(struct sockets *sockets, enum socket_name name, struct datagram *datagram)
{
    datagram->key = (struct public_key){{0}};
    return sockets->curve == NULL || (curve_key_of(&sockets->payload, &datagram->key) &&
                                      sockets->guard.hears(sockets->guard.context, name, datagram));
}

bool sockets_receive(struct sockets *sockets, enum socket_name name, struct datagram *datagram)
{
    struct sockets_counts *counts = &sockets->counts[name];
    bool whole;
    for (uint32_t i = 0; i < UNHEARD_MAX; i++) {
        if (!receive_frames(sockets, sockets->handle[name], datagram, &whole))
            return false;
        if (!whole) {
            counts->malformed++;
            continue;
        }
        if (!is_heard(sockets, name, datagram)) {
            counts->refused++;
            continue;
        }
        counts->received++;
        counts->received_bytes += datagram->count;
        return true;
    }
    return false;
}

enum send_result sockets_send(struct sockets *sockets, enum socket_name name,
                              const struct socket_peer *to, const void *bytes, size_t count)
{
    void *socket = sockets->handle[name];
    struct sockets_counts *counts = &sockets->counts[name];
    if (sockets->curve != NULL && !sockets->guard.tells(sockets->guard.context, name, to)) {
        counts->dropped++;
        return SEND_UNREACHABLE;
    }
    /* With MANDATORY a send fails at the first frame; the second one then always goes through. */
    if (zmq_send(socket, to->bytes, to->size, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0 ||
        zmq_send(socket, bytes, count, ZMQ_DONTWAIT) < 0) {
        counts->dropped++;
        return zmq_errno() == EHOSTUNREACH ? SEND_UNREACHABLE : SEND_BLOCKED;
    }
    counts->sent++;
    counts->sent_bytes += count;
    return SEND_DONE;
}

struct sockets_counts sockets_counts(const struct sockets *sockets, enum socket_name name)
{
    return sockets->counts[name];
}

static int exchange_over(void *socket, const struct exchange *exchange, uint8_t **reply,
                         size_t *reply_bytes, struct error *error)
{
    zmq_msg_t message;
    zmq_msg_init(&message);
    int rc = -1;
    if (zmq_send(socket, exchange->request, exchange->request_bytes, 0) < 0 ||
        zmq_msg_recv(&message, socket, 0) < 0) {
        error_set(error, -1, "no answer from %s within %d ms", exchange->endpoint,
                  exchange->timeout_ms);
        goto out;
    }
    *reply_bytes = zmq_msg_size(&message);
    *reply = malloc(*reply_bytes + 1);
    if (*reply == NULL) {
        error_set(error, -1, "no memory for the answer from %s", exchange->endpoint);
        goto out;
    }
    memcpy(*reply, zmq_msg_data(&message), *reply_bytes);
    rc = 0;
out:
    zmq_msg_close(&message);
    return rc;
}

int sockets_exchange(const struct exchange *exchange, uint8_t **reply, size_t *reply_bytes,
                     struct error *error)
{
    void *context = zmq_ctx_new();
    void *socket = context != NULL ? zmq_socket(context, ZMQ_DEALER) : NULL;
    int rc = -1;
    if (socket == NULL) {
        error_set(error, -1, "cannot open a socket: %s", zmq_strerror(zmq_errno()));
    } else {
        set_common_options(socket, CONTROL_QUEUE);
        set_option(socket, ZMQ_SNDTIMEO, exchange->timeout_ms);
        set_option(socket, ZMQ_RCVTIMEO, exchange->timeout_ms);
        allow_ipv6(socket, exchange->endpoint);
        if (exchange->key != NULL)
            curve_use_key(socket, exchange->key);
        char reason[128];
        if (zmq_connect(socket, exchange->endpoint) != 0)
            error_set(error, -1, "cannot reach %s: %s", exchange->endpoint,
                      reason_of(zmq_errno(), reason, sizeof reason));
        else
            rc = exchange_over(socket, exchange, reply, reply_bytes, error);
        zmq_close(socket);
    }
    if (context != NULL)
        zmq_ctx_term(context);
    return rc;
}
