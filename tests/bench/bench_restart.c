/*
 * bench_restart.c: how long a run is not served after `kill -9` of its coordinator.
 *
 *   bench-restart [--individuals N] [--commits M] [--rounds R] [--dir DIR] [--json]
 *
 * Makes a run whose population is N (10,000) individuals, each with a checkpoint of its own, and
 * that has M (12,000) commits, with `ratchet run`. Then, R (5) times: starts `ratchet serve`, lets
 * a worker join and be busy for a moment, and kills the coordinator with its log as it is. Each
 * start is timed from the moment before exec:
 *
 *   answer  until the coordinator's first word to a worker, which is its welcome
 *   lease   until the worker has its first job. A restarted coordinator hands out nothing for a
 *           second, so that workers may claim what they run; that second is part of it
 *
 * Medians, and the worst of the rounds. `CPU` is the coordinator's at the first job. The worker is
 * bench-dispatch's: the production core on sockets that try again every few milliseconds.
 */
#include "common/endpoint.h"
#include "common/os_clock.h"
#include "common/os_file.h"
#include "common/os_process.h"
#include "tests/bench/dispatch_run.h"
#include "tests/bench/dispatch_wire.h"
#include "tests/bench/dispatch_worker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

enum {
    ROUNDS_MAX = 99,
    PORT_TRIES = 64,
    RETRY_MS = 5,         /* between two attempts to connect */
    BUSY_JOBS = 300,      /* answered before the next kill */
    START_MS_MAX = 60000, /* without a first job after so long, something is wrong */
    SLOTS = 8,
    DATAGRAMS_PER_TURN = 64,
};

struct bench {
    uint64_t individuals, commits, rounds;
    const char *parent; /* where the folder is made */
    int json;
    char folder[OS_PATH_BYTES_MAX], experiment[OS_PATH_BYTES_MAX], run[OS_PATH_BYTES_MAX],
        log[OS_PATH_BYTES_MAX];
};

struct round {
    double answer_s, lease_s, cpu_s;
    double rss_mib;
};

/* -------------------------------------------------------------------------------- the coordinator
 */

static int find_program(char path[OS_PATH_BYTES_MAX], struct error *error)
{
    char own[OS_PATH_BYTES_MAX];
    ssize_t length = readlink(PROCESS_OWN_PROGRAM, own, sizeof own - 1);
    if (length < 0)
        return error_set(error, -1, "cannot find the folder of this program");
    own[length] = '\0';
    char *slash = strrchr(own, '/');
    if (slash != NULL)
        *slash = '\0';
    return os_path_join(path, OS_PATH_BYTES_MAX, own, "ratchet", error);
}

/* `ratchet WORDS...` with its output in the log. */
static int spawn_ratchet(const struct bench *bench, const char *const *words, pid_t *pid,
                         struct error *error)
{
    char program[OS_PATH_BYTES_MAX];
    if (find_program(program, error) != 0)
        return -1;
    int output = open(bench->log, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);
    if (output < 0)
        return error_set(error, -1, "cannot write %s: %s", bench->log, strerror(errno));
    const struct process_options options = {
        .program = program,
        .arguments = words,
        .channel = -1,
        .output = output,
    };
    int rc = process_spawn(&options, pid, error);
    close(output);
    return rc;
}

static int make_run(const struct bench *bench, struct error *error)
{
    char text[512], budget[48];
    int bytes = snprintf(text, sizeof text,
                         "name: bench-restart\nseed: 1\nevaluator: \"null\"\nnull: {dim: 64}\n"
                         "operators: [{name: noise, scale: 0.1}]\n"
                         "strategy: {name: tournament, population: %llu, size: 3}\n"
                         "search: {lookahead: 256}\nopinions: {promising: false}\n"
                         "budget: {jobs: 1000000000}\n",
                         (unsigned long long)bench->individuals);
    snprintf(budget, sizeof budget, "budget.jobs=%llu", (unsigned long long)bench->commits);
    if (os_write_atomic(bench->experiment, text, (size_t)bytes, 0644, error) != 0)
        return -1;
    const char *const words[] = {"ratchet", "run",  bench->experiment, "--dir", bench->run,
                                 "--set",   budget, "--workers",       "2",     NULL};
    pid_t pid;
    if (spawn_ratchet(bench, words, &pid, error) != 0)
        return -1;
    if (process_wait(pid).exit_code != 0)
        return error_set(error, -1, "the run could not be made: see %s", bench->log);
    return 0;
}

