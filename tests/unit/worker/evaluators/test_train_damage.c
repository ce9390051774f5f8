/* test_train_damage.c: what damage, decay, dropout and kept moments are after the training. */
#include "tests/unit/worker/evaluators/train_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The only unit that a mask names. */
static struct damage_run the_hit(const struct result *result)
{
    struct detail *detail = train_fixture_detail(result);
    assert_int_equal(detail->hits.count, 1);
    assert_int_equal(detail->hits.runs[0].count, 1);
    struct damage_run run = detail->hits.runs[0];
    assert_true(detail->hits.complete && detail->damage.complete);
    free(detail);
    return run;
}

static uint32_t zeros_in_row(const struct network *network, const struct damage_run *hit)
{
    const struct unit_layer *layer = &network->model->layers[hit->layer];
    const float *row = network->parameters + layer->weight + (size_t)hit->unit * layer->in;
    uint32_t zeros = network->parameters[layer->bias + hit->unit] == 0;
    for (uint32_t i = 0; i < layer->in; i++)
        zeros += row[i] == 0;
    return zeros;
}

static uint32_t zeros_in_column(const struct network *network, const struct damage_run *hit)
{
    const struct unit_layer *layer = &network->model->layers[hit->layer + 1];
    uint32_t zeros = 0;
    for (uint32_t i = 0; i < layer->out; i++)
        zeros += network->parameters[layer->weight + (size_t)i * layer->in + hit->unit] == 0;
    return zeros;
}

/* psa.md 1.8-4: under ReLU a hidden unit whose row and bias are zero gets no gradient, ever. */
static void test_a_hidden_unit_stays_dead_under_relu_and_is_in_the_mask(void **state)
{
    struct train_fixture *fixture = *state;
    struct model *model = train_fixture_model();
    struct digest founder = train_fixture_founder(fixture, train_fixture_spec);
    const struct job job = train_fixture_child_job(fixture, 1, "psa.hidden", &founder);
    const struct result *result = train_fixture_run_one(fixture, train_fixture_spec, &job);
    struct damage_run hit = the_hit(result);
    struct network *child =
        train_fixture_read(fixture, model, &result->child, OPTIMIZER_STATE_NONE);
    assert_int_equal(hit.parts, DAMAGE_INCOMING | DAMAGE_BIAS | DAMAGE_OUTGOING);
    assert_int_equal(zeros_in_row(child, &hit), model->layers[hit.layer].in + 1);
    assert_int_equal(zeros_in_column(child, &hit), model->layers[hit.layer + 1].out);
    assert_int_equal(child->damage[model->layers[hit.layer].first_unit + hit.unit], hit.parts);
    network_destroy(&child);
    model_destroy(&model);
}

static void test_a_logit_and_a_reinitialised_unit_heal(void **state)
{
    struct train_fixture *fixture = *state;
    static const char *const names[] = {"psa.output", "reinit.hidden", "reinit.output"};
    struct model *model = train_fixture_model();
    struct digest founder = train_fixture_founder(fixture, train_fixture_spec);
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct job job = train_fixture_child_job(fixture, 1 + i, names[i], &founder);
        const struct result *result = train_fixture_run_one(fixture, train_fixture_spec, &job);
        struct damage_run hit = the_hit(result);
        struct network *child =
            train_fixture_read(fixture, model, &result->child, OPTIMIZER_STATE_NONE);
        assert_true(zeros_in_row(child, &hit) < model->layers[hit.layer].in / 2);
        network_destroy(&child);
    }
    model_destroy(&model);
}

static void test_damage_adds_up_along_the_lineage(void **state)
{
    struct train_fixture *fixture = *state;
    struct digest parent = train_fixture_founder(fixture, train_fixture_spec);
    uint32_t units = 0;
    for (uint32_t i = 1; i <= 5; i++) {
        const struct job job = train_fixture_child_job(fixture, i, "psa.hidden", &parent);
        const struct result *result = train_fixture_run_one(fixture, train_fixture_spec, &job);
        struct detail *detail = train_fixture_detail(result);
        uint32_t now = 0;
        for (uint32_t k = 0; k < detail->damage.count; k++)
            now += detail->damage.runs[k].count;
        assert_true(now == units || now == units + 1); /* a victim may be drawn twice */
        units = now;
        parent = result->child;
        free(detail);
    }
    assert_true(units >= 3);
}

