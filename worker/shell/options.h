/*
 * options.h: the command line of ratchet-worker. One table serves parser and --help.
 */
#ifndef RATCHET_WORKER_SHELL_OPTIONS_H
#define RATCHET_WORKER_SHELL_OPTIONS_H

#include "common/endpoint.h"
#include "common/limits.h"
#include "worker/shell/pack_data.h"

#include <stdbool.h>
#include <stdint.h>

enum { EXIT_CODE_USAGE = 2 };

struct options {
    const char *connect;
    char bulk[ENDPOINT_BYTES_MAX];
    uint32_t slots;            /* 0: as many as there are processors */
    uint32_t cohort;           /* jobs that a slot trains together at most */
    char name[NAME_BYTES_MAX]; /* "": the host's, with an end that tells its caches apart */
    const char *cache;         /* NULL: chosen */
    uint64_t cache_bytes;
    uint64_t linger_ms; /* UINT64_MAX: not given */
    bool stay;
    const char *server_key; /* NULL: in the clear */
    const char *key;        /* NULL: where own_keys_load() says */
    const char *token;      /* as given; NULL: of the environment, if any */
    const char *device;     /* as it was given: "cpu:avx2" */
    const char *cpu;        /* the same for engine_choose_cpu(): "avx2", "auto" */
    /* The other thing that this program does; pack.source.set NULL: not asked for. */
    struct pack_data_options pack;
    bool has_pack_options;
    /* Between the supervisor and its own slots; -1: this is the supervisor. */
    int slot_fd;
    uint32_t slot_number;
};

/*
 * Reads the command line. What is wrong with it ends the program with EXIT_CODE_USAGE and a
 * sentence, as
 * --help and --version end it with 0: this is the one place that may.
 */
void options_parse(int argc, char **argv, struct options *options);

#endif
