/*
 * direct_run.h: a coordinator core driven by hand.
 *
 * No worker core, no codec, no network: made-up workers take leases and answer them in random
 * order, every message arrives at once, blobs are stored when they are asked for. What is left is
 * the coordinator's core and the strategies, so that a property can be tried on many experiments in
 * little time, and so that the simulator's runs have a reference that shares none of its machinery.
 */
#ifndef RATCHET_TESTS_PROPERTY_DIRECT_RUN_H
#define RATCHET_TESTS_PROPERTY_DIRECT_RUN_H

#include "tests/simulation/disk.h"
#include "tests/simulation/trial.h"

struct direct_options {
    const struct trial *trial;
    uint64_t seed;       /* of the order in which things happen; the trial has its own */
    uint32_t workers;    /* 1 .. 64 */
    uint32_t capacity;   /* leases that each wants to hold */
    uint32_t kill_after; /* the core is destroyed and recovered after each so many records; 0: never
                          */
    struct archive *archive; /* all bytes that were ever made; shared by runs that continue each
                                other */
};

struct direct_result {
    struct digest digest;
    uint64_t records, lives;
    bool finished; /* false: gave up after too many steps */
};

/* `disk`, made by direct_disk_init, gets the records; it may hold a beginning of the run already.
 */
struct direct_result direct_run(const struct direct_options *options, struct disk *disk);

/* An empty disk for a run of this trial. */
void direct_disk_init(struct disk *disk, const struct trial *trial);

#endif
