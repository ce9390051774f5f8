/*
 * test_audits.c: jobs that are carried out a second time before their commit: which, by whom, and
 * who is believed.
 */
#include "core_fixture.h"

#include "coordinator/core/explain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct fixture f;

static void open_audited(double share, uint64_t jobs, uint32_t lookahead)
{
    fixture_open(&f, "random", jobs, lookahead);
    f.config.audit = share;
    fixture_start(&f);
}

enum truth { HONESTLY, WRONGLY };

/* Takes the worker's lease, which must be of that reason, and gives its result. */
static struct lease answer(uint32_t worker, enum lease_reason reason, enum truth truth)
{
    struct lease lease;
    assert_true(fixture_take_lease(&f, worker, &lease));
    assert_int_equal(lease.reason, reason);
    struct result result = fixture_result(&lease);
    if (truth == WRONGLY) {
        result.fitness += 1 + worker;
        result.metrics[0].value -= 1 + worker;
        result.child.bytes[7] ^= (uint8_t)(1 + worker);
    }
    fixture_give(&f, worker, &result);
    return lease;
}

static struct job_explanation ask(uint64_t job)
{
    struct job_explanation explained;
    core_explain_job(f.core, (struct job_key){0, job}, &explained);
    return explained;
}

static void test_another_worker_does_the_whole_job_again(void **state)
{
    (void)state;
    open_audited(1, 30, 1);
    fixture_hello(&f, 0, 1);
    fixture_hello(&f, 1, 1);
    struct lease first = answer(0, LEASE_FIRST, HONESTLY);
    assert_int_equal(core_summary(f.core).commits, 0);
    struct job_explanation job = ask(0);
    assert_int_equal(job.stage, JOB_IS_HELD);
    assert_int_equal(job.commit_wait, COMMIT_AUDIT);
    assert_int_equal(job.lease_count, 1);
    assert_int_equal(job.leases[0].reason, LEASE_AUDIT);
    struct lease audit = answer(1, LEASE_AUDIT, HONESTLY);
    assert_memory_equal(&audit.job, &first.job, sizeof first.job);
    assert_int_equal(core_summary(f.core).commits, 1);
    assert_int_equal(f.records[0].commit.attempts, 1);
    assert_int_equal(f.records[0].commit.opinions, 1);
    assert_int_equal(core_summary(f.core).audits, 1);
    assert_int_equal(core_summary(f.core).audits_agreed, 1);
    assert_int_equal(core_summary(f.core).audits_differed, 0);
    fixture_close(&f);
}

static struct digest run_to_the_end(double share, bool promising)
{
    fixture_open(&f, "tournament", 200, 8);
    f.config.audit = share;
    f.config.opinion_promising = promising;
    fixture_start(&f);
    for (uint32_t i = 0; i < 3; i++)
        fixture_hello(&f, i, 2);
    fixture_run(&f, 3);
    assert_true(f.finished);
    return core_digest(f.core);
}

static void test_the_digest_knows_nothing_of_audits(void **state)
{
    (void)state;
    struct digest plain = run_to_the_end(0, false);
    assert_int_equal(core_summary(f.core).audits, 0);
    fixture_close(&f);
    struct digest some = run_to_the_end(0.1, true);
    assert_memory_equal(&some, &plain, sizeof plain);
    struct core_summary summary = core_summary(f.core);
    assert_in_range(summary.audits, 8, 40); /* of 201 */
    assert_int_equal(summary.audits_agreed, summary.audits);
    fixture_close(&f);
    struct digest all = run_to_the_end(1, true);
    assert_memory_equal(&all, &plain, sizeof plain);
    assert_int_equal(core_summary(f.core).audits, 201);
    assert_int_equal(core_summary(f.core).opinions, 0); /* the audit serves as one */
    fixture_close(&f);
}

/* The same jobs whoever works, and after a restart. */
static void test_which_jobs_is_a_function_of_the_experiment(void **state)
{
    (void)state;
    bool audited[2][201] = {{false}};
    for (uint32_t round = 0; round < 2; round++) {
        open_audited(0.3, 200, 8);
        for (uint32_t i = 0; i <= round; i++)
            fixture_hello(&f, i, 2);
        fixture_run(&f, round + 1);
        assert_true(f.finished);
        for (uint32_t i = 0; i < 201; i++) {
            const struct commit_record *commit = &f.records[i].commit;
            audited[round][commit->job.key.job < 200 ? commit->job.key.job : 200] =
                commit->opinions > 0;
        }
        fixture_close(&f);
    }
    assert_memory_equal(audited[0], audited[1], sizeof audited[0]);
}

