/* test_core.c: the coordinator's core, rule by rule. */
#include "core_fixture.h"

#include "common/version.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct fixture f;

static struct digest run_to_end(const char *strategy, uint32_t workers, uint32_t capacity)
{
    fixture_open(&f, strategy, 60, 5);
    fixture_start(&f);
    for (uint32_t i = 0; i < workers; i++)
        fixture_hello(&f, i, capacity);
    fixture_run(&f, workers);
    assert_true(f.finished);
    assert_int_equal(f.finish, FINISH_DONE);
    assert_int_equal(f.record_count, 61);
    struct digest digest = core_digest(f.core);
    fixture_close(&f);
    return digest;
}

static void test_the_digest_does_not_depend_on_the_workers(void **state)
{
    (void)state;
    const char *const names[] = {"ratchet", "tournament", "random"};
    for (int i = 0; i < 3; i++) {
        struct digest one = run_to_end(names[i], 1, 1);
        struct digest many = run_to_end(names[i], 4, 3);
        struct digest odd = run_to_end(names[i], 3, 1);
        assert_true(digest_equal(&one, &many));
        assert_true(digest_equal(&one, &odd));
    }
    struct digest a = run_to_end("ratchet", 1, 1), b = run_to_end("random", 1, 1);
    assert_false(digest_equal(&a, &b));
}

static void test_jobs_are_created_by_commits_and_by_nothing_else(void **state)
{
    (void)state;
    fixture_open(&f, "random", 100, 4);
    fixture_start(&f);
    assert_int_equal(core_summary(f.core).created, 4);
    for (uint32_t i = 0; i < 8; i++)
        fixture_hello(&f, i, 1);
    assert_int_equal(core_summary(f.core).created, 4);
    struct lease lease[4];
    for (uint32_t i = 0; i < 4; i++)
        assert_true(fixture_take_lease(&f, i, &lease[i]));
    for (uint32_t i = 1; i < 4; i++) { /* all but the oldest: nothing may be committed */
        struct result result = fixture_result(&lease[i]);
        fixture_give(&f, i, &result);
    }
    assert_int_equal(core_summary(f.core).commits, 0);
    assert_int_equal(core_summary(f.core).created, 4);
    struct result result = fixture_result(&lease[0]);
    fixture_give(&f, 0, &result);
    assert_int_equal(core_summary(f.core).commits, 4);
    assert_int_equal(core_summary(f.core).created, 8);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(f.records[i].commit.job.key.job, i);
    fixture_close(&f);
}

static void test_arrival_mode_commits_as_results_come(void **state)
{
    (void)state;
    fixture_open(&f, "random", 8, 4);
    f.config.mode = COMMIT_ARRIVAL;
    fixture_start(&f);
    for (uint32_t i = 0; i < 4; i++)
        fixture_hello(&f, i, 1);
    for (uint32_t i = 4; i-- > 0;) {
        fixture_do(&f, i);
        assert_int_equal(f.records[3 - i].commit.job.key.job, i);
    }
    fixture_run(&f, 4);
    assert_true(f.finished);
    struct digest digest = core_digest(f.core);
    fixture_restart(&f);
    struct digest again = core_digest(f.core);
    assert_true(digest_equal(&digest, &again));
    assert_true(f.finished);
    fixture_close(&f);
}

static void test_replay_gives_the_state_of_every_prefix(void **state)
{
    (void)state;
    struct digest want = run_to_end("tournament", 2, 2);
    for (uint32_t stop = 0; stop <= 60; stop += 7) {
        fixture_open(&f, "tournament", 60, 5);
        fixture_start(&f);
        fixture_hello(&f, 0, 3);
        struct lease lease;
        while (f.record_count < stop && fixture_take_lease(&f, 0, &lease)) {
            struct result result = fixture_result(&lease);
            fixture_give(&f, 0, &result);
        }
        struct digest before = core_digest(f.core);
        fixture_restart(&f);
        struct digest after = core_digest(f.core);
        assert_true(digest_equal(&before, &after));
        fixture_tick(&f, f.config.reattach_ms);
        fixture_hello(&f, 1, 2);
        fixture_run(&f, 2);
        struct digest end = core_digest(f.core);
        assert_true(digest_equal(&end, &want));
        fixture_close(&f);
    }
}

