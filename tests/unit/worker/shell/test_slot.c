/*
 * test_slot.c: real slot processes: what they answer, how their deaths are told, and that none
 * outlives its supervisor. Time is what the test says it is; waiting is for events only.
 */
#include "slot_fixture.h"

#include "common/os_process.h"
#include "proto/slot_folder.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char SPEC[] = "evaluator = null\nnull.dim = 8\n";
static const char SLOW_SPEC[] = "evaluator = null\nnull.dim = 8\nnull.work_ms = 3600000\n";

/* Runs a lease on a slot and returns its result, to be used before the next event. */
static const struct result *run(struct slot_fixture *slots, uint32_t slot,
                                const struct lease *lease)
{
    slot_pool_run(slots->pool, slot, lease);
    struct slot_event event = slot_fixture_expect(slots, SLOT_EVENT_FINISHED);
    assert_int_equal(event.slot, slot);
    assert_true(lease_key_equal(event.result->lease, lease->key));
    struct digest description = job_digest(&lease->job);
    assert_true(digest_equal(&event.result->job, &description));
    return event.result;
}

/* ---------------------------------------------------------------------------------------- jobs */

static void test_every_slot_becomes_ready(void **state)
{
    struct slot_fixture *slots = *state;
    bool ready[3] = {false};
    slot_fixture_start(slots, 3);
    for (int i = 0; i < 3; i++) {
        struct slot_event event = slot_fixture_expect(slots, SLOT_EVENT_READY);
        assert_false(ready[event.slot]);
        ready[event.slot] = true;
    }
    assert_int_equal(slot_pool_deadline(slots->pool), UINT64_MAX);
}

static void test_jobs_make_children_in_the_cache(void **state)
{
    struct slot_fixture *slots = *state;
    struct digest spec = slot_fixture_spec(slots, SPEC);
    slot_fixture_start(slots, 2);
    slot_fixture_expect(slots, SLOT_EVENT_READY);
    slot_fixture_expect(slots, SLOT_EVENT_READY);

    struct lease lease = slot_fixture_lease(0, &spec);
    struct result parent = *run(slots, 0, &lease);
    assert_int_equal(parent.outcome, OUTCOME_OK);
    assert_true(isfinite(parent.fitness));
    assert_true(parent.child_bytes > 0);
    assert_true(file_exists(fixture_blob_path(slots->fixture, "c", &parent.child)));
    assert_int_equal(cache_measure(slots->cache).pinned_entries, 2); /* the spec is one */

    /* A second generation, on both slots: the same job gives the same child, pinned twice. */
    struct lease next = slot_fixture_lease(1, &spec);
    snprintf(next.job.call.name, sizeof next.job.call.name, "noise");
    next.job.call.param_count = 1;
    next.job.call.params[0] = 0.5;
    next.job.parent_count = 1;
    next.job.parents[0] = parent.child;
    struct result one = *run(slots, 0, &next), two = *run(slots, 1, &next);
    assert_int_equal(one.outcome, OUTCOME_OK);
    assert_true(digest_equal(&one.child, &two.child));
    assert_false(digest_equal(&one.child, &parent.child));
    assert_true(one.fitness == two.fitness);
    assert_int_equal(cache_measure(slots->cache).pinned_entries, 3);
    cache_unpin(slots->cache, &one.child);
    cache_unpin(slots->cache, &one.child);
    assert_int_equal(cache_measure(slots->cache).pinned_entries, 2);
}

static void test_an_evaluation_makes_no_child(void **state)
{
    struct slot_fixture *slots = *state;
    struct digest spec = slot_fixture_spec(slots, SPEC);
    slot_fixture_start(slots, 1);
    slot_fixture_expect(slots, SLOT_EVENT_READY);
    struct lease lease = slot_fixture_lease(0, &spec);
    struct digest child = run(slots, 0, &lease)->child;
    lease.job.kind = JOB_EVALUATE;
    snprintf(lease.job.call.name, sizeof lease.job.call.name, "none");
    lease.job.parent_count = 1;
    lease.job.parents[0] = child;
    const struct result *result = run(slots, 0, &lease);
    assert_int_equal(result->outcome, OUTCOME_OK);
    assert_true(digest_is_zero(&result->child));
    assert_int_equal(result->child_bytes, 0);
}

