/*
 * dispatch_run.h: the processes that bench-dispatch measures: the coordinator, as users start it,
 * and real workers.
 */
#ifndef RATCHET_TESTS_BENCH_DISPATCH_RUN_H
#define RATCHET_TESTS_BENCH_DISPATCH_RUN_H

#include "common/error.h"
#include "common/os_file.h"
#include "tests/bench/dispatch_keys.h"

#include <stdint.h>
#include <sys/types.h>

enum { WRAP_WORDS_MAX = 8 };

struct run_request {
    const char *folder;      /* an empty one, for this run alone */
    const char *const *wrap; /* words before the coordinator's command, ended by NULL */
    uint64_t jobs;
    uint32_t lookahead;
    const char *mode;       /* "ordered" or "arrival" */
    const char *experiment; /* its text; NULL: a random search of null jobs as the above says */
    const struct dispatch_keys *keys; /* NULL: in the clear */
};

/* `ratchet serve` at work. */
struct coordinator {
    char directory[OS_PATH_BYTES_MAX], log[OS_PATH_BYTES_MAX];
    char control[256], bulk[256];
    const struct dispatch_keys *keys; /* of the request */
    pid_t pid;
    double cpu_s;       /* of its whole life, as far as was seen before it ended */
    uint64_t rss_bytes; /* likewise the most memory that it had in use */
};

/* Returns when it listens. 0, or -1 with the reason, and nothing is left running. */
int coordinator_start(const struct run_request *request, struct coordinator *coordinator,
                      struct error *error) __attribute__((warn_unused_result));
/* Waits for its end, which must be a good one. */
int coordinator_end(struct coordinator *coordinator, struct error *error)
    __attribute__((warn_unused_result));
void coordinator_kill(struct coordinator *coordinator);

/* From the first commit to the last in the ledger of a run that is over. 0, or -1. */
struct commit_span {
    uint64_t commits;
    double seconds;
};
int coordinator_span(const struct coordinator *coordinator, struct commit_span *span,
                     struct error *error) __attribute__((warn_unused_result));

/* `ratchet-worker` number N, with its cache in `folder`. */
int worker_process_start(const struct coordinator *coordinator, const char *folder, uint32_t number,
                         pid_t *pid, struct error *error) __attribute__((warn_unused_result));

/* This program once more, as the ROUTER of the bare loop; encrypted when there are keys. */
struct router {
    char endpoint[256];
    pid_t pid;
};
int router_start(const struct dispatch_keys *keys, struct router *router, struct error *error)
    __attribute__((warn_unused_result));
void router_stop(struct router *router);

/* "ext4", or the number of a file system that has no name here. */
void describe_disk(const char *folder, char *text, size_t size);

#endif