static void test_a_lone_worker_confirms_itself(void **state)
{
    (void)state;
    open_audited(1, 30, 1);
    fixture_hello(&f, 0, 2);
    struct lease first = answer(0, LEASE_FIRST, HONESTLY);
    struct result again = fixture_result(&first);
    fixture_give(&f, 0, &again); /* the same execution once more is no confirmation */
    assert_int_equal(core_summary(f.core).commits, 0);
    answer(0, LEASE_AUDIT, HONESTLY);
    assert_int_equal(core_summary(f.core).commits, 1);
    fixture_close(&f);
}

static void test_a_busy_worker_is_waited_for(void **state)
{
    (void)state;
    open_audited(1, 30, 2);
    fixture_hello(&f, 0, 1);
    fixture_hello(&f, 1, 1);
    struct lease busy, none;
    assert_true(fixture_take_lease(&f, 1, &busy));
    answer(0, LEASE_FIRST, HONESTLY);
    fixture_tick(&f, 50);
    assert_false(fixture_take_lease(&f, 0, &none)); /* the other one will do it */
    assert_int_equal(ask(busy.key.job.job == 0 ? 1 : 0).worker_wait, WAIT_OTHERS);
    struct result result = fixture_result(&busy);
    fixture_give(&f, 1, &result);
    answer(1, LEASE_AUDIT, HONESTLY);
    answer(0, LEASE_AUDIT, HONESTLY);
    assert_int_equal(core_summary(f.core).commits, 2);
    fixture_close(&f);
}

/* Workers 0, 1 and 2; the first one has given its result. Returns who audits it. */
static uint32_t open_three(struct lease *first, struct lease *audit, enum truth truth)
{
    open_audited(1, 30, 1);
    fixture_hello(&f, 0, 1);
    assert_true(fixture_take_lease(&f, 0, first));
    fixture_hello(&f, 1, 1);
    fixture_hello(&f, 2, 1);
    struct result result = fixture_result(first);
    if (truth == WRONGLY)
        result.child.bytes[3] ^= 1;
    fixture_give(&f, 0, &result);
    if (fixture_take_lease(&f, 1, audit))
        return 1;
    assert_true(fixture_take_lease(&f, 2, audit));
    return 2;
}

static void test_the_third_decides_for_the_first(void **state)
{
    (void)state;
    struct lease first, audit;
    uint32_t liar = open_three(&first, &audit, HONESTLY);
    struct result lie = fixture_result(&audit), honest = fixture_result(&first);
    lie.fitness = 2;
    fixture_give(&f, liar, &lie);
    assert_int_equal(f.notes[NOTE_OPINION_DIFFERS], 1);
    assert_int_equal(ask(0).contradictions, 1);
    assert_int_equal(core_summary(f.core).commits, 0);
    answer(3 - liar, LEASE_AUDIT, HONESTLY);
    assert_int_equal(core_summary(f.core).commits, 1);
    assert_int_equal(core_summary(f.core).audits_differed, 1);
    assert_memory_equal(&f.records[0].commit.child, &honest.child, sizeof honest.child);
    assert_string_equal(f.records[0].commit.worker, "w0");
    assert_int_equal(f.notes[NOTE_WORKER_BENCHED], 1);
    fixture_run(&f, 3);
    assert_true(f.finished);
    for (uint32_t i = 0; i < f.record_count; i++)
        assert_string_not_equal(f.records[i].commit.worker, liar == 1 ? "w1" : "w2");
    fixture_close(&f);
}

static void test_a_proven_liar_alone_gets_no_work(void **state)
{
    (void)state;
    struct lease first, audit, lease;
    uint32_t liar = open_three(&first, &audit, HONESTLY);
    struct result lie = fixture_result(&audit);
    lie.fitness = 2;
    fixture_give(&f, liar, &lie);
    answer(3 - liar, LEASE_AUDIT, HONESTLY);
    assert_int_equal(f.notes[NOTE_WORKER_BENCHED], 1);
    while (fixture_take_lease(&f, liar, &lease))
        ;
    const struct message goodbye = {.kind = MESSAGE_GOODBYE, .epoch = f.config.epoch};
    fixture_say(&f, 0, &goodbye);
    fixture_say(&f, 3 - liar, &goodbye);
    fixture_beat(&f, liar, 1, NULL);
    assert_false(fixture_take_lease(&f, liar, &lease));
    fixture_hello(&f, 4, 1);
    assert_true(fixture_take_lease(&f, 4, &lease));
    fixture_close(&f);
}

