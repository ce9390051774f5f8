/*
 * relay.c: a long wire between two network interfaces, for kernels that have no netem.
 *
 *   chaos_relay INTERFACE INTERFACE
 *
 * Frames that arrive at one interface leave by the other, later: by the delay in milliseconds that
 * was read last from standard input, a line "DELAY JITTER" at a time, plus or minus up to the
 * jitter. Their order is kept. It ends with standard input. Neither interface may be part of a
 * bridge, or frames would also arrive at once.
 *
 * The queue is bounded, and a frame that finds it full is lost, as in any router. Frames are passed
 * on together with what the kernel still has to do to them (checksums, cutting into segments), so
 * that offloading can stay on.
 */
#include "common/error.h"
#include "common/os_clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ENDS = 2,
    QUEUE_FRAMES = 4096,           /* in each direction; a power of two */
    FRAME_BYTES_MAX = 65536 + 128, /* segments that are still in one piece, and the headers */
    FRAMES_PER_TURN = 64,
    DELAY_MS_MAX = 10000,
    WAIT_MS_MAX = 1000,
};

struct frame {
    uint64_t due_ms;
    size_t bytes;
    uint8_t *data;
};

/* What travels towards one interface, first come first out. */
struct direction {
    struct frame frames[QUEUE_FRAMES];
    uint32_t first, count;
    uint64_t last_due_ms;
};

struct relay {
    int sockets[ENDS];
    struct direction towards[ENDS];
    uint64_t delay_ms, jitter_ms;
    uint32_t random;
    uint8_t buffer[FRAME_BYTES_MAX];
    char line[64]; /* of standard input, so far */
    size_t line_bytes;
};

static int open_end(const char *name, struct error *error)
{
    static const int on = 1, queue_bytes = 8 << 20;
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_ALL),
        .sll_ifindex = (int)if_nametoindex(name),
    };
    int end = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (end < 0)
        return error_set(error, -1, "cannot open a packet socket: %s", strerror(errno));
    if (address.sll_ifindex == 0 ||
        setsockopt(end, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) != 0 ||
        setsockopt(end, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0 ||
        setsockopt(end, SOL_SOCKET, SO_RCVBUF, &queue_bytes, sizeof queue_bytes) != 0 ||
        bind(end, (const struct sockaddr *)&address, sizeof address) != 0) {
        int code = errno;
        close(end);
        return error_set(error, -1, "cannot listen on %s: %s", name, strerror(code));
    }
    return end;
}

/* Any generator would do: nothing depends on how the jitter is drawn (xorshift32). */
static uint32_t draw(struct relay *relay)
{
    relay->random ^= relay->random << 13;
    relay->random ^= relay->random >> 17;
    relay->random ^= relay->random << 5;
    return relay->random;
}

static uint64_t due_after(struct relay *relay, uint64_t now_ms)
{
    uint64_t spread_ms = 2 * relay->jitter_ms + 1;
    uint64_t late_ms = now_ms + relay->delay_ms + draw(relay) % spread_ms;
    return late_ms > relay->jitter_ms ? late_ms - relay->jitter_ms : 0;
}

static void queue_frame(struct relay *relay, struct direction *direction, size_t bytes)
{
    if (direction->count == QUEUE_FRAMES)
        return;
    uint8_t *data = malloc(bytes);
    if (data == NULL)
        return;
    memcpy(data, relay->buffer, bytes);
    uint64_t due_ms = due_after(relay, clock_monotonic_ms());
    if (due_ms < direction->last_due_ms)
        due_ms = direction->last_due_ms;
    direction->last_due_ms = due_ms;
    uint32_t at = (direction->first + direction->count++) % QUEUE_FRAMES;
    direction->frames[at] = (struct frame){.due_ms = due_ms, .bytes = bytes, .data = data};
}

static void receive_frames(struct relay *relay, int end)
{
    for (int i = 0; i < FRAMES_PER_TURN; i++) {
        ssize_t bytes = recv(relay->sockets[end], relay->buffer, sizeof relay->buffer, 0);
        if (bytes <= 0)
            return;
        queue_frame(relay, &relay->towards[1 - end], (size_t)bytes);
    }
}

/* What the interface does not take is lost: its other side may be down. */
static void send_frames(struct relay *relay, int end)
{
    struct direction *direction = &relay->towards[end];
    uint64_t now_ms = clock_monotonic_ms();
    while (direction->count > 0 && direction->frames[direction->first].due_ms <= now_ms) {
        struct frame *frame = &direction->frames[direction->first];
        (void)!send(relay->sockets[end], frame->data, frame->bytes, 0);
        free(frame->data);
        direction->first = (direction->first + 1) % QUEUE_FRAMES;
        direction->count--;
    }
}

static int wait_ms(const struct relay *relay)
{
    uint64_t now_ms = clock_monotonic_ms(), at_ms = now_ms + WAIT_MS_MAX;
    for (int end = 0; end < ENDS; end++) {
        const struct direction *direction = &relay->towards[end];
        if (direction->count > 0 && direction->frames[direction->first].due_ms < at_ms)
            at_ms = direction->frames[direction->first].due_ms;
    }
    return at_ms > now_ms ? (int)(at_ms - now_ms) : 0;
}

static void take_line(struct relay *relay)
{
    unsigned delay_ms = 0, jitter_ms = 0;
    relay->line[relay->line_bytes] = '\0';
    relay->line_bytes = 0;
    if (sscanf(relay->line, "%u %u", &delay_ms, &jitter_ms) != 2 || delay_ms > DELAY_MS_MAX ||
        jitter_ms > delay_ms)
        return;
    relay->delay_ms = delay_ms;
    relay->jitter_ms = jitter_ms;
}

/* 0 when standard input has ended. */
static int take_orders(struct relay *relay)
{
    char letters[64];
    ssize_t count = read(STDIN_FILENO, letters, sizeof letters);
    for (ssize_t i = 0; i < count; i++)
        if (letters[i] == '\n')
            take_line(relay);
        else if (relay->line_bytes < sizeof relay->line - 1)
            relay->line[relay->line_bytes++] = letters[i];
    return count > 0;
}

static void run(struct relay *relay)
{
    struct pollfd items[ENDS + 1] = {
        {.fd = relay->sockets[0], .events = POLLIN},
        {.fd = relay->sockets[1], .events = POLLIN},
        {.fd = STDIN_FILENO, .events = POLLIN},
    };
    for (;;) {
        poll(items, ENDS + 1, wait_ms(relay));
        for (int end = 0; end < ENDS; end++) {
            receive_frames(relay, end);
            send_frames(relay, 1 - end);
        }
        for (int end = 0; end < ENDS; end++)
            send_frames(relay, end);
        if (items[ENDS].revents != 0 && !take_orders(relay))
            return;
    }
}

int main(int argc, char **argv)
{
    static struct relay relay = {.random = 2463534242u};
    struct error error = {0};
    if (argc != 1 + ENDS) {
        fputs("usage: chaos_relay INTERFACE INTERFACE <delays\n", stderr);
        return 2;
    }
    for (int end = 0; end < ENDS; end++) {
        relay.sockets[end] = open_end(argv[1 + end], &error);
        if (relay.sockets[end] < 0) {
            fprintf(stderr, "chaos_relay: %s\n", error.text);
            return 1;
        }
    }
    run(&relay);
    return 0;
}