static int start_serving(const struct bench *bench, const char *endpoint, pid_t *pid,
                         struct error *error)
{
    const char *const words[] = {"ratchet",  "serve",    bench->experiment, "--dir",
                                 bench->run, "--listen", endpoint,          NULL};
    return spawn_ratchet(bench, words, pid, error);
}

static bool is_free(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool free_port = probe >= 0 && bind(probe, (struct sockaddr *)&address, sizeof address) == 0;
    if (probe >= 0)
        close(probe);
    return free_port;
}

/* Two ports in a row: the worker has to know them before the coordinator does. */
static int choose_endpoint(char endpoint[64], struct error *error)
{
    uint16_t port = (uint16_t)(20000 + getpid() % 10000);
    for (int i = 0; i < PORT_TRIES; i++, port = (uint16_t)(port + 2))
        if (is_free(port) && is_free((uint16_t)(port + 1))) {
            snprintf(endpoint, 64, "tcp://127.0.0.1:%u", port);
            return 0;
        }
    return error_set(error, -1, "no two free ports in a row");
}

/* -------------------------------------------------------------------------------------- the worker
 */

struct link {
    void *context;
    struct codec *codec;
    struct null_worker *worker;
    zmq_pollitem_t items[WIRE_COUNT];
    zmq_msg_t incoming;
    bool was_answered;
};

static bool send_datagram(void *context, uint32_t worker, int wire, const void *bytes, size_t count)
{
    const struct link *link = context;
    (void)worker;
    return zmq_send(link->items[wire].socket, bytes, count, ZMQ_DONTWAIT) >= 0;
}

static int open_wire(struct link *link, int wire, const char *endpoint, struct error *error)
{
    const struct instance_id *instance = null_worker_instance(link->worker);
    const int no_linger = 0, retry_ms = RETRY_MS;
    void *socket = zmq_socket(link->context, ZMQ_DEALER);
    link->items[wire] = (zmq_pollitem_t){.socket = socket, .events = ZMQ_POLLIN};
    if (socket == NULL || zmq_setsockopt(socket, ZMQ_LINGER, &no_linger, sizeof no_linger) != 0 ||
        zmq_setsockopt(socket, ZMQ_RECONNECT_IVL, &retry_ms, sizeof retry_ms) != 0 ||
        zmq_setsockopt(socket, ZMQ_ROUTING_ID, instance, sizeof *instance) != 0 ||
        zmq_connect(socket, endpoint) != 0)
        return error_set(error, -1, "cannot connect to %s: %s", endpoint,
                         zmq_strerror(zmq_errno()));
    return 0;
}

static int open_link(struct link *link, uint32_t number, const char *endpoint, struct error *error)
{
    const struct null_worker_options options = {
        .number = number,
        .slots = SLOTS,
        .send = send_datagram,
        .context = link,
    };
    char bulk[ENDPOINT_BYTES_MAX];
    zmq_msg_init(&link->incoming);
    link->context = zmq_ctx_new();
    link->codec = codec_create();
    if (link->context == NULL || link->codec == NULL)
        return error_set(error, -1, "no memory for a worker");
    link->worker = null_worker_create(&options, link->codec, error);
    if (link->worker == NULL || endpoint_bulk(endpoint, bulk, sizeof bulk, error) != 0 ||
        open_wire(link, WIRE_CONTROL, endpoint, error) != 0)
        return -1;
    return open_wire(link, WIRE_BULK, bulk, error);
}