static void test_the_majority_takes_the_place_of_a_lie(void **state)
{
    (void)state;
    struct lease first, audit;
    uint32_t one = open_three(&first, &audit, WRONGLY);
    struct result result = fixture_result(&audit), honest = fixture_result(&first);
    fixture_give(&f, one, &result);
    assert_int_equal(ask(0).contradictions, 1);
    answer(3 - one, LEASE_AUDIT, HONESTLY);
    assert_int_equal(core_summary(f.core).commits, 1);
    assert_memory_equal(&f.records[0].commit.child, &honest.child, sizeof honest.child);
    assert_memory_equal(&f.pulled, &honest.child, sizeof honest.child);
    struct instance_id honest_one = fixture_worker(3 - one);
    assert_memory_equal(&f.pulled_from, &honest_one, sizeof honest_one);
    assert_int_equal(f.notes[NOTE_WORKER_BENCHED], 1);
    assert_int_equal(fixture_last(&f, 0, MESSAGE_VERDICT)->verdict.kind, VERDICT_RELEASED);
    fixture_run(&f, 3);
    assert_true(f.finished);
    for (uint32_t i = 0; i < f.record_count; i++)
        assert_string_not_equal(f.records[i].commit.worker, "w0");
    fixture_close(&f);
}

/* Each field by itself is enough. */
static void test_every_field_counts(void **state)
{
    (void)state;
    static const uint8_t detail[] = {1, 2, 3};
    for (uint32_t field = 0; field < 7; field++) {
        open_audited(1, 30, 1);
        fixture_hello(&f, 0, 1);
        fixture_hello(&f, 1, 1);
        answer(0, LEASE_FIRST, HONESTLY);
        struct lease audit;
        assert_true(fixture_take_lease(&f, 1, &audit));
        struct result result = fixture_result(&audit);
        switch (field) {
        case 0:
            result.fitness += 1e-15;
            break;
        case 1:
            result.metrics[0].value += 1e-15;
            break;
        case 2:
            result.metrics[0].id = METRIC_SELECT_ACCURACY;
            break;
        case 3:
            result.metric_count = 0;
            break;
        case 4:
            result.child.bytes[31] ^= 1;
            break;
        case 5:
            result.steps++;
            break;
        default:
            result.detail = detail;
            result.detail_bytes = sizeof detail;
            break;
        }
        fixture_give(&f, 1, &result);
        assert_int_equal(core_summary(f.core).commits, 0);
        assert_int_equal(core_summary(f.core).audits_differed, 1);
        fixture_close(&f);
    }
}

static void test_two_that_never_agree_stop_the_line(void **state)
{
    (void)state;
    open_audited(1, 30, 1);
    f.config.poison_fails = true;
    fixture_hello(&f, 0, 1);
    fixture_hello(&f, 1, 1);
    answer(0, LEASE_FIRST, WRONGLY);
    for (uint32_t round = 0; round < 20 && !f.finished; round++) {
        /* Each says the same again, and each something else than the other. */
        answer(1, LEASE_AUDIT, WRONGLY);
        if (!f.finished)
            answer(0, LEASE_AUDIT, WRONGLY);
    }
    assert_true(f.finished);
    assert_int_equal(f.finish, FINISH_POISONED);
    assert_int_equal(f.notes[NOTE_JOB_QUARANTINED], 1);
    assert_int_equal(f.record_count, 0);
    fixture_close(&f);
}

static void test_who_contradicts_itself_is_no_witness(void **state)
{
    (void)state;
    open_audited(1, 30, 1);
    fixture_hello(&f, 0, 1);
    fixture_hello(&f, 1, 1);
    answer(0, LEASE_FIRST, HONESTLY);
    answer(1, LEASE_AUDIT, WRONGLY);
    answer(0, LEASE_AUDIT, HONESTLY);
    assert_int_equal(f.notes[NOTE_WORKER_BENCHED], 0);
    struct lease lease;
    assert_true(fixture_take_lease(&f, 1, &lease));
    struct result result = fixture_result(&lease);
    result.fitness = 77; /* something else than before */
    fixture_give(&f, 1, &result);
    assert_int_equal(f.notes[NOTE_WORKER_BENCHED], 1);
    answer(0, LEASE_AUDIT, HONESTLY);
    assert_int_equal(core_summary(f.core).commits, 1);
    fixture_close(&f);
}

