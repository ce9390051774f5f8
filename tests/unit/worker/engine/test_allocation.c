/*
 * test_allocation.c: every place that takes memory, made to fail once: the answer is an error with
 * a reason, and nothing is lost (the address sanitizer's leak check looks on).
 *
 * It also counts: once an engine has seen its slice, a training takes no memory.
 */
#include "tests/unit/worker/engine/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Volatile: a compiler knows that malloc leaves them alone. */
static volatile uint64_t taken, failing_at = UINT64_MAX;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
    return taken++ == failing_at ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return taken++ == failing_at ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return taken++ == failing_at ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return taken++ == failing_at ? NULL : __real_aligned_alloc(alignment, size);
}

/* The allocation of this number from now on fails. */
static void fail_at(uint64_t number)
{
    taken = 0;
    failing_at = number;
}

static void fail_never(void)
{
    failing_at = UINT64_MAX;
}

static void a_model_without_memory_says_so(void **state)
{
    (void)state;
    struct model_options options = {.activation = ACTIVATION_RELU,
                                    .initialisation = INITIALISATION_HE,
                                    .inputs = 3,
                                    .classes = 2};
    struct model *model = NULL;
    uint64_t failures = 0;
    assert_int_equal(model_text_parse("mlp:2x3", &options.text, NULL), 0);
    for (; model == NULL; failures++) {
        struct error error = {""};
        fail_at(failures);
        model = model_create(&options, &error);
        fail_never();
        assert_true(model != NULL || strstr(error.text, "no memory") != NULL);
    }
    assert_true(failures > 5);
    model_destroy(&model);
}

static void a_network_without_memory_is_none(void **state)
{
    (void)state;
    struct model *model = fixture_model("mlp:2x3", ACTIVATION_RELU, 3, 2);
    struct network *network = NULL;
    uint64_t failures = 0;
    for (; network == NULL; failures++) {
        fail_at(failures);
        network = network_create(model, OPTIMIZER_STATE_MOMENTS);
        fail_never();
    }
    assert_int_equal(failures, 6);
    network_destroy(&network);
    model_destroy(&model);
}

/* A file of ours, and one of another tool's, with a blank before its header. */
static void a_checkpoint_without_memory_says_so(void **state)
{
    (void)state;
    struct model *model = fixture_model("mlp:2x3", ACTIVATION_RELU, 3, 2);
    struct network *network = fixture_network(model, OPTIMIZER_STATE_MOMENTS, 1);
    size_t count = network_checkpoint_bytes(network);
    uint8_t *bytes = malloc(count);
    assert_non_null(bytes);
    network_checkpoint_write(network, bytes);
    for (uint32_t foreign = 0; foreign < 2; foreign++) {
        uint64_t failures = 0;
        for (int code = -1; code != 0; failures++) {
            struct error error = {""};
            fail_at(failures);
            code = network_checkpoint_read(network, bytes, count, &error);
            fail_never();
            assert_true(code == 0 || strstr(error.text, "no memory") != NULL);
        }
        assert_int_equal(failures, foreign ? 3 : 2);
        size_t header = model->checkpoint_headers[OPTIMIZER_STATE_MOMENTS].count;
        assert_int_equal(bytes[header - 1], ' ');
        memmove(bytes + 9, bytes + 8, header - 9);
        bytes[8] = ' ';
    }
    free(bytes);
    network_destroy(&network);
    model_destroy(&model);
}

static void an_engine_without_memory_says_so(void **state)
{
    (void)state;
    struct model *model = fixture_model("mlp:2x3", ACTIVATION_GELU, 3, 2);
    struct engine_options options = {.model = model, .training = fixture_training(8)};
    struct engine *engine = NULL;
    uint64_t failures = 0;
    for (; engine == NULL; failures++) {
        struct error error = {""};
        fail_at(failures);
        engine = engine_create(&options, &error);
        fail_never();
        assert_true(engine != NULL || strstr(error.text, "no memory") != NULL);
    }
    assert_int_equal(failures, 5);
    engine_destroy(&engine);
    model_destroy(&model);
}

static void training_takes_memory_for_the_order_only(void **state)
{
    (void)state;
    struct model *model = fixture_model("mlp:2x3", ACTIVATION_GELU, 3, 2);
    struct engine_options options = {.model = model, .training = fixture_training(8)};
    struct engine *engine = engine_create(&options, NULL);
    struct fixture_data data = fixture_data_create(model, SAMPLE_F32, 30, 1);
    struct cohort_member member =
        fixture_member(fixture_network(model, OPTIMIZER_STATE_NONE, 1), 1);
    const struct data_order order = {1, 2};
    static struct evaluation evaluation;
    struct error error = {""};
    assert_non_null(engine);
    fail_at(0);
    assert_int_equal(engine_train(engine, &data.samples, &data.slice, &order,
                                  (struct step_range){0, 9}, &member, 1, &error),
                     -1);
    assert_string_equal(error.text, "engine: no memory for the order of 30 samples");
    assert_int_equal(member.network->optimizer_step, 0);
    fail_at(1);
    assert_int_equal(engine_train(engine, &data.samples, &data.slice, &order,
                                  (struct step_range){0, 9}, &member, 1, &error),
                     0);
    fail_at(0);
    assert_int_equal(engine_train(engine, &data.samples, &data.slice, &order,
                                  (struct step_range){9, 18}, &member, 1, &error),
                     0);
    engine_evaluate(engine, &data.samples, &data.slice, member.network, &evaluation);
    assert_int_equal(taken, 0);
    fail_never();
    network_destroy(&member.network);
    fixture_data_destroy(&data);
    engine_destroy(&engine);
    model_destroy(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_without_memory_says_so),
        cmocka_unit_test(a_network_without_memory_is_none),
        cmocka_unit_test(a_checkpoint_without_memory_says_so),
        cmocka_unit_test(an_engine_without_memory_says_so),
        cmocka_unit_test(training_takes_memory_for_the_order_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
