/* dispatch_wire.c: see dispatch_wire.h. */
#include "tests/bench/dispatch_wire.h"

#include "common/os_clock.h"
#include "tests/bench/dispatch_keys.h"
#include "tests/bench/dispatch_worker.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <zmq.h>

enum {
    QUEUE = 256, /* datagrams, as in worker/shell */
    DATAGRAMS_PER_TURN = 64,
    WAIT_MS_MAX = 100,
    JOIN_MS_MAX = 30000, /* without a first job after so long, something is wrong */
};

double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double seconds_of_process(pid_t pid)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
        return 0;
    return (double)used.tv_sec + 1e-9 * (double)used.tv_nsec;
}

uint64_t rss_peak_of_process(pid_t pid)
{
    char path[64], line[256];
    unsigned long long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "VmHWM: %llu", &kib) == 1)
            break;
    fclose(file);
    return kib * 1024;
}

static double own_cpu_seconds(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + 1e-9 * (double)used.tv_nsec;
}

static void set_option(void *socket, int option, int value)
{
    int rc = zmq_setsockopt(socket, option, &value, sizeof value);
    assert(rc == 0);
    (void)rc;
}

struct dealer {
    void *context;
    const struct instance_id *identity; /* NULL: any */
    const char *endpoint;
    const struct key_file *key; /* NULL: in the clear */
};

static void *open_dealer(const struct dealer *dealer)
{
    void *socket = zmq_socket(dealer->context, ZMQ_DEALER);
    if (socket == NULL)
        return NULL;
    set_option(socket, ZMQ_LINGER, 200);
    set_option(socket, ZMQ_SNDHWM, QUEUE);
    set_option(socket, ZMQ_RCVHWM, QUEUE);
    if (dealer->key != NULL)
        dispatch_keys_use(socket, dealer->key);
    if ((dealer->identity != NULL &&
         zmq_setsockopt(socket, ZMQ_ROUTING_ID, dealer->identity, sizeof *dealer->identity) != 0) ||
        zmq_connect(socket, dealer->endpoint) != 0) {
        zmq_close(socket);
        return NULL;
    }
    return socket;
}

/* ---------------------------------------------------------------------------------- null workers
 */

struct driver {
    const struct dispatch_drive *drive;
    struct dispatch_driven *driven;
    void *context;
    struct codec *codec;
    struct null_worker **workers;
    zmq_pollitem_t *items; /* WIRE_COUNT for each worker */
    zmq_msg_t incoming;
    double started_cpu_s;
    uint32_t marks;
    uint32_t gone;
};

static bool send_datagram(void *context, uint32_t worker, int wire, const void *bytes, size_t count)
{
    struct driver *driver = context;
    void *socket = driver->items[worker * WIRE_COUNT + (uint32_t)wire].socket;
    if (zmq_send(socket, bytes, count, ZMQ_DONTWAIT) < 0)
        return false;
    driver->driven->out_bytes += count;
    return true;
}

static int open_worker(struct driver *driver, uint32_t number, struct error *error)
{
    const struct null_worker_options options = {
        .number = number,
        .slots = driver->drive->slots,
        .send = send_datagram,
        .context = driver,
    };
    struct null_worker *worker = null_worker_create(&options, driver->codec, error);
    driver->workers[number] = worker;
    if (worker == NULL)
        return -1;
    const struct instance_id *instance = null_worker_instance(worker);
    const char *const endpoints[WIRE_COUNT] = {driver->drive->control, driver->drive->bulk};
    for (uint32_t wire = 0; wire < WIRE_COUNT; wire++) {
        const struct dealer dealer = {driver->context, instance, endpoints[wire],
                                      driver->drive->key};
        void *socket = open_dealer(&dealer);
        if (socket == NULL)
            return error_set(error, -1, "worker %u cannot connect to %s: %s", number,
                             endpoints[wire], zmq_strerror(zmq_errno()));
        driver->items[number * WIRE_COUNT + wire] =
            (zmq_pollitem_t){.socket = socket, .events = ZMQ_POLLIN};
    }
    return 0;
}

static int open_driver(struct driver *driver, struct error *error)
{
    uint32_t workers = driver->drive->workers;
    zmq_msg_init(&driver->incoming);
    driver->workers = calloc(workers, sizeof(struct null_worker *));
    driver->items = calloc((size_t)workers * WIRE_COUNT, sizeof *driver->items);
    driver->codec = codec_create();
    driver->context = zmq_ctx_new();
    if (driver->workers == NULL || driver->items == NULL || driver->codec == NULL ||
        driver->context == NULL)
        return error_set(error, -1, "no memory for %u workers", workers);
    zmq_ctx_set(driver->context, ZMQ_MAX_SOCKETS, (int)(workers * WIRE_COUNT) + 16);
    for (uint32_t i = 0; i < workers; i++)
        if (open_worker(driver, i, error) != 0)
            return -1;
    return 0;
}