static void die(uint32_t worker, const struct lease *lease)
{
    struct message message = {.kind = MESSAGE_DEATH, .epoch = f.config.epoch};
    message.death = (struct death){.exit_code = -1, .signal = 11, .lease_count = 1};
    message.death.leases[0] = lease->key;
    fixture_say(&f, worker, &message);
}

static void test_an_audit_that_dies_or_leaves_goes_elsewhere(void **state)
{
    (void)state;
    open_audited(1, 30, 1);
    fixture_hello(&f, 0, 1);
    fixture_hello(&f, 1, 1);
    answer(0, LEASE_FIRST, HONESTLY);
    struct lease lease;
    assert_true(fixture_take_lease(&f, 1, &lease));
    die(1, &lease);
    assert_true(fixture_take_lease(&f, 1, &lease)); /* again: its result's worker comes last */
    assert_int_equal(lease.reason, LEASE_AUDIT);
    fixture_hello(&f, 2, 1);
    struct message goodbye = {.kind = MESSAGE_GOODBYE, .epoch = f.config.epoch};
    fixture_say(&f, 1, &goodbye);
    answer(2, LEASE_AUDIT, HONESTLY);
    assert_int_equal(core_summary(f.core).commits, 1);
    assert_int_equal(f.notes[NOTE_JOB_QUARANTINED], 0);
    fixture_close(&f);
}

static void test_the_bytes_come_from_the_auditor_when_the_holder_has_gone(void **state)
{
    (void)state;
    open_audited(1, 30, 1);
    f.hold_pulls = true;
    fixture_hello(&f, 0, 1);
    fixture_hello(&f, 1, 1);
    answer(0, LEASE_FIRST, HONESTLY);
    struct message goodbye = {.kind = MESSAGE_GOODBYE, .epoch = f.config.epoch};
    fixture_say(&f, 0, &goodbye);
    assert_int_equal(f.pull_count, 0); /* nothing is fetched before it is confirmed */
    answer(1, LEASE_AUDIT, HONESTLY);
    assert_int_equal(f.pull_count, 1);
    struct instance_id auditor = fixture_worker(1);
    assert_memory_equal(&f.pulled_from, &auditor, sizeof auditor);
    assert_int_equal(fixture_last(&f, 1, MESSAGE_VERDICT)->verdict.kind, VERDICT_HELD);
    fixture_close(&f);
}

static void test_an_audit_stays_in_its_numeric_class(void **state)
{
    (void)state;
    fixture_open(&f, "random", 30, 1);
    f.config.audit = 1;
    f.config.mode = COMMIT_ARRIVAL;
    f.config.numeric[0] = '\0';
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    fixture_hello_as(&f, 1, 1, "cuda-sm90");
    struct lease lease;
    uint32_t first = fixture_take_lease(&f, 0, &lease) ? 0 : 1;
    if (first == 1)
        assert_true(fixture_take_lease(&f, 1, &lease));
    struct result result = fixture_result(&lease);
    fixture_give(&f, first, &result);
    assert_false(fixture_take_lease(&f, 1 - first, &lease));
    assert_true(fixture_take_lease(&f, first, &lease)); /* alone in its class */
    assert_int_equal(lease.reason, LEASE_AUDIT);
    /* Its class goes with it: the job is done anew in the other one. */
    struct message goodbye = {.kind = MESSAGE_GOODBYE, .epoch = f.config.epoch};
    fixture_say(&f, first, &goodbye);
    answer(1 - first, LEASE_RETRY, HONESTLY);
    answer(1 - first, LEASE_AUDIT, HONESTLY);
    assert_int_equal(core_summary(f.core).commits, 1);
    fixture_close(&f);
}

static void test_a_late_result_of_another_serves_as_the_audit(void **state)
{
    (void)state;
    open_audited(1, 30, 1);
    fixture_hello(&f, 0, 1);
    struct lease lease;
    assert_true(fixture_take_lease(&f, 0, &lease));
    struct result result = fixture_result(&lease);
    fixture_give(&f, 0, &result);
    fixture_hello(&f, 1, 0); /* takes no work, but has this result from an earlier life */
    result.lease.epoch = 0;
    result.lease.attempt = 9;
    fixture_give(&f, 1, &result);
    assert_int_equal(core_summary(f.core).commits, 1);
    assert_int_equal(core_summary(f.core).audits_agreed, 1);
    fixture_close(&f);
}

