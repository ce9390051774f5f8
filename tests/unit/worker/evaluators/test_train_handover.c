/*
 * test_train_handover.c: a training that is cut at any step, and again, and goes on in another
 * evaluator gives the result of one that is not, bit for bit: whatever the operator, the optimiser
 * and what is kept of it.
 */
#include "tests/unit/worker/evaluators/train_fixture.h"

#include "common/operator_catalog.h"
#include "common/philox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const variants[] = {
    "train.epochs = 8\n",
    "train.epochs = 8\ntrain.optimizer_state = keep\ntrain.weight_decay = 0.01\n",
    "train.epochs = 6\ntrain.dropout = 0.3\n",
    "train.steps = 43\ntrain.optimizer = sgd\ntrain.momentum = 0.9\ntrain.l2 = 0.001\n",
    "train.steps = 43\ntrain.optimizer = sgd\ntrain.optimizer_state = keep\n",
    "train.steps = 43\ntrain.schedule = cosine\ntrain.warmup = 9\ntrain.clip_norm = 0.5\n",
    "train.steps = 43\ntrain.schedule = sgdr\ntrain.restart_steps = 5\n"
    "train.restart_factor = 2\ntrain.clamp_norm = 3\ntrain.optimizer_state = keep\n",
    "train.epochs = 8\ntrain.schedule = geometric\ntrain.decay_rate = 0.8\n"
    "train.decay_steps = 0\ntrain.label_smoothing = 0.1\n",
    "train.epochs = 6\ntrain.precision = bf16_stochastic\ntrain.optimizer_state = keep\n",
};

static const char *spec_of(const char *variant)
{
    static char spec[1024];
    snprintf(spec, sizeof spec, "%s%s", train_fixture_spec, variant);
    return spec;
}

/* One life of a slot: from where the last one left off to the result, or to the next cut. */
static void live_once(struct memory_cut *cut, const char *spec, const struct job *job)
{
    struct error error;
    struct evaluator_environment environment = memory_cut_environment(cut);
    void *handle = train_evaluator.open(spec, &error);
    assert_non_null(handle);
    train_evaluator.run(handle, &environment, job, 1);
    train_evaluator.close(&handle);
    assert_int_equal(cut->cache->loaded, 0);
}

static void expect_equal(const struct result *a, const struct result *b)
{
    assert_int_equal(a->outcome, b->outcome);
    assert_memory_equal(&a->fitness, &b->fitness, sizeof a->fitness);
    assert_int_equal(a->steps, b->steps);
    assert_true(digest_equal(&a->child, &b->child));
    assert_int_equal(a->metric_count, b->metric_count);
    assert_memory_equal(a->metrics, b->metrics, a->metric_count * sizeof a->metrics[0]);
    assert_int_equal(a->detail_bytes, b->detail_bytes);
    assert_memory_equal(a->detail, b->detail, a->detail_bytes);
}

/* Cuts the job again and again where `random` says; returns how often it was. */
static uint32_t check_cuts(struct train_fixture *fixture, const char *spec, const struct job *job,
                           struct random *random)
{
    struct memory_cut cut = {.cache = fixture->cache};
    struct result whole = *train_fixture_run_one(fixture, spec, job);
    uint8_t *detail = malloc(whole.detail_bytes);
    assert_non_null(detail);
    memcpy(detail, whole.detail, whole.detail_bytes);
    whole.detail = detail;
    memory_cache_forget_results(fixture->cache);
    for (uint64_t before = 0; fixture->cache->times[0] == 0; before = cut.handed.steps) {
        cut.looks = random_below(random, 4);
        live_once(&cut, spec, job);
        assert_true(fixture->cache->times[0] == 1 || cut.handed.steps > before);
        assert_true(cut.handed.steps < whole.steps);
    }
    expect_equal(&fixture->cache->results[0], &whole);
    memory_cut_fini(&cut);
    free(detail);
    return cut.hand_overs;
}

static void test_any_cut_gives_the_same_bits_with_every_operator(void **state)
{
    struct train_fixture *fixture = *state;
    struct random random = random_open(5, 0, 0, RANDOM_STRATEGY);
    uint32_t cuts = 0, jobs = 0;
    for (size_t v = 0; v < sizeof variants / sizeof variants[0]; v++) {
        const char *spec = spec_of(variants[v]);
        struct digest founder = train_fixture_founder(fixture, spec);
        const struct job other_job = train_fixture_child_job(fixture, 7, "psa.full", &founder);
        struct digest other = train_fixture_run_one(fixture, spec, &other_job)->child;
        const struct operator_info *info;
        for (uint32_t i = 0; (info = operator_at(i)) != NULL; i++) {
            if ((info->evaluators & FOR_TRAIN) == 0)
                continue;
            struct job job = train_fixture_child_job(fixture, 20 + i, info->name, &founder);
            job.parent_count = info->parents;
            job.parents[1] = other;
            job.stream = i;
            cuts += check_cuts(fixture, spec, &job, &random);
            jobs++;
        }
    }
    assert_true(jobs >= 5 * 10 && cuts >= 2 * jobs);
}

