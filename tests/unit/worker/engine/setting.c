/* setting.c: see setting.h. */
#include "tests/unit/worker/engine/setting.h"

#include "worker/engine/engine_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

const struct data_order setting_order = {7, 1};

struct setting setting_open(const char *topology, enum activation activation)
{
    struct setting setting = {.model = fixture_model(topology, activation, INPUTS, CLASSES),
                              .training = fixture_training(BATCH)};
    setting.data = fixture_data_create(setting.model, SAMPLE_U8, SAMPLES, 5);
    return setting;
}

void setting_close(struct setting *setting)
{
    fixture_data_destroy(&setting->data);
    model_destroy(&setting->model);
}

struct engine *setting_engine(const struct setting *setting, const struct kernels *kernels)
{
    struct engine_options options = {.model = setting->model, .training = setting->training};
    struct engine *engine = engine_create_with(&options, kernels, NULL);
    assert_non_null(engine);
    return engine;
}

struct cohort_member setting_member(const struct setting *setting, uint32_t number)
{
    struct cohort_member member = fixture_member(
        fixture_network(setting->model, OPTIMIZER_STATE_MOMENTS, number), 100 + number);
    member.weight_decay = number % 3 == 1 ? 0.3 : 0;
    member.dropout = number % 2 == 1 ? 0.2 : 0;
    return member;
}

void setting_train(struct engine *engine, const struct setting *setting, struct step_range steps,
                   struct cohort_member *members, uint32_t count)
{
    struct error error;
    if (engine_train(engine, &setting->data.samples, &setting->data.slice, &setting_order, steps,
                     members, count, &error) != 0)
        fail_msg("%s", error.text);
}

void setting_assert_same(const struct cohort_member *a, const struct cohort_member *b)
{
    fixture_assert_equal(a->network, b->network);
    assert_memory_equal(&a->loss_sum, &b->loss_sum, sizeof a->loss_sum);
}

void setting_close_members(struct cohort_member *members, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        network_destroy(&members[i].network);
}
