/* handshake_zmq.c: see handshake_zmq.h. */
#include "worker/shell/handshake_zmq.h"

#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum {
    HANG_UPS = 3,         /* in a row, before somebody has a look, and again behind it */
    HANG_UP_MS_MAX = 500, /* after connecting: later than that it is slowness, or a death */
    LOOKS = 16,           /* a server may hang up before it has said whether it encrypts */
    LOOK_MS = 20,         /* between them */
    LOOK_MS_MAX = 5000,   /* for all of them: nobody may be there any more */
    SEEN_MS = 10000,      /* how long what was seen counts */
};

enum verdict {
    VERDICT_NONE = 0,
    VERDICT_KEY,           /* our key is not let in */
    VERDICT_WANTS_KEYS,    /* it encrypts and we do not */
    VERDICT_WANTS_NO_KEYS, /* the reverse */
    VERDICT_OTHER_SERVER,  /* it encrypts with another key than we were given */
};

/* A monitor's messages: two frames, the first of which is 6 bytes: event and value. */
struct news {
    uint16_t event;
    uint32_t value;
};

struct handshake {
    struct handshake_options options;
    void *monitor;
    void *probe, *probe_monitor; /* the look without encryption; NULL: none is under way */
    uint64_t connected_ms, probed_ms;
    uint64_t seen_ms; /* when a look has shown that somebody is there who encrypts; 0: none has */
    uint32_t hang_ups, looks;
    enum verdict verdict;
};

static void *open_monitor(void *context, void *socket, const char *address)
{
    const int events = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                       ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                       ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    const int linger = 0;
    if (zmq_socket_monitor(socket, address, events) != 0)
        return NULL;
    void *monitor = zmq_socket(context, ZMQ_PAIR);
    if (monitor == NULL)
        return NULL;
    if (zmq_setsockopt(monitor, ZMQ_LINGER, &linger, sizeof linger) == 0 &&
        zmq_connect(monitor, address) == 0)
        return monitor;
    zmq_close(monitor);
    return NULL;
}

struct handshake *handshake_watch(const struct handshake_options *options, struct error *error)
{
    struct handshake *handshake = calloc(1, sizeof *handshake);
    if (handshake != NULL) {
        handshake->options = *options;
        handshake->monitor =
            open_monitor(options->context, options->socket, "inproc://ratchet-handshake");
        if (handshake->monitor != NULL)
            return handshake;
    }
    free(handshake);
    error_set(error, -1, "cannot watch a socket: %s", zmq_strerror(zmq_errno()));
    return NULL;
}

static void close_probe(struct handshake *handshake)
{
    if (handshake->probe_monitor != NULL)
        zmq_close(handshake->probe_monitor);
    if (handshake->probe != NULL)
        zmq_close(handshake->probe);
    handshake->probe = handshake->probe_monitor = NULL;
}

void handshake_close(struct handshake **handshake)
{
    if (*handshake == NULL)
        return;
    close_probe(*handshake);
    zmq_close((*handshake)->monitor);
    free(*handshake);
    *handshake = NULL;
}

/* Without memory or descriptors for it there is no look, and we go on trying. */
static void open_probe(struct handshake *handshake, uint64_t now_ms)
{
    const struct handshake_options *options = &handshake->options;
    const int linger = 0, pause_ms = LOOK_MS, ipv6 = strchr(options->endpoint, '[') != NULL;
    handshake->looks = 0;
    handshake->probed_ms = now_ms;
    handshake->probe = zmq_socket(options->context, ZMQ_DEALER);
    if (handshake->probe == NULL)
        return;
    handshake->probe_monitor =
        open_monitor(options->context, handshake->probe, "inproc://ratchet-handshake-probe");
    if (handshake->probe_monitor == NULL ||
        zmq_setsockopt(handshake->probe, ZMQ_LINGER, &linger, sizeof linger) != 0 ||
        zmq_setsockopt(handshake->probe, ZMQ_RECONNECT_IVL, &pause_ms, sizeof pause_ms) != 0 ||
        zmq_setsockopt(handshake->probe, ZMQ_IPV6, &ipv6, sizeof ipv6) != 0 ||
        zmq_connect(handshake->probe, options->endpoint) != 0)
        close_probe(handshake);
}

uint32_t handshake_sockets(const struct handshake *handshake, void *sockets[HANDSHAKE_SOCKETS])
{
    sockets[0] = handshake->monitor;
    sockets[1] = handshake->probe_monitor;
    return handshake->probe_monitor != NULL ? 2 : 1;
}

