/* operators_fixture.c: see operators_fixture.h. */
#include "operators_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const struct fixture_shape fixture_shapes[] = {
    {.classes = 2, .group_count = 1, .groups = {{1, 1}}},
    {.classes = 10, .group_count = 1, .groups = {{18, 18}}},
    {.classes = 10, .group_count = 1, .groups = {{1, 64}}},
    {.classes = 7, .group_count = 1, .groups = {{12, 1}}},
    {.classes = 10, .group_count = 2, .groups = {{4, 4}, {2, 8}}},
    {.classes = 10, .group_count = 3, .groups = {{2, 24}, {1, 10}, {4, 16}}},
    {.group_count = 0},
};

/* Distinct numbers, none of them zero, in the reach of float's integers. */
static void fill(struct network *network, float start)
{
    for (uint64_t i = 0; i < network->model->parameter_count; i++) {
        network->parameters[i] = start + (float)i;
        network->m[i] = -start - (float)i;
        network->v[i] = start + 0.5F + (float)i;
    }
    network->optimizer_step = (uint64_t)start;
}

static struct model *make_model(const char *text, uint32_t inputs, uint32_t classes)
{
    struct model_options options = {
        .activation = ACTIVATION_RELU,
        .initialisation = INITIALISATION_PYTORCH,
        .inputs = inputs,
        .classes = classes,
    };
    assert_int_equal(model_text_parse(text, &options.text, NULL), 0);
    struct model *model = model_create(&options, NULL);
    assert_non_null(model);
    return model;
}

struct fixture *fixture_make_model(const struct fixture_model *model, const char *operator_name)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->model = make_model(model->text, model->inputs, model->classes);
    fixture->first = network_create(fixture->model, OPTIMIZER_STATE_MOMENTS);
    fixture->second = network_create(fixture->model, OPTIMIZER_STATE_MOMENTS);
    fixture->child = network_create(fixture->model, OPTIMIZER_STATE_MOMENTS);
    assert_true(fixture->first != NULL && fixture->second != NULL && fixture->child != NULL);
    fill(fixture->first, 3.0F);
    fill(fixture->second, 100003.0F);
    fixture->training = (struct operator_training){.weight_decay = 0.25, .dropout = 0.5};
    fixture_call(fixture, operator_name);
    return fixture;
}

struct fixture *fixture_make(const struct fixture_shape *shape, const char *operator_name)
{
    char text[MODEL_TEXT_BYTES_MAX] = "mlp:[";
    for (uint32_t i = 0; i < shape->group_count; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%ux%u%s", shape->groups[i].depth,
                 shape->groups[i].width, i + 1 < shape->group_count ? "," : "]");
    }
    return fixture_make_model(&(struct fixture_model){text, FIXTURE_INPUTS, shape->classes},
                              operator_name);
}

void fixture_destroy(struct fixture **fixture)
{
    network_destroy(&(*fixture)->first);
    network_destroy(&(*fixture)->second);
    network_destroy(&(*fixture)->child);
    model_destroy(&(*fixture)->model);
    free(*fixture);
    *fixture = NULL;
}

void fixture_call(struct fixture *fixture, const char *operator_name)
{
    const struct operator_info *info = operator_find(operator_name);
    assert_non_null(info);
    struct job *job = &fixture->job;
    *job = (struct job){
        .key = {.line = 3},
        .kind = JOB_MUTATE,
        .slices = SLICE_SELECT,
        .seed = FIXTURE_SEED,
        .parent_count = info->parents,
        .call = {.param_count = info->param_count},
    };
    snprintf(job->call.name, sizeof job->call.name, "%s", info->name);
    for (uint32_t i = 0; i < info->param_count; i++)
        job->call.params[i] = info->params[i].fallback;
}

void fixture_apply(struct fixture *fixture, uint64_t job)
{
    fixture->job.key.job = job;
    assert_int_equal(operator_check(&fixture->job, NULL), 0);
    fill(fixture->child, 200003.0F);
    memset(fixture->child->damage, DAMAGE_ALL, fixture->model->unit_count);
    memset(&fixture->hits, 0, sizeof fixture->hits);
    fixture->hits.count = 9;
    struct operator_input input = {.job = &fixture->job,
                                   .parents = {fixture->first, fixture->second}};
    operator_apply(&input, fixture->child, &fixture->training, &fixture->hits);
}

uint32_t fixture_hidden(const struct fixture *fixture)
{
    return (uint32_t)fixture->model->unit_count - fixture->model->classes;
}

/* -------------------------------------------------------------------------------- the oracle */

static uint32_t parts_in(const struct damage_list *list, uint32_t layer, uint32_t unit)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const struct damage_run *run = &list->runs[i];
        if (run->layer == layer && unit >= run->unit && unit - run->unit < run->count)
            return run->parts;
    }
    return 0;
}

struct oracle {
    const struct fixture *fixture;
    float *fresh; /* all parameters as this job would draw them */
};

