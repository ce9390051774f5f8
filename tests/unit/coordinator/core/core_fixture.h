/*
 * core_fixture.h: a coordinator core with fake workers around it, all in one thread and without a
 * codec.
 *
 * The fixture collects what a shell would persist, answers pulls from memory, and lets a test
 * decide which worker does what and when. A job's fitness is a fixed function of its description,
 * so that digests depend on everything that they should.
 */
#ifndef RATCHET_TESTS_CORE_FIXTURE_H
#define RATCHET_TESTS_CORE_FIXTURE_H

#include "coordinator/core/core.h"

enum { FIXTURE_RECORDS_MAX = 4096, FIXTURE_MAIL_MAX = 4096, FIXTURE_DROPS_MAX = 4096 };

struct mail {
    struct instance_id to;
    struct message message;
};

struct fixture {
    struct core_config config;
    struct line_config line; /* every line is this one, but for its number */
    struct line_config lines[64];
    struct core *core;
    uint64_t now;
    struct core_effects effects;
    uint32_t record_count;
    struct ledger_record records[FIXTURE_RECORDS_MAX];
    uint32_t mail_count;
    struct mail mail[FIXTURE_MAIL_MAX];
    uint32_t drop_count;
    struct digest drops[FIXTURE_DROPS_MAX];
    uint32_t notes[NOTE_KIND_LAST + 1];
    bool finished;
    enum finish_code finish;
    bool hold_pulls; /* leave PULL_BLOB to the test */
    uint32_t pull_count, cancel_count;
    struct digest pulled;
    struct instance_id pulled_from;
    uint32_t answer_count;
    struct command_answer answer; /* the last one */
};

/* Strategy by name with its default params, one operator; budget and lookahead as given. */
void fixture_open(struct fixture *fixture, const char *strategy, uint64_t jobs, uint32_t lookahead);
/* A new life on the records so far; epoch rises by one. */
void fixture_restart(struct fixture *fixture);
/* Creates and starts the core from config, line and records; aborts the test when that fails. */
void fixture_start(struct fixture *fixture);
void fixture_close(struct fixture *fixture);

void fixture_step(struct fixture *fixture, const struct core_event *event);
void fixture_tick(struct fixture *fixture, uint64_t ms);
/* Steps until no work is left over. */
void fixture_settle(struct fixture *fixture);

/* Gives an order. */
void fixture_order(struct fixture *fixture, const struct user_command *command);

struct instance_id fixture_worker(uint32_t number);
void fixture_hello(struct fixture *fixture, uint32_t worker, uint32_t capacity);
/* The same by a worker of another numeric class than "portable". */
void fixture_hello_as(struct fixture *fixture, uint32_t worker, uint32_t capacity,
                      const char *numeric);
void fixture_say(struct fixture *fixture, uint32_t worker, const struct message *message);
/* A heartbeat that lists nothing, or one job. */
void fixture_beat(struct fixture *fixture, uint32_t worker, uint32_t capacity,
                  const struct held *held);

/* Takes the oldest undelivered lease to `worker` out of the mail; false when there is none. */
bool fixture_take_lease(struct fixture *fixture, uint32_t worker, struct lease *lease);
/* How many messages of the kind to `worker` are in the mail; clears nothing. */
uint32_t fixture_count(const struct fixture *fixture, uint32_t worker, enum message_kind kind);
const struct message *fixture_last(const struct fixture *fixture, uint32_t worker,
                                   enum message_kind kind);

/* The honest result of a lease. */
struct result fixture_result(const struct lease *lease);
void fixture_give(struct fixture *fixture, uint32_t worker, const struct result *result);
/* The worker carries out its oldest lease, which must be there. */
void fixture_do(struct fixture *fixture, uint32_t worker);
/* Carries out all leases of workers 0 .. count-1 in turns until the run has finished or stands
 * still. */
void fixture_run(struct fixture *fixture, uint32_t workers);

#endif
