/*
 * test_job.c: names, the order of fitness, and the digest that names a job's description.
 *
 * The digest enters ledgers, so one is pinned by value: if that test fails, runs of earlier
 * versions can no longer be replayed, and the change needs a new "ratchet job" number.
 */
#include "proto/job.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

static void test_metrics_have_names(void **state)
{
    (void)state;
    assert_string_equal(metric_name(METRIC_TRAIN_LOSS), "train_loss");
    assert_string_equal(metric_name(METRIC_TRAIN_ACCURACY), "train_accuracy");
    assert_string_equal(metric_name(METRIC_SELECT_LOSS), "select_loss");
    assert_string_equal(metric_name(METRIC_SELECT_ACCURACY), "select_accuracy");
    assert_string_equal(metric_name(METRIC_CONFIRM_LOSS), "confirm_loss");
    assert_string_equal(metric_name(METRIC_CONFIRM_ACCURACY), "confirm_accuracy");
    assert_string_equal(metric_name(METRIC_TEST_LOSS), "test_loss");
    assert_string_equal(metric_name(METRIC_TEST_ACCURACY), "test_accuracy");
    assert_string_equal(metric_name(METRIC_UPDATES_LOST), "updates_lost");
    assert_null(metric_name(0));
    assert_null(metric_name(METRIC_LAST + 1));
    assert_null(metric_name(UINT32_MAX));
}

static void test_outcomes_have_names(void **state)
{
    (void)state;
    assert_string_equal(outcome_name(OUTCOME_OK), "ok");
    assert_string_equal(outcome_name(OUTCOME_DIVERGED), "diverged");
    assert_string_equal(outcome_name(OUTCOME_FAILED), "failed");
    assert_null(outcome_name(0));
    assert_null(outcome_name(OUTCOME_FAILED + 1));
}

static void test_keys_are_equal_when_all_parts_are(void **state)
{
    (void)state;
    const struct lease_key key = {.job = {.line = 1, .job = 2}, .epoch = 3, .attempt = 4};
    struct lease_key other = key;
    assert_true(lease_key_equal(key, other));
    other.job.line++;
    assert_false(lease_key_equal(key, other));
    assert_false(job_key_equal(key.job, other.job));
    other = key;
    other.job.job += UINT64_C(1) << 40;
    assert_false(lease_key_equal(key, other));
    assert_false(job_key_equal(key.job, other.job));
    other = key;
    other.epoch += UINT64_C(1) << 40;
    assert_false(lease_key_equal(key, other));
    assert_true(job_key_equal(key.job, other.job));
    other = key;
    other.attempt++;
    assert_false(lease_key_equal(key, other));
}

/* Ascending, so each is better than all before it; NaN is worse than minus infinity. */
static void test_fitness_is_a_total_order_with_nan_last(void **state)
{
    (void)state;
    const double ascending[] = {NAN, -INFINITY, -1e300, -1.0, 0.0, 5e-324, 1.0, 1e300, INFINITY};
    const size_t count = sizeof ascending / sizeof ascending[0];
    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b < count; b++)
            assert_int_equal(fitness_better(ascending[a], ascending[b]), a > b);
    assert_false(fitness_better(0.0, -0.0));
    assert_false(fitness_better(-0.0, 0.0));
    assert_false(fitness_better(-NAN, NAN));
}

static struct digest filled(uint8_t first)
{
    struct digest digest;
    for (size_t i = 0; i < DIGEST_BYTES; i++)
        digest.bytes[i] = (uint8_t)(first + i);
    return digest;
}

static struct job sample(void)
{
    struct job job = {
        .key = {.line = 3, .job = 41},
        .kind = JOB_MUTATE,
        .slices = SLICE_TRAIN | SLICE_SELECT,
        .seed = UINT64_C(0x0123456789abcdef),
        .stream = UINT64_C(0xfedcba9876543210),
        .spec = filled(0x10),
        .data = filled(0xC0),
        .call = {.name = "ablate", .param_count = 3, .params = {1.0, -0.0, 0.25}},
        .parent_count = 2,
        .parents = {filled(0x40), filled(0x80)},
    };
    return job;
}

