/* test_skips.c: a user gives a job up, whatever is known of it: it is committed as failed in its
 * turn, in this life or in a later one, and the digest does not tell when. */
#include "core_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct fixture f;

static const struct command_answer *give_up(uint64_t job)
{
    const struct user_command command = {.kind = COMMAND_SKIP, .job = {0, job}};
    fixture_order(&f, &command);
    fixture_settle(&f);
    return &f.answer;
}

static void expect_refusal(uint64_t job, const char *why)
{
    uint32_t records = f.record_count;
    assert_false(give_up(job)->done);
    assert_non_null(strstr(f.answer.reason, why));
    assert_int_equal(f.record_count, records);
}

static enum outcome outcome_of(uint64_t job)
{
    for (uint32_t i = 0; i < f.record_count; i++)
        if (f.records[i].kind == RECORD_COMMIT && f.records[i].commit.job.key.job == job)
            return f.records[i].commit.outcome;
    fail_msg("job %u was not committed", (unsigned)job);
    return OUTCOME_OK;
}

static void open_run(enum commit_mode mode)
{
    fixture_open(&f, "tournament", 60, 8);
    f.config.mode = mode;
    fixture_start(&f);
}

static struct digest run_to_the_end(void)
{
    fixture_tick(&f, f.config.reattach_ms);
    fixture_hello(&f, 0, 2);
    fixture_run(&f, 1);
    assert_true(f.finished);
    assert_int_equal(f.finish, FINISH_DONE);
    return core_digest(f.core);
}

/* Jobs 3 and 5 are given up before anything happens. */
static struct digest digest_of_early_skips(void)
{
    open_run(COMMIT_ORDERED);
    give_up(3);
    give_up(5);
    struct digest digest = run_to_the_end();
    assert_int_equal(outcome_of(3), OUTCOME_FAILED);
    assert_int_equal(outcome_of(4), OUTCOME_OK);
    fixture_close(&f);
    return digest;
}

static void expect_early_digest(const struct digest *digest)
{
    struct digest early = digest_of_early_skips();
    assert_true(digest_equal(&early, digest));
}

static void test_a_waiting_and_a_leased_job(void **state)
{
    (void)state;
    open_run(COMMIT_ORDERED);
    fixture_hello(&f, 0, 4);
    struct lease lease;
    for (uint64_t job = 0; job < 4; job++)
        assert_true(fixture_take_lease(&f, 0, &lease));
    assert_int_equal(lease.key.job.job, 3);
    assert_true(give_up(3)->done); /* it runs there */
    assert_true(give_up(5)->done); /* nobody has it yet */
    assert_int_equal(f.notes[NOTE_JOB_SKIPPED], 2);
    /* A result that comes all the same changes nothing. */
    const struct result late = fixture_result(&lease);
    fixture_give(&f, 0, &late);
    fixture_restart(&f);
    struct digest digest = run_to_the_end();
    assert_int_equal(outcome_of(3), OUTCOME_FAILED);
    assert_int_equal(outcome_of(5), OUTCOME_FAILED);
    fixture_close(&f);
    expect_early_digest(&digest);
}

static void test_a_held_job(void **state)
{
    (void)state;
    open_run(COMMIT_ORDERED);
    fixture_hello(&f, 0, 8);
    struct lease leases[8];
    for (int i = 0; i < 8; i++)
        assert_true(fixture_take_lease(&f, 0, &leases[i]));
    for (int i = 3; i < 8; i++) { /* job 0 is not done, so they wait for their turn */
        const struct result result = fixture_result(&leases[i]);
        fixture_give(&f, 0, &result);
    }
    assert_int_equal(core_summary(f.core).commits, 0);
    assert_true(give_up(3)->done);
    assert_true(give_up(5)->done);
    assert_int_equal(core_summary(f.core).held, 5);
    for (int i = 0; i < 3; i++) {
        const struct result result = fixture_result(&leases[i]);
        fixture_give(&f, 0, &result);
    }
    fixture_run(&f, 1);
    assert_true(f.finished);
    struct digest digest = core_digest(f.core);
    fixture_close(&f);
    expect_early_digest(&digest);
}