static void test_a_damaged_record_is_named(void **state)
{
    (void)state;
    fixture_open(&f, "ratchet", 10, 2);
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    fixture_run(&f, 1);
    core_destroy(&f.core);
    struct error error;
    struct ledger_record good = f.records[3];
    struct {
        const char *text;
        void *at;
    } damage[] = {
        {"commit 4: chain", &f.records[3].commit.fitness},
        {"commit 4: description", &f.records[3].commit.description},
        {"commit 4: admitted", &f.records[3].commit.admitted},
    };
    for (int i = 0; i < 3; i++) {
        f.records[3] = good;
        *(unsigned char *)damage[i].at ^= 1;
        f.core = core_create(&f.config, &error);
        for (uint32_t j = 0; j < 3; j++)
            assert_int_equal(core_replay(f.core, &f.records[j], &error), 0);
        assert_int_not_equal(core_replay(f.core, &f.records[3], &error), 0);
        assert_non_null(strstr(error.text, damage[i].text));
        core_destroy(&f.core);
    }
}

static void test_a_larger_budget_gives_what_a_straight_run_gives(void **state)
{
    (void)state;
    fixture_open(&f, "tournament", 60, 5);
    f.config.line_count = 3;
    f.config.open_lines = 1;
    fixture_start(&f);
    fixture_hello(&f, 0, 2);
    fixture_run(&f, 1);
    assert_true(f.finished);
    struct digest straight = core_digest(f.core);
    fixture_close(&f);

    fixture_open(&f, "tournament", 23, 5);
    f.config.line_count = 3;
    f.config.open_lines = 1;
    fixture_start(&f);
    fixture_hello(&f, 0, 2);
    fixture_run(&f, 1);
    assert_true(f.finished);
    f.line.jobs = 60;
    fixture_restart(&f);
    fixture_tick(&f, f.config.reattach_ms);
    fixture_hello(&f, 0, 2);
    fixture_run(&f, 1);
    assert_true(f.finished);
    struct digest extended = core_digest(f.core);
    assert_true(digest_equal(&straight, &extended));
    fixture_close(&f);
}

static void test_strangers_are_refused_with_the_reason(void **state)
{
    (void)state;
    fixture_open(&f, "random", 8, 4);
    snprintf(f.config.numeric, sizeof f.config.numeric, "native-x");
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    const struct message *refused = fixture_last(&f, 0, MESSAGE_REFUSED);
    assert_non_null(refused);
    assert_int_equal(refused->refused.code, REFUSED_NUMERIC);
    assert_int_equal(core_summary(f.core).workers, 0);

    struct message message = {.kind = MESSAGE_HELLO};
    snprintf(message.hello.engine_version, sizeof message.hello.engine_version, "0.0.0");
    message.hello.instance = fixture_worker(1);
    fixture_say(&f, 1, &message);
    assert_int_equal(fixture_last(&f, 1, MESSAGE_REFUSED)->refused.code, REFUSED_VERSION);

    fixture_beat(&f, 2, 1, NULL);
    assert_int_equal(fixture_count(&f, 2, MESSAGE_REJOIN), 1);
    fixture_close(&f);
}

