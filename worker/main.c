/*
 * main.c: the program that lab machines run.
 *
 * It is three programs in one file: the supervisor, which people start; the slot, which the
 * supervisor executes once per slot with --slot-fd; and the packer of data sets, which the
 * coordinator executes with --pack-data. What each does is in worker/shell.
 */
#include "common/os_file.h"
#include "common/os_process.h"
#include "common/version.h"
#include "worker/engine/engine.h"
#include "worker/shell/cache_choose.h"
#include "worker/shell/options.h"
#include "worker/shell/own_keys.h"
#include "worker/shell/pack_data.h"
#include "worker/shell/slot_main.h"
#include "worker/shell/supervisor.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The kernels of this process; one that the CPU lacks is a mistake on the command line. */
static int choose_cpu(const struct options *options)
{
    struct error error;
    if (engine_choose_cpu(options->cpu, &error) == 0)
        return 0;
    fprintf(stderr, "ratchet-worker: --device %s: %s\n", options->device, error.text);
    return -1;
}

static int run_slot(const struct options *options)
{
    const struct slot_main_options slot = {
        .channel = options->slot_fd,
        .folder = options->cache,
        .slot = options->slot_number,
    };
    struct error error;
    if (slot_main(&slot, &error) == 0)
        return EXIT_SUCCESS;
    fprintf(stderr, "%s\n", error.text);
    return EXIT_FAILURE;
}

static int run_pack_data(const struct options *options)
{
    struct error error;
    enum pack_data_result result = pack_data(&options->pack, &error);
    if (result != PACK_DATA_DONE)
        fprintf(stderr, "ratchet-worker: %s\n", error.text);
    return (int)result;
}

/* The host's name, with only what a name may have. */
static void find_host(char host[NAME_BYTES_MAX])
{
    char text[256];
    size_t length = 0;
    if (gethostname(text, sizeof text) != 0)
        text[0] = '\0';
    text[sizeof text - 1] = '\0';
    for (const char *c = text; *c > ' ' && *c < 127 && *c != '/' && length + 1 < NAME_BYTES_MAX;
         c++)
        host[length++] = *c;
    host[length] = '\0';
    if (length == 0)
        snprintf(host, NAME_BYTES_MAX, "unknown");
}

/* A name that stays from start to start and differs between workers of one host: "lab7-4f21". */
static void make_name(const char *host, const struct home_id *home, char name[NAME_BYTES_MAX])
{
    snprintf(name, NAME_BYTES_MAX, "%.56s-%02x%02x", host, home->bytes[0], home->bytes[1]);
}

/* The numeric classes in which this machine can compute. */
static void offer_classes(struct worker_config *config)
{
    static const enum engine_numeric units[] = {NUMERIC_AMX_BF16, NUMERIC_AVX512_BF16};
    uint32_t count = 1;
    snprintf(config->numeric[0], sizeof config->numeric[0], "portable");
    if (engine_native_class(config->numeric[count], sizeof config->numeric[count], NULL) == 0)
        count++;
    for (uint32_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        const char *name = engine_bf16_class(units[i], NULL);
        if (name != NULL)
            snprintf(config->numeric[count++], sizeof config->numeric[0], "%s", name);
    }
    config->numeric_count = count;
}

static int fill_config(const struct options *options, const struct cache *cache, const char *host,
                       struct worker_config *config, struct error *error)
{
    *config = worker_config_default();
    config->home = cache_home(cache);
    snprintf(config->host, sizeof config->host, "%s", host);
    snprintf(config->engine_version, sizeof config->engine_version, "%s", RATCHET_VERSION);
    if (options->name[0] != '\0')
        snprintf(config->name, sizeof config->name, "%s", options->name);
    else
        make_name(host, &config->home, config->name);
    offer_classes(config);
    config->slots = options->slots;
    config->cohort = options->cohort;
    config->stay = options->stay;
    if (options->linger_ms != UINT64_MAX)
        config->linger_ms = options->linger_ms;
    if (os_random_bytes(config->instance.bytes, sizeof config->instance.bytes, error) != 0)
        return -1;
    /* ZeroMQ keeps identities that begin with 0 for itself. */
    config->instance.bytes[0] |= 1;
    return 0;
}

/* Takes the cache. */
static int run_supervisor(const struct options *options, struct cache *cache, const char *host,
                          struct error *error)
{
    struct log log;
    struct own_keys keys;
    struct supervisor_options supervisor = {
        .control = options->connect,
        .bulk = options->bulk,
        .program = PROCESS_OWN_PROGRAM,
        .device = options->device,
        .cache = cache,
        .log = &log,
    };
    const struct own_keys_options key_options = {
        .server_key = options->server_key,
        .key = options->key,
        .token = options->token,
        .host = host,
    };
    int code = fill_config(options, cache, host, &supervisor.config, error);
    if (code == 0)
        code = own_keys_load(&key_options, &keys, error);
    if (code == 0) {
        supervisor.key = keys.encrypted ? &keys.key : NULL;
        snprintf(supervisor.config.token, sizeof supervisor.config.token, "%s", keys.token);
        log_init(&log, STDERR_FILENO, supervisor.config.name);
        code = supervisor_run(&supervisor, error);
    }
    own_keys_wipe(&keys);
    cache_close(&cache);
    return code;
}

int main(int argc, char **argv)
{
    struct options options;
    options_parse(argc, argv, &options);
    if (options.pack.source.set != NULL)
        return run_pack_data(&options);
    if (choose_cpu(&options) != 0)
        return EXIT_CODE_USAGE;
    if (options.slot_fd >= 0)
        return run_slot(&options);
    if (options.slots == 0)
        options.slots = process_cpu_count() < SLOTS_MAX ? process_cpu_count() : SLOTS_MAX;

    char host[NAME_BYTES_MAX];
    find_host(host);
    const struct cache_options cache_options = {
        .folder = options.cache,
        .bytes_max = options.cache_bytes,
        .slots = options.slots,
    };
    struct cache *cache;
    struct error error;
    int code = cache_open_chosen(&cache_options, host, &cache, &error);
    if (code == 0)
        code = run_supervisor(&options, cache, host, &error);
    if (code >= 0)
        return code;
    fprintf(stderr, "ratchet-worker: %s\n", error.text);
    return EXIT_FAILURE;
}