static void test_what_cannot_be_used_is_done_anew(void **state)
{
    struct train_fixture *fixture = *state;
    const char *spec = spec_of(variants[0]);
    const struct job job = train_fixture_init_job(fixture, 0);
    struct digest child = train_fixture_run_one(fixture, spec, &job)->child;
    for (int i = 0; i < 3; i++) {
        struct memory_cut cut = {.cache = fixture->cache, .looks = 1};
        memory_cache_forget_results(fixture->cache);
        live_once(&cut, spec, &job);
        assert_int_equal(cut.hand_overs, 1);
        if (i == 0)
            cut.handed.content.count--;
        else if (i == 1)
            cut.handed.steps = 1000;
        else
            memset(cut.bytes + 8, 0xff, 16); /* where a checkpoint has its header */
        cut.looks = UINT32_MAX;
        live_once(&cut, spec, &job);
        assert_true(digest_equal(&fixture->cache->results[0].child, &child));
        memory_cut_fini(&cut);
    }
}

static void test_a_job_that_cannot_be_handed_over_is_finished(void **state)
{
    struct train_fixture *fixture = *state;
    const char *spec = spec_of(variants[0]);
    const struct job job = train_fixture_init_job(fixture, 0);
    struct digest child = train_fixture_run_one(fixture, spec, &job)->child;
    struct memory_cut cut = {.cache = fixture->cache, .full = true};
    memory_cache_forget_results(fixture->cache);
    live_once(&cut, spec, &job);
    assert_int_equal(fixture->cache->times[0], 1);
    assert_true(digest_equal(&fixture->cache->results[0].child, &child));
}

/* Minutes to spare: it is near its end by any measure. */
static void test_a_job_near_its_end_is_finished(void **state)
{
    struct train_fixture *fixture = *state;
    const struct job job = train_fixture_init_job(fixture, 0);
    struct memory_cut cut = {.cache = fixture->cache};
    struct evaluator_environment environment = memory_cut_environment(&cut);
    struct error error;
    environment.spare_ms = 600000;
    void *handle = train_evaluator.open(spec_of(variants[0]), &error);
    assert_non_null(handle);
    train_evaluator.run(handle, &environment, &job, 1);
    train_evaluator.close(&handle);
    assert_int_equal(cut.hand_overs, 0);
    assert_int_equal(fixture->cache->times[0], 1);
}

/* ------------------------------------------------------------------------------------- a cohort
 */

enum { COMPANY = 3 };

/* Keeps what each of a cohort hands over, but for one of them. */
struct company {
    struct memory_cut cut; /* first: the environment's functions take it for theirs */
    struct memory_cut singly[COMPANY];
    uint32_t refused; /* this one cannot be handed over */
};

static int company_hand_over(void *context, uint32_t index, const struct job_progress *progress,
                             struct error *error)
{
    struct company *company = context;
    if (index == company->refused)
        return error_set(error, -1, "the cache is full");
    assert_true(index < COMPANY);
    struct evaluator_environment one = memory_cut_environment(&company->singly[index]);
    return one.hand_over(one.context, 0, progress, error);
}

/* Its members stop at one step, and go on alone; who cannot be handed over is finished. */
static void test_a_cohort_is_handed_over_one_by_one(void **state)
{
    struct train_fixture *fixture = *state;
    const char *spec = spec_of(variants[1]);
    struct job jobs[COMPANY];
    struct digest children[COMPANY];
    struct company company = {.cut = {.cache = fixture->cache, .looks = 2}, .refused = 1};
    struct error error;
    for (uint32_t i = 0; i < COMPANY; i++) {
        jobs[i] = train_fixture_init_job(fixture, i);
        jobs[i].stream = 9;
        children[i] = train_fixture_run_one(fixture, spec, &jobs[i])->child;
        company.singly[i].cache = fixture->cache;
    }
    memory_cache_forget_results(fixture->cache);
    struct evaluator_environment environment = memory_cut_environment(&company.cut);
    environment.hand_over = company_hand_over;
    void *handle = train_evaluator.open(spec, &error);
    assert_non_null(handle);
    assert_int_equal(train_evaluator.cohort(handle), 0); /* not before it has seen the data */
    train_evaluator.run(handle, &environment, jobs, COMPANY);
    assert_in_range(train_evaluator.cohort(handle), 2, COHORT_MAX);
    train_evaluator.close(&handle);
    assert_int_equal(fixture->cache->times[1], 1);
    assert_true(digest_equal(&fixture->cache->results[1].child, &children[1]));
    for (uint32_t i = 0; i < COMPANY; i += 2) {
        struct memory_cut *cut = &company.singly[i];
        assert_int_equal(fixture->cache->times[i], 0);
        assert_int_equal(cut->hand_overs, 1);
        assert_int_equal(cut->handed.steps, company.singly[0].handed.steps);
    }
    memory_cache_forget_results(fixture->cache);
    for (uint32_t i = 0; i < COMPANY; i += 2) {
        struct memory_cut *cut = &company.singly[i];
        cut->looks = UINT32_MAX;
        live_once(cut, spec, &jobs[i]);
        assert_true(digest_equal(&fixture->cache->results[0].child, &children[i]));
        memory_cut_fini(cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_any_cut_gives_the_same_bits_with_every_operator,
                                        train_fixture_set_up, train_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_used_is_done_anew, train_fixture_set_up,
                                        train_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_a_job_that_cannot_be_handed_over_is_finished,
                                        train_fixture_set_up, train_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_a_cohort_is_handed_over_one_by_one,
                                        train_fixture_set_up, train_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_a_job_near_its_end_is_finished, train_fixture_set_up,
                                        train_fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
