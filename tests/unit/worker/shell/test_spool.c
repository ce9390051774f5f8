/* test_spool.c: results on disk: kept whole, found again, and never believed when damaged. */
#include "shell_fixture.h"
#include "worker/shell/spool.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { TAKEN_MAX = 64 };

struct taken {
    uint32_t count;
    struct run_id runs[TAKEN_MAX];
    struct result results[TAKEN_MAX]; /* detail: a copy in `details` */
    uint8_t details[TAKEN_MAX][DETAIL_BYTES_MAX];
    bool refuse;
};

static bool take(void *context, const struct run_id *run, const struct result *result)
{
    struct taken *taken = context;
    if (taken->refuse)
        return false;
    assert_in_range(taken->count, 0, TAKEN_MAX - 1);
    uint32_t i = taken->count++;
    taken->runs[i] = *run;
    taken->results[i] = *result;
    if (result->detail_bytes > 0)
        memcpy(taken->details[i], result->detail, result->detail_bytes);
    taken->results[i].detail = taken->details[i];
    return true;
}

static struct spool *open_spool(struct fixture *fixture)
{
    struct error error;
    struct spool *spool = spool_open(fixture->folder, &fixture->log, &error);
    assert_non_null(spool);
    return spool;
}

static void put(struct spool *spool, uint8_t run, const struct result *result)
{
    struct error error;
    struct run_id id = {{run, 0xab}};
    assert_int_equal(spool_put(spool, &id, result, &error), 0);
}

static const char *file_of(const struct fixture *fixture, const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "spool/01ab0000000000000000000000000000/%s", name);
    return fixture_path(fixture, path);
}

/* What a new start finds. The caller frees. */
static struct taken *recover(struct fixture *fixture, uint32_t expected)
{
    struct spool *spool = open_spool(fixture);
    struct taken *taken = calloc(1, sizeof *taken);
    assert_non_null(taken);
    assert_int_equal(spool_recover(spool, take, taken), expected);
    assert_int_equal(taken->count, expected);
    spool_close(&spool);
    return taken;
}

static void test_results_come_back_as_they_were(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t detail[DETAIL_BYTES_MAX];
    blob_fill(detail, sizeof detail, 5);
    struct result plain = result_make((struct job_key){0, 1}, NULL, 0);
    struct result large = result_make((struct job_key){7, 99}, detail, sizeof detail);
    struct spool *spool = open_spool(fixture);
    put(spool, 1, &plain);
    put(spool, 2, &large);
    spool_close(&spool);

    struct taken *taken = recover(fixture, 2);
    uint32_t first = taken->runs[0].bytes[0] == 1 ? 0 : 1;
    assert_int_equal(taken->runs[first].bytes[0], 1);
    assert_int_equal(taken->runs[1 - first].bytes[0], 2);
    assert_int_equal(taken->runs[1 - first].bytes[1], 0xab);
    assert_true(result_equal(&taken->results[first], &plain));
    assert_true(result_equal(&taken->results[1 - first], &large));
    free(taken);
    free(recover(fixture, 2)); /* they stay until they are removed */
}

static void test_a_later_result_replaces_the_earlier(void **state)
{
    struct fixture *fixture = *state;
    struct result result = result_make((struct job_key){0, 1}, NULL, 0);
    struct spool *spool = open_spool(fixture);
    put(spool, 1, &result);
    result.lease.attempt = 9;
    put(spool, 1, &result);
    spool_close(&spool);
    struct taken *taken = recover(fixture, 1);
    assert_int_equal(taken->results[0].lease.attempt, 9);
    free(taken);
}

static void test_what_is_removed_is_gone(void **state)
{
    struct fixture *fixture = *state;
    struct result one = result_make((struct job_key){0, 1}, NULL, 0);
    struct result two = result_make((struct job_key){0, 2}, NULL, 0);
    const struct run_id run = {{1, 0xab}}, other = {{2}};
    struct spool *spool = open_spool(fixture);
    put(spool, 1, &one);
    put(spool, 1, &two);
    spool_remove(spool, &other, one.lease.job); /* not there: nothing happens */
    spool_remove(spool, &run, one.lease.job);
    spool_remove(spool, &run, one.lease.job);
    spool_close(&spool);
    struct taken *taken = recover(fixture, 1);
    assert_int_equal(taken->results[0].lease.job.job, 2);
    free(taken);
}

static void test_what_nobody_wants_is_removed(void **state)
{
    struct fixture *fixture = *state;
    struct taken *nobody = calloc(1, sizeof *nobody);
    struct result result = result_make((struct job_key){0, 1}, NULL, 0);
    struct spool *spool = open_spool(fixture);
    put(spool, 1, &result);
    nobody->refuse = true;
    assert_int_equal(spool_recover(spool, take, nobody), 0);
    spool_close(&spool);
    free(nobody);
    assert_false(file_exists(file_of(fixture, "0-1.result")));
    assert_false(file_exists(file_of(fixture, "")));
    free(recover(fixture, 0));
}