static void close_driver(struct driver *driver)
{
    uint32_t workers = driver->drive->workers;
    for (uint32_t i = 0; driver->items != NULL && i < workers * WIRE_COUNT; i++)
        if (driver->items[i].socket != NULL)
            zmq_close(driver->items[i].socket);
    for (uint32_t i = 0; driver->workers != NULL && i < workers; i++)
        null_worker_destroy(&driver->workers[i]);
    zmq_msg_close(&driver->incoming);
    if (driver->context != NULL)
        zmq_ctx_term(driver->context);
    codec_destroy(&driver->codec);
    free(driver->workers);
    free(driver->items);
}

/* Answers to be given before the mark is set; the last one is set when the end is announced. */
static uint64_t due_of(const struct driver *driver, uint32_t mark)
{
    if (mark == 0)
        return 1;
    return driver->drive->jobs * mark / (DISPATCH_MARKS - 1);
}

static void set_mark(struct driver *driver)
{
    struct dispatch_driven *driven = driver->driven;
    bool last = driver->marks == DISPATCH_MARKS - 1;
    if (driver->marks == 0) {
        driver->started_cpu_s = own_cpu_seconds();
        driven->in_bytes = driven->out_bytes = 0;
    }
    driven->marks[driver->marks++] = (struct dispatch_mark){
        .jobs = last ? driver->drive->jobs : driven->done, /* some were answered twice */
        .at_s = seconds_now(),
        .cpu_s = seconds_of_process(driver->drive->coordinator),
    };
    driven->own_cpu_s = own_cpu_seconds() - driver->started_cpu_s;
    driven->rss_bytes = rss_peak_of_process(driver->drive->coordinator);
}

/* Notes time and CPU each time a further tenth of the jobs was answered. */
static void set_marks(struct driver *driver)
{
    while (driver->marks < DISPATCH_MARKS - 1 &&
           driver->driven->done >= due_of(driver, driver->marks))
        set_mark(driver);
    if (driver->marks == DISPATCH_MARKS - 1 && driver->gone > 0)
        set_mark(driver);
}

static void receive_all(struct driver *driver, uint32_t number, uint64_t now_ms)
{
    for (int wire = 0; wire < WIRE_COUNT; wire++) {
        zmq_pollitem_t *item = &driver->items[number * WIRE_COUNT + (uint32_t)wire];
        for (int i = 0; item->revents != 0 && i < DATAGRAMS_PER_TURN; i++) {
            if (zmq_msg_recv(&driver->incoming, item->socket, ZMQ_DONTWAIT) < 0)
                break;
            size_t count = zmq_msg_size(&driver->incoming);
            driver->driven->in_bytes += count;
            null_worker_receive(driver->workers[number], wire, zmq_msg_data(&driver->incoming),
                                count, now_ms);
        }
    }
}

static uint64_t turn_workers(struct driver *driver)
{
    uint64_t now_ms = clock_monotonic_ms(), deadline = now_ms + WAIT_MS_MAX;
    driver->driven->done = 0;
    driver->gone = 0;
    for (uint32_t i = 0; i < driver->drive->workers; i++) {
        struct null_worker *worker = driver->workers[i];
        receive_all(driver, i, now_ms);
        null_worker_turn(worker, now_ms);
        if (null_worker_deadline(worker) < deadline)
            deadline = null_worker_deadline(worker);
        driver->driven->done += null_worker_done(worker);
        driver->gone += null_worker_is_gone(worker);
    }
    return deadline > now_ms ? deadline - now_ms : 0;
}

static int drive_all(struct driver *driver, struct error *error)
{
    uint32_t items = driver->drive->workers * WIRE_COUNT;
    uint64_t started_ms = clock_monotonic_ms();
    while (driver->gone < driver->drive->workers) {
        uint64_t wait_ms = turn_workers(driver);
        set_marks(driver);
        if (driver->gone > 0 && driver->marks == 0)
            return error_set(error, -1, "a worker left before the first job: %s",
                             null_worker_reason(driver->workers[0]));
        if (driver->marks == 0 && clock_monotonic_ms() - started_ms > JOIN_MS_MAX)
            return error_set(error, -1, "no job came within %d s", JOIN_MS_MAX / 1000);
        zmq_poll(driver->items, (int)items, (long)wait_ms);
    }
    if (driver->marks < DISPATCH_MARKS)
        return error_set(error, -1, "the run ended after %llu of %llu jobs",
                         (unsigned long long)driver->driven->done,
                         (unsigned long long)driver->drive->jobs);
    return 0;
}

