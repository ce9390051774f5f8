/*
 * ledger_fixture.h: what the tests of the ledger share: a folder, arbitrary records, a child
 * process.
 */
#ifndef RATCHET_TESTS_UNIT_COORDINATOR_SHELL_LEDGER_FIXTURE_H
#define RATCHET_TESTS_UNIT_COORDINATOR_SHELL_LEDGER_FIXTURE_H

#include "common/os_file.h"
#include "coordinator/shell/ledger.h"

/* A small generator, so that every test is the same at every run. */
uint64_t fixture_random(uint64_t *state);
uint32_t fixture_below(uint64_t *state, uint32_t bound);

/* A folder of its own below $TMPDIR or /tmp, and "FOLDER/NAME" in one of a few buffers in turn. */
struct fixture {
    char folder[256];
};

int fixture_setup(void **state);
int fixture_teardown(void **state);
const char *fixture_path(const struct fixture *fixture, const char *name);

struct ledger_header fixture_header(void);
/* An arbitrary record that is a function of `sequence`: job sequence of line 0, everything else
 * over the whole range of its type, NaNs with payload included. */
void fixture_record(uint64_t sequence, struct commit_record *record);
/* Both come from zeroed memory, so that all bytes count. */
bool fixture_same(const struct commit_record *a, const struct commit_record *b);

/* A ledger with `records` records in synced batches of ten, closed. */
void fixture_ledger(const char *path, uint64_t records);
/* Appends one batch of ten: the records after `last`. */
enum ledger_result fixture_batch(struct ledger *ledger, uint64_t last, enum ledger_sync sync,
                                 struct error *error);

/* For a child: mounts a disk of its own over the folder ("size=1m"). -1 where that is forbidden. */
int fixture_mount(const struct fixture *fixture, const char *size);

/* What a child returns when it may not try what it is for. */
enum { FIXTURE_CANNOT_TRY = 77 };

/* Runs `body` in a child and returns its exit status (128 + signal when it was killed). */
int fixture_in_child(int (*body)(const struct fixture *fixture), const struct fixture *fixture);

/* The same, and it must return 0; FIXTURE_CANNOT_TRY skips the test for `reason`. */
void fixture_expect_child(int (*body)(const struct fixture *fixture), const struct fixture *fixture,
                          const char *reason);

#endif