static void check_fails(struct slot_fixture *slots, const struct lease *lease, const char *reason)
{
    const struct result *result = run(slots, 0, lease);
    assert_int_equal(result->outcome, OUTCOME_FAILED);
    assert_true(isnan(result->fitness));
    if (strstr(result->reason, reason) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", reason, result->reason);
}

static void test_a_job_that_cannot_be_done_says_why(void **state)
{
    struct slot_fixture *slots = *state;
    slot_fixture_start(slots, 1);
    slot_fixture_expect(slots, SLOT_EVENT_READY);
    static const struct {
        const char *spec, *reason;
    } cases[] = {
        {"evaluator = dream\n", "no evaluator \"dream\""},
        {"null.dim = 8\n", "names no evaluator"},
        {"evaluator =\n", "has no name"},
        {"evaluator = null\nnull.dim = 0\n", "line 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct digest spec = slot_fixture_spec(slots, cases[i].spec);
        struct lease lease = slot_fixture_lease(i, &spec);
        check_fails(slots, &lease, cases[i].reason);
    }
    struct digest missing = blob_digest(10, 1);
    struct lease lease = slot_fixture_lease(9, &missing);
    check_fails(slots, &lease, "cannot be read");

    struct digest spec = slot_fixture_spec(slots, SPEC);
    lease = slot_fixture_lease(10, &spec);
    assert_int_equal(run(slots, 0, &lease)->outcome, OUTCOME_OK); /* and goes on */
}

static void test_many_specs_do_not_fill_the_slot(void **state)
{
    struct slot_fixture *slots = *state;
    struct digest first[8];
    slot_fixture_start(slots, 1);
    slot_fixture_expect(slots, SLOT_EVENT_READY);
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < 8; i++) {
            char text[64];
            snprintf(text, sizeof text, "evaluator = null\nnull.dim = %u\n", i + 1);
            struct digest spec = slot_fixture_spec(slots, text);
            struct lease lease = slot_fixture_lease(5, &spec);
            struct digest child = run(slots, 0, &lease)->child;
            assert_true(round == 0 || digest_equal(&child, &first[i]));
            first[i] = child;
        }
}

/* ---------------------------------------------------------------------------------------- deaths
 */

static void test_a_killed_slot_is_told_and_replaced(void **state)
{
    struct slot_fixture *slots = *state;
    struct digest spec = slot_fixture_spec(slots, SLOW_SPEC),
                  quick = slot_fixture_spec(slots, SPEC);
    slot_fixture_start(slots, 1);
    slot_fixture_expect(slots, SLOT_EVENT_READY);
    struct lease lease = slot_fixture_lease(0, &spec);
    slot_pool_run(slots->pool, 0, &lease);
    pid_t before = slot_pool_process(slots->pool, 0);
    kill(before, SIGKILL);
    struct slot_event event = slot_fixture_expect(slots, SLOT_EVENT_DIED);
    assert_int_equal(event.died.signal, SIGKILL);
    assert_int_equal(event.died.exit_code, -1);
    assert_false(event.died.out_of_memory);
    char *log = fixture_log(slots->fixture);
    assert_non_null(strstr(log, "slot 0 died: signal 9 (Killed)"));
    free(log);

    slots->now_ms = slot_pool_deadline(slots->pool);
    slot_pool_tick(slots->pool, slots->now_ms);
    slot_fixture_expect(slots, SLOT_EVENT_READY);
    assert_int_not_equal(slot_pool_process(slots->pool, 0), before);
    lease = slot_fixture_lease(1, &quick);
    assert_int_equal(run(slots, 0, &lease)->outcome, OUTCOME_OK);
}

static void test_a_crash_in_a_job_is_told(void **state)
{
    struct slot_fixture *slots = *state;
    struct digest spec =
        slot_fixture_spec(slots, "evaluator = null\nnull.crash_per_million = 1000000\n");
    slot_fixture_start(slots, 1);
    slot_fixture_expect(slots, SLOT_EVENT_READY);
    struct lease lease = slot_fixture_lease(0, &spec);
    slot_pool_run(slots->pool, 0, &lease);
    struct slot_event event = slot_fixture_expect(slots, SLOT_EVENT_DIED);
    assert_int_equal(event.died.signal, SIGABRT);
}

static void test_killing_a_slot_is_no_failure(void **state)
{
    struct slot_fixture *slots = *state;
    struct digest spec = slot_fixture_spec(slots, SLOW_SPEC);
    slot_fixture_start(slots, 1);
    slot_fixture_expect(slots, SLOT_EVENT_READY);
    for (int i = 0; i < 3; i++) {
        struct lease lease = slot_fixture_lease(0, &spec);
        slot_pool_run(slots->pool, 0, &lease);
        slot_pool_kill(slots->pool, 0);
        slot_fixture_expect(slots, SLOT_EVENT_DIED);
        assert_int_equal(slot_pool_deadline(slots->pool), slots->now_ms); /* at once */
        slot_pool_tick(slots->pool, slots->now_ms);
        slot_fixture_expect(slots, SLOT_EVENT_READY);
    }
    char *log = fixture_log(slots->fixture);
    assert_string_equal(log, "");
    free(log);
}

static void test_a_result_on_its_way_is_not_told_after_the_order_to_kill(void **state)
{
    struct slot_fixture *slots = *state;
    struct digest spec = slot_fixture_spec(slots, SPEC);
    slot_fixture_start(slots, 1);
    slot_fixture_expect(slots, SLOT_EVENT_READY);
    for (uint64_t i = 0; i < 20; i++) {
        struct lease lease = slot_fixture_lease(i, &spec);
        slot_pool_run(slots->pool, 0, &lease);
        slot_pool_kill(slots->pool, 0); /* before or after it has answered: no matter */
        slot_fixture_expect(slots, SLOT_EVENT_DIED);
        slot_pool_tick(slots->pool, slots->now_ms);
        slot_fixture_expect(slots, SLOT_EVENT_READY);
        assert_int_equal(cache_measure(slots->cache).pinned_entries, 1);
    }
}

static void test_what_was_said_before_a_death_is_told_before_it(void **state)
{
    struct slot_fixture *slots = *state;
    struct digest spec = slot_fixture_spec(slots, SPEC);
    setenv("RATCHET_TEST_SLOT", SLOT_LAST_WORD, 1);
    slot_fixture_start(slots, 1);
    slot_fixture_expect(slots, SLOT_EVENT_READY);
    struct lease lease = slot_fixture_lease(0, &spec);
    slot_pool_run(slots->pool, 0, &lease);
    pid_t pid = slot_pool_process(slots->pool, 0);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0); /* it is dead */
    slot_pool_reap(slots->pool);
    assert_int_equal(slot_pool_deadline(slots->pool), 0);
    struct slot_event event = slot_fixture_expect(slots, SLOT_EVENT_FINISHED);
    assert_int_equal(event.result->outcome, OUTCOME_OK);
    event = slot_fixture_expect(slots, SLOT_EVENT_DIED);
    assert_int_equal(event.died.signal, SIGUSR1);
    assert_string_equal(event.died.log_tail, "this is my last word\n");
}

