/*
 * slot_fixture.h: a pool of real slot processes, and slots that misbehave.
 *
 * The test program itself is what the slots execute: slot_fixture_main() runs it as a slot when it
 * was started as one. RATCHET_TEST_SLOT in the environment chooses how such a slot misbehaves;
 * without it, it is the real one.
 */
#ifndef RATCHET_TESTS_WORKER_SHELL_SLOT_FIXTURE_H
#define RATCHET_TESTS_WORKER_SHELL_SLOT_FIXTURE_H

#include "shell_fixture.h"
#include "worker/shell/slot_pool.h"

enum { SLOT_FIXTURE_WAIT_MS = 20000 }; /* far beyond what anything here needs */

/* What a misbehaving slot does. */
#define SLOT_EXITS "exits"         /* prints and ends with code 3 before it is ready */
#define SLOT_GARBAGE "garbage"     /* is ready, then says something that is no message */
#define SLOT_SPEAKS_UP "speaks-up" /* gives a result that nobody asked for */
#define SLOT_CLOSES "closes"       /* is ready, then closes its channel and stays */
#define SLOT_PRINTS "prints"       /* is ready, then prints without end */
#define SLOT_LAST_WORD                                                                             \
    "last-word" /* does one job like a real one, says goodbye and dies at once                     \
                 */

/* -1: not started as a slot; else the exit code. */
int slot_fixture_main(int argc, char **argv);

struct slot_fixture {
    struct fixture *fixture;
    struct cache *cache;
    struct slot_pool *pool;
    uint64_t now_ms; /* what the pool is told; tests move it */
    int signals;
};

/* For cmocka. Blocks SIGCHLD. */
int slot_fixture_setup(void **state);
int slot_fixture_teardown(void **state);

void slot_fixture_start(struct slot_fixture *slots, uint32_t count);
/* Waits for the next event; fails the test when none comes in SLOT_FIXTURE_WAIT_MS. */
struct slot_event slot_fixture_next(struct slot_fixture *slots);
/* The same, and fails unless it is of this kind. */
struct slot_event slot_fixture_expect(struct slot_fixture *slots, enum slot_event_kind kind);

/* Puts a spec into the cache, pinned. */
struct digest slot_fixture_spec(struct slot_fixture *slots, const char *text);
/* A fresh individual; its number is the job's. */
struct lease slot_fixture_lease(uint64_t job, const struct digest *spec);

#endif
