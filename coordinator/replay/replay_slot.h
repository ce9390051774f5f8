/*
 * replay_slot.h: one slot process of `ratchet-worker` and the conversation with it, as
 * proto/slot_folder.h has it: one job at a time, and waiting for its result.
 *
 * The process never outlives this one: the kernel kills it when the thread that started it ends. It
 * has a process group of its own, so that Ctrl-C reaches this program alone.
 */
#ifndef RATCHET_COORDINATOR_REPLAY_REPLAY_SLOT_H
#define RATCHET_COORDINATOR_REPLAY_REPLAY_SLOT_H

#include "common/error.h"
#include "proto/message.h"

struct replay_slot;

struct replay_slot_options {
    const char *program; /* ratchet-worker */
    const char *device;  /* NULL: it chooses */
    const char *folder;
};

/* NULL with the reason. Whether the program can be executed at all shows with the first job. */
struct replay_slot *replay_slot_start(const struct replay_slot_options *options,
                                      struct error *error);
/* Kills the process if there still is one, and waits for it. */
void replay_slot_end(struct replay_slot **slot);

enum replay_slot_result {
    REPLAY_SLOT_ANSWERED = 0,
    REPLAY_SLOT_FAILED,  /* it died, which is told with its last line, or made no sense */
    REPLAY_SLOT_STOPPED, /* SIGINT, SIGTERM or SIGHUP, which the caller blocks, is waiting */
};

/* Gives it the job and waits, however long, for *result, which borrows from the slot until the next
 * call. After anything but ANSWERED it only takes replay_slot_end. */
enum replay_slot_result replay_slot_run(struct replay_slot *slot, const struct job *job,
                                        struct result *result, struct error *error)
    __attribute__((warn_unused_result));

#endif
