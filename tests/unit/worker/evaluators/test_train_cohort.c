/*
 * test_train_cohort.c: a job's result does not depend, to the bit, on the cohort that it ran in.
 */
#include "tests/unit/worker/evaluators/train_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { JOBS = 10 };

/* Everything of a result that may enter a digest, and the detail's bytes. */
static struct digest digest_of_results(const struct memory_cache *cache, uint32_t count)
{
    char text[JOBS * 512];
    size_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct result *result = &cache->results[i];
        struct digest detail = digest_of(result->detail, result->detail_bytes);
        char child[DIGEST_HEX_BYTES], details[DIGEST_HEX_BYTES];
        digest_to_hex(&result->child, child);
        digest_to_hex(&detail, details);
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%u %a %s %s %lu|", result->outcome,
                             result->fitness, child, details, (unsigned long)result->steps);
        assert_true(used < sizeof text);
    }
    return digest_of(text, used);
}

/* Ten jobs of one stream that differ in all else: operators, parents, ways to train. */
static void make_jobs(struct train_fixture *fixture, const char *spec, struct job jobs[JOBS])
{
    static const char *const names[JOBS] = {
        "none",    "psa.full",    "psa.hidden",  "psa.output",    "decay",
        "dropout", "reinit.full", "mask_replay", "reinit.hidden", "dropout"};
    struct digest founder = train_fixture_founder(fixture, spec);
    for (uint32_t i = 0; i < JOBS; i++) {
        jobs[i] = train_fixture_child_job(fixture, 1 + i, names[i], &founder);
        if (strcmp(names[i], "decay") == 0)
            jobs[i].call.params[0] = 0.5;
    }
}

static void check_cohorts(const char *spec)
{
    struct train_fixture fixture;
    struct job jobs[JOBS];
    train_fixture_init(&fixture);
    make_jobs(&fixture, spec, jobs);
    train_fixture_run(&fixture, spec, jobs, JOBS, 1);
    for (uint32_t i = 0; i < JOBS; i++)
        assert_int_equal(fixture.cache->results[i].outcome, OUTCOME_OK);
    struct digest alone = digest_of_results(fixture.cache, JOBS);
    static const uint32_t cohorts[] = {3, 4, 10};
    for (uint32_t i = 0; i < sizeof cohorts / sizeof cohorts[0]; i++) {
        train_fixture_run(&fixture, spec, jobs, JOBS, cohorts[i]);
        struct digest together = digest_of_results(fixture.cache, JOBS);
        assert_true(digest_equal(&alone, &together));
    }
    /* The test can fail: another stream of one job changes the digest. */
    jobs[4].stream = 1;
    train_fixture_run(&fixture, spec, jobs, JOBS, 10);
    struct digest other = digest_of_results(fixture.cache, JOBS);
    assert_false(digest_equal(&alone, &other));
    train_fixture_fini(&fixture);
}

static void test_cohorts_of_1_3_4_and_10_give_equal_bits(void **state)
{
    (void)state;
    check_cohorts(train_fixture_spec);
}

static void test_cohorts_with_kept_moments(void **state)
{
    (void)state;
    char spec[512];
    snprintf(spec, sizeof spec, "%strain.optimizer_state = keep\n", train_fixture_spec);
    check_cohorts(spec);
}

static void test_cohorts_of_narrow_and_odd_shapes(void **state)
{
    (void)state;
    check_cohorts("evaluator = train\nmodel.spec = mlp:[3x1,1x17]\nmodel.activation = gelu\n"
                  "data.train = 251\ndata.select = 33\ndata.confirm = 0\n"
                  "train.batch = 37\ntrain.optimizer = sgd\ntrain.momentum = 0.9\n"
                  "train.lr = 0.01\ntrain.epochs = 2\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cohorts_of_1_3_4_and_10_give_equal_bits),
        cmocka_unit_test(test_cohorts_with_kept_moments),
        cmocka_unit_test(test_cohorts_of_narrow_and_odd_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
