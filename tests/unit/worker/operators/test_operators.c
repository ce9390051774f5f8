/*
 * test_operators.c: what holds for every operator: the catalogue and the implementations agree, a
 * bad call is refused with the reason, and a job is a function of its description.
 */
#include "operators_fixture.h"

#include "worker/operators/mutation.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---------------------------------------------------------------------------------- catalogue */

static const struct operator_row *row_of(const char *name)
{
    for (uint32_t i = 0; operator_row_at(i) != NULL; i++)
        if (strcmp(operator_row_at(i)->name, name) == 0)
            return operator_row_at(i);
    return NULL;
}

static void test_catalogue_and_implementations_agree(void **state)
{
    (void)state;
    const struct operator_info *info;
    const struct operator_row *row;
    uint32_t promised = 0, made = 0;
    for (uint32_t i = 0; (info = operator_at(i)) != NULL; i++) {
        bool is_promised = (info->evaluators & FOR_TRAIN) != 0;
        if ((row_of(info->name) != NULL) != is_promised)
            fail_msg("%s is %s", info->name, is_promised ? "not made" : "made, not promised");
        promised += is_promised;
    }
    for (uint32_t i = 0; (row = operator_row_at(i)) != NULL; i++) {
        if (operator_find(row->name) == NULL)
            fail_msg("%s is not in the catalogue", row->name);
        assert_ptr_equal(row_of(row->name), row); /* once */
        assert_non_null(row->apply);
        made++;
    }
    assert_int_equal(promised, made);
    assert_true(made >= 14);
}

/* A founder is called with the operator's own parameters. */
static void test_each_founder_can_be_called_for_its_operator(void **state)
{
    (void)state;
    const struct operator_info *info;
    uint32_t founders = 0;
    for (uint32_t i = 0; (info = operator_at(i)) != NULL; i++) {
        if (info->founder == NULL)
            continue;
        struct fixture *fixture = fixture_make(&fixture_shapes[0], info->name);
        snprintf(fixture->job.call.name, sizeof fixture->job.call.name, "%s", info->founder);
        fixture->job.parent_count = 0;
        assert_int_equal(operator_check(&fixture->job, NULL), 0);
        struct operator_training founder, child;
        fixture_apply(fixture, 0);
        founder = fixture->training;
        fixture_call(fixture, info->name);
        fixture_apply(fixture, 1);
        child = fixture->training;
        assert_memory_equal(&founder, &child, sizeof child);
        fixture_destroy(&fixture);
        founders++;
    }
    assert_int_equal(founders, 2);
}

/* -------------------------------------------------------------------------------------- check */

static void expect_refused(const struct job *job, const char *reason)
{
    struct error error = {""};
    assert_int_equal(operator_check(job, &error), -1);
    assert_string_equal(error.text, reason);
    assert_int_equal(operator_check(job, NULL), -1);
}

static struct job call_of(const char *name, uint32_t parents, uint32_t params)
{
    struct job job = {.parent_count = parents, .call = {.param_count = params}};
    snprintf(job.call.name, sizeof job.call.name, "%s", name);
    return job;
}

static void test_a_call_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t parents, params;
        const char *reason;
    } cases[] = {
        {"psa.ful", 1, 0, "there is no operator 'psa.ful'"},
        {"", 1, 0, "there is no operator ''"},
        {"a\nb", 1, 0, "there is no operator 'a?b'"},
        {"noise", 1, 1, "operator 'noise' is not for the train evaluator"},
        {"crossover", 2, 1, "operator 'crossover' is not for the train evaluator"},
        {"psa.full", 0, 0, "operator 'psa.full' takes 1 parent, got 0"},
        {"psa.full", 2, 0, "operator 'psa.full' takes 1 parent, got 2"},
        {"init", 1, 0, "operator 'init' takes 0 parents, got 1"},
        {"mask_cross", 1, 1, "operator 'mask_cross' takes 2 parents, got 1"},
        {"decay", 1, 0, "operator 'decay' takes 1 parameter, got 0"},
        {"none", 1, 1, "operator 'none' takes 0 parameters, got 1"},
        {"dropout", 1, 8, "operator 'dropout' takes 1 parameter, got 8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct job job = call_of(cases[i].name, cases[i].parents, cases[i].params);
        expect_refused(&job, cases[i].reason);
    }
}

static void test_a_parameter_out_of_range_is_refused(void **state)
{
    (void)state;
    struct job job = call_of("dropout", 1, 1);
    job.call.params[0] = (double)NAN;
    struct error error = {""};
    assert_int_equal(operator_check(&job, &error), -1);
    assert_non_null(strstr(error.text, "operator 'dropout': rate: expected 0 .. 0.9, got "));
    assert_non_null(strstr(error.text, "nan"));
    job.call.params[0] = 0.9375;
    expect_refused(&job, "operator 'dropout': rate: expected 0 .. 0.9, got 0.9375");
    job.call.params[0] = -0.5;
    expect_refused(&job, "operator 'dropout': rate: expected 0 .. 0.9, got -0.5");
    job.call.params[0] = (double)INFINITY;
    expect_refused(&job, "operator 'dropout': rate: expected 0 .. 0.9, got inf");
    job.call.params[0] = 0.9;
    assert_int_equal(operator_check(&job, &error), 0);
    job.call.params[0] = 0;
    assert_int_equal(operator_check(&job, &error), 0);
}