static void close_link(struct link *link)
{
    for (int wire = 0; wire < WIRE_COUNT; wire++)
        if (link->items[wire].socket != NULL)
            zmq_close(link->items[wire].socket);
    null_worker_destroy(&link->worker);
    zmq_msg_close(&link->incoming);
    if (link->context != NULL)
        zmq_ctx_term(link->context);
    codec_destroy(&link->codec);
}

static void turn_link(struct link *link)
{
    uint64_t now_ms = clock_monotonic_ms(), deadline = null_worker_deadline(link->worker);
    zmq_poll(link->items, WIRE_COUNT, deadline > now_ms ? (long)(deadline - now_ms) : 0);
    now_ms = clock_monotonic_ms();
    for (int wire = 0; wire < WIRE_COUNT; wire++)
        for (int i = 0; i < DATAGRAMS_PER_TURN; i++) {
            if (zmq_msg_recv(&link->incoming, link->items[wire].socket, ZMQ_DONTWAIT) < 0)
                break;
            link->was_answered = link->was_answered || wire == WIRE_CONTROL;
            null_worker_receive(link->worker, wire, zmq_msg_data(&link->incoming),
                                zmq_msg_size(&link->incoming), now_ms);
        }
    null_worker_turn(link->worker, now_ms);
}

/* --------------------------------------------------------------------------------------- measuring
 */

static int drive(struct link *link, pid_t coordinator, double start_s, struct round *round,
                 struct error *error)
{
    uint64_t started_ms = clock_monotonic_ms();
    *round = (struct round){0};
    null_worker_turn(link->worker, started_ms);
    while (null_worker_done(link->worker) < BUSY_JOBS) {
        turn_link(link);
        if (round->answer_s == 0 && link->was_answered)
            round->answer_s = seconds_now() - start_s;
        if (round->lease_s == 0 && null_worker_done(link->worker) > 0) {
            round->lease_s = seconds_now() - start_s;
            round->cpu_s = seconds_of_process(coordinator);
            round->rss_mib = (double)rss_peak_of_process(coordinator) / (1 << 20);
        }
        if (null_worker_is_gone(link->worker))
            return error_set(error, -1, "the worker left: %s", null_worker_reason(link->worker));
        if (clock_monotonic_ms() - started_ms > START_MS_MAX)
            return error_set(error, -1, "no job came within %d s", START_MS_MAX / 1000);
    }
    return 0;
}

static int measure(const struct bench *bench, uint32_t number, struct round *round,
                   struct error *error)
{
    struct link link = {0};
    char endpoint[64];
    pid_t coordinator = 0;
    int rc = choose_endpoint(endpoint, error);
    if (rc == 0)
        rc = open_link(&link, number, endpoint, error);
    double start_s = seconds_now();
    if (rc == 0)
        rc = start_serving(bench, endpoint, &coordinator, error);
    if (rc == 0)
        rc = drive(&link, coordinator, start_s, round, error);
    if (coordinator > 0) {
        kill(coordinator, SIGKILL);
        process_wait(coordinator);
    }
    close_link(&link);
    return rc;
}

/* ------------------------------------------------------------------------------------------ output
 */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct spread {
    double median, worst;
};

/* Of one member of all rounds, which lies `offset` bytes into a round. */
static struct spread spread_of(const struct round *rounds, uint64_t count, size_t offset)
{
    double values[ROUNDS_MAX];
    for (uint64_t i = 0; i < count; i++)
        memcpy(&values[i], (const uint8_t *)&rounds[i] + offset, sizeof values[i]);
    qsort(values, count, sizeof *values, compare);
    return (struct spread){.median = values[count / 2], .worst = values[count - 1]};
}

