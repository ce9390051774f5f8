/* train_fixture.c: see train_fixture.h. */
#include "tests/unit/worker/evaluators/train_fixture.h"

#include "common/operator_catalog.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char train_fixture_spec[] = "evaluator = train\n"
                                  "model.spec = mlp:2x12\n"
                                  "data.train = 256\ndata.select = 32\ndata.confirm = 32\n"
                                  "train.batch = 32\ntrain.lr = 0.001\n";

void train_fixture_init(struct train_fixture *fixture)
{
    const struct dataset_source source = {.set = "mnist1d", .samples = 400, .seed = 42};
    struct error error = {""};
    uint8_t *bytes;
    size_t count;
    fixture->cache = memory_cache_create();
    int failed = dataset_pack(&source, &bytes, &count, &error);
    if (failed)
        fprintf(stderr, "%s\n", error.text);
    assert(!failed);
    fixture->data = memory_cache_add(fixture->cache, bytes, count);
    free(bytes);
}

void train_fixture_fini(struct train_fixture *fixture)
{
    memory_cache_destroy(&fixture->cache);
}

struct job train_fixture_init_job(const struct train_fixture *fixture, uint64_t number)
{
    return (struct job){
        .key = {.job = number},
        .kind = JOB_MUTATE,
        .slices = SLICE_SELECT,
        .seed = 1,
        .data = fixture->data,
        .call = {.name = "init"},
    };
}

struct job train_fixture_child_job(const struct train_fixture *fixture, uint64_t number,
                                   const char *operator, const struct digest * parent)
{
    struct job job = train_fixture_init_job(fixture, number);
    const struct operator_info *info = operator_find(operator);
    assert(info != NULL);
    snprintf(job.call.name, sizeof job.call.name, "%s", operator);
    job.call.param_count = info->param_count;
    for (uint32_t i = 0; i < info->param_count; i++)
        job.call.params[i] = info->params[i].fallback;
    job.parent_count = 1;
    job.parents[0] = *parent;
    return job;
}

void train_fixture_run(struct train_fixture *fixture, const char *spec, const struct job *jobs,
                       uint32_t count, uint32_t cohort)
{
    struct error error = {""};
    struct evaluator_environment environment = memory_cache_environment(fixture->cache);
    void *handle = train_evaluator.open(spec, &error);
    if (handle == NULL)
        fprintf(stderr, "%s\n", error.text);
    assert(handle != NULL && count <= COHORT_MAX);
    memory_cache_forget_results(fixture->cache);
    struct result *results = calloc(count, sizeof *results);
    uint8_t(*details)[DETAIL_BYTES_MAX] = calloc(count, sizeof *details);
    assert(results != NULL && details != NULL);
    for (uint32_t first = 0; first < count; first += cohort) {
        uint32_t part = count - first < cohort ? count - first : cohort;
        memory_cache_forget_results(fixture->cache);
        train_evaluator.run(handle, &environment, jobs + first, part);
        for (uint32_t i = 0; i < part; i++) {
            assert(fixture->cache->times[i] == 1);
            results[first + i] = fixture->cache->results[i];
            memcpy(details[first + i], fixture->cache->details[i], DETAIL_BYTES_MAX);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        fixture->cache->results[i] = results[i];
        memcpy(fixture->cache->details[i], details[i], DETAIL_BYTES_MAX);
        fixture->cache->results[i].detail = fixture->cache->details[i];
    }
    free(results);
    free(details);
    train_evaluator.close(&handle);
    assert(handle == NULL && fixture->cache->loaded == 0);
}

struct digest train_fixture_founder(struct train_fixture *fixture, const char *spec)
{
    const struct job job = train_fixture_init_job(fixture, 0);
    train_fixture_run(fixture, spec, &job, 1, 1);
    assert(fixture->cache->results[0].outcome == OUTCOME_OK);
    return fixture->cache->results[0].child;
}

int train_fixture_set_up(void **state)
{
    struct train_fixture *fixture = calloc(1, sizeof *fixture);
    assert(fixture != NULL);
    train_fixture_init(fixture);
    *state = fixture;
    return 0;
}

int train_fixture_tear_down(void **state)
{
    train_fixture_fini(*state);
    free(*state);
    return 0;
}

const struct result *train_fixture_run_one(struct train_fixture *fixture, const char *spec,
                                           const struct job *job)
{
    train_fixture_run(fixture, spec, job, 1, 1);
    return &fixture->cache->results[0];
}

struct model *train_fixture_model(void)
{
    struct model_options options = {
        .activation = ACTIVATION_RELU,
        .initialisation = INITIALISATION_PYTORCH,
        .inputs = 40,
        .classes = 10,
    };
    struct error error;
    int failed = model_text_parse("mlp:2x12", &options.text, &error);
    assert(failed == 0);
    struct model *model = model_create(&options, &error);
    assert(model != NULL);
    return model;
}

struct network *train_fixture_read(struct train_fixture *fixture, const struct model *model,
                                   const struct digest *digest, enum optimizer_state kept)
{
    struct error error = {""};
    struct network *network = network_create(model, kept);
    const struct memory_blob *blob = memory_cache_find(fixture->cache, digest);
    assert(network != NULL);
    assert(blob != NULL);
    int failed = network_checkpoint_read(network, blob->bytes, blob->size, &error);
    if (failed)
        fprintf(stderr, "%s\n", error.text);
    assert(!failed);
    return network;
}

struct detail *train_fixture_detail(const struct result *result)
{
    struct error error = {""};
    struct detail *detail = calloc(1, sizeof *detail);
    assert(detail != NULL);
    int failed = detail_decode(result->detail, result->detail_bytes, detail, &error);
    if (failed)
        fprintf(stderr, "%s\n", error.text);
    assert(!failed);
    return detail;
}
