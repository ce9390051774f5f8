/*
 * slot_main.h: what runs inside a slot process.
 *
 * It takes one lease at a time from its supervisor, carries the job out with the evaluator that the
 * job's spec names, and answers with the result. It opens no socket; of the cache it reads what the
 * supervisor has pinned for the job and writes into its own staging folder only; how it is spoken
 * to is in proto/slot_folder.h. It ends when the supervisor does.
 */
#ifndef RATCHET_WORKER_SHELL_SLOT_MAIN_H
#define RATCHET_WORKER_SHELL_SLOT_MAIN_H

#include "common/error.h"

#include <stdint.h>

struct slot_main_options {
    int channel;        /* to the supervisor */
    const char *folder; /* of the cache */
    uint32_t slot;
};

/* Returns when the supervisor has closed the channel: 0; -1 with the reason for any other end. */
int slot_main(const struct slot_main_options *options, struct error *error)
    __attribute__((warn_unused_result));

#endif
