/* replay_fixture.h: a folder of its own for each test, and a run's blobs in it. */
#ifndef RATCHET_TESTS_UNIT_COORDINATOR_REPLAY_REPLAY_FIXTURE_H
#define RATCHET_TESTS_UNIT_COORDINATOR_REPLAY_REPLAY_FIXTURE_H

#include "common/digest.h"

#include <stddef.h>

struct replay_fixture {
    char folder[256]; /* also $TMPDIR */
    char run[300];    /* FOLDER/run */
};

int replay_fixture_setup(void **state);
int replay_fixture_teardown(void **state);

/* RUN/blobs/ab/...; its name comes back. */
struct digest replay_fixture_blob(const struct replay_fixture *fixture, const char *text);
/* Replaces its bytes and leaves its name. */
void replay_fixture_damage(const struct replay_fixture *fixture, const struct digest *digest,
                           const char *text);
/* Names in a folder, without . and .. */
size_t replay_fixture_count(const char *folder);

#endif
