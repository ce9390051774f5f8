/*
 * test_explain.c: each situation that `ratchet why` tells of, brought about and asked for.
 */
#include "coordinator/core/explain.h"
#include "core_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct fixture f;

static struct job_explanation ask(uint32_t line, uint64_t job)
{
    struct job_explanation explained;
    core_explain_job(f.core, (struct job_key){line, job}, &explained);
    return explained;
}

static struct worker_explanation ask_worker(uint32_t number)
{
    struct worker_explanation explained;
    struct instance_id instance = fixture_worker(number);
    assert_true(core_explain_worker(f.core, &instance, &explained));
    return explained;
}

static struct line_explanation ask_line(uint32_t line)
{
    struct line_explanation explained;
    assert_true(core_explain_line(f.core, line, &explained));
    return explained;
}

static void beat(uint32_t worker, uint32_t capacity, const struct lease *lease,
                 enum held_phase phase)
{
    struct digest description = job_digest(&lease->job);
    struct held held = {lease->key, job_prefix(&description), phase};
    fixture_beat(&f, worker, capacity, &held);
}

static void test_jobs_that_are_not_there(void **state)
{
    (void)state;
    fixture_open(&f, "random", 10, 4);
    f.config.line_count = 3;
    fixture_start(&f);
    assert_int_equal(ask(0, 4).stage, JOB_IS_NOT_CREATED);
    assert_int_equal(ask_line(0).hold, CREATION_WINDOW);
    assert_int_equal(ask(0, 10).stage, JOB_IS_BEYOND);
    assert_int_equal(ask(0, JOB_NUMBER_FINAL).stage, JOB_IS_NOT_CREATED);
    assert_int_equal(ask(1, 0).stage, JOB_IS_LINE_WAITING);
    assert_int_equal(ask_line(1).stage, LINE_IS_WAITING);
    assert_int_equal(ask(3, 0).stage, JOB_IS_UNKNOWN);
    struct line_explanation none;
    assert_false(core_explain_line(f.core, 3, &none));
    uint32_t lines[4];
    assert_int_equal(core_open_lines(f.core, lines, 4), 1);
    assert_int_equal(lines[0], 0);
    fixture_hello(&f, 0, 1);
    fixture_do(&f, 0);
    assert_int_equal(ask(0, 0).stage, JOB_IS_OVER);
    assert_int_equal(ask(0, 4).stage, JOB_IS_WAITING); /* the commit made room */
    fixture_close(&f);
}

static void test_a_strategy_that_waits(void **state)
{
    (void)state;
    fixture_open(&f, "ratchet", 10, 4);
    fixture_start(&f);
    assert_int_equal(ask(0, 1).stage, JOB_IS_NOT_CREATED); /* the founder comes first */
    assert_int_equal(ask_line(0).hold, CREATION_STRATEGY);
    fixture_hello(&f, 0, 2);
    assert_int_equal(core_explain_run(f.core), RUN_STRATEGY);
    assert_int_equal(core_crowd(f.core).slots_idle, 1);
    fixture_close(&f);
}

static void test_the_end_of_a_line(void **state)
{
    (void)state;
    fixture_open(&f, "random", 3, 8);
    fixture_start(&f);
    fixture_hello(&f, 0, 8);
    assert_int_equal(ask_line(0).hold, CREATION_OVER);
    assert_int_equal(core_explain_run(f.core), RUN_ENDS);
    for (int i = 0; i < 3; i++)
        fixture_do(&f, 0);
    assert_int_equal(ask_line(0).hold, CREATION_FINAL);
    assert_int_equal(ask(0, JOB_NUMBER_FINAL).stage, JOB_IS_LEASED);
    fixture_do(&f, 0);
    assert_true(f.finished);
    assert_int_equal(core_explain_run(f.core), RUN_IS_OVER);
    assert_int_equal(ask(0, 1).stage, JOB_IS_OVER);
    assert_int_equal(ask_line(0).stage, LINE_IS_CLOSED);
    fixture_close(&f);
}