static void test_slots_that_do_not_start_are_tried_ever_more_seldom(void **state)
{
    struct slot_fixture *slots = *state;
    static const uint64_t pauses[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000};
    setenv("RATCHET_TEST_SLOT", SLOT_EXITS, 1);
    slot_fixture_start(slots, 1);
    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
        struct slot_event event = slot_fixture_expect(slots, SLOT_EVENT_DIED);
        assert_int_equal(event.died.exit_code, 3);
        assert_int_equal(event.died.signal, 0);
        assert_string_equal(event.died.log_tail, "no device\n");
        assert_int_equal(slot_pool_deadline(slots->pool), slots->now_ms + pauses[i]);
        slots->now_ms += pauses[i] - 1;
        slot_pool_tick(slots->pool, slots->now_ms);
        assert_int_equal(slot_pool_process(slots->pool, 0), 0);
        slots->now_ms++;
        slot_pool_tick(slots->pool, slots->now_ms);
    }
}

static void test_a_result_makes_the_pauses_short_again(void **state)
{
    struct slot_fixture *slots = *state;
    struct digest spec = slot_fixture_spec(slots, SPEC);
    static const uint64_t pauses[] = {100, 200, 400, 100, 200};
    slot_fixture_start(slots, 1);
    slot_fixture_expect(slots, SLOT_EVENT_READY);
    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
        struct lease lease = slot_fixture_lease(i, &spec);
        if (i == 3)
            run(slots, 0, &lease);
        kill(slot_pool_process(slots->pool, 0), SIGKILL);
        slot_fixture_expect(slots, SLOT_EVENT_DIED);
        assert_int_equal(slot_pool_deadline(slots->pool), slots->now_ms + pauses[i]);
        slots->now_ms += pauses[i];
        slot_pool_tick(slots->pool, slots->now_ms);
        slot_fixture_expect(slots, SLOT_EVENT_READY);
    }
}