static void test_silence_makes_suspect_then_lost_and_work_goes_on(void **state)
{
    (void)state;
    fixture_open(&f, "random", 3, 1);
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    struct lease lost;
    assert_true(fixture_take_lease(&f, 0, &lost));
    for (int i = 0; i < 12; i++)
        fixture_tick(&f, 500);
    assert_int_equal(f.notes[NOTE_WORKER_SUSPECT], 1);
    assert_int_equal(core_summary(f.core).suspects, 1);
    fixture_hello(&f, 1, 1);
    assert_int_equal(fixture_count(&f, 1, MESSAGE_LEASE), 0);
    for (int i = 0; i < 20; i++) {
        fixture_tick(&f, 500);
        fixture_beat(&f, 1, 1, NULL);
    }
    assert_int_equal(f.notes[NOTE_WORKER_LOST], 1);
    struct lease again;
    assert_true(fixture_take_lease(&f, 1, &again));
    assert_int_equal(again.reason, LEASE_RETRY);
    assert_true(again.key.attempt > lost.key.attempt);

    /* The one who was silent comes back with the result: a late first result is welcome. */
    fixture_hello(&f, 0, 1);
    struct result result = fixture_result(&lost);
    fixture_give(&f, 0, &result);
    assert_int_equal(core_summary(f.core).commits, 1);
    const struct message *verdict = fixture_last(&f, 1, MESSAGE_VERDICT);
    assert_non_null(verdict); /* and the other one is told to stop */
    assert_int_equal(verdict->verdict.kind, VERDICT_RELEASED);
    struct result twice = fixture_result(&again);
    fixture_give(&f, 1, &twice);
    assert_int_equal(core_summary(f.core).commits, 1);
    fixture_close(&f);
}

static void test_all_silent_workers_are_suspect_at_once(void **state)
{
    (void)state;
    fixture_open(&f, "random", 3, 1);
    f.config.sessions_max = 200;
    fixture_start(&f);
    for (uint32_t i = 0; i < 150; i++)
        fixture_hello(&f, i, 1);
    for (int i = 0; i < 12; i++)
        fixture_tick(&f, 500);
    fixture_settle(&f);
    assert_int_equal(core_summary(f.core).suspects, 150);
    fixture_close(&f);
}

static void test_a_stopped_coordinator_blames_nobody(void **state)
{
    (void)state;
    fixture_open(&f, "random", 3, 1);
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    fixture_tick(&f, 3600 * 1000);
    assert_int_equal(f.notes[NOTE_WORKER_LOST] + f.notes[NOTE_WORKER_SUSPECT], 0);
    fixture_close(&f);
}

static void test_a_lease_that_did_not_arrive_is_given_again(void **state)
{
    (void)state;
    fixture_open(&f, "random", 3, 1);
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    struct lease lease;
    assert_true(fixture_take_lease(&f, 0, &lease));
    fixture_tick(&f, 500);
    fixture_beat(&f, 0, 1, NULL); /* too early to tell */
    assert_int_equal(fixture_count(&f, 0, MESSAGE_LEASE), 0);
    fixture_tick(&f, f.config.confirm_ms);
    struct held held = {lease.key, 0, HELD_RUNNING};
    struct digest description = job_digest(&lease.job);
    held.job_prefix = job_prefix(&description);
    fixture_beat(&f, 0, 1, &held); /* it is there */
    assert_int_equal(fixture_count(&f, 0, MESSAGE_LEASE), 0);
    fixture_beat(&f, 0, 1, NULL); /* and now it is not */
    assert_int_equal(fixture_count(&f, 0, MESSAGE_LEASE), 1);
    fixture_close(&f);
}

static void test_after_a_restart_running_jobs_are_claimed(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 2);
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    struct lease lease;
    assert_true(fixture_take_lease(&f, 0, &lease));
    fixture_restart(&f);
    fixture_hello(&f, 1, 4);
    assert_int_equal(fixture_count(&f, 1, MESSAGE_LEASE), 0); /* claims come first */
    fixture_hello(&f, 0, 1);
    struct digest description = job_digest(&lease.job);
    struct held held = {lease.key, job_prefix(&description), HELD_RUNNING};
    fixture_beat(&f, 0, 1, &held);
    fixture_tick(&f, f.config.reattach_ms);
    assert_int_equal(fixture_count(&f, 1, MESSAGE_LEASE), 1); /* only the other one */
    assert_int_equal(fixture_count(&f, 0, MESSAGE_LEASE), 0);
    struct result result = fixture_result(&lease);
    fixture_give(&f, 0, &result);
    assert_int_equal(core_summary(f.core).commits, 1);
    fixture_close(&f);
}

