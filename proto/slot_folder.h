/*
 * slot_folder.h: how a slot process of `ratchet-worker` is spoken to, and the folder between it and
 * who starts it.
 *
 * A slot computes jobs, one after another or a cohort at a time, and does nothing else. Whoever
 * starts it is its owner: the worker's supervisor for the jobs of a run, `ratchet replay` for jobs
 * that are made again.
 *
 *   ratchet-worker --slot-fd 3 --slot-number N --cache FOLDER [--device D]
 *
 * Descriptor 3 is its end of a SOCK_SEQPACKET socket pair; a datagram is one message of the codec,
 * or several LEASEs of one spec: a cohort, to be carried out together. The slot says ALIVE once,
 * when it is ready; then each LEASE is answered by one RESULT of that lease, those of a cohort in
 * any order. While it works it may say HEARTBEAT: of this spec, so many jobs as the `capacity` are
 * best given together. A DRAIN asks it to stop what runs at the next step: it then answers for each
 * LEASE with one HANDOVER instead, or with the RESULT if that is nearer or the job cannot be cut;
 * when nothing runs, a DRAIN means nothing. It ends when the owner closes the socket: exit code 0.
 * Any other end is a death: exit code or signal, and what it printed, tell why. It ignores SIGINT,
 * SIGTERM and SIGHUP: a slot that is not wanted any more is ended with SIGKILL.
 *
 * FOLDER, which the owner makes before the start:
 *
 *   blobs/ab/<62 digits>     whole, under the digest of its bytes; the owner alone changes them
 *   incoming/slot-3/         slot 3 writes there and nowhere else
 *   incoming/slot-3/<64>     a child, or a state; the owner's from the RESULT or HANDOVER on that
 *                            names it
 *
 * The blobs that a job names (spec, data set, parents) lie there before its LEASE is sent, and stay
 * until its answer; so does the state of a `partial`, without which, or if it is not of this job,
 * the slot starts from the beginning. No link stands for one. Names are made from digests and
 * numbers, never from text that arrived.
 */
#ifndef RATCHET_PROTO_SLOT_FOLDER_H
#define RATCHET_PROTO_SLOT_FOLDER_H

#include "common/digest.h"

#include <stdint.h>

enum { SLOT_FOLDER_NAME_BYTES = 96 };

#define SLOT_FOLDER_BLOBS "blobs"
#define SLOT_FOLDER_INCOMING "incoming"

/* Names relative to FOLDER. "blobs/ab/<62 digits>" */
void slot_folder_blob(const struct digest *digest, char name[SLOT_FOLDER_NAME_BYTES]);
/* "blobs/ab" */
void slot_folder_blob_parent(const struct digest *digest, char name[SLOT_FOLDER_NAME_BYTES]);
/* "incoming/slot-3" */
void slot_folder_staging(uint32_t slot, char name[SLOT_FOLDER_NAME_BYTES]);
/* "incoming/slot-3/<64 digits>" */
void slot_folder_child(uint32_t slot, const struct digest *digest,
                       char name[SLOT_FOLDER_NAME_BYTES]);

/* The command line as an argv ended by NULL. Borrows the texts it was made of and points into
 * itself: it stays where it is. */
enum { SLOT_ARGUMENTS_MAX = 10 };
struct slot_arguments {
    const char *items[SLOT_ARGUMENTS_MAX];
    char name[32], number[16], descriptor[16];
};
struct slot_start {
    const char *folder;
    const char *device; /* as --device takes it; NULL: the slot chooses */
    uint32_t slot;
    int descriptor; /* of its end of the socket pair, in the slot */
};
void slot_arguments_fill(const struct slot_start *start, struct slot_arguments *arguments);

#endif