static void test_a_slot_that_starts_for_ever_is_killed(void **state)
{
    struct slot_fixture *slots = *state;
    slot_fixture_start(slots, 1);
    kill(slot_pool_process(slots->pool, 0), SIGSTOP);
    uint64_t deadline = slot_pool_deadline(slots->pool);
    assert_true(deadline > slots->now_ms + 60000 && deadline < UINT64_MAX);
    /* It may have been ready before the signal arrived: then there is nothing to see here. */
    struct slot_event event;
    if (slot_pool_next(slots->pool, slots->now_ms, &event))
        skip();
    slots->now_ms = deadline;
    slot_pool_tick(slots->pool, slots->now_ms);
    do
        event = slot_fixture_next(slots);
    while (event.kind == SLOT_EVENT_READY);
    assert_int_equal(event.kind, SLOT_EVENT_DIED);
    assert_int_equal(event.died.signal, SIGKILL);
}

static void check_is_killed(struct slot_fixture *slots, const char *how, const char *why)
{
    setenv("RATCHET_TEST_SLOT", how, 1);
    slot_fixture_start(slots, 1);
    slot_fixture_expect(slots, SLOT_EVENT_READY);
    struct slot_event event = slot_fixture_expect(slots, SLOT_EVENT_DIED);
    assert_int_equal(event.died.signal, SIGKILL);
    char *log = fixture_log(slots->fixture);
    assert_non_null(strstr(log, why));
    free(log);
}

static void test_a_slot_that_speaks_gibberish_is_killed(void **state)
{
    check_is_killed(*state, SLOT_GARBAGE, "slot 0 is killed: ");
}

static void test_a_slot_that_answers_unasked_is_killed(void **state)
{
    check_is_killed(*state, SLOT_SPEAKS_UP, "it said what it was not asked");
}

static void test_a_slot_that_hangs_up_and_stays_is_killed(void **state)
{
    struct slot_fixture *slots = *state;
    struct slot_event event;
    setenv("RATCHET_TEST_SLOT", SLOT_CLOSES, 1);
    slot_fixture_start(slots, 1);
    slot_fixture_expect(slots, SLOT_EVENT_READY);
    while (slot_pool_deadline(slots->pool) == UINT64_MAX)
        assert_false(slot_pool_next(slots->pool, slots->now_ms, &event));
    slots->now_ms = slot_pool_deadline(slots->pool);
    slot_pool_tick(slots->pool, slots->now_ms);
    event = slot_fixture_expect(slots, SLOT_EVENT_DIED);
    assert_int_equal(event.died.signal, SIGKILL);
}

