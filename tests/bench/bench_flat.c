/*
 * bench_flat.c: what a job costs the coordinator after many jobs, to be counted by callgrind.
 *
 *   tests/bench/flatness
 *
 * Runs a search of null jobs in one process and without sockets: codec, core, outbox and ledger are
 * the production ones, in the order of a turn of the shell; time is a number that goes up by one
 * each turn, and a turn has so many results. So instructions are a function of the jobs done, and
 * of nothing else: neither of the machine nor of its load. Behind 10^4, 10^5, ... jobs a window of
 * turns is counted and dumped; for each a line says how many jobs were in it.
 */
#include "common/os_file.h"
#include "common/version.h"
#include "coordinator/core/core.h"
#include "coordinator/shell/ledger.h"
#include "coordinator/shell/outbox.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/callgrind.h>

enum {
    WORKERS = 8,
    LOOKAHEAD = 1024,
    RESULTS_PER_TURN = 128,
    BEAT_TURNS = 1000,
    SYNC_TURNS = 100,
    FIRST_WINDOW = 10000,
};

struct flat {
    struct core *core;
    struct ledger *ledger;
    struct outbox *outbox;
    struct codec *codec_in, *codec_out;
    struct core_effects *effects;
    uint64_t jobs, now_ms, commits;
    struct {
        struct instance_id to;
        struct lease_key key;
        struct digest job;
        enum job_kind kind;
    } leases[2 * LOOKAHEAD]; /* a ring */
    uint32_t lease_first, lease_count;
    bool pulled, finished;
    struct digest pull;
    uint8_t wire[DATAGRAM_BYTES_MAX];
};

static void stop(const char *what)
{
    fprintf(stderr, "bench-flat: %s\n", what);
    exit(1);
}

static struct instance_id worker_id(uint32_t number)
{
    return (struct instance_id){{1, (uint8_t)number}};
}

static void fill_line(const void *context, uint32_t line, struct line_config *config)
{
    const struct flat *flat = context;
    *config = (struct line_config){
        .lookahead = LOOKAHEAD, .jobs = flat->jobs, .stop_fitness = (double)NAN};
    config->search.line = line;
    config->search.seed = 1;
    config->search.strategy = strategy_find("random");
    for (uint32_t i = 0; i < config->search.strategy->param_count; i++)
        config->search.params[i] = config->search.strategy->params[i].fallback;
}

/* ------------------------------------------------------------------------------------- effects */

static void take_lease(struct flat *flat, const struct core_effect *effect)
{
    uint32_t capacity = sizeof flat->leases / sizeof flat->leases[0];
    assert(flat->lease_count < capacity);
    uint32_t place = (flat->lease_first + flat->lease_count++) % capacity;
    flat->leases[place].to = effect->send.to;
    flat->leases[place].key = effect->send.message.lease.key;
    flat->leases[place].job = job_digest(&effect->send.message.lease.job);
    flat->leases[place].kind = effect->send.message.lease.job.kind;
}

static void take_effect(struct flat *flat, const struct core_effect *effect)
{
    struct error error = {""};
    switch (effect->kind) {
    case CORE_SEND:
        outbox_add(flat->outbox, &effect->send.to, &effect->send.message);
        if (effect->send.message.kind == MESSAGE_LEASE)
            take_lease(flat, effect);
        return;
    case CORE_PERSIST_COMMIT:
        flat->commits++;
        if (ledger_put_commit(flat->ledger, &effect->commit, &error) != LEDGER_OK)
            stop(error.text);
        return;
    case CORE_PULL_BLOB:
        flat->pulled = true;
        flat->pull = effect->pull.digest;
        return;
    case CORE_FINISH:
        flat->finished = true;
        return;
    default:
        return;
    }
}

static void step(struct flat *flat, struct core_event *event)
{
    event->now_ms = flat->now_ms;
    core_step(flat->core, event, flat->effects);
    for (uint32_t i = 0; i < flat->effects->count; i++)
        take_effect(flat, &flat->effects->items[i]);
}

/* Over the wire, in a buffer. */
static void say(struct flat *flat, const struct instance_id *from, const struct message *message)
{
    size_t used = 0;
    struct message heard;
    bool fits = codec_append(flat->codec_out, message, flat->wire, sizeof flat->wire, &used);
    assert(fits);
    struct codec_cursor cursor = {.bytes = flat->wire, .size = used};
    if (codec_next(flat->codec_in, &cursor, &heard, NULL) != CODEC_OK)
        stop("the codec does not understand itself");
    step(flat, &(struct core_event){.kind = CORE_MESSAGE_RECEIVED, .received = {*from, &heard}});
}

/* --------------------------------------------------------------------------------------- turns */

static void say_hello(struct flat *flat, uint32_t number)
{
    struct instance_id id = worker_id(number);
    struct message message = {.kind = MESSAGE_HELLO};
    struct hello *hello = &message.hello;
    hello->protocol_version = PROTOCOL_VERSION;
    snprintf(hello->engine_version, sizeof hello->engine_version, "%s", RATCHET_VERSION);
    snprintf(hello->name, sizeof hello->name, "w%u", number);
    snprintf(hello->host, sizeof hello->host, "bench");
    hello->instance = id;
    memcpy(hello->home.bytes, id.bytes, sizeof hello->home.bytes);
    hello->slots = LOOKAHEAD / WORKERS;
    hello->numeric_count = 1;
    snprintf(hello->numeric[0], sizeof hello->numeric[0], "portable");
    hello->beat.capacity = LOOKAHEAD / WORKERS;
    say(flat, &id, &message);
}

