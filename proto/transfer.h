/*
 * transfer.h: pulling blobs over the bulk socket, as a pure state machine.
 *
 * Whoever wants bytes pulls them: it asks for chunks in order, at most `window` of them ahead, and
 * asks again from the last good byte when nothing came for `retry_ms`. The receiver is thereby the
 * only one who has state, and its window is the sender's credit. Both sides use it: a worker for
 * checkpoints, specs and data sets; the coordinator for children that selection admits.
 *
 * The machine moves no bytes: it says which chunk to write where (`struct transfer_step`), and the
 * caller verifies the digest of the whole before anyone may use it. No clock, no allocation after
 * creation.
 */
#ifndef RATCHET_PROTO_TRANSFER_H
#define RATCHET_PROTO_TRANSFER_H

#include "proto/message.h"

struct transfers;

struct transfer_limits {
    uint32_t concurrent;  /* pulls at once; more wait their turn in the table */
    uint32_t capacity;    /* pulls known at once */
    uint32_t window;      /* chunks asked for ahead */
    uint32_t chunk_bytes; /* at most CHUNK_BYTES_MAX */
    uint32_t retry_ms;
    uint32_t tries; /* silent periods in a row before a pull is given up */
};

/* Index of a pull, stable until it ends: the caller keeps its file handle under it. */
struct transfer_id {
    uint32_t index;
};

#define TRANSFER_NONE ((struct transfer_id){UINT32_MAX})

struct transfers *transfers_create(const struct transfer_limits *limits);
void transfers_destroy(struct transfers **transfers);

/*
 * Starts to pull `digest` from `peer`, or returns the pull that is under way already. TRANSFER_NONE
 * when the table is full: try again later.
 */
struct transfer_id transfers_start(struct transfers *transfers, const struct instance_id *peer,
                                   const struct digest *digest, uint64_t now_ms);
struct transfer_id transfers_find(const struct transfers *transfers, const struct digest *digest);
void transfers_cancel(struct transfers *transfers, struct transfer_id id);

enum transfer_outcome {
    TRANSFER_IGNORED,  /* a chunk nobody waits for: doubled, late, out of order */
    TRANSFER_WRITE,    /* write the chunk at its offset */
    TRANSFER_COMPLETE, /* write the chunk; it was the last one. The pull has ended */
    TRANSFER_FAILED,   /* absent, too large, or given up. The pull has ended */
};

struct transfer_step {
    enum transfer_outcome outcome;
    struct transfer_id id;
    struct digest digest;
    struct instance_id peer;
};

/* A chunk of a pull that started anew with another total fails it. */
struct transfer_step transfers_on_chunk(struct transfers *transfers, const struct instance_id *peer,
                                        const struct chunk *chunk, uint64_t now_ms);
struct transfer_step transfers_on_absent(struct transfers *transfers,
                                         const struct instance_id *peer,
                                         const struct digest *digest);

/*
 * The next request to send, if any is due: call until it returns false. The first chunk tells how
 * long the blob is; until it is there, nothing beyond it is asked for.
 */
bool transfers_next_pull(struct transfers *transfers, uint64_t now_ms, struct instance_id *peer,
                         struct pull *pull);
/* A pull that has been silent too long, if any: call until its outcome is TRANSFER_IGNORED. */
struct transfer_step transfers_expire(struct transfers *transfers, uint64_t now_ms);
/* When to call next_pull and expire again: 0 when at once, UINT64_MAX when nothing is under way. */
uint64_t transfers_deadline(const struct transfers *transfers);

#endif