/* One number: `entering` and `leaving` are the parts in which its row and its column were hit. */
static void expect_number(const struct oracle *oracle, uint64_t at, uint32_t entering,
                          uint32_t leaving)
{
    const struct network *parent = oracle->fixture->first, *child = oracle->fixture->child;
    float expected = parent->parameters[at], m = parent->m[at], v = parent->v[at];
    if ((entering & ENTERS) != 0)
        expected = (entering & DAMAGE_REINITIALISED) != 0 ? oracle->fresh[at] : 0.0F;
    if ((leaving & DAMAGE_OUTGOING) != 0)
        expected = 0.0F;
    if ((entering & ENTERS) != 0 || (leaving & DAMAGE_OUTGOING) != 0)
        m = v = 0.0F;
    if (memcmp(&expected, &child->parameters[at], sizeof expected) != 0 ||
        memcmp(&m, &child->m[at], sizeof m) != 0 || memcmp(&v, &child->v[at], sizeof v) != 0)
        fail_msg("%s, job %u, offset %u: %g %g %g, expected %g %g %g",
                 oracle->fixture->job.call.name, (unsigned)oracle->fixture->job.key.job,
                 (unsigned)at, (double)child->parameters[at], (double)child->m[at],
                 (double)child->v[at], (double)expected, (double)m, (double)v);
}

static void expect_unit(const struct oracle *oracle, uint32_t l, uint32_t u)
{
    const struct fixture *fixture = oracle->fixture;
    const struct unit_layer *layer = &fixture->model->layers[l];
    uint32_t entering = parts_in(&fixture->hits, l, u);
    for (uint32_t i = 0; i < layer->in; i++)
        expect_number(oracle, layer->weight + (uint64_t)u * layer->in + i, entering,
                      l == 0 ? 0 : parts_in(&fixture->hits, l - 1, i));
    expect_number(oracle, layer->bias + u, entering, 0);
    uint64_t number = layer->first_unit + u;
    assert_int_equal(fixture->child->damage[number], fixture->first->damage[number] | entering);
}

void fixture_expect_child(const struct fixture *fixture)
{
    struct oracle oracle = {.fixture = fixture};
    const struct job_key *key = &fixture->job.key;
    struct random random = random_open(FIXTURE_SEED, key->line, key->job, RANDOM_INIT);
    oracle.fresh = calloc(fixture->model->parameter_count, sizeof *oracle.fresh);
    assert_non_null(oracle.fresh);
    model_draw(fixture->model, &random, oracle.fresh);
    assert_true(fixture->hits.complete);
    for (uint32_t l = 0; l < fixture->model->layer_count; l++)
        for (uint32_t u = 0; u < fixture->model->layers[l].out; u++)
            expect_unit(&oracle, l, u);
    assert_int_equal(fixture->child->optimizer_step, fixture->first->optimizer_step);
    free(oracle.fresh);
}

struct damage_run fixture_expect_one(const struct fixture *fixture, uint32_t parts)
{
    assert_int_equal(fixture->hits.count, 1);
    struct damage_run run = fixture->hits.runs[0];
    assert_int_equal(run.count, 1);
    assert_true(run.layer < fixture->model->layer_count);
    if (fixture->model->layers[run.layer].outgoing_count == 0)
        parts &= ~(uint32_t)DAMAGE_OUTGOING;
    assert_int_equal(run.parts, parts);
    assert_true(run.unit < fixture->model->layers[run.layer].out);
    return run;
}

void fixture_try(const struct fixture_trial *trial, uint32_t *seen)
{
    struct fixture *fixture = fixture_make_model(trial->model, trial->name);
    float *fresh = calloc(fixture->model->parameter_count, sizeof *fresh);
    assert_non_null(fresh);
    assert_int_equal(fixture->model->layer_count, trial->layers);
    for (uint64_t job = 0; job < trial->jobs; job++) {
        fixture_apply(fixture, job);
        struct random random = random_open(FIXTURE_SEED, fixture->job.key.line, job, RANDOM_INIT);
        model_draw(fixture->model, &random, fresh);
        struct damage_run run = fixture_expect_one(fixture, trial->parts);
        seen[run.layer] |= UINT32_C(1) << run.unit;
        trial->expect(fixture, run, fresh);
    }
    free(fresh);
    fixture_destroy(&fixture);
}

uint64_t fixture_changed(const struct fixture *fixture)
{
    uint64_t changed = 0;
    for (uint64_t i = 0; i < fixture->model->parameter_count; i++)
        changed += memcmp(&fixture->child->parameters[i], &fixture->first->parameters[i],
                          sizeof(float)) != 0;
    return changed;
}

uint64_t fixture_row_numbers(const struct fixture *fixture, uint32_t layer)
{
    return (uint64_t)fixture->model->layers[layer].in + 1;
}

uint64_t fixture_column_numbers(const struct fixture *fixture, uint32_t layer)
{
    return fixture->model->layers[layer + 1].out;
}
