/*
 * disk.h: the coordinator's disk: ledger and blob store, with what a crash leaves of them.
 *
 * The model has the three depths that the real files have. What is staged lives in the process and
 * dies with it. What is committed survives kill -9. What is synced survives a power cut; blobs are
 * synced before the ledger, so that no synced commit lacks its child.
 *
 * A batch ends with a checksum. Of what was not synced a power cut may leave some whole batches and
 * a torn one behind them, and their children or not: recovery keeps what is whole up to the first
 * batch that is not, as SQLite does with its log, and children that are missing are made again.
 *
 * Beside each committed batch the disk notes which digest the core had then. It is what the
 * simulator holds against the core that is recovered from exactly these batches.
 */
#ifndef RATCHET_TESTS_SIMULATION_DISK_H
#define RATCHET_TESTS_SIMULATION_DISK_H

#include "coordinator/core/core.h"
#include "tests/simulation/archive.h"
#include "tests/simulation/dice.h"

#include <stdint.h>

struct disk_detail {
    struct job_key job;
    uint32_t bytes;
    uint8_t data[64]; /* the simulator's workers send no more */
};

/* The disk's contents up to the end of a batch. */
struct disk_mark {
    size_t records, details;
    uint64_t checksum;    /* of the batch: its records and details */
    struct digest digest; /* of the core */
};

struct disk {
    struct ledger_record *records;
    struct disk_detail *details;
    struct disk_mark *marks;              /* marks[0]: the empty ledger */
    size_t record_count, record_capacity; /* staged ones included */
    size_t detail_count, detail_capacity;
    size_t mark_count, mark_capacity;
    size_t synced_mark; /* index: what a power cut leaves for certain */
    size_t remade_from; /* records from here on may lack their child: none was synced */
    uint64_t batches_lost, batches_torn;
    uint64_t epoch;
    struct shelf blobs;
};

/* `start` is the digest of a core without any commit. */
void disk_init(struct disk *disk, const struct digest *start);
void disk_fini(struct disk *disk);

void disk_stage_record(struct disk *disk, const struct ledger_record *record);
void disk_stage_detail(struct disk *disk, const struct disk_detail *detail);
bool disk_has_staged(const struct disk *disk);
/* The staged batch survives kill -9 from here on. */
void disk_commit(struct disk *disk, const struct digest *core);
bool disk_is_synced(const struct disk *disk);
/* All blobs, then all committed batches, survive a power cut from here on. */
void disk_sync(struct disk *disk);

/* What the two crashes leave behind. */
void disk_kill(struct disk *disk);
void disk_power_cut(struct disk *disk, struct dice *dice);

/* A process opens the ledger: what comes behind the first batch that is not whole is cut off, the
 * rest is synced. */
void disk_recover(struct disk *disk);

const struct disk_mark *disk_last_mark(const struct disk *disk);

#endif