static void test_a_job_waits_for_a_worker(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 4);
    fixture_start(&f);
    assert_int_equal(ask(0, 2).worker_wait, WAIT_NOBODY);
    assert_int_equal(ask(0, 2).ahead, 2);
    assert_int_equal(core_explain_run(f.core), RUN_NOBODY);
    fixture_hello(&f, 0, 1);
    assert_int_equal(ask(0, 1).worker_wait, WAIT_BUSY);
    assert_int_equal(ask(0, 1).ahead, 0);
    assert_int_equal(core_explain_run(f.core), RUN_COMPUTES);
    fixture_tick(&f, 1000);
    assert_int_equal(ask(0, 1).age_ms, 1000);
    fixture_hello(&f, 1, 0); /* full from the start */
    for (int i = 0; i < 6; i++)
        fixture_tick(&f, 1000);
    assert_int_equal(ask(0, 1).worker_wait, WAIT_SILENT);
    assert_int_equal(core_crowd(f.core).suspect, 2);
    assert_int_equal(core_explain_run(f.core), RUN_SILENT);
    fixture_beat(&f, 1, 0, NULL);
    assert_int_equal(ask(0, 1).worker_wait, WAIT_ROOM);
    assert_int_equal(core_crowd(f.core).full, 1);
    fixture_close(&f);
}

static void test_after_a_restart_workers_come_first(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 2);
    fixture_start(&f);
    fixture_restart(&f);
    fixture_hello(&f, 0, 1);
    struct job_explanation job = ask(0, 0);
    assert_int_equal(job.worker_wait, WAIT_RESTART);
    assert_int_equal(job.restart_ms, f.config.reattach_ms);
    assert_int_equal(ask_worker(0).hold, WORKER_RESTART);
    assert_int_equal(core_explain_run(f.core), RUN_RESTART);
    fixture_tick(&f, f.config.reattach_ms);
    assert_int_equal(ask(0, 0).stage, JOB_IS_LEASED);
    fixture_close(&f);
}

static void test_a_leased_job_names_its_worker(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 2);
    fixture_start(&f);
    fixture_hello(&f, 5, 2);
    struct lease lease;
    assert_true(fixture_take_lease(&f, 5, &lease));
    struct job_explanation job = ask(0, 0);
    assert_int_equal(job.stage, JOB_IS_LEASED);
    assert_int_equal(job.lease_count, 1);
    assert_string_equal(job.leases[0].worker.name, "w5");
    assert_string_equal(job.leases[0].worker.host, "host5");
    assert_int_equal(job.leases[0].phase, 0);
    assert_int_equal(job.leases[0].attempt, 1);
    fixture_tick(&f, 700);
    beat(5, 2, &lease, HELD_RUNNING);
    job = ask(0, 0);
    assert_int_equal(job.leases[0].phase, HELD_RUNNING);
    assert_int_equal(job.leases[0].since_ms, 700);
    struct worker_explanation worker = ask_worker(5);
    assert_int_equal(worker.hold, WORKER_HAS_ENOUGH);
    assert_int_equal(worker.leases, 2);
    assert_int_equal(worker.running, 1);
    assert_int_equal(worker.lease_count, 2);
    assert_true(job_key_equal(worker.lease[0].job, (struct job_key){0, 0}));
    fixture_close(&f);
}