/* It lists nothing, and its leases are too young for that to matter. */
static void say_beat(struct flat *flat, uint32_t number)
{
    struct instance_id id = worker_id(number);
    struct message message = {.kind = MESSAGE_HEARTBEAT, .epoch = 1};
    message.heartbeat.capacity = LOOKAHEAD / WORKERS;
    message.heartbeat.held_cut = true;
    say(flat, &id, &message);
}

static void give_result(struct flat *flat)
{
    uint32_t capacity = sizeof flat->leases / sizeof flat->leases[0], place = flat->lease_first;
    struct message message = {.kind = MESSAGE_RESULT, .epoch = 1};
    struct result *result = &message.result;
    flat->lease_first = (flat->lease_first + 1) % capacity;
    flat->lease_count--;
    *result = (struct result){
        .lease = flat->leases[place].key,
        .job = flat->leases[place].job,
        .outcome = OUTCOME_OK,
        .fitness = 0.5,
        .metric_count = 1,
        .metrics = {{.id = METRIC_SELECT_LOSS, .value = -0.5}},
    };
    if (flat->leases[place].kind == JOB_MUTATE) {
        result->child = digest_of("child", 5);
        result->child_bytes = 5;
        result->steps = 1;
    }
    say(flat, &flat->leases[place].to, &message);
}

static void turn(struct flat *flat)
{
    struct error error = {""};
    uint64_t number = flat->now_ms++;
    if (ledger_begin(flat->ledger, &error) != LEDGER_OK)
        stop(error.text);
    for (uint32_t i = 0; i < RESULTS_PER_TURN && flat->lease_count > 0; i++)
        give_result(flat);
    if (flat->pulled)
        step(flat, &(struct core_event){.kind = CORE_BLOB_STORED, .blob = {.digest = flat->pull}});
    flat->pulled = false;
    for (uint32_t i = 0; number % BEAT_TURNS == 0 && i < WORKERS; i++)
        say_beat(flat, i);
    while (!flat->finished && core_deadline(flat->core) <= flat->now_ms)
        step(flat, &(struct core_event){.kind = CORE_TICKED});
    enum ledger_sync sync =
        number % SYNC_TURNS == 0 ? LEDGER_SURVIVES_POWER_CUT : LEDGER_SURVIVES_KILL;
    if (ledger_commit(flat->ledger, sync, &error) != LEDGER_OK)
        stop(error.text);
    outbox_discard(flat->outbox);
}

static void turn_until(struct flat *flat, uint64_t commits)
{
    uint64_t stuck_ms = flat->now_ms + commits;
    while (flat->commits < commits && !flat->finished && flat->now_ms < stuck_ms)
        turn(flat);
    if (flat->commits < commits)
        stop("the run does not go on");
}

/* ---------------------------------------------------------------------------------------- main */

static void open_all(struct flat *flat, const char *path)
{
    struct error error = {""};
    struct core_config config = core_config_default();
    config.epoch = 1;
    config.opinion_promising = false;
    config.sessions_max = WORKERS;
    config.line_count = config.open_lines = 1;
    config.line = fill_line;
    config.line_context = flat;
    config.experiment_digest = digest_of("flat", 4);
    snprintf(config.experiment, sizeof config.experiment, "flat");
    snprintf(config.numeric, sizeof config.numeric, "portable");
    struct ledger_header header = {
        .run = {{1}},
        .experiment_digest = config.experiment_digest,
        .canonical = "flat",
        .yaml = "flat",
    };
    snprintf(header.engine_version, sizeof header.engine_version, "%s", RATCHET_VERSION);
    snprintf(header.name, sizeof header.name, "flat");
    flat->effects = calloc(1, sizeof *flat->effects);
    flat->outbox = outbox_create();
    flat->codec_in = codec_create();
    flat->codec_out = codec_create();
    flat->core = core_create(&config, &error);
    if (flat->effects == NULL || flat->outbox == NULL || flat->codec_in == NULL ||
        flat->codec_out == NULL)
        stop("no memory");
    if (flat->core == NULL ||
        ledger_open(path, LEDGER_CREATE, &header, &flat->ledger, &error) != LEDGER_OK)
        stop(error.text);
    flat->now_ms = 1;
    core_start(flat->core, flat->now_ms);
    for (uint32_t i = 0; i < WORKERS; i++)
        say_hello(flat, i);
}

static void close_all(struct flat *flat)
{
    ledger_close(&flat->ledger);
    core_destroy(&flat->core);
    codec_destroy(&flat->codec_in);
    codec_destroy(&flat->codec_out);
    outbox_destroy(&flat->outbox);
    free(flat->effects);
}

static unsigned long long resident_kib(void)
{
    char line[256];
    unsigned long long kib = 0;
    FILE *file = fopen("/proc/self/status", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "VmRSS: %llu", &kib) == 1)
            break;
    if (file != NULL)
        fclose(file);
    return kib;
}

int main(int argc, char **argv)
{
    static struct flat flat;
    if (argc != 4)
        stop("usage: bench-flat LEDGER JOBS WINDOW, which is what tests/bench/flatness runs");
    uint64_t jobs = strtoull(argv[2], NULL, 10), window = strtoull(argv[3], NULL, 10);
    flat.jobs = jobs + 2 * window + LOOKAHEAD;
    open_all(&flat, argv[1]);
    for (uint64_t point = FIRST_WINDOW; point <= jobs; point *= 10) {
        turn_until(&flat, point);
        uint64_t before = flat.commits;
        CALLGRIND_START_INSTRUMENTATION;
        turn_until(&flat, point + window);
        CALLGRIND_DUMP_STATS;
        CALLGRIND_STOP_INSTRUMENTATION;
        printf("%llu %llu %llu\n", (unsigned long long)point,
               (unsigned long long)(flat.commits - before), resident_kib());
    }
    close_all(&flat);
    return 0;
}