static void test_the_digest_is_pinned(void **state)
{
    (void)state;
    struct job job = sample();
    struct digest digest = job_digest(&job);
    char hex[DIGEST_HEX_BYTES];
    digest_to_hex(&digest, hex);
    assert_string_equal(hex, "9e35b2095c5f9986546a8b874f756c2c02036987deada4ecfc751df5c92e2075");
}

static void change_line(struct job *job)
{
    job->key.line++;
}

static void change_job(struct job *job)
{
    job->key.job ^= UINT64_C(1) << 63;
}

static void change_kind(struct job *job)
{
    job->kind = JOB_EVALUATE;
}

static void change_slices(struct job *job)
{
    job->slices |= SLICE_TEST;
}

static void change_seed(struct job *job)
{
    job->seed ^= UINT64_C(1) << 63;
}

static void change_stream(struct job *job)
{
    job->stream ^= UINT64_C(1) << 63;
}

static void change_spec(struct job *job)
{
    job->spec.bytes[DIGEST_BYTES - 1] ^= 1;
}

static void change_data(struct job *job)
{
    job->data.bytes[0] ^= 1;
}

static void have_no_data(struct job *job)
{
    job->data = (struct digest){{0}};
}

static void swap_spec_and_data(struct job *job)
{
    struct digest spec = job->spec;
    job->spec = job->data;
    job->data = spec;
}

static void change_name(struct job *job)
{
    job->call.name[5] = 'f';
}

static void change_param_count(struct job *job)
{
    job->call.param_count--;
}

static void change_param_sign(struct job *job)
{
    job->call.params[1] = 0.0;
}

static void change_parent_count(struct job *job)
{
    job->parent_count--;
}

static void change_parent(struct job *job)
{
    job->parents[1].bytes[0] ^= 1;
}

static void swap_parents(struct job *job)
{
    struct digest first = job->parents[0];
    job->parents[0] = job->parents[1];
    job->parents[1] = first;
}

static void test_the_digest_depends_on_every_field(void **state)
{
    static void (*const changes[])(struct job *) = {
        change_line,       change_job,          change_kind,   change_slices,
        change_seed,       change_stream,       change_spec,   change_data,
        have_no_data,      swap_spec_and_data,  change_name,   change_param_count,
        change_param_sign, change_parent_count, change_parent, swap_parents,
    };
    enum { COUNT = sizeof changes / sizeof changes[0] };
    (void)state;
    struct digest digests[COUNT + 1];
    for (size_t i = 0; i <= COUNT; i++) {
        struct job job = sample();
        if (i < COUNT)
            changes[i](&job);
        digests[i] = job_digest(&job);
        for (size_t k = 0; k < i; k++)
            assert_false(digest_equal(&digests[k], &digests[i]));
    }
}

static void test_the_prefix_is_the_first_bytes_little_endian(void **state)
{
    (void)state;
    struct digest digest = filled(0xF1);
    assert_true(job_prefix(&digest) == UINT64_C(0xf8f7f6f5f4f3f2f1));
}

/* What lies behind the counts and behind the name's end is no part of the description. */
static void test_the_digest_depends_on_nothing_else(void **state)
{
    (void)state;
    struct job job = sample();
    struct digest before = job_digest(&job);
    job.call.params[3] = 7.0;
    memset(job.call.name + 7, 'x', sizeof job.call.name - 7);
    struct digest after = job_digest(&job);
    assert_true(digest_equal(&before, &after));

    job.parent_count = job.call.param_count = 0;
    before = job_digest(&job);
    job.parents[0] = filled(1);
    job.call.params[0] = 2.0;
    after = job_digest(&job);
    assert_true(digest_equal(&before, &after));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics_have_names),
        cmocka_unit_test(test_outcomes_have_names),
        cmocka_unit_test(test_keys_are_equal_when_all_parts_are),
        cmocka_unit_test(test_fitness_is_a_total_order_with_nan_last),
        cmocka_unit_test(test_the_digest_is_pinned),
        cmocka_unit_test(test_the_digest_depends_on_every_field),
        cmocka_unit_test(test_the_digest_depends_on_nothing_else),
        cmocka_unit_test(test_the_prefix_is_the_first_bytes_little_endian),
    };
    return cmocka_run_group_tests_name("job", tests, NULL, NULL);
}