int dispatch_drive(const struct dispatch_drive *drive, struct dispatch_driven *driven,
                   struct error *error)
{
    struct driver driver = {.drive = drive, .driven = driven};
    *driven = (struct dispatch_driven){0};
    int rc = open_driver(&driver, error);
    if (rc == 0)
        rc = drive_all(&driver, error);
    close_driver(&driver);
    return rc;
}

/* -------------------------------------------------------------------------------------- bare loop
 */

int bare_router(const char *key_path)
{
    char endpoint[256];
    size_t size = sizeof endpoint;
    struct key_file key;
    void *context = zmq_ctx_new();
    void *router = context != NULL ? zmq_socket(context, ZMQ_ROUTER) : NULL;
    if (key_path != NULL && key_file_read(key_path, &key, NULL) != 0)
        return 1;
    if (router != NULL && key_path != NULL)
        dispatch_keys_serve(router, &key);
    if (router == NULL || zmq_bind(router, "tcp://127.0.0.1:*") != 0 ||
        zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, endpoint, &size) != 0)
        return 1;
    printf("%s\n", endpoint);
    fflush(stdout);
    for (;;) {
        zmq_msg_t from, payload;
        zmq_msg_init(&from);
        zmq_msg_init(&payload);
        if (zmq_msg_recv(&from, router, 0) < 0 || zmq_msg_recv(&payload, router, 0) < 0)
            return 1;
        if (zmq_msg_send(&from, router, ZMQ_SNDMORE) < 0 || zmq_msg_send(&payload, router, 0) < 0)
            return 1;
    }
}

static int say_bare(void *socket)
{
    static const uint8_t payload[BARE_BYTES];
    return zmq_send(socket, payload, sizeof payload, 0) == sizeof payload ? 0 : -1;
}

/* One reply in, the next request out, until the queue is empty. Returns how many, or -1. */
static int64_t turn_dealer(void *socket)
{
    uint8_t reply[BARE_BYTES];
    int64_t count = 0;
    while (count < BARE_WINDOW && zmq_recv(socket, reply, sizeof reply, ZMQ_DONTWAIT) >= 0) {
        if (say_bare(socket) != 0)
            return -1;
        count++;
    }
    return count;
}

static int loop_dealers(zmq_pollitem_t *items, const struct bare_loop *loop,
                        struct bare_result *result)
{
    uint32_t workers = loop->workers;
    double start = seconds_now(), now = start, warm = start + 0.1 * loop->seconds;
    uint64_t warm_count = 0;
    result->total = 0;
    while (now < start + loop->seconds) {
        if (zmq_poll(items, (int)workers, 1000) <= 0)
            return -1;
        for (uint32_t i = 0; i < workers; i++) {
            int64_t done = items[i].revents != 0 ? turn_dealer(items[i].socket) : 0;
            if (done < 0)
                return -1;
            result->total += (uint64_t)done;
        }
        now = seconds_now();
        if (warm_count == 0 && now >= warm) { /* connections are made and queues have filled */
            warm = now;
            warm_count = result->total;
        }
    }
    result->per_s = (double)(result->total - warm_count) / (now - warm);
    return 0;
}

static int open_dealers(void *context, const struct bare_loop *loop, zmq_pollitem_t *items)
{
    const struct dealer dealer = {context, NULL, loop->endpoint, loop->key};
    zmq_ctx_set(context, ZMQ_MAX_SOCKETS, (int)loop->workers + 16);
    for (uint32_t i = 0; i < loop->workers; i++) {
        void *socket = open_dealer(&dealer);
        if (socket == NULL)
            return -1;
        items[i] = (zmq_pollitem_t){.socket = socket, .events = ZMQ_POLLIN};
        for (int k = 0; k < BARE_WINDOW; k++)
            if (say_bare(socket) != 0)
                return -1;
    }
    return 0;
}

int bare_dealers(const struct bare_loop *loop, struct bare_result *result, struct error *error)
{
    int rc = -1;
    uint32_t workers = loop->workers;
    void *context = zmq_ctx_new();
    zmq_pollitem_t *items = calloc(workers, sizeof *items);
    if (context != NULL && items != NULL && open_dealers(context, loop, items) == 0)
        rc = loop_dealers(items, loop, result);
    if (rc != 0)
        error_set(error, -1, "the bare loop of %u DEALERs failed: %s", workers,
                  zmq_strerror(zmq_errno()));
    for (uint32_t i = 0; items != NULL && i < workers; i++)
        if (items[i].socket != NULL) {
            set_option(items[i].socket, ZMQ_LINGER, 0);
            zmq_close(items[i].socket);
        }
    if (context != NULL)
        zmq_ctx_term(context);
    free(items);
    return rc;
}