static void test_results_wait_for_their_turn(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 3);
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    fixture_hello(&f, 1, 2);
    struct lease first;
    assert_true(fixture_take_lease(&f, 0, &first));
    fixture_do(&f, 1);
    fixture_do(&f, 1);
    struct job_explanation job = ask(0, 2);
    assert_int_equal(job.stage, JOB_IS_HELD);
    assert_int_equal(job.commit_wait, COMMIT_TURN);
    assert_false(job.its_turn);
    assert_string_equal(job.worker, "w1");
    assert_true(job.holder.joined);
    struct line_explanation line = ask_line(0);
    assert_true(line.has_oldest);
    assert_true(job_key_equal(line.oldest, first.job.key));
    assert_int_equal(line.held, 2);
    assert_int_equal(line.leased, 1);
    assert_int_equal(line.next_commit, 0);
    assert_int_equal(ask_worker(1).hold, WORKER_NO_JOBS);
    assert_int_equal(ask_worker(1).kept, 2);
    assert_int_equal(core_explain_run(f.core), RUN_WINDOW);
    fixture_close(&f);
}

static void test_results_wait_for_bytes_and_opinions(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 1);
    f.config.opinion_promising = true;
    f.hold_pulls = true;
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    fixture_do(&f, 0);
    assert_int_equal(ask(0, 0).commit_wait, COMMIT_BYTES);
    assert_int_equal(ask(0, 0).child_bytes, 100);
    fixture_beat(&f, 0, 0, NULL); /* so that nobody can give the opinion */
    struct core_event stored = {
        .kind = CORE_BLOB_STORED, .now_ms = f.now, .blob = {.digest = f.pulled}};
    fixture_step(&f, &stored);
    fixture_settle(&f);
    struct job_explanation job = ask(0, 0);
    assert_int_equal(job.commit_wait, COMMIT_OPINION);
    assert_int_equal(job.lease_count, 0);
    assert_int_equal(job.worker_wait, WAIT_ROOM);
    assert_true(job.its_turn);
    fixture_hello(&f, 1, 1);
    job = ask(0, 0);
    assert_int_equal(job.commit_wait, COMMIT_OPINION);
    assert_int_equal(job.lease_count, 1);
    assert_int_equal(job.leases[0].reason, LEASE_PROMISING);
    assert_int_equal(job.opinions, 1);
    assert_int_equal(job.attempts, 1);
    fixture_close(&f);
}

static void die(uint32_t worker, const struct lease *lease)
{
    struct message message = {.kind = MESSAGE_DEATH, .epoch = f.config.epoch};
    message.death = (struct death){.exit_code = -1, .signal = 11, .lease_count = 1};
    message.death.leases[0] = lease->key;
    fixture_say(&f, worker, &message);
}

static void test_after_trouble_a_job_goes_elsewhere(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 2);
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    fixture_hello(&f, 1, 1);
    struct lease lease;
    assert_true(fixture_take_lease(&f, 0, &lease));
    die(0, &lease);
    struct job_explanation job = ask(0, lease.key.job.job);
    assert_int_equal(job.stage, JOB_IS_WAITING);
    assert_int_equal(job.worker_wait, WAIT_OTHERS);
    assert_int_equal(job.deaths, 1);
    assert_int_equal(job.trouble_count, 1);
    assert_string_equal(job.troubles[0].name, "w0");
    assert_int_equal(ask_worker(0).hold, WORKER_AVOIDED);
    assert_int_equal(core_explain_run(f.core), RUN_AVOIDS);
    fixture_close(&f);
}

static void test_a_poisonous_job_is_quarantined_until_its_turn(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 2);
    fixture_start(&f);
    fixture_hello(&f, 0, 2);
    struct lease first, lease;
    assert_true(fixture_take_lease(&f, 0, &first));
    for (int i = 0; i < 3; i++) {
        assert_true(fixture_take_lease(&f, 0, &lease));
        assert_int_equal(lease.key.job.job, 1);
        die(0, &lease);
    }
    struct job_explanation job = ask(0, 1);
    assert_int_equal(job.stage, JOB_IS_QUARANTINED);
    assert_int_equal(job.deaths, 3);
    assert_int_equal(job.attempts, 3);
    assert_int_equal(ask_line(0).quarantined, 1);
    struct result result = fixture_result(&first);
    fixture_give(&f, 0, &result); /* now it is its turn */
    assert_int_equal(ask_line(0).stage, LINE_IS_STALLED);
    assert_int_equal(ask(0, 1).stage, JOB_IS_OVER);
    fixture_close(&f);
}