static void test_after_a_restart_the_audit_is_asked_for_again(void **state)
{
    (void)state;
    open_audited(1, 30, 2);
    fixture_hello(&f, 0, 2);
    fixture_hello(&f, 1, 2);
    fixture_run(&f, 2);
    assert_true(f.finished);
    struct digest digest = core_digest(f.core);
    fixture_close(&f);
    open_audited(1, 30, 2);
    fixture_hello(&f, 0, 2);
    fixture_hello(&f, 1, 2);
    struct lease lease;
    assert_true(fixture_take_lease(&f, 0, &lease));
    struct result result = fixture_result(&lease);
    fixture_give(&f, 0, &result);
    fixture_restart(&f);
    fixture_hello(&f, 0, 2);
    fixture_give(&f, 0, &result); /* from its spool */
    assert_int_equal(core_summary(f.core).commits, 0);
    fixture_hello(&f, 1, 2);
    fixture_tick(&f, 2000);
    fixture_run(&f, 2);
    assert_true(f.finished);
    struct digest again = core_digest(f.core);
    assert_memory_equal(&again, &digest, sizeof digest);
    fixture_close(&f);
}

/* Workers 0 and 1 would audit one another, and have no room; worker 2 has, and another class. */
static void test_who_has_room_may_be_of_another_class(void **state)
{
    (void)state;
    enum { EACH = 3 };
    fixture_open(&f, "random", 100, 2 * EACH);
    f.config.mode = COMMIT_ARRIVAL;
    f.config.audit = 1;
    f.config.numeric[0] = '\0';
    f.config.suspect_ms = f.config.lost_ms = 1000000000;
    fixture_start(&f);
    struct lease leases[2][EACH];
    for (uint32_t worker = 0; worker < 2; worker++) {
        fixture_hello_as(&f, worker, EACH, "x");
        for (uint32_t i = 0; i < EACH; i++)
            assert_true(fixture_take_lease(&f, worker, &leases[worker][i]));
    }
    for (uint32_t worker = 0; worker < 2; worker++) {
        fixture_beat(&f, worker, 0, NULL);
        for (uint32_t i = 0; i < EACH; i++) {
            struct result result = fixture_result(&leases[worker][i]);
            fixture_give(&f, worker, &result);
        }
    }
    fixture_hello_as(&f, 2, 1, "y");
    for (int i = 0; i < 100 && fixture_count(&f, 2, MESSAGE_LEASE) == 0; i++)
        fixture_tick(&f, 1000);
    assert_int_equal(f.notes[NOTE_RESULT_DROPPED], 1);
    answer(2, LEASE_RETRY, HONESTLY);
    answer(2, LEASE_AUDIT, HONESTLY);
    assert_int_equal(core_summary(f.core).commits, 1);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_another_worker_does_the_whole_job_again),
        cmocka_unit_test(test_the_digest_knows_nothing_of_audits),
        cmocka_unit_test(test_which_jobs_is_a_function_of_the_experiment),
        cmocka_unit_test(test_a_lone_worker_confirms_itself),
        cmocka_unit_test(test_a_busy_worker_is_waited_for),
        cmocka_unit_test(test_who_has_room_may_be_of_another_class),
        cmocka_unit_test(test_the_third_decides_for_the_first),
        cmocka_unit_test(test_a_proven_liar_alone_gets_no_work),
        cmocka_unit_test(test_the_majority_takes_the_place_of_a_lie),
        cmocka_unit_test(test_every_field_counts),
        cmocka_unit_test(test_two_that_never_agree_stop_the_line),
        cmocka_unit_test(test_who_contradicts_itself_is_no_witness),
        cmocka_unit_test(test_an_audit_that_dies_or_leaves_goes_elsewhere),
        cmocka_unit_test(test_the_bytes_come_from_the_auditor_when_the_holder_has_gone),
        cmocka_unit_test(test_an_audit_stays_in_its_numeric_class),
        cmocka_unit_test(test_a_late_result_of_another_serves_as_the_audit),
        cmocka_unit_test(test_after_a_restart_the_audit_is_asked_for_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
