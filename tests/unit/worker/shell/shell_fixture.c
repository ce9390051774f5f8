/* shell_fixture.c: see shell_fixture.h. */
#include "shell_fixture.h"

#include "common/os_file.h"
#include "proto/slot_folder.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const char *temporary = getenv("TMPDIR");
    assert_non_null(fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "%.200s/ratchet-test-XXXXXX",
             temporary != NULL ? temporary : "/tmp");
    assert_non_null(mkdtemp(fixture->folder));
    int fd = open(fixture_path(fixture, "log"), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    log_init(&fixture->log, fd, "test");
    *state = fixture;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    close(fixture->log.fd);
    int failed = os_remove_tree(fixture->folder, &error);
    free(fixture);
    return failed;
}

const char *fixture_path(const struct fixture *fixture, const char *name)
{
    static char paths[4][2 * FIXTURE_PATH_BYTES];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", fixture->folder, name);
    return path;
}

const char *fixture_blob_path(const struct fixture *fixture, const char *name,
                              const struct digest *digest)
{
    char blob[SLOT_FOLDER_NAME_BYTES], path[FIXTURE_PATH_BYTES];
    slot_folder_blob(digest, blob);
    snprintf(path, sizeof path, "%s/%s", name, blob);
    return fixture_path(fixture, path);
}

char *fixture_log(const struct fixture *fixture)
{
    char *text = NULL;
    struct error error;
    assert_int_equal(os_read_file(fixture_path(fixture, "log"), 1 << 20, &text, NULL, &error), 0);
    return text;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

void file_damage(const char *path)
{
    char *bytes;
    size_t count;
    struct error error;
    assert_int_equal(os_read_file(path, 1 << 24, &bytes, &count, &error), 0);
    assert_true(count > 0);
    bytes[count / 2] ^= 1;
    file_write(path, bytes, count);
    free(bytes);
}

void file_write(const char *path, const void *bytes, size_t count)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

void blob_fill(uint8_t *bytes, size_t count, uint32_t seed)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(seed >> (8 * (i % 4))) ^ (uint8_t)(i * 31);
}

struct digest blob_digest(size_t count, uint32_t seed)
{
    uint8_t *bytes = malloc(count);
    assert_non_null(bytes);
    blob_fill(bytes, count, seed);
    struct digest digest = digest_of(bytes, count);
    free(bytes);
    return digest;
}

struct digest blob_fetch(struct cache *cache, size_t count, uint32_t seed)
{
    struct error error;
    struct cache_writer *writer;
    struct digest digest = blob_digest(count, seed);
    uint8_t *bytes = malloc(count);
    assert_non_null(bytes);
    blob_fill(bytes, count, seed);
    assert_int_equal(cache_writer_open(cache, count, &writer, &error), CACHE_OK);
    assert_int_equal(cache_writer_append(writer, bytes, count / 2, &error), CACHE_OK);
    assert_int_equal(cache_writer_append(writer, bytes + count / 2, count - count / 2, &error),
                     CACHE_OK);
    assert_int_equal(cache_writer_publish(&writer, &digest, &error), CACHE_OK);
    free(bytes);
    return digest;
}

struct cache *cache_open_at(const struct fixture *fixture, const char *name, uint64_t bytes_max)
{
    struct cache *cache;
    struct error error = {""};
    const struct cache_options options = {
        .folder = fixture_path(fixture, name), .bytes_max = bytes_max, .slots = 2};
    if (cache_open(&options, &cache, &error) != 0)
        fail_msg("%s", error.text);
    return cache;
}

struct result result_make(struct job_key job, const uint8_t *detail, uint32_t detail_bytes)
{
    struct result result = {
        .lease = {.job = job, .epoch = 3, .attempt = 2},
        .job = blob_digest(10, (uint32_t)job.job),
        .outcome = OUTCOME_OK,
        .fitness = -0.25 - (double)job.job,
        .metric_count = 2,
        .metrics = {{METRIC_SELECT_LOSS, 0.5}, {METRIC_SELECT_ACCURACY, 0.75}},
        .child = blob_digest(20, (uint32_t)job.job),
        .child_bytes = 20,
        .steps = 100,
        .compute_ms = 1234,
        .detail_bytes = detail_bytes,
        .detail = detail,
    };
    snprintf(result.reason, sizeof result.reason, "none");
    return result;
}

bool result_equal(const struct result *a, const struct result *b)
{
    return lease_key_equal(a->lease, b->lease) && digest_equal(&a->job, &b->job) &&
           a->outcome == b->outcome && a->fitness == b->fitness &&
           a->metric_count == b->metric_count && a->metrics[0].id == b->metrics[0].id &&
           a->metrics[0].value == b->metrics[0].value && a->metrics[1].id == b->metrics[1].id &&
           a->metrics[1].value == b->metrics[1].value && digest_equal(&a->child, &b->child) &&
           a->child_bytes == b->child_bytes && a->steps == b->steps &&
           a->compute_ms == b->compute_ms && strcmp(a->reason, b->reason) == 0 &&
           a->detail_bytes == b->detail_bytes &&
           (a->detail_bytes == 0 || memcmp(a->detail, b->detail, a->detail_bytes) == 0);
}