/* Three lives: skipped, killed before the commit, and killed after it. */
static void test_every_life_has_the_skips(void **state)
{
    (void)state;
    open_run(COMMIT_ORDERED);
    give_up(5);
    fixture_restart(&f);
    give_up(3);
    assert_true(give_up(5)->done);
    assert_string_equal(f.answer.reason, "job 0/5 is skipped already");
    fixture_restart(&f);
    fixture_tick(&f, f.config.reattach_ms);
    fixture_hello(&f, 0, 1);
    for (int i = 0; i < 6; i++)
        fixture_do(&f, 0);
    fixture_restart(&f);
    struct digest digest = run_to_the_end();
    fixture_restart(&f);
    struct digest replayed = core_digest(f.core);
    assert_true(digest_equal(&digest, &replayed));
    fixture_close(&f);
    expect_early_digest(&digest);
}

/* A job that nobody can carry out, quarantined before its turn. */
static void quarantine(uint64_t job)
{
    fixture_tick(&f, f.config.reattach_ms);
    fixture_hello(&f, 0, 32);
    fixture_hello(&f, 1, 32);
    for (int i = 0; i < 64 && f.notes[NOTE_JOB_QUARANTINED] == 0; i++) {
        struct lease lease;
        for (uint32_t worker = 0; worker < 2; worker++) {
            if (!fixture_take_lease(&f, worker, &lease) || lease.key.job.job != job)
                continue;
            struct message message = {.kind = MESSAGE_DEATH, .epoch = f.config.epoch};
            message.death.signal = 6;
            message.death.lease_count = 1;
            message.death.leases[0] = lease.key;
            fixture_say(&f, worker, &message);
        }
    }
    assert_int_equal(f.notes[NOTE_JOB_QUARANTINED], 1);
}

static void test_a_quarantined_job(void **state)
{
    (void)state;
    open_run(COMMIT_ORDERED);
    give_up(3);
    quarantine(5);
    assert_int_equal(core_summary(f.core).quarantined, 1);
    assert_true(give_up(5)->done);
    assert_int_equal(core_summary(f.core).quarantined, 0);
    fixture_restart(&f);
    struct digest digest = run_to_the_end();
    fixture_close(&f);
    expect_early_digest(&digest);
}

/* Its line has stopped there: the skip takes effect in the next life. */
static void test_a_job_where_its_line_stalled(void **state)
{
    (void)state;
    open_run(COMMIT_ORDERED);
    f.config.line_count = 2; /* the other line keeps the run alive */
    f.config.open_lines = 2;
    fixture_restart(&f);
    quarantine(0);
    assert_int_equal(core_summary(f.core).lines_stalled, 1);
    expect_refusal(1, "its line stopped at job 0/0, which can");
    assert_true(give_up(0)->done);
    assert_non_null(strstr(f.answer.reason, "goes on when the run is resumed"));
    assert_true(give_up(0)->done);
    assert_non_null(strstr(f.answer.reason, "already"));
    uint32_t skips = 0;
    for (uint32_t i = 0; i < f.record_count; i++)
        skips += f.records[i].kind == RECORD_INPUT && f.records[i].input.kind == INPUT_SKIP;
    assert_int_equal(skips, 1);
    fixture_restart(&f);
    assert_int_equal(core_summary(f.core).lines_stalled, 0);
    run_to_the_end();
    assert_int_equal(outcome_of(0), OUTCOME_FAILED);
    fixture_close(&f);
}

static void test_what_cannot_be_skipped(void **state)
{
    (void)state;
    open_run(COMMIT_ORDERED);
    expect_refusal(8, "job 0/8 cannot be skipped: it is not created yet");
    expect_refusal(JOB_NUMBER_FINAL, "job 0/final cannot be skipped: it is not created yet");
    const struct user_command elsewhere = {.kind = COMMAND_SKIP, .job = {7, 0}};
    fixture_order(&f, &elsewhere);
    assert_false(f.answer.done);
    assert_non_null(strstr(f.answer.reason, "no such line"));
    fixture_hello(&f, 0, 1);
    fixture_do(&f, 0);
    expect_refusal(0, "it is committed already");
    fixture_close(&f);
}

