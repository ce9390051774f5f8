/*
 * bulk_wire.h: the sockets of bench-bulk: workers that give checkpoints, a prober, the bare loop.
 *
 * Checkpoints are made of one block of bytes and a number, so that a gibibyte of them needs one
 * block of memory and every one has a digest of its own.
 */
#ifndef RATCHET_TESTS_BENCH_BULK_WIRE_H
#define RATCHET_TESTS_BENCH_BULK_WIRE_H

#include "common/digest.h"
#include "common/error.h"

#include <stdint.h>
#include <sys/types.h>

enum { BULK_WORKERS_MAX = 16 };

struct checkpoints {
    uint32_t count;
    uint64_t bytes; /* of each */
    uint8_t *block; /* of the one that was read last */
    struct digest *digests;
};

/* Fills block and digests. 0, or -1 with the reason. */
int checkpoints_make(struct checkpoints *checkpoints, struct error *error)
    __attribute__((warn_unused_result));
void checkpoints_fini(struct checkpoints *checkpoints);

struct bulk_drive {
    const char *control, *bulk; /* addresses */
    uint32_t workers;
    struct checkpoints *checkpoints;
};

struct bulk_driven {
    double seconds; /* from the first request for bytes until the last checkpoint is committed */
    double end_seconds;   /* until the run has ended and everything is on the disk for good */
    uint64_t chunk_bytes; /* payload sent: more than the checkpoints have, if any was sent twice */
};

/* Has workers answer each job with a checkpoint, until they hear that the run is over. */
int bulk_drive(const struct bulk_drive *drive, struct bulk_driven *driven, struct error *error)
    __attribute__((warn_unused_result));

/*
 * A process that asks the coordinator for its status every few milliseconds, as a heartbeat would
 * come, and measures how long it waits for the answer.
 */
struct probe {
    pid_t pid;
    struct probe_page *page; /* shared with it */
};
struct probe_result {
    uint32_t count;
    double median_ms, most_ms;
};
int probe_start(struct probe *probe, const char *control, struct error *error)
    __attribute__((warn_unused_result));
struct probe_result probe_stop(struct probe *probe);

/*
 * As many bytes in pieces of a chunk from a DEALER to a ROUTER in another process, which asks for
 * them with a window like the product's and hashes what comes; no protobuf, no file. Seconds, or -1
 * with the reason.
 */
double bulk_bare(const struct checkpoints *checkpoints, struct error *error);

#endif
