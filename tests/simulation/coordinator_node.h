/*
 * coordinator_node.h: the coordinator's process and machine: the real core in a simulated shell.
 *
 * The shell is a loop over turns. A turn reads what has arrived, steps the core for each message,
 * performs the effects, and ends its batch as core.h demands: records are committed before any
 * message of the batch leaves; blobs are dropped only after a sync. Ordered runs sync every 100 ms,
 * runs in arrival mode before they send. A crash may be due at any of the points between; the disk
 * (disk.h) knows what it leaves.
 */
#ifndef RATCHET_TESTS_SIMULATION_COORDINATOR_NODE_H
#define RATCHET_TESTS_SIMULATION_COORDINATOR_NODE_H

#include "coordinator/core/core.h"
#include "tests/simulation/bulk.h"
#include "tests/simulation/clock.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/inputs.h"
#include "tests/simulation/trial.h"

enum crash_point {
    CRASH_NOT = 0,
    CRASH_BEFORE_COMMIT, /* effects performed in memory only */
    CRASH_BEFORE_SYNC,   /* committed, not yet synced */
    CRASH_BEFORE_SEND,   /* committed, and nobody was told */
    CRASH_WHILE_SENDING, /* some were told */
    CRASH_POINT_LAST = CRASH_WHILE_SENDING,
};

/* A full disk is met when a batch is to be committed, whatever the point. */
enum crash_kind { CRASH_KILL = 1, CRASH_POWER_CUT = 2, CRASH_DISK_FULL = 3 };

/* A datagram that waits for the end of its batch. */
struct outgoing {
    struct packet_header header;
    size_t offset, size; /* in out_bytes */
};

/* What the blob store has to tell the core. */
struct blob_event {
    enum core_event_kind kind;
    struct instance_id from;
    struct digest digest;
};

/* A pull that found the transfer table full. */
struct pull_wish {
    struct instance_id from;
    struct digest digest;
};

enum { COORDINATOR_SYNC_MS = 100 };

struct coordinator_node {
    struct simulation *simulation;
    bool alive;
    struct clock clock;
    struct core *core;
    struct bulk_port bulk;
    struct disk disk;

    struct packet_ring inbox;
    struct blob_event *blob_events;
    size_t blob_event_count, blob_event_capacity;
    struct pull_wish *wishes; /* of which the first started_wishes are started */
    size_t wish_count, started_wishes, wish_capacity;
    struct digest *drops; /* wait for the next sync */
    size_t drop_count, drop_capacity;

    struct outgoing *outgoing;
    size_t outgoing_count, outgoing_capacity;
    uint8_t *out_bytes;
    size_t out_size, out_capacity;

    uint32_t messages_per_turn;
    uint64_t turn_token, turn_at_ms, stalled_until_ms, synced_at_ms;
    uint64_t restart_token;
    enum crash_point crash_point;
    enum crash_kind crash_kind;
    uint64_t down_ms; /* of the crash that is due */

    bool finishing, finished; /* finished: and that is committed */
    enum finish_code finish_code;
    enum trial_stage stage;
    size_t first_records; /* in the ledger when the budget was raised */
    uint64_t lives;
};

void coordinator_init(struct coordinator_node *node, struct simulation *simulation);
/* Before the first boot: the ledger and the blobs are those of a run that came so far. */
void coordinator_load(struct coordinator_node *node, const struct beginning *beginning);
void coordinator_fini(struct coordinator_node *node);

/* Starts the process: recovers from the disk. */
void coordinator_boot(struct coordinator_node *node);
void coordinator_deliver(struct coordinator_node *node, struct packet *packet);

struct crash_order {
    enum crash_point point;
    enum crash_kind kind;
    uint64_t down_ms;
};

/* The crash happens at the next time the loop comes by that point. */
void coordinator_crash(struct coordinator_node *node, const struct crash_order *order);
/* Ends in order: tells the workers that it pauses, and syncs. Comes back after `down_ms`. */
void coordinator_pause(struct coordinator_node *node, uint64_t down_ms);
void coordinator_stall(struct coordinator_node *node, uint64_t for_ms);
/* No crash is due, no stall goes on; a process that is down comes back at once. */
void coordinator_heal(struct coordinator_node *node);
/* The run has ended under its first budget: the user starts it again with the full one. */
void coordinator_extend(struct coordinator_node *node);
/* The run has ended and the user starts it again as it is. */
void coordinator_resume(struct coordinator_node *node);
/* The user's `ratchet skip`. */
void coordinator_skip(struct coordinator_node *node, struct job_key job);
/* A user gives an order. */
void coordinator_order(struct coordinator_node *node, const struct user_command *command);
/* The user's "hours are over". */
void coordinator_request_stop(struct coordinator_node *node);

/* ------------------------------------- for the files of this module (life, loop, effects) */

/* The next turn is at most `delay_ms` away. */
void coordinator_wake(struct coordinator_node *node, uint64_t delay_ms);
uint64_t coordinator_now(const struct coordinator_node *node);
void coordinator_step(struct coordinator_node *node, const struct core_event *event);
/* Puts the message into the open batch. */
void coordinator_send(struct coordinator_node *node, const struct instance_id *to,
                      const struct message *message);
/* Ends the batch. The process may be dead afterwards. */
void coordinator_end_batch(struct coordinator_node *node);
void coordinator_die(struct coordinator_node *node);
/* The batch cannot be written: it never was, and the process ends. */
void coordinator_give_up(struct coordinator_node *node);
/* Sends the first `count` datagrams of the batch, and forgets all. */
void coordinator_flush(struct coordinator_node *node, size_t count);
bool coordinator_is_pulling(const struct coordinator_node *node, const struct digest *digest);
void coordinator_start_pull(struct coordinator_node *node, const struct instance_id *from,
                            const struct digest *digest);
/* Starts pulls that found the table of transfers full, as far as it goes now. */
void coordinator_start_wishes(struct coordinator_node *node);
void coordinator_queue_blob_event(struct coordinator_node *node, const struct blob_event *event);

#endif