static void test_damaged_files_are_removed_and_named(void **state)
{
    struct fixture *fixture = *state;
    struct result result = result_make((struct job_key){0, 1}, NULL, 0);
    struct spool *spool = open_spool(fixture);
    for (uint64_t i = 1; i <= 5; i++) {
        result.lease.job.job = i;
        put(spool, 1, &result);
    }
    spool_close(&spool);
    struct stat status;
    file_damage(file_of(fixture, "0-1.result"));
    assert_int_equal(stat(file_of(fixture, "0-2.result"), &status), 0);
    assert_int_equal(truncate(file_of(fixture, "0-2.result"), status.st_size - 1), 0);
    assert_int_equal(truncate(file_of(fixture, "0-3.result"), 0), 0);
    assert_int_equal(rename(file_of(fixture, "0-4.result"), file_of(fixture, "0-6.result")), 0);

    struct taken *taken = recover(fixture, 1);
    assert_int_equal(taken->results[0].lease.job.job, 5);
    free(taken);
    const char *const gone[] = {"0-1.result", "0-2.result", "0-3.result", "0-6.result"};
    char *log = fixture_log(fixture);
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++) {
        assert_false(file_exists(file_of(fixture, gone[i])));
        assert_non_null(strstr(log, gone[i]));
    }
    free(log);
    assert_true(file_exists(file_of(fixture, "0-5.result")));
}

static void test_every_bit_is_guarded(void **state)
{
    struct fixture *fixture = *state;
    struct result result = result_make((struct job_key){0, 1}, NULL, 0);
    struct spool *spool = open_spool(fixture);
    put(spool, 1, &result);
    spool_close(&spool);
    uint8_t bytes[4096];
    int fd = open(file_of(fixture, "0-1.result"), O_RDONLY | O_CLOEXEC);
    ssize_t count = read(fd, bytes, sizeof bytes);
    close(fd);
    assert_in_range(count, 64, sizeof bytes - 1);
    for (ssize_t i = 0; i < count; i++) {
        assert_int_equal(
            mkdir(file_of(fixture, ""), 0700) == 0 || file_exists(file_of(fixture, "")), true);
        bytes[i] ^= 16;
        file_write(file_of(fixture, "0-1.result"), bytes, (size_t)count);
        bytes[i] ^= 16;
        free(recover(fixture, 0));
    }
}

static void test_a_result_of_another_run_is_not_taken_for_ours(void **state)
{
    struct fixture *fixture = *state;
    struct result result = result_make((struct job_key){0, 1}, NULL, 0);
    struct spool *spool = open_spool(fixture);
    put(spool, 1, &result);
    spool_close(&spool);
    assert_int_equal(rename(fixture_path(fixture, "spool/01ab0000000000000000000000000000"),
                            fixture_path(fixture, "spool/77000000000000000000000000000000")),
                     0);
    free(recover(fixture, 0));
}

static void test_old_results_are_dropped(void **state)
{
    struct fixture *fixture = *state;
    struct result result = result_make((struct job_key){0, 1}, NULL, 0);
    const struct timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    struct spool *spool = open_spool(fixture);
    put(spool, 1, &result);
    spool_close(&spool);
    assert_int_equal(utimensat(AT_FDCWD, file_of(fixture, "0-1.result"), long_ago, 0), 0);
    free(recover(fixture, 0));
    assert_false(file_exists(file_of(fixture, "0-1.result")));
}

static void test_foreign_files_are_left_alone(void **state)
{
    struct fixture *fixture = *state;
    struct spool *spool = open_spool(fixture);
    spool_close(&spool);
    file_write(fixture_path(fixture, "spool/README"), "x", 1);
    free(recover(fixture, 0));
    assert_true(file_exists(fixture_path(fixture, "spool/README")));
}

/* A process that is killed while it writes leaves whole results only, and those that it had
 * finished. */
static void test_survives_kill_at_any_moment(void **state)
{
    struct fixture *fixture = *state;
    for (int round = 0; round < 5; round++) {
        int pipes[2];
        assert_int_equal(pipe(pipes), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct spool *spool = open_spool(fixture);
            for (uint64_t i = 0;; i++) {
                struct result result = result_make((struct job_key){0, i % 32}, NULL, 0);
                result.steps = i;
                put(spool, 1, &result);
                if (write(pipes[1], &i, sizeof i) != (ssize_t)sizeof i)
                    _exit(1);
            }
        }
        close(pipes[1]);
        uint64_t last = 0, next;
        while (last < 40 + (uint64_t)round * 17 &&
               read(pipes[0], &next, sizeof next) == (ssize_t)sizeof next)
            last = next;
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(pipes[0], &next, sizeof next) == (ssize_t)sizeof next)
            last = next;
        close(pipes[0]);

        struct taken *taken = recover(fixture, 32);
        for (uint32_t i = 0; i < taken->count; i++) {
            uint64_t job = taken->results[i].lease.job.job, steps = taken->results[i].steps;
            assert_int_equal(steps % 32, job);
            assert_in_range(steps, last - 31, last + 1); /* the last one may have been put, not told
                                                          */
        }
        free(taken);
    }
    char *log = fixture_log(fixture);
    assert_string_equal(log, "");
    free(log);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_results_come_back_as_they_were),
        TEST(test_a_later_result_replaces_the_earlier),
        TEST(test_what_is_removed_is_gone),
        TEST(test_what_nobody_wants_is_removed),
        TEST(test_damaged_files_are_removed_and_named),
        TEST(test_every_bit_is_guarded),
        TEST(test_a_result_of_another_run_is_not_taken_for_ours),
        TEST(test_old_results_are_dropped),
        TEST(test_foreign_files_are_left_alone),
        TEST(test_survives_kill_at_any_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