static void test_an_answer_to_another_question_is_stale(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 2);
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    struct lease lease;
    assert_true(fixture_take_lease(&f, 0, &lease));
    struct result result = fixture_result(&lease);
    result.job.bytes[0] ^= 1;
    fixture_give(&f, 0, &result);
    assert_int_equal(core_summary(f.core).commits, 0);
    assert_int_equal(core_summary(f.core).results_stale, 1);
    result = fixture_result(&lease);
    result.lease.job.job = 25;
    fixture_give(&f, 0, &result);
    assert_int_equal(fixture_last(&f, 0, MESSAGE_VERDICT)->verdict.kind, VERDICT_LATER);
    fixture_close(&f);
}

static void test_an_admitted_child_commits_when_its_bytes_are_there(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 1);
    f.hold_pulls = true;
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    fixture_do(&f, 0);
    assert_int_equal(f.pull_count, 1);
    assert_int_equal(core_summary(f.core).commits, 0);
    struct core_event gone = {.kind = CORE_BLOB_UNAVAILABLE, .now_ms = f.now};
    gone.blob.from = f.pulled_from;
    gone.blob.digest = f.pulled;
    fixture_step(&f, &gone);
    fixture_settle(&f);
    fixture_do(&f, 0); /* it has to be made once more */
    assert_int_equal(f.pull_count, 2);
    struct core_event stored = {.kind = CORE_BLOB_STORED, .now_ms = f.now};
    stored.blob.digest = f.pulled;
    fixture_step(&f, &stored);
    fixture_settle(&f);
    assert_int_equal(core_summary(f.core).commits, 1);
    assert_true(core_needs_blob(f.core, &f.pulled));
    fixture_close(&f);
}

/* Children that were wanted when they came and are not at their turn: their pulls do not pile up.
 */
static void test_pulls_for_what_is_no_longer_wanted_are_called_off(void **state)
{
    (void)state;
    enum { LOOKAHEAD = 16, ROUNDS = 60 };
    fixture_open(&f, "random", LOOKAHEAD * (ROUNDS + 1), LOOKAHEAD);
    f.hold_pulls = true;
    fixture_start(&f);
    fixture_hello(&f, 0, LOOKAHEAD);
    for (int round = 0; round < ROUNDS; round++) {
        struct lease first, lease;
        assert_true(fixture_take_lease(&f, 0, &first));
        for (int i = 1; i < LOOKAHEAD; i++) {
            assert_true(fixture_take_lease(&f, 0, &lease));
            struct result result = fixture_result(&lease);
            result.fitness = 2 * round + 2; /* better than the champion so far */
            fixture_give(&f, 0, &result);
        }
        struct result best = fixture_result(&first);
        best.fitness = 2 * round + 3;
        fixture_give(&f, 0, &best);
        struct core_event stored = {.kind = CORE_BLOB_STORED, .now_ms = f.now};
        stored.blob.digest = best.child;
        fixture_step(&f, &stored);
        fixture_settle(&f);
        assert_int_equal(core_summary(f.core).commits, LOOKAHEAD * (round + 1));
        assert_int_equal(f.cancel_count, (LOOKAHEAD - 1) * (round + 1));
        f.record_count = 0; /* the fixture's tables are not the core's */
    }
    fixture_close(&f);
}

static void test_what_nobody_refers_to_is_dropped(void **state)
{
    (void)state;
    fixture_open(&f, "random", 200, 4);
    fixture_start(&f);
    fixture_hello(&f, 0, 4);
    fixture_run(&f, 1);
    assert_true(f.finished);
    uint32_t admitted = 0;
    const struct commit_record *last = NULL;
    for (uint32_t i = 0; i < f.record_count; i++)
        if (f.records[i].commit.admitted) {
            admitted++;
            last = &f.records[i].commit;
        }
    assert_true(admitted > 2);
    assert_true(core_needs_blob(f.core, &last->child));
    assert_true(f.drop_count >= admitted - 1);
    for (uint32_t i = 0; i < f.drop_count; i++)
        assert_false(core_needs_blob(f.core, &f.drops[i]));
    fixture_close(&f);
}