static void test_decay_and_dropout_change_the_training_only(void **state)
{
    struct train_fixture *fixture = *state;
    struct digest founder = train_fixture_founder(fixture, train_fixture_spec);
    struct job none = train_fixture_child_job(fixture, 1, "none", &founder);
    struct digest plain = train_fixture_run_one(fixture, train_fixture_spec, &none)->child;
    static const char *const names[] = {"decay", "dropout"};
    for (uint32_t i = 0; i < 2; i++) {
        struct job job = train_fixture_child_job(fixture, 1, names[i], &founder);
        job.call.params[0] = i == 0 ? 10.0 : 0.1;
        const struct result *result = train_fixture_run_one(fixture, train_fixture_spec, &job);
        struct detail *detail = train_fixture_detail(result);
        assert_int_equal(detail->hits.count, 0);
        assert_false(digest_equal(&result->child, &plain));
        free(detail);
        job.call.params[0] = 0; /* without it, the same as none */
        result = train_fixture_run_one(fixture, train_fixture_spec, &job);
        assert_true(digest_equal(&result->child, &plain));
    }
}

/* psa.md 1.8-9: the published control changes no float: lr * wd = 1e-8 vanishes beside 1. */
static void test_the_published_decay_is_none_in_float32(void **state)
{
    struct train_fixture *fixture = *state;
    char spec[512];
    snprintf(spec, sizeof spec, "%s", train_fixture_spec);
    memcpy(strstr(spec, "0.001"), ".0001", 5);
    struct digest founder = train_fixture_founder(fixture, spec);
    struct job job = train_fixture_child_job(fixture, 1, "none", &founder);
    struct digest plain = train_fixture_run_one(fixture, spec, &job)->child;
    job = train_fixture_child_job(fixture, 1, "decay", &founder);
    assert_true(job.call.params[0] == 1e-4);
    struct digest decayed = train_fixture_run_one(fixture, spec, &job)->child;
    assert_true(digest_equal(&decayed, &plain));
}

static void test_kept_optimiser_state_travels_in_the_checkpoint(void **state)
{
    struct train_fixture *fixture = *state;
    char keep[512];
    struct model *model = train_fixture_model();
    snprintf(keep, sizeof keep, "%strain.optimizer_state = keep\n", train_fixture_spec);
    struct digest founder = train_fixture_founder(fixture, keep);
    struct network *network = train_fixture_read(fixture, model, &founder, OPTIMIZER_STATE_MOMENTS);
    assert_int_equal(network->optimizer_step, 8);
    network_destroy(&network);
    const struct job job = train_fixture_child_job(fixture, 1, "psa.hidden", &founder);
    struct result result = *train_fixture_run_one(fixture, keep, &job);
    struct damage_run hit = the_hit(&result);
    network = train_fixture_read(fixture, model, &result.child, OPTIMIZER_STATE_MOMENTS);
    assert_int_equal(network->optimizer_step, 16);
    /* The moments of what was zeroed were masked, so the unit stays at zero. */
    assert_int_equal(zeros_in_row(network, &hit), model->layers[hit.layer].in + 1);
    network_destroy(&network);
    /* An experiment that resets reads the same checkpoint and trains differently. */
    struct digest reset = train_fixture_run_one(fixture, train_fixture_spec, &job)->child;
    assert_false(digest_equal(&reset, &result.child));
    model_destroy(&model);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, train_fixture_set_up, train_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_hidden_unit_stays_dead_under_relu_and_is_in_the_mask),
        TEST(test_a_logit_and_a_reinitialised_unit_heal),
        TEST(test_damage_adds_up_along_the_lineage),
        TEST(test_decay_and_dropout_change_the_training_only),
        TEST(test_the_published_decay_is_none_in_float32),
        TEST(test_kept_optimiser_state_travels_in_the_checkpoint),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
