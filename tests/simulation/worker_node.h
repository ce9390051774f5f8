/*
 * worker_node.h: a worker's process and machine: the real worker core in a simulated shell.
 *
 * A seat is a place where a worker may run; a process there has an instance of its own, its home
 * (cache and spool) may outlive it. Slots take virtual time for a job and then carry out the real
 * null evaluator on the bytes in the cache. Pins belong to the process, cached blobs and spooled
 * results to the home.
 */
#ifndef RATCHET_TESTS_SIMULATION_WORKER_NODE_H
#define RATCHET_TESTS_SIMULATION_WORKER_NODE_H

#include "tests/simulation/bulk.h"
#include "tests/simulation/clock.h"
#include "tests/simulation/trial.h"
#include "worker/core/worker_core.h"

enum { DETAIL_MAX = 64 };

struct spooled {
    struct run_id run;
    struct job_key job;
    struct digest child; /* zero: none */
    size_t size;
    uint8_t bytes[2048]; /* by codec_pack_result */
};

struct home {
    struct home_id id;
    struct shelf cache;
    struct spooled *spool;
    uint32_t spool_count, spool_capacity;
};

/* A job in a slot, alone or with others. */
struct node_job {
    struct lease lease;
    uint64_t duration_ms;  /* from the slot's start to the job's end, or to its death */
    uint64_t steps_before; /* carried out elsewhere */
    bool answered;
};

struct node_slot {
    enum { NODE_SLOT_DOWN = 0, NODE_SLOT_IDLE, NODE_SLOT_BUSY } state;
    uint64_t token; /* of what goes on in it: changes with every cohort, death and kill */
    uint64_t started_ms;
    struct node_job jobs[WORKER_COHORT_MAX];
    uint32_t job_count, answered;
};

/* What the shell has to tell the core, in the order in which it happened. */
struct shell_news {
    enum worker_event_kind kind;
    uint32_t slot, cohort;
    struct digest digest;
    struct result result;
    struct handover handover;
    uint8_t detail[DETAIL_MAX];
    int32_t exit_code, signal;
    bool out_of_memory, cache_full;
};

enum { NODE_FETCHES_MAX = 1024 };

struct worker_node {
    struct simulation *simulation;
    uint32_t seat;
    const struct role *role;
    struct home home;
    uint64_t lives, born_ms;

    /* How much work it asked for in what the coordinator heard last, and of which process. */
    struct instance_id heard_instance;
    uint32_t heard_capacity;

    bool alive, leaving;
    struct instance_id instance;
    struct clock clock;
    struct worker_core *core;
    struct bulk_port bulk;
    struct node_slot slots[NODE_SLOTS_MAX];
    struct packet_ring inbox;
    struct shell_news *news;
    uint32_t news_count, news_capacity;
    struct digest fetches[NODE_FETCHES_MAX]; /* asked for by the core and not answered yet */
    uint32_t fetch_count;
    uint64_t turn_token, turn_at_ms, paused_until_ms;
    uint64_t spawn_token;
    uint8_t *out_bytes; /* a datagram that still takes messages: DATAGRAM_BYTES_MAX */
    size_t out_size;
    bool crash_due; /* the process dies after this many further effects */
    uint32_t effects_to_crash;
};

void worker_init(struct worker_node *node, struct simulation *simulation, uint32_t seat);
void worker_fini(struct worker_node *node);
/* Adds what its process has lived so far to the simulation's account. */
void worker_count_life(struct worker_node *node);

/* Starts a process in the seat, now or later; nothing when there is one by then. */
void worker_spawn(struct worker_node *node);
void worker_spawn_later(struct worker_node *node, uint64_t delay_ms);
void worker_deliver(struct worker_node *node, struct packet *packet);

/* Whether its role makes it one that the coordinator must not let in. */
bool worker_is_refused(const struct worker_node *node);
/* Whether it has gone, or stays without anything of the run. */
bool worker_is_done(const struct worker_node *node);

/* kill -9 after so many further effects. */
void worker_crash(struct worker_node *node, uint32_t effects);
void worker_pause(struct worker_node *node, uint64_t for_ms);
void worker_ask_to_leave(struct worker_node *node);
void worker_set_cache_full(struct worker_node *node, uint32_t full);
/* Removes blobs that nobody pins from the cache, each with this chance. */
void worker_evict(struct worker_node *node, double chance);
void worker_forget_home(struct worker_node *node);
/* No crash is due and no pause goes on. */
void worker_heal(struct worker_node *node);

/* ---------------------------------------------------------------- for the files of this module */

uint64_t worker_now(const struct worker_node *node);
void worker_step(struct worker_node *node, const struct worker_event *event);
/* Sends what the steps so far had to say. */
void worker_flush(struct worker_node *node);
void worker_tell(struct worker_node *node, const struct shell_news *news);
/* A turn comes at once. */
void worker_wake(struct worker_node *node);
void worker_die(struct worker_node *node);
void worker_slot_start(struct worker_node *node, uint32_t slot);
/* One more job for the slot; behind the last one, `more` is 0, it begins. */
void worker_slot_run(struct worker_node *node, uint32_t slot, const struct lease *lease,
                     uint32_t more);
/* What an action is about that concerns one job of a slot, and back. */
struct node_place {
    uint32_t slot, job;
};
uint32_t worker_place_index(struct node_place place);
struct node_place worker_place_of(uint32_t index);
/* That job came to its end: with the last one the slot is idle. */
void worker_slot_answer(struct worker_node *node, struct node_place place);
void worker_slot_kill(struct worker_node *node, uint32_t slot);
/* worker_handover.c: stops a job, at some step and perhaps; steps that are left of one that begins;
 * how long so many steps take. */
void worker_slot_stop(struct worker_node *node, uint32_t slot);
uint64_t worker_slot_resume(struct worker_node *node, struct node_job *job);
uint64_t worker_slot_share(uint64_t duration_ms, uint64_t steps);
/* Answers those fetches whose blob is in the cache by now; a pull that failed fails its fetches. */
void worker_settle_fetches(struct worker_node *node);
void worker_fail_fetch(struct worker_node *node, const struct digest *digest);

#endif
