/* bulk_wire.c: see bulk_wire.h. */
#include "tests/bench/bulk_wire.h"

#include "common/limits.h"
#include "common/os_clock.h"
#include "common/os_process.h"
#include "tests/bench/dispatch_wire.h"
#include "tests/bench/dispatch_worker.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum {
    QUEUE = 256, /* datagrams, as in worker/shell */
    DATAGRAMS_PER_TURN = 16,
    SLOTS_EACH = 32,
    WAIT_MS = 20,
    SILENT_S_MAX = 60,
    PROBE_MS = 10,
    PROBE_WAIT_MS = 5000,
    PROBES_MAX = 20000,
    BARE_CHUNKS = 32, /* asked for ahead */
};

/* -------------------------------------------------------------------------------- checkpoints */

int checkpoints_make(struct checkpoints *checkpoints, struct error *error)
{
    checkpoints->block = malloc(checkpoints->bytes);
    checkpoints->digests = calloc(checkpoints->count, sizeof *checkpoints->digests);
    if (checkpoints->block == NULL || checkpoints->digests == NULL)
        return error_set(error, -1, "no memory for checkpoints");
    uint32_t noise = 1;
    for (uint64_t i = 0; i < checkpoints->bytes; i++)
        checkpoints->block[i] = (uint8_t)((noise = noise * 1664525 + 1013904223) >> 24);
    for (uint32_t i = 0; i < checkpoints->count; i++) {
        memcpy(checkpoints->block, &i, sizeof i);
        checkpoints->digests[i] = digest_of(checkpoints->block, checkpoints->bytes);
    }
    return 0;
}

void checkpoints_fini(struct checkpoints *checkpoints)
{
    free(checkpoints->block);
    free(checkpoints->digests);
}

static const uint8_t *read_checkpoint(void *context, uint32_t number, uint64_t offset,
                                      uint32_t length)
{
    const struct checkpoints *checkpoints = context;
    (void)length;
    if (offset < sizeof number)
        memcpy(checkpoints->block, &number, sizeof number);
    return checkpoints->block + offset;
}

/* ------------------------------------------------------------------------------------ workers */

struct driver {
    const struct bulk_drive *drive;
    struct bulk_driven *driven;
    struct null_children children;
    void *context;
    struct codec *codec;
    struct null_worker *workers[BULK_WORKERS_MAX];
    zmq_pollitem_t items[BULK_WORKERS_MAX * WIRE_COUNT];
    zmq_msg_t incoming;
    double first_s, last_s; /* bytes were asked for first; everything was decided */
};

static bool send_datagram(void *context, uint32_t worker, int wire, const void *bytes, size_t count)
{
    struct driver *driver = context;
    void *socket = driver->items[worker * WIRE_COUNT + (uint32_t)wire].socket;
    if (wire == WIRE_BULK)
        driver->driven->chunk_bytes += count;
    return zmq_send(socket, bytes, count, ZMQ_DONTWAIT) >= 0;
}

static void *open_dealer(void *context, const struct instance_id *id, const char *endpoint)
{
    static const int queue = QUEUE, linger = 200;
    void *socket = zmq_socket(context, ZMQ_DEALER);
    if (socket == NULL)
        return NULL;
    if (zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger) == 0 &&
        zmq_setsockopt(socket, ZMQ_SNDHWM, &queue, sizeof queue) == 0 &&
        zmq_setsockopt(socket, ZMQ_RCVHWM, &queue, sizeof queue) == 0 &&
        (id == NULL || zmq_setsockopt(socket, ZMQ_ROUTING_ID, id, sizeof *id) == 0) &&
        zmq_connect(socket, endpoint) == 0)
        return socket;
    zmq_close(socket);
    return NULL;
}

static int open_worker(struct driver *driver, uint32_t number, struct error *error)
{
    const struct null_worker_options options = {
        .number = number,
        .slots = SLOTS_EACH,
        .send = send_datagram,
        .context = driver,
        .children = &driver->children,
    };
    driver->workers[number] = null_worker_create(&options, driver->codec, error);
    if (driver->workers[number] == NULL)
        return -1;
    const char *const endpoints[WIRE_COUNT] = {driver->drive->control, driver->drive->bulk};
    for (uint32_t wire = 0; wire < WIRE_COUNT; wire++) {
        void *socket = open_dealer(driver->context, null_worker_instance(driver->workers[number]),
                                   endpoints[wire]);
        if (socket == NULL)
            return error_set(error, -1, "worker %u cannot connect to %s", number, endpoints[wire]);
        driver->items[number * WIRE_COUNT + wire] =
            (zmq_pollitem_t){.socket = socket, .events = ZMQ_POLLIN};
    }
    return 0;
}

