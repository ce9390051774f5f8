/*
 * worker_model.h: a shell made of counters, for the tests of the worker's core.
 *
 * The model carries effects out as the real shell would (pins, slots, spool) and checks after each
 * step what must always hold: no pin is given back twice, nothing runs without its bytes or on a
 * busy slot, what a heartbeat lists is what the slots run. A test drives the core through it and
 * looks at the effects.
 */
#ifndef RATCHET_TESTS_WORKER_MODEL_H
#define RATCHET_TESTS_WORKER_MODEL_H

#include "common/fixed_map.h"
#include "worker/core/worker_core.h"

enum {
    MODEL_BLOBS_MAX = 65536,
    MODEL_SPOOL_MAX = 65536,
    MODEL_LINGER_MS = 60000,
    MODEL_BEAT_MS = 1000,
    MODEL_LOST_MS = 15000,
};

enum model_slot_state { MODEL_STARTING = 1, MODEL_IDLE, MODEL_BUSY, MODEL_KILLED };

struct model_slot {
    enum model_slot_state state;
    struct lease lease;                    /* of a busy one: for which it answers next, */
    struct lease mates[WORKER_COHORT_MAX]; /* and those after it */
    uint32_t mate_count, given;            /* given: jobs that it was given together */
    bool asked_to_stop;                    /* likewise */
};

struct model_blob {
    struct digest digest;
    int32_t pins;
    bool fetching;
};

struct model_spooled {
    struct run_id run;
    struct result result;
};

struct model {
    struct worker_core *core;
    struct worker_effects *effects; /* of the last step */
    uint64_t now;
    uint64_t epoch; /* of the coordinator that speaks */
    struct run_id run;
    struct model_slot slots[SLOTS_MAX];
    uint32_t slot_count;
    uint32_t gathering, gathering_slot; /* jobs of a cohort that are still to come for this slot */
    struct model_blob *blobs;
    uint32_t blob_count;
    struct fixed_map *blobs_by_digest;
    struct model_spooled *spooled;
    uint32_t spooled_count;
    bool gone;
    uint32_t held_count; /* as the last hello or heartbeat had it */
    struct held held[HELD_MAX];
    uint64_t (*allocations)(void); /* when set: how many there have been; no step may add to it */
};

/* As the tests want it: 2 slots, hellos after 250 to 1000 ms, resends after 2000 ms, no lingering.
 */
struct worker_config model_config(void);
struct model *model_create(const struct worker_config *config);
void model_destroy(struct model *model);

/* ------------------------------------------------------------------- events, one step each */

void model_tick(struct model *model, uint64_t now);
void model_receive(struct model *model, const struct message *message);
/* A message of the present epoch with nothing in it. */
void model_receive_kind(struct model *model, enum message_kind kind);
void model_welcome(struct model *model);
void model_lease(struct model *model, const struct job *job, uint32_t attempt);
/* The same of a job that is carried out already up to some step. */
void model_lease_on(struct model *model, const struct job *job, uint32_t attempt,
                    const struct partial *partial);
void model_verdict(struct model *model, const struct lease_key *lease, enum verdict_kind kind);
void model_stop(struct model *model, enum stop_code code);
void model_slot_ready(struct model *model, uint32_t slot);
/* So many jobs of its spec are best given together. */
void model_slot_cohort(struct model *model, uint32_t slot, uint32_t size);
/* The job of the slot gives model_result(); `child` may be NULL. */
void model_finish(struct model *model, uint32_t slot, const struct digest *child,
                  uint32_t compute_ms);
/* The same with any result, which may answer another job than the one that runs. */
void model_finish_with(struct model *model, uint32_t slot, const struct result *result);
void model_die(struct model *model, uint32_t slot, int32_t signal);
void model_blob_ready(struct model *model, const struct digest *digest);
void model_blob_failed(struct model *model, const struct digest *digest);
void model_blob_no_room(struct model *model, const struct digest *digest);
void model_blob_too_large(struct model *model, const struct digest *digest, uint64_t bytes,
                          uint64_t cache_bytes);
/* Answers every fetch that is under way, one step each. */
void model_answer_fetches(struct model *model);
void model_recover(struct model *model, const struct run_id *run, const struct result *result);
/* To finish what runs and leave; to hand it over and leave; the same by the coordinator. */
void model_leave(struct model *model);
void model_hand_over(struct model *model);
void model_drain(struct model *model);
/* The state of a job, of that many steps. */
struct partial model_partial(uint64_t steps);
/* The slot gives its job back; of 0 bytes: without its state. */
void model_give(struct model *model, uint32_t slot, const struct partial *partial);
void model_cache_level(struct model *model, bool full);
void model_cache_gone(struct model *model, const char *reason);

/* ----------------------------------------------------------------------------- what to say */

struct digest model_digest(const char *kind, uint64_t number);
struct run_id model_run(uint8_t number);
/* A mutation of parent number `job` under spec 0, on line 0. */
struct job model_job(uint64_t job);
/* The second opinion on it: an evaluation of its child. */
struct job model_opinion(uint64_t job);
struct result model_result(const struct job *job, const struct lease_key *lease,
                           const struct digest *child);
struct lease_key model_key(uint64_t epoch, uint64_t job, uint32_t attempt);

/* --------------------------------------------------------------------------- what was said */

uint32_t model_count(const struct model *model, enum worker_effect_kind kind);
/* The n-th effect of the kind in the last step; the test fails when there is none. */
const struct worker_effect *model_effect(const struct model *model, enum worker_effect_kind kind,
                                         uint32_t n);
uint32_t model_sent(const struct model *model, enum message_kind kind);
const struct message *model_message(const struct model *model, enum message_kind kind, uint32_t n);
/* Ticks to the next heartbeat and returns it. */
const struct heartbeat *model_next_beat(struct model *model);
/* The entry of a heartbeat for this job; NULL when it is not listed. */
const struct held *model_held(const struct heartbeat *beat, uint64_t job);
int32_t model_pins(const struct model *model, const struct digest *digest);
/* Fails the test unless every pin was given back. */
void model_expect_no_pins(const struct model *model);
/* A worker that is welcomed and has all slots idle. */
struct model *model_create_ready(const struct worker_config *config);
/* Leases the job and answers its fetches, so that it runs if a slot is idle. */
void model_start_job(struct model *model, const struct job *job, uint32_t attempt);

#endif