static void test_workers_are_found_by_name_and_by_instance(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 2);
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    fixture_hello(&f, 1, 1);
    struct instance_id found[4];
    struct instance_id wanted = fixture_worker(1);
    assert_int_equal(core_find_workers(f.core, "w1", found, 4), 1);
    assert_true(instance_equal(&found[0], &wanted));
    assert_int_equal(core_find_workers(f.core, "0101", found, 4), 1);
    assert_true(instance_equal(&found[0], &wanted));
    assert_int_equal(core_find_workers(f.core, "010", found, 4), 0); /* too few digits */
    assert_int_equal(core_find_workers(f.core, "0109", found, 4), 0);
    assert_int_equal(core_find_workers(f.core, "", found, 4), 0);
    assert_int_equal(core_find_workers(f.core, "01010000000000000000000000000000", found, 4), 1);
    assert_int_equal(core_find_workers(f.core, "010100000000000000000000000000000", found, 4), 0);
    struct worker_explanation explained;
    struct instance_id stranger = fixture_worker(9);
    assert_false(core_explain_worker(f.core, &stranger, &explained));
    fixture_close(&f);
}

static void test_a_worker_that_takes_nothing_or_is_silent(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 4);
    fixture_start(&f);
    fixture_hello(&f, 0, 2);
    fixture_beat(&f, 0, 0, NULL); /* it keeps what it has, and wants no more */
    fixture_do(&f, 0);
    fixture_do(&f, 0);
    struct worker_explanation worker = ask_worker(0);
    assert_int_equal(worker.leases, 0);
    assert_int_equal(worker.done, 2);
    assert_int_equal(worker.hold, WORKER_TAKES_NONE);
    assert_int_equal(core_explain_run(f.core), RUN_ROOM);
    for (int i = 0; i < 6; i++)
        fixture_tick(&f, 1000);
    worker = ask_worker(0);
    assert_int_equal(worker.hold, WORKER_IS_SUSPECT);
    assert_string_equal(worker.state, "suspect");
    assert_int_equal(worker.silent_ms, 6000);
    fixture_close(&f);
}

static void test_asking_changes_nothing(void **state)
{
    (void)state;
    fixture_open(&f, "tournament", 60, 8);
    f.config.opinion_promising = true;
    fixture_start(&f);
    fixture_hello(&f, 0, 2);
    struct digest digest = core_digest(f.core);
    struct core_summary before = core_summary(f.core);
    for (uint64_t job = 0; job < 70; job++)
        ask(0, job);
    ask_worker(0);
    ask_line(0);
    core_explain_run(f.core);
    struct core_summary after = core_summary(f.core);
    struct digest same = core_digest(f.core);
    assert_memory_equal(&before, &after, sizeof before);
    assert_true(digest_equal(&digest, &same));
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jobs_that_are_not_there),
        cmocka_unit_test(test_a_strategy_that_waits),
        cmocka_unit_test(test_the_end_of_a_line),
        cmocka_unit_test(test_a_job_waits_for_a_worker),
        cmocka_unit_test(test_after_a_restart_workers_come_first),
        cmocka_unit_test(test_a_leased_job_names_its_worker),
        cmocka_unit_test(test_results_wait_for_their_turn),
        cmocka_unit_test(test_results_wait_for_bytes_and_opinions),
        cmocka_unit_test(test_after_trouble_a_job_goes_elsewhere),
        cmocka_unit_test(test_a_poisonous_job_is_quarantined_until_its_turn),
        cmocka_unit_test(test_workers_are_found_by_name_and_by_instance),
        cmocka_unit_test(test_a_worker_that_takes_nothing_or_is_silent),
        cmocka_unit_test(test_asking_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