static int open_driver(struct driver *driver, struct error *error)
{
    const struct checkpoints *checkpoints = driver->drive->checkpoints;
    driver->children = (struct null_children){
        .count = checkpoints->count,
        .bytes = checkpoints->bytes,
        .digests = checkpoints->digests,
        .read = read_checkpoint,
        .context = driver->drive->checkpoints,
    };
    zmq_msg_init(&driver->incoming);
    driver->codec = codec_create();
    driver->context = zmq_ctx_new();
    if (driver->codec == NULL || driver->context == NULL)
        return error_set(error, -1, "no memory for workers");
    for (uint32_t i = 0; i < driver->drive->workers; i++)
        if (open_worker(driver, i, error) != 0)
            return -1;
    return 0;
}

static void close_driver(struct driver *driver)
{
    for (uint32_t i = 0; i < driver->drive->workers; i++) {
        for (uint32_t wire = 0; wire < WIRE_COUNT; wire++)
            if (driver->items[i * WIRE_COUNT + wire].socket != NULL)
                zmq_close(driver->items[i * WIRE_COUNT + wire].socket);
        null_worker_destroy(&driver->workers[i]);
    }
    zmq_msg_close(&driver->incoming);
    if (driver->context != NULL)
        zmq_ctx_term(driver->context);
    codec_destroy(&driver->codec);
}

static void receive_some(struct driver *driver, uint32_t number, uint64_t now_ms)
{
    for (int wire = 0; wire < WIRE_COUNT; wire++) {
        const zmq_pollitem_t *item = &driver->items[number * WIRE_COUNT + (uint32_t)wire];
        for (int i = 0; item->revents != 0 && i < DATAGRAMS_PER_TURN; i++) {
            if (zmq_msg_recv(&driver->incoming, item->socket, ZMQ_DONTWAIT) < 0)
                break;
            if (wire == WIRE_BULK && driver->first_s <= 0)
                driver->first_s = seconds_now();
            null_worker_receive(driver->workers[number], wire, zmq_msg_data(&driver->incoming),
                                zmq_msg_size(&driver->incoming), now_ms);
        }
    }
}

/* One turn; how many of the workers have left. */
static uint32_t turn_workers(struct driver *driver)
{
    uint64_t now_ms = clock_monotonic_ms(), released = 0;
    uint32_t gone = 0;
    for (uint32_t i = 0; i < driver->drive->workers; i++) {
        receive_some(driver, i, now_ms);
        null_worker_turn(driver->workers[i], now_ms);
        released += null_worker_released(driver->workers[i]);
        gone += null_worker_is_gone(driver->workers[i]);
    }
    if (driver->last_s <= 0 && released >= driver->drive->checkpoints->count)
        driver->last_s = seconds_now();
    return gone;
}

static int drive_all(struct driver *driver, struct error *error)
{
    double began = seconds_now();
    while (turn_workers(driver) < driver->drive->workers) {
        zmq_poll(driver->items, (int)driver->drive->workers * WIRE_COUNT, WAIT_MS);
        if (seconds_now() - began > SILENT_S_MAX)
            return error_set(error, -1, "the run did not end within %d s", SILENT_S_MAX);
    }
    if (driver->last_s <= 0)
        return error_set(error, -1, "the run ended before all checkpoints were decided: %s",
                         null_worker_reason(driver->workers[0]));
    driver->driven->seconds = driver->last_s - driver->first_s;
    driver->driven->end_seconds = seconds_now() - driver->first_s;
    return 0;
}

int bulk_drive(const struct bulk_drive *drive, struct bulk_driven *driven, struct error *error)
{
    struct driver *driver = calloc(1, sizeof *driver);
    if (driver == NULL)
        return error_set(error, -1, "no memory for workers");
    driver->drive = drive;
    driver->driven = driven;
    *driven = (struct bulk_driven){0};
    int rc = open_driver(driver, error);
    if (rc == 0)
        rc = drive_all(driver, error);
    close_driver(driver);
    free(driver);
    return rc;
}

/* -------------------------------------------------------------------------------------- probe */

struct probe_page {
    atomic_int stop;
    uint32_t count;
    double ms[PROBES_MAX];
};

static void pause_ms(long ms)
{
    const struct timespec time = {.tv_nsec = ms * 1000000L};
    nanosleep(&time, NULL);
}

/* Asks and waits, until told to stop; an answer that never comes counts as long as was waited. */
static void probe_run(struct probe_page *page, const char *control)
{
    struct codec *codec = codec_create();
    uint8_t *request = malloc(DATAGRAM_BYTES_MAX);
    void *context = zmq_ctx_new();
    void *socket = open_dealer(context, NULL, control);
    static const int wait = PROBE_WAIT_MS;
    size_t used = 0;
    zmq_msg_t reply;
    const struct message message = {.kind = MESSAGE_STATUS_REQUEST};
    if (codec == NULL || request == NULL || socket == NULL ||
        !codec_append(codec, &message, request, DATAGRAM_BYTES_MAX, &used))
        _exit(1);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &wait, sizeof wait);
    zmq_msg_init(&reply);
    while (!atomic_load(&page->stop) && page->count < PROBES_MAX) {
        double sent = seconds_now();
        zmq_send(socket, request, used, 0);
        zmq_msg_recv(&reply, socket, 0);
        page->ms[page->count++] = 1e3 * (seconds_now() - sent);
        pause_ms(PROBE_MS);
    }
    _exit(0);
}