/* The next event of a monitor; false: none. */
static bool take_news(void *monitor, struct news *news)
{
    uint8_t head[6];
    char address[256];
    int size = zmq_recv(monitor, head, sizeof head, ZMQ_DONTWAIT);
    if (size < 0)
        return false;
    int more = 0;
    size_t more_size = sizeof more;
    while (zmq_getsockopt(monitor, ZMQ_RCVMORE, &more, &more_size) == 0 && more != 0)
        if (zmq_recv(monitor, address, sizeof address, ZMQ_DONTWAIT) < 0)
            break;
    *news = (struct news){0};
    if (size == (int)sizeof head) {
        memcpy(&news->event, head, sizeof news->event);
        memcpy(&news->value, head + sizeof news->event, sizeof news->value);
    }
    return true;
}

static bool is_mismatch(const struct news *news)
{
    return news->event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL &&
           news->value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH;
}

/* What was seen so far was seen of a server that is gone by now. */
static void forget_hang_ups(struct handshake *handshake)
{
    handshake->hang_ups = 0;
    handshake->seen_ms = 0;
    close_probe(handshake);
}

/*
 * Only an encrypted server's hanging up can mean that its key is another one, and then it does so
 * at once and each time. Our own coordinator lets us wait while it opens its run, and hangs up when
 * it dies of that.
 */
static void count_hang_up(struct handshake *handshake, uint64_t now_ms)
{
    if (!handshake->options.encrypted)
        return;
    if (now_ms - handshake->connected_ms > HANG_UP_MS_MAX) {
        forget_hang_ups(handshake);
        return;
    }
    handshake->hang_ups++;
    if (handshake->hang_ups < HANG_UPS || handshake->probe != NULL)
        return;
    if (handshake->seen_ms != 0 && now_ms - handshake->seen_ms < SEEN_MS)
        handshake->verdict = VERDICT_OTHER_SERVER;
    else
        open_probe(handshake, now_ms);
}

static void take_event(struct handshake *handshake, const struct news *news, uint64_t now_ms)
{
    bool encrypted = handshake->options.encrypted;
    switch (news->event) {
    case ZMQ_EVENT_CONNECTED:
        handshake->connected_ms = now_ms;
        break;
    case ZMQ_EVENT_CLOSED: /* nobody listens: whoever hung up has died */
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        forget_hang_ups(handshake);
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        if (news->value == 400)
            handshake->verdict = VERDICT_KEY;
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        if (is_mismatch(news))
            handshake->verdict = encrypted ? VERDICT_WANTS_NO_KEYS : VERDICT_WANTS_KEYS;
        else
            count_hang_up(handshake, now_ms);
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        count_hang_up(handshake, now_ms);
        break;
    default:
        break;
    }
}

/* What the look has shown: somebody who encrypts, or that nobody is behind it. */
static void take_probe(struct handshake *handshake, uint64_t now_ms)
{
    struct news news;
    while (handshake->probe_monitor != NULL && take_news(handshake->probe_monitor, &news)) {
        if (news.event == ZMQ_EVENT_CONNECTED)
            continue;
        handshake->seen_ms = is_mismatch(&news) ? now_ms : 0;
        handshake->looks++;
        if (handshake->seen_ms != 0 || news.event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED ||
            handshake->looks == LOOKS) {
            handshake->hang_ups = 0;
            close_probe(handshake);
        }
    }
    if (handshake->probe != NULL && now_ms - handshake->probed_ms > LOOK_MS_MAX) {
        handshake->hang_ups = 0;
        close_probe(handshake);
    }
}

static void say_verdict(const struct handshake *handshake, struct error *error)
{
    static const char *const words[] = {
        [VERDICT_KEY] = "does not let our key in: it is not known there and no token is open, or "
                        "it was revoked; ask the coordinator's owner for a token (ratchet keys "
                        "token) and join with --token",
        [VERDICT_WANTS_KEYS] = "encrypts and lets only known keys in: join with --server-key FILE, "
                               "a copy of its server.pub, and once with --token",
        [VERDICT_WANTS_NO_KEYS] =
            "does not encrypt: leave out --server-key, or let its owner serve with --keys",
        [VERDICT_OTHER_SERVER] =
            "has another key than --server-key names: ask the coordinator's owner for its "
            "server.pub, or somebody else answers there",
    };
    error_set(error, -1, "%.200s %s", handshake->options.endpoint, words[handshake->verdict]);
}

bool handshake_is_refused(struct handshake *handshake, uint64_t now_ms, struct error *error)
{
    struct news news;
    while (handshake->verdict == VERDICT_NONE && take_news(handshake->monitor, &news))
        take_event(handshake, &news, now_ms);
    take_probe(handshake, now_ms);
    if (handshake->verdict == VERDICT_NONE)
        return false;
    say_verdict(handshake, error);
    return true;
}
