/*
 * dispatch_wire.h: the sockets of bench-dispatch: null workers of a run, and the bare loop.
 *
 * Both have the same shape, so that their ratio tells what the cluster costs and nothing else: W
 * DEALERs on one thread of this process, one ROUTER in another process, TCP on the loopback.
 */
#ifndef RATCHET_TESTS_BENCH_DISPATCH_WIRE_H
#define RATCHET_TESTS_BENCH_DISPATCH_WIRE_H

#include "common/error.h"
#include "common/key_text.h"

#include <stdint.h>
#include <sys/types.h>

enum { DISPATCH_WORKERS_MAX = 4096, DISPATCH_MARKS = 11, BARE_WINDOW = 16, BARE_BYTES = 64 };

/* Where the run stood when so many jobs had been answered: seconds, and the coordinator's own CPU
 * seconds. */
struct dispatch_mark {
    uint64_t jobs;
    double at_s, cpu_s;
};

struct dispatch_drive {
    char control[256], bulk[256]; /* addresses */
    uint32_t workers, slots;      /* slots of each */
    uint64_t jobs;                /* of the whole run: where the marks are set */
    pid_t coordinator;
    const struct key_file *key; /* of all workers; NULL: in the clear */
};

struct dispatch_driven {
    struct dispatch_mark marks[DISPATCH_MARKS]; /* the first job, ten tenths; the last is the end */
    uint64_t done;
    uint64_t in_bytes, out_bytes; /* of datagrams, as the workers see them */
    double own_cpu_s;             /* of this process, all workers together */
    uint64_t rss_bytes;           /* the most that the coordinator had in use, at the last mark */
};

/* Lets null workers join and answer until they hear that the run is over. 0, or -1 with the reason.
 */
int dispatch_drive(const struct dispatch_drive *drive, struct dispatch_driven *driven,
                   struct error *error) __attribute__((warn_unused_result));

/*
 * The ROUTER's side of the bare loop: tells its address on stdout and echoes until it is killed.
 * Encrypted with the key of that file, or in the clear when it is NULL.
 */
int bare_router(const char *key_path);

/* The DEALERs' side, for so many seconds. 0, or -1 with the reason. */
struct bare_loop {
    const char *endpoint;
    const struct key_file *key; /* NULL: in the clear */
    uint32_t workers;
    double seconds;
};
struct bare_result {
    double per_s;   /* round trips, once the queues have filled */
    uint64_t total; /* all of them */
};
int bare_dealers(const struct bare_loop *loop, struct bare_result *result, struct error *error)
    __attribute__((warn_unused_result));

/* Seconds on the monotonic clock; CPU seconds that a process has used so far, 0 if unknown. */
double seconds_now(void);
double seconds_of_process(pid_t pid);
/* The most memory that a process has had in use, 0 if unknown. */
uint64_t rss_peak_of_process(pid_t pid);

#endif