/* The final job, too, and all of a line's: it has no champion then, and no final job. */
static void test_last_and_all(void **state)
{
    (void)state;
    fixture_open(&f, "random", 3, 3);
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    for (int i = 0; i < 20 && core_summary(f.core).commits < 3; i++)
        fixture_do(&f, 0);
    assert_true(give_up(JOB_NUMBER_FINAL)->done);
    assert_true(f.finished);
    assert_int_equal(outcome_of(JOB_NUMBER_FINAL), OUTCOME_FAILED);
    fixture_close(&f);
    fixture_open(&f, "random", 3, 3);
    fixture_start(&f);
    for (uint64_t job = 0; job < 3; job++)
        assert_true(give_up(job)->done);
    assert_true(f.finished);
    assert_int_equal(f.record_count, 6);
    fixture_close(&f);
}

/* The order of arrival is that of the ledger, skips included. */
static void test_arrival_mode_is_replayed(void **state)
{
    (void)state;
    open_run(COMMIT_ARRIVAL);
    fixture_hello(&f, 0, 2);
    fixture_do(&f, 0);
    assert_true(give_up(5)->done);
    assert_int_equal(outcome_of(5), OUTCOME_FAILED); /* at once: nobody has to be waited for */
    assert_true(give_up(3)->done);
    struct digest digest = core_digest(f.core);
    fixture_restart(&f);
    struct digest again = core_digest(f.core);
    assert_true(digest_equal(&digest, &again));
    run_to_the_end();
    fixture_close(&f);
}

/* A ledger whose commit contradicts the skip before it is not believed. */
static void test_a_skipped_job_has_no_result(void **state)
{
    (void)state;
    fixture_open(&f, "tournament", 60, 8);
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    fixture_do(&f, 0);
    fixture_do(&f, 0);
    fixture_settle(&f);
    struct ledger_record commit = f.records[0];
    assert_int_equal(commit.kind, RECORD_COMMIT);
    const struct ledger_record input = {
        .kind = RECORD_INPUT, .input = {.sequence = 1, .kind = INPUT_SKIP, .line = 0, .job = 0}};
    commit.commit.sequence = 2;
    struct error error = {""};
    struct core *core = core_create(&f.config, &error);
    assert_non_null(core);
    assert_int_equal(core_replay(core, &input, &error), 0);
    assert_int_equal(core_replay(core, &commit, &error), -1);
    assert_non_null(strstr(error.text, "job 0 was skipped"));
    core_destroy(&core);
    fixture_close(&f);
}

/* Its worker was told to let go of the result, and did not hear it. */
static void test_nobody_keeps_what_was_skipped(void **state)
{
    (void)state;
    open_run(COMMIT_ORDERED);
    fixture_hello(&f, 0, 8);
    struct lease lease;
    for (int i = 0; i < 4; i++)
        assert_true(fixture_take_lease(&f, 0, &lease));
    const struct result result = fixture_result(&lease);
    fixture_give(&f, 0, &result);
    assert_true(give_up(3)->done);
    f.mail_count = 0;
    const struct held held = {
        .lease = lease.key, .phase = HELD_FINISHED, .job_prefix = job_prefix(&result.job)};
    fixture_beat(&f, 0, 8, &held);
    assert_int_equal(fixture_last(&f, 0, MESSAGE_VERDICT)->verdict.kind, VERDICT_RELEASED);
    fixture_give(&f, 0, &result);
    assert_int_equal(fixture_last(&f, 0, MESSAGE_VERDICT)->verdict.kind, VERDICT_RELEASED);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_waiting_and_a_leased_job),
        cmocka_unit_test(test_a_held_job),
        cmocka_unit_test(test_every_life_has_the_skips),
        cmocka_unit_test(test_a_quarantined_job),
        cmocka_unit_test(test_a_job_where_its_line_stalled),
        cmocka_unit_test(test_what_cannot_be_skipped),
        cmocka_unit_test(test_last_and_all),
        cmocka_unit_test(test_arrival_mode_is_replayed),
        cmocka_unit_test(test_nobody_keeps_what_was_skipped),
        cmocka_unit_test(test_a_skipped_job_has_no_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