static void print(const struct bench *bench, const struct round *rounds)
{
    struct spread answer = spread_of(rounds, bench->rounds, offsetof(struct round, answer_s));
    struct spread lease = spread_of(rounds, bench->rounds, offsetof(struct round, lease_s));
    struct spread cpu = spread_of(rounds, bench->rounds, offsetof(struct round, cpu_s));
    struct spread rss = spread_of(rounds, bench->rounds, offsetof(struct round, rss_mib));
    unsigned long long individuals = bench->individuals, commits = bench->commits;
    if (bench->json) {
        printf("{\"what\": \"restart\", \"individuals\": %llu, \"commits\": %llu, \"rounds\": %llu,"
               " \"answer_s\": %.3f, \"answer_s_max\": %.3f, \"lease_s\": %.3f, "
               "\"lease_s_max\": %.3f, \"coordinator_cpu_s\": %.3f, "
               "\"coordinator_rss_peak_mib\": %.1f}\n",
               individuals, commits, (unsigned long long)bench->rounds, answer.median, answer.worst,
               lease.median, lease.worst, cpu.median, rss.median);
        return;
    }
    printf("%11s %9s %7s %9s %9s %9s %9s %9s %9s\n", "individuals", "commits", "rounds", "answer s",
           "worst", "lease s", "worst", "CPU s", "RSS MiB");
    printf("%11llu %9llu %7llu %9.3f %9.3f %9.3f %9.3f %9.3f %9.1f\n", individuals, commits,
           (unsigned long long)bench->rounds, answer.median, answer.worst, lease.median,
           lease.worst, cpu.median, rss.median);
}

/* -------------------------------------------------------------------------------------------- main
 */

static int prepare(struct bench *bench, struct error *error)
{
    if (os_path_join(bench->folder, sizeof bench->folder, bench->parent, "bench-restart-XXXXXX",
                     error) != 0)
        return -1;
    if (mkdtemp(bench->folder) == NULL)
        return error_set(error, -1, "cannot make a folder in %s", bench->parent);
    if (os_path_join(bench->experiment, sizeof bench->experiment, bench->folder, "bench.yaml",
                     error) != 0 ||
        os_path_join(bench->run, sizeof bench->run, bench->folder, "run", error) != 0 ||
        os_path_join(bench->log, sizeof bench->log, bench->folder, "ratchet.log", error) != 0)
        return -1;
    return make_run(bench, error);
}

/* The first start follows a good end, so it is not counted. */
static int run(struct bench *bench, struct error *error)
{
    static struct round rounds[ROUNDS_MAX + 1];
    struct error trouble;
    int rc = prepare(bench, error);
    for (uint32_t i = 0; rc == 0 && i <= bench->rounds; i++)
        rc = measure(bench, i, &rounds[i], error);
    if (bench->folder[0] != '\0' && os_remove_tree(bench->folder, &trouble) != 0)
        fprintf(stderr, "bench-restart: %s\n", trouble.text);
    if (rc == 0)
        print(bench, rounds + 1);
    return rc;
}

static int take_option(struct bench *bench, const char *name, const char *value)
{
    if (strcmp(name, "--individuals") == 0)
        bench->individuals = strtoull(value, NULL, 10);
    else if (strcmp(name, "--commits") == 0)
        bench->commits = strtoull(value, NULL, 10);
    else if (strcmp(name, "--rounds") == 0)
        bench->rounds = strtoull(value, NULL, 10);
    else if (strcmp(name, "--dir") == 0)
        bench->parent = value;
    else
        return 0;
    return 1;
}

static int usage(void)
{
    fputs(
        "usage: bench-restart [--individuals N] [--commits M] [--rounds R] [--dir DIR] [--json]\n",
        stderr);
    return 2;
}

int main(int argc, char **argv)
{
    struct bench bench = {.individuals = 10000, .commits = 12000, .rounds = 5, .parent = "."};
    struct error error = {0};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            bench.json = 1;
            continue;
        }
        if (i + 1 == argc || !take_option(&bench, argv[i], argv[i + 1]))
            return usage();
        i++;
    }
    if (bench.individuals < 4 || bench.commits < bench.individuals || bench.rounds < 1 ||
        bench.rounds > ROUNDS_MAX)
        return usage();
    if (run(&bench, &error) == 0)
        return 0;
    fprintf(stderr, "bench-restart: %s\n", error.text);
    return 1;
}
