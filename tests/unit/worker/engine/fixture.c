/* fixture.c: see fixture.h. */
#include "tests/unit/worker/engine/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct model *create(const char *topology, struct model_options options)
{
    struct error error;
    if (model_text_parse(topology, &options.text, &error) != 0)
        fail_msg("%s", error.text);
    struct model *model = model_create(&options, &error);
    if (model == NULL)
        fail_msg("%s", error.text);
    return model;
}

struct model *fixture_model(const char *topology, enum activation activation, uint32_t inputs,
                            uint32_t classes)
{
    return create(topology, (struct model_options){.activation = activation,
                                                   .initialisation = INITIALISATION_PYTORCH,
                                                   .inputs = inputs,
                                                   .classes = classes});
}

struct model *fixture_model_he(const char *topology, enum activation activation, uint32_t inputs,
                               uint32_t classes)
{
    return create(topology, (struct model_options){.activation = activation,
                                                   .initialisation = INITIALISATION_HE,
                                                   .inputs = inputs,
                                                   .classes = classes});
}

struct network *fixture_network(const struct model *model, enum optimizer_state state,
                                uint64_t seed)
{
    struct random random = random_open(seed, 0, 0, RANDOM_INIT);
    struct network *network = network_create(model, state);
    assert_non_null(network);
    model_draw(model, &random, network->parameters);
    return network;
}

/* Bytes, or reals of -2 .. 2 whose first lies on an odd address. */
static void *draw_inputs(enum sample_type type, size_t count, struct random *random)
{
    uint8_t *bytes = malloc(count * (type == SAMPLE_U8 ? 1 : sizeof(float)) + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < count; i++) {
        uint32_t word = random_u32(random);
        float real = (float)(int32_t)word * 0x1.0p-30F;
        if (type == SAMPLE_U8)
            bytes[i] = (uint8_t)(word >> 24);
        else
            memcpy(bytes + 1 + i * sizeof real, &real, sizeof real);
    }
    return bytes;
}

struct fixture_data fixture_data_create(const struct model *model, enum sample_type type,
                                        uint32_t count, uint64_t seed)
{
    struct random random = random_open(seed, 0, 0, RANDOM_NULL);
    uint8_t *inputs = draw_inputs(type, (size_t)count * model->inputs, &random);
    uint8_t *labels = malloc(count);
    uint32_t *index = malloc(count * sizeof *index);
    assert_true(labels != NULL && index != NULL);
    for (uint32_t i = 0; i < count; i++) {
        labels[i] = (uint8_t)random_below(&random, model->classes);
        index[i] = i;
    }
    for (uint32_t i = count; i > 1; i--) {
        uint32_t j = random_below(&random, i), moved = index[i - 1];
        index[i - 1] = index[j];
        index[j] = moved;
    }
    return (struct fixture_data){
        .samples = {.type = type,
                    .inputs = type == SAMPLE_U8 ? inputs : inputs + 1,
                    .labels = labels,
                    .count = count,
                    .features = model->inputs,
                    .scale = type == SAMPLE_U8 ? 0.0137F : 1.25F,
                    .shift = type == SAMPLE_U8 ? -1.75F : 0.125F},
        .slice = {index, count},
    };
}

void fixture_data_destroy(struct fixture_data *data)
{
    const uint8_t *inputs = data->samples.inputs;
    free((void *)(uintptr_t)(data->samples.type == SAMPLE_U8 ? inputs : inputs - 1));
    free((void *)(uintptr_t)data->samples.labels);
    free((void *)(uintptr_t)data->slice.index);
}

float fixture_input(const struct samples *samples, uint32_t sample, uint32_t feature)
{
    size_t place = (size_t)sample * samples->features + feature;
    const uint8_t *bytes = samples->inputs;
    float real;
    if (samples->type == SAMPLE_U8)
        real = (float)bytes[place];
    else
        memcpy(&real, bytes + place * sizeof real, sizeof real);
    return fmaf(real, samples->scale, samples->shift);
}

struct training_settings fixture_training(uint32_t batch)
{
    return (struct training_settings){.optimizer = OPTIMIZER_ADAMW,
                                      .lr = 0.01,
                                      .beta1 = 0.9,
                                      .beta2 = 0.999,
                                      .eps = 1e-8,
                                      .batch = batch};
}

struct cohort_member fixture_member(struct network *network, uint64_t seed)
{
    return (struct cohort_member){
        .network = network,
        .dropout_key = random_open(seed, 0, 0, RANDOM_DROPOUT),
    };
}

struct cohort_member fixture_copy_member(const struct cohort_member *member)
{
    struct cohort_member copy = *member;
    copy.network = network_create(member->network->model, member->network->state);
    assert_non_null(copy.network);
    network_copy(copy.network, member->network);
    return copy;
}

uint32_t fixture_kernels(const struct kernels *kernels[3])
{
    static const char *const names[] = {"plain", "avx2", "avx512"};
    uint32_t count = 0;
    for (uint32_t i = 0; i < 3; i++) {
        kernels[count] = kernels_named(names[i]);
        count += kernels[count] != NULL;
    }
    return count;
}

void fixture_assert_equal(const struct network *a, const struct network *b)
{
    size_t bytes = a->model->parameter_count * sizeof(float);
    assert_memory_equal(a->parameters, b->parameters, bytes);
    assert_memory_equal(a->m, b->m, bytes);
    assert_memory_equal(a->v, b->v, bytes);
    assert_memory_equal(a->damage, b->damage, a->model->unit_count);
    assert_true(a->optimizer_step == b->optimizer_step);
}