/* ------------------------------------------------------------------------------------- purity */

/* Any damage in the parents, so that the masks have something to do. */
static struct fixture *fixture_of(const char *name)
{
    struct fixture *fixture = fixture_make(&fixture_shapes[5], name);
    for (uint64_t i = 0; i < fixture->model->unit_count; i += 3) {
        fixture->first->damage[i] = ENTERS | DAMAGE_REINITIALISED;
        fixture->second->damage[i + i % 2] = ENTERS;
    }
    return fixture;
}

static void expect_same(const struct fixture *a, const struct fixture *b)
{
    uint64_t count = a->model->parameter_count;
    assert_memory_equal(a->child->parameters, b->child->parameters, count * sizeof(float));
    assert_memory_equal(a->child->m, b->child->m, count * sizeof(float));
    assert_memory_equal(a->child->v, b->child->v, count * sizeof(float));
    assert_memory_equal(a->child->damage, b->child->damage, a->model->unit_count);
    assert_int_equal(a->child->optimizer_step, b->child->optimizer_step);
    assert_memory_equal(&a->training, &b->training, sizeof a->training);
    assert_int_equal(a->hits.count, b->hits.count);
    assert_memory_equal(a->hits.runs, b->hits.runs, sizeof a->hits.runs[0] * a->hits.count);
}

static void test_the_same_job_gives_the_same_bits(void **state)
{
    (void)state;
    for (uint32_t i = 0; operator_row_at(i) != NULL; i++) {
        const char *name = operator_row_at(i)->name;
        struct fixture *once = fixture_of(name), *again = fixture_of(name);
        fixture_apply(again, 6); /* and whatever was done in between */
        fixture_apply(once, 5);
        /* What names the mini-batches, the slices and the data is none of an operator's business.
         */
        again->job.stream = 9;
        again->job.slices = SLICE_ALL;
        again->job.data.bytes[0] = 1;
        fixture_apply(again, 5);
        expect_same(once, again);
        fixture_destroy(&once);
        fixture_destroy(&again);
    }
}

/* Parents are borrowed: not a bit of them changes. */
static void test_parents_stay_as_they_are(void **state)
{
    (void)state;
    for (uint32_t i = 0; operator_row_at(i) != NULL; i++) {
        struct fixture *used = fixture_of(operator_row_at(i)->name), *fresh = fixture_of("none");
        fixture_apply(used, 5);
        network_copy(used->child, used->first);
        network_copy(fresh->child, fresh->first);
        used->hits = fresh->hits;
        used->training = fresh->training;
        expect_same(used, fresh);
        network_copy(used->child, used->second);
        network_copy(fresh->child, fresh->second);
        expect_same(used, fresh);
        fixture_destroy(&used);
        fixture_destroy(&fresh);
    }
}

static void test_other_jobs_lines_and_seeds_have_other_victims(void **state)
{
    (void)state;
    enum { JOBS = 100 };
    struct fixture *fixture = fixture_make(&fixture_shapes[5], "psa.hidden");
    uint32_t same_job = 0, same_line = 0, same_seed = 0;
    for (uint64_t job = 0; job < JOBS; job++) {
        fixture_apply(fixture, job);
        struct damage_run run = fixture->hits.runs[0];
        fixture_apply(fixture, job + (UINT64_C(1) << 40));
        same_job += memcmp(&run, fixture->hits.runs, sizeof run) == 0;
        fixture->job.key.line++;
        fixture_apply(fixture, job);
        same_line += memcmp(&run, fixture->hits.runs, sizeof run) == 0;
        fixture->job.key.line--;
        fixture->job.seed ^= UINT64_C(1) << 63;
        fixture_apply(fixture, job);
        same_seed += memcmp(&run, fixture->hits.runs, sizeof run) == 0;
        fixture->job.seed ^= UINT64_C(1) << 63;
    }
    /* 122 hidden units: one in 122 agrees by chance. */
    assert_int_equal(fixture_hidden(fixture), 122);
    assert_true(same_job < 8 && same_line < 8 && same_seed < 8);
    fixture_destroy(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catalogue_and_implementations_agree),
        cmocka_unit_test(test_each_founder_can_be_called_for_its_operator),
        cmocka_unit_test(test_a_call_that_does_not_fit_is_refused),
        cmocka_unit_test(test_a_parameter_out_of_range_is_refused),
        cmocka_unit_test(test_the_same_job_gives_the_same_bits),
        cmocka_unit_test(test_parents_stay_as_they_are),
        cmocka_unit_test(test_other_jobs_lines_and_seeds_have_other_victims),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