int probe_start(struct probe *probe, const char *control, struct error *error)
{
    void *page =
        mmap(NULL, sizeof *probe->page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return error_set(error, -1, "no memory for the probe");
    probe->page = page;
    probe->pid = fork();
    if (probe->pid == 0)
        probe_run(probe->page, control);
    return probe->pid > 0 ? 0 : error_set(error, -1, "cannot fork: %s", strerror(errno));
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct probe_result probe_stop(struct probe *probe)
{
    struct probe_result result = {0};
    atomic_store(&probe->page->stop, 1);
    kill(probe->pid, SIGKILL); /* it may wait for an answer that nobody gives any more */
    process_wait(probe->pid);
    result.count = probe->page->count;
    if (result.count > 0) {
        qsort(probe->page->ms, result.count, sizeof probe->page->ms[0], compare);
        result.median_ms = probe->page->ms[result.count / 2];
        result.most_ms = probe->page->ms[result.count - 1];
    }
    munmap(probe->page, sizeof *probe->page);
    return result;
}

/* ---------------------------------------------------------------------------------- bare loop */

struct bare_page {
    atomic_int ready;
    char endpoint[256];
};

/* Asks for chunks and hashes them, checkpoint by checkpoint; says done at the end. */
static void bare_receive(const struct checkpoints *checkpoints, struct bare_page *page)
{
    size_t size = sizeof page->endpoint;
    void *context = zmq_ctx_new(), *router = zmq_socket(context, ZMQ_ROUTER);
    uint64_t total = checkpoints->count * checkpoints->bytes, received = 0, hashed = 0, asked = 0;
    struct digest_state state;
    zmq_msg_t from, payload;
    zmq_msg_init(&from);
    zmq_msg_init(&payload);
    if (zmq_bind(router, "tcp://127.0.0.1:*") != 0 ||
        zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, page->endpoint, &size) != 0)
        _exit(1);
    atomic_store(&page->ready, 1);
    digest_init(&state);
    zmq_msg_recv(&from, router, 0); /* the other side is there */
    zmq_msg_recv(&payload, router, 0);
    while (received < total) {
        for (; asked < total && asked - received < (uint64_t)BARE_CHUNKS * CHUNK_BYTES_MAX;
             asked += CHUNK_BYTES_MAX) {
            zmq_send(router, zmq_msg_data(&from), zmq_msg_size(&from), ZMQ_SNDMORE);
            zmq_send(router, "more", 4, 0);
        }
        zmq_msg_recv(&from, router, 0);
        zmq_msg_recv(&payload, router, 0);
        digest_update(&state, zmq_msg_data(&payload), zmq_msg_size(&payload));
        received += zmq_msg_size(&payload);
        hashed += zmq_msg_size(&payload);
        if (hashed >= checkpoints->bytes) {
            (void)digest_final(&state);
            digest_init(&state);
            hashed = 0;
        }
    }
    zmq_send(router, zmq_msg_data(&from), zmq_msg_size(&from), ZMQ_SNDMORE);
    zmq_send(router, "done", 4, 0);
    zmq_close(router);
    zmq_ctx_term(context);
    _exit(0);
}

/* Gives a chunk for each request until the other side is done. */
static void bare_send(void *dealer, const struct checkpoints *checkpoints)
{
    char said[4];
    uint64_t at = 0;
    zmq_send(dealer, "here", 4, 0);
    while (zmq_recv(dealer, said, sizeof said, 0) == sizeof said && memcmp(said, "more", 4) == 0) {
        uint64_t left = checkpoints->bytes - at;
        size_t length = left < CHUNK_BYTES_MAX ? (size_t)left : CHUNK_BYTES_MAX;
        zmq_send(dealer, checkpoints->block + at, length, 0);
        at = (at + length) % checkpoints->bytes;
    }
}

double bulk_bare(const struct checkpoints *checkpoints, struct error *error)
{
    struct bare_page *page =
        mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return error_set(error, -1, "no memory for the bare loop");
    pid_t pid = fork();
    if (pid == 0)
        bare_receive(checkpoints, page);
    struct process_end end = {0};
    while (pid > 0 && !atomic_load(&page->ready) && !process_poll_end(pid, &end))
        pause_ms(1);
    void *context = zmq_ctx_new();
    void *dealer = atomic_load(&page->ready) ? open_dealer(context, NULL, page->endpoint) : NULL;
    double began = seconds_now(), seconds = -1;
    if (dealer != NULL) {
        bare_send(dealer, checkpoints);
        seconds = seconds_now() - began;
        zmq_close(dealer);
        process_wait(pid);
    } else {
        error_set(error, -1, "the bare loop does not start");
    }
    zmq_ctx_term(context);
    munmap(page, sizeof *page);
    return seconds;
}
