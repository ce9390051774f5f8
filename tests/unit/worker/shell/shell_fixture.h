/*
 * shell_fixture.h: what the tests of the worker's shell share: a folder of their own, results to
 * keep, a cache with known blobs, and a silent log.
 */
#ifndef RATCHET_TESTS_WORKER_SHELL_FIXTURE_H
#define RATCHET_TESTS_WORKER_SHELL_FIXTURE_H

#include "proto/message.h"
#include "worker/shell/cache.h"
#include "worker/shell/log.h"

#include <stdbool.h>

enum { FIXTURE_PATH_BYTES = 512 };

struct fixture {
    char folder[FIXTURE_PATH_BYTES]; /* below TMPDIR or /tmp; removed at the end */
    struct log log;                  /* writes to the file `log` in the folder */
};

/* For cmocka: *state becomes a struct fixture. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* folder/name; holds until the next call but three. */
const char *fixture_path(const struct fixture *fixture, const char *name);
/* Path of a blob's file in the cache folder/name. */
const char *fixture_blob_path(const struct fixture *fixture, const char *name,
                              const struct digest *digest);
/* The log so far; the caller's to free. */
char *fixture_log(const struct fixture *fixture);

bool file_exists(const char *path);
/* Replaces one byte in the middle of a file. */
void file_damage(const char *path);
void file_write(const char *path, const void *bytes, size_t count);

/* A blob of `count` bytes, different for each seed. */
void blob_fill(uint8_t *bytes, size_t count, uint32_t seed);
struct digest blob_digest(size_t count, uint32_t seed);
/* Brings it into the cache as a fetch does: pinned once. Fails the test if it does not fit. */
struct digest blob_fetch(struct cache *cache, size_t count, uint32_t seed);

/* folder/name with a limit; fails the test if it cannot be opened. */
struct cache *cache_open_at(const struct fixture *fixture, const char *name, uint64_t bytes_max);

/* A result with all fields in use. */
struct result result_make(struct job_key job, const uint8_t *detail, uint32_t detail_bytes);
bool result_equal(const struct result *a, const struct result *b);

#endif