static void test_a_job_for_a_slot_that_just_died_is_lost_with_it(void **state)
{
    struct slot_fixture *slots = *state;
    struct digest spec = slot_fixture_spec(slots, SPEC);
    slot_fixture_start(slots, 1);
    slot_fixture_expect(slots, SLOT_EVENT_READY);
    pid_t pid = slot_pool_process(slots->pool, 0);
    siginfo_t info;
    kill(pid, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    struct lease lease = slot_fixture_lease(0, &spec);
    slot_pool_run(slots->pool, 0, &lease); /* nobody has told the pool yet */
    struct slot_event event = slot_fixture_expect(slots, SLOT_EVENT_DIED);
    assert_int_equal(event.died.signal, SIGKILL);
}

static void test_a_slot_that_prints_without_end_holds_nobody_up(void **state)
{
    struct slot_fixture *slots = *state;
    struct slot_event event;
    setenv("RATCHET_TEST_SLOT", SLOT_PRINTS, 1);
    slot_fixture_start(slots, 1);
    slot_fixture_expect(slots, SLOT_EVENT_READY);
    /* Each call returns although there is always more. */
    while (lseek(slots->fixture->log.fd, 0, SEEK_END) < 500000)
        assert_false(slot_pool_next(slots->pool, slots->now_ms, &event));
    kill(slot_pool_process(slots->pool, 0), SIGKILL);
    event = slot_fixture_expect(slots, SLOT_EVENT_DIED);
    assert_int_equal(strlen(event.died.log_tail), LOG_TAIL_BYTES_MAX - 1);
}

/* --------------------------------------------------------------------------------------- orphans
 */

/* Another process with a pool of its own, which prints its slots' process ids and waits to be
 * killed. */
static int be_supervisor(const char *folder)
{
    struct error error;
    struct log log;
    struct cache *cache;
    const struct cache_options cache_options = {.folder = folder, .bytes_max = 1 << 20, .slots = 2};
    log_init(&log, STDERR_FILENO, "test");
    if (cache_open(&cache_options, &cache, &error) != 0)
        return 1;
    const struct slot_pool_options options = {
        .program = PROCESS_OWN_PROGRAM, .cache = cache, .log = &log, .count = 2};
    struct slot_pool *pool = slot_pool_create(&options, &error);
    if (pool == NULL)
        return 1;
    slot_pool_tick(pool, 0);
    struct slot_event event;
    for (int ready = 0; ready < 2;)
        if (slot_pool_next(pool, 0, &event))
            ready += event.kind == SLOT_EVENT_READY;
    const pid_t slots[2] = {slot_pool_process(pool, 0), slot_pool_process(pool, 1)};
    if (write(STDOUT_FILENO, slots, sizeof slots) != (ssize_t)sizeof slots)
        return 1;
    for (;;)
        pause();
}

static void test_no_slot_outlives_its_supervisor(void **state)
{
    struct slot_fixture *slots = *state;
    struct error error;
    int pipes[2];
    pid_t supervisor, orphans[2];
    /* Orphans become our children, so that their ends can be seen. */
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    assert_int_equal(pipe(pipes), 0);
    const char *const arguments[] = {"test", "--supervisor", fixture_path(slots->fixture, "d"),
                                     NULL};
    const struct process_options options = {
        .program = PROCESS_OWN_PROGRAM, .arguments = arguments, .channel = -1, .output = pipes[1]};
    assert_int_equal(process_spawn(&options, &supervisor, &error), 0);
    close(pipes[1]);
    assert_int_equal(read(pipes[0], orphans, sizeof orphans), sizeof orphans);
    kill(supervisor, SIGKILL);
    assert_int_equal(process_wait(supervisor).signal, SIGKILL);
    for (int i = 0; i < 2; i++) {
        int status;
        assert_int_equal(waitpid(orphans[i], &status, 0), orphans[i]);
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    }
    close(pipes[0]);
}

int main(int argc, char **argv)
{
    int code = slot_fixture_main(argc, argv);
    if (code >= 0)
        return code;
    if (argc == 3 && strcmp(argv[1], "--supervisor") == 0)
        return be_supervisor(argv[2]);
#define TEST(name) cmocka_unit_test_setup_teardown(name, slot_fixture_setup, slot_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_every_slot_becomes_ready),
        TEST(test_jobs_make_children_in_the_cache),
        TEST(test_an_evaluation_makes_no_child),
        TEST(test_a_job_that_cannot_be_done_says_why),
        TEST(test_many_specs_do_not_fill_the_slot),
        TEST(test_a_killed_slot_is_told_and_replaced),
        TEST(test_a_crash_in_a_job_is_told),
        TEST(test_killing_a_slot_is_no_failure),
        TEST(test_a_result_on_its_way_is_not_told_after_the_order_to_kill),
        TEST(test_what_was_said_before_a_death_is_told_before_it),
        TEST(test_slots_that_do_not_start_are_tried_ever_more_seldom),
        TEST(test_a_result_makes_the_pauses_short_again),
        TEST(test_a_slot_that_starts_for_ever_is_killed),
        TEST(test_a_slot_that_speaks_gibberish_is_killed),
        TEST(test_a_slot_that_answers_unasked_is_killed),
        TEST(test_a_slot_that_hangs_up_and_stays_is_killed),
        TEST(test_a_job_for_a_slot_that_just_died_is_lost_with_it),
        TEST(test_a_slot_that_prints_without_end_holds_nobody_up),
        TEST(test_no_slot_outlives_its_supervisor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