static void test_nan_is_a_result_and_never_a_winner(void **state)
{
    (void)state;
    fixture_open(&f, "ratchet", 4, 1);
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    struct lease lease;
    assert_true(fixture_take_lease(&f, 0, &lease));
    struct result result = fixture_result(&lease);
    result.fitness = INFINITY;
    fixture_give(&f, 0, &result);
    assert_int_equal(f.records[0].commit.outcome, OUTCOME_DIVERGED);
    assert_true(isnan(f.records[0].commit.fitness));
    assert_false(f.records[0].commit.admitted);
    fixture_run(&f, 1);
    assert_true(f.finished);
    fixture_close(&f);
}

/* Which NaN it is depends on the order of operations, hence on the machine: no digest may see it.
 */
static void test_every_nan_has_the_same_bits(void **state)
{
    (void)state;
    struct digest digest[2];
    for (int i = 0; i < 2; i++) {
        fixture_open(&f, "ratchet", 4, 1);
        fixture_start(&f);
        fixture_hello(&f, 0, 1);
        struct lease lease;
        assert_true(fixture_take_lease(&f, 0, &lease));
        struct result result = fixture_result(&lease);
        result.outcome = OUTCOME_DIVERGED;
        result.child_bytes = 0;
        uint64_t bits = i == 0 ? UINT64_C(0x7ff8000000000000) : UINT64_C(0xfff8000000000123);
        memcpy(&result.fitness, &bits, sizeof bits);
        memcpy(&result.metrics[0].value, &bits, sizeof bits);
        fixture_give(&f, 0, &result);
        assert_int_equal(f.record_count, 1);
        digest[i] = core_digest(f.core);
        fixture_close(&f);
    }
    assert_true(digest_equal(&digest[0], &digest[1]));
}

static void test_a_stop_is_an_input_and_is_replayed(void **state)
{
    (void)state;
    fixture_open(&f, "tournament", 1000, 6);
    f.config.line_count = 5;
    f.config.open_lines = 2;
    fixture_start(&f);
    fixture_hello(&f, 0, 2);
    for (int i = 0; i < 40; i++) {
        fixture_do(&f, 0);
    }
    fixture_step(&f, &(struct core_event){.kind = CORE_STOP_REQUESTED, .now_ms = f.now});
    fixture_settle(&f);
    fixture_run(&f, 1);
    assert_true(f.finished);
    assert_int_equal(f.finish, FINISH_DONE);
    assert_true(core_summary(f.core).commits < 60);
    uint32_t stops = 0;
    for (uint32_t i = 0; i < f.record_count; i++)
        stops += f.records[i].kind == RECORD_INPUT;
    assert_int_equal(stops, 5);
    struct digest digest = core_digest(f.core);
    fixture_restart(&f);
    struct digest again = core_digest(f.core);
    assert_true(digest_equal(&digest, &again));
    assert_true(f.finished);
    fixture_close(&f);
}

/* Without its stops a stopped run goes on and becomes the run that was never stopped. */
static void test_a_stop_can_be_lifted(void **state)
{
    (void)state;
    struct digest digest[2];
    for (int stopped = 0; stopped < 2; stopped++) {
        fixture_open(&f, "tournament", 50, 6);
        f.config.line_count = 4;
        f.config.open_lines = 2;
        fixture_start(&f);
        fixture_hello(&f, 0, 2);
        for (int i = 0; i < 40; i++)
            fixture_do(&f, 0);
        if (stopped == 1) {
            fixture_step(&f, &(struct core_event){.kind = CORE_STOP_REQUESTED, .now_ms = f.now});
            fixture_settle(&f);
            fixture_run(&f, 1);
            assert_true(f.finished);
            uint32_t kept = 0;
            for (uint32_t i = 0; i < f.record_count; i++)
                if (f.records[i].kind != RECORD_INPUT)
                    f.records[kept++] = f.records[i];
            f.record_count = kept;
            fixture_restart(&f);
            for (uint32_t i = 0; i < f.drop_count; i++)
                assert_false(core_needs_blob(f.core, &f.drops[i]));
            fixture_tick(&f, f.config.reattach_ms);
            fixture_hello(&f, 0, 2);
        }
        fixture_run(&f, 1);
        assert_true(f.finished);
        digest[stopped] = core_digest(f.core);
        fixture_close(&f);
    }
    assert_true(digest_equal(&digest[0], &digest[1]));
}

