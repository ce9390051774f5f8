/*
 * test_controls.c: the operators without damage: `none`, `decay` and `dropout` change no bit of a
 * network, whatever its topology; `init` draws all of it.
 */
#include "operators_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { JOBS = 20 };

/* Damage of an earlier life must come through untouched. */
static void scar(struct fixture *fixture)
{
    for (uint64_t i = 0; i < fixture->model->unit_count; i++)
        fixture->first->damage[i] = (uint8_t)(i % (DAMAGE_ALL + 1));
}

static void expect_no_damage(struct fixture *fixture)
{
    size_t bytes = sizeof(float) * fixture->model->parameter_count;
    const struct network *parent = fixture->first, *child = fixture->child;
    assert_memory_equal(child->parameters, parent->parameters, bytes);
    assert_memory_equal(child->m, parent->m, bytes);
    assert_memory_equal(child->v, parent->v, bytes);
    assert_memory_equal(child->damage, parent->damage, fixture->model->unit_count);
    assert_int_equal(child->optimizer_step, parent->optimizer_step);
    assert_int_equal(fixture->hits.count, 0);
    assert_true(fixture->hits.complete);
}

static void expect_control(const char *name, struct operator_training expected)
{
    for (const struct fixture_shape *shape = fixture_shapes; shape->group_count > 0; shape++) {
        struct fixture *fixture = fixture_make(shape, name);
        scar(fixture);
        for (uint64_t job = 0; job < JOBS; job++) {
            fixture_apply(fixture, job);
            expect_no_damage(fixture);
            assert_memory_equal(&fixture->training, &expected, sizeof expected);
        }
        fixture_destroy(&fixture);
    }
}

static void test_none_changes_nothing(void **state)
{
    (void)state;
    expect_control("none", (struct operator_training){.weight_decay = 0.25, .dropout = 0.5});
}

static void test_decay_changes_the_weight_decay_only(void **state)
{
    (void)state;
    expect_control("decay", (struct operator_training){.weight_decay = 1e-4, .dropout = 0.5});
}

static void test_dropout_changes_the_dropout_only(void **state)
{
    (void)state;
    expect_control("dropout", (struct operator_training){.weight_decay = 0.25, .dropout = 0.1});
}

static void test_the_parameter_is_what_the_job_says(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_make(&fixture_shapes[0], "decay");
    fixture->job.call.params[0] = 2.5;
    fixture_apply(fixture, 1);
    assert_true(fixture->training.weight_decay == 2.5);
    fixture_call(fixture, "dropout");
    fixture->job.call.params[0] = 0.75;
    fixture_apply(fixture, 1);
    assert_true(fixture->training.dropout == 0.75 && fixture->training.weight_decay == 2.5);
    fixture_destroy(&fixture);
}

static void expect_new(const struct fixture *fixture)
{
    const struct network *child = fixture->child;
    uint64_t count = fixture->model->parameter_count;
    struct random random = random_open(FIXTURE_SEED, 3, fixture->job.key.job, RANDOM_INIT);
    float *fresh = calloc(count, sizeof *fresh);
    assert_non_null(fresh);
    model_draw(fixture->model, &random, fresh);
    assert_memory_equal(child->parameters, fresh, count * sizeof *fresh);
    memset(fresh, 0, count * sizeof *fresh);
    assert_memory_equal(child->m, fresh, count * sizeof *fresh);
    assert_memory_equal(child->v, fresh, count * sizeof *fresh);
    free(fresh);
    for (uint64_t i = 0; i < fixture->model->unit_count; i++)
        assert_int_equal(child->damage[i], 0);
    assert_int_equal(child->optimizer_step, 0);
    assert_int_equal(fixture->hits.count, 0);
    assert_true(fixture->hits.complete);
}

static void expect_init(const char *name, struct operator_training expected)
{
    for (const struct fixture_shape *shape = fixture_shapes; shape->group_count > 0; shape++) {
        struct fixture *fixture = fixture_make(shape, name);
        fixture_apply(fixture, 41);
        expect_new(fixture);
        assert_memory_equal(&fixture->training, &expected, sizeof expected);
        fixture_destroy(&fixture);
    }
}

static void test_init_draws_everything(void **state)
{
    (void)state;
    expect_init("init", (struct operator_training){.weight_decay = 0.25, .dropout = 0.5});
    expect_init("init.decay", (struct operator_training){.weight_decay = 1e-4, .dropout = 0.5});
    expect_init("init.dropout", (struct operator_training){.weight_decay = 0.25, .dropout = 0.1});
}

static void test_each_init_is_another(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_make(&fixture_shapes[4], "init");
    fixture_apply(fixture, 1);
    network_copy(fixture->first, fixture->child);
    fixture_apply(fixture, 2);
    assert_int_equal(fixture_changed(fixture), fixture->model->parameter_count);
    fixture_apply(fixture, 1);
    assert_int_equal(fixture_changed(fixture), 0);
    fixture_destroy(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none_changes_nothing),
        cmocka_unit_test(test_decay_changes_the_weight_decay_only),
        cmocka_unit_test(test_dropout_changes_the_dropout_only),
        cmocka_unit_test(test_the_parameter_is_what_the_job_says),
        cmocka_unit_test(test_init_draws_everything),
        cmocka_unit_test(test_each_init_is_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
