/* test_jobs.c: what the core writes into a job: its spec, its data set, its operator. */
#include "core_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct fixture f;

static void test_every_kind_of_job_names_spec_and_data_set(void **state)
{
    (void)state;
    const struct digest spec = digest_of("spec", 4), data = digest_of("data", 4);
    fixture_open(&f, "ratchet", 2, 1);
    f.config.opinion_promising = true;
    f.line.spec = spec;
    f.line.data = data;
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    uint32_t mutations = 0, opinions = 0, finals = 0;
    struct lease lease;
    while (fixture_take_lease(&f, 0, &lease)) {
        assert_true(digest_equal(&lease.job.spec, &spec));
        assert_true(digest_equal(&lease.job.data, &data));
        mutations += lease.job.kind == JOB_MUTATE;
        opinions += lease.reason == LEASE_PROMISING;
        finals += lease.job.key.job == JOB_NUMBER_FINAL;
        struct result result = fixture_result(&lease);
        fixture_give(&f, 0, &result);
    }
    assert_true(f.finished);
    assert_int_equal(mutations, 2);
    assert_in_range(opinions, 1, 2);
    assert_int_equal(finals, 1);
    for (uint32_t i = 0; i < f.record_count; i++)
        assert_true(digest_equal(&f.records[i].commit.job.data, &data));
    fixture_close(&f);
}

static void test_a_run_on_another_data_set_is_not_replayed(void **state)
{
    (void)state;
    fixture_open(&f, "ratchet", 2, 1);
    f.line.data = digest_of("data", 4);
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    fixture_do(&f, 0);
    struct error error;
    core_destroy(&f.core);
    f.lines[0].data = digest_of("other", 5);
    f.core = core_create(&f.config, &error);
    assert_int_equal(core_replay(f.core, &f.records[0], &error), -1);
    assert_non_null(strstr(error.text, "commit 1: description"));
    core_destroy(&f.core);
}

/* The call of the first job, which has no parents. */
static struct operator_call founding_call(const struct operator_call *founder)
{
    fixture_open(&f, "ratchet", 3, 1);
    f.line.search.founder = *founder;
    fixture_start(&f);
    fixture_hello(&f, 0, 1);
    struct lease lease;
    assert_true(fixture_take_lease(&f, 0, &lease));
    assert_int_equal(lease.job.parent_count, 0);
    struct operator_call call = lease.job.call;
    struct result result = fixture_result(&lease);
    fixture_give(&f, 0, &result);
    assert_true(fixture_take_lease(&f, 0, &lease)); /* its child is the operator's own */
    assert_string_equal(lease.job.call.name, "noise");
    assert_int_equal(f.records[0].commit.operator_index, OPERATOR_INIT);
    fixture_close(&f);
    return call;
}

static void test_the_line_says_what_founds_it(void **state)
{
    (void)state;
    struct operator_call call = founding_call(&(struct operator_call){.name = ""});
    assert_string_equal(call.name, "init");
    assert_int_equal(call.param_count, 0);
    call = founding_call(
        &(struct operator_call){.name = "init.decay", .param_count = 1, .params = {0.25}});
    assert_string_equal(call.name, "init.decay");
    assert_int_equal(call.param_count, 1);
    assert_true(call.params[0] == 0.25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_of_job_names_spec_and_data_set),
        cmocka_unit_test(test_a_run_on_another_data_set_is_not_replayed),
        cmocka_unit_test(test_the_line_says_what_founds_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