static void test_a_restarted_worker_with_the_same_home_frees_its_jobs_at_once(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 2);
    fixture_start(&f);
    fixture_hello(&f, 0, 2);
    assert_int_equal(fixture_count(&f, 0, MESSAGE_LEASE), 2);
    struct message message = {.kind = MESSAGE_HELLO};
    struct hello *hello = &message.hello;
    snprintf(hello->engine_version, sizeof hello->engine_version, "%s", RATCHET_VERSION);
    hello->instance = fixture_worker(9);
    hello->home = (struct home_id){{2, 0}};
    hello->slots = 2;
    hello->numeric_count = 1;
    snprintf(hello->numeric[0], sizeof hello->numeric[0], "portable");
    hello->beat.capacity = 2;
    fixture_say(&f, 9, &message);
    assert_int_equal(core_summary(f.core).workers, 1);
    assert_int_equal(fixture_count(&f, 9, MESSAGE_LEASE), 2);
    fixture_close(&f);
}

static void test_the_final_job_evaluates_the_champion_on_test(void **state)
{
    (void)state;
    fixture_open(&f, "ratchet", 20, 1);
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    fixture_run(&f, 1);
    const struct commit_record *final = &f.records[f.record_count - 1].commit;
    assert_true(final->job.key.job == JOB_NUMBER_FINAL);
    assert_int_equal(final->job.kind, JOB_EVALUATE);
    assert_true(final->job.slices & SLICE_TEST);
    struct core_summary summary = core_summary(f.core);
    assert_true(final->parent_ids[0].job == summary.champion.job);
    assert_true(final->fitness == summary.champion_fitness);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_digest_does_not_depend_on_the_workers),
        cmocka_unit_test(test_jobs_are_created_by_commits_and_by_nothing_else),
        cmocka_unit_test(test_arrival_mode_commits_as_results_come),
        cmocka_unit_test(test_replay_gives_the_state_of_every_prefix),
        cmocka_unit_test(test_a_damaged_record_is_named),
        cmocka_unit_test(test_a_larger_budget_gives_what_a_straight_run_gives),
        cmocka_unit_test(test_strangers_are_refused_with_the_reason),
        cmocka_unit_test(test_silence_makes_suspect_then_lost_and_work_goes_on),
        cmocka_unit_test(test_all_silent_workers_are_suspect_at_once),
        cmocka_unit_test(test_a_stopped_coordinator_blames_nobody),
        cmocka_unit_test(test_a_lease_that_did_not_arrive_is_given_again),
        cmocka_unit_test(test_after_a_restart_running_jobs_are_claimed),
        cmocka_unit_test(test_an_answer_to_another_question_is_stale),
        cmocka_unit_test(test_an_admitted_child_commits_when_its_bytes_are_there),
        cmocka_unit_test(test_pulls_for_what_is_no_longer_wanted_are_called_off),
        cmocka_unit_test(test_what_nobody_refers_to_is_dropped),
        cmocka_unit_test(test_nan_is_a_result_and_never_a_winner),
        cmocka_unit_test(test_every_nan_has_the_same_bits),
        cmocka_unit_test(test_a_stop_is_an_input_and_is_replayed),
        cmocka_unit_test(test_a_stop_can_be_lifted),
        cmocka_unit_test(test_a_restarted_worker_with_the_same_home_frees_its_jobs_at_once),
        cmocka_unit_test(test_the_final_job_evaluates_the_champion_on_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
