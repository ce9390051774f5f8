/*
 * test_shapes.c: every kind of op and every family at sizes that no vector, tile or block divides:
 * 1, 7, 31, 33 and 1025 samples, units or channels, and positions. As test_ops.c, whose cases are
 * about what else an op can be told; a new op needs its rows here too.
 */
#include "tests/unit/worker/engine/net_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static const uint32_t sizes[] = {1, 7, 31, 33, 1025};
enum { SIZES = sizeof sizes / sizeof sizes[0], CLASSES = 3, TEXT_BYTES = 128 };

/* In the text N is the size, M twice the size; a sample has `inputs` numbers, or so many times the
 * size. */
struct shape {
    const char *model;
    uint32_t inputs;
    bool grows;
    enum activation activation;
};

/* N units, channels or numbers of a sample. */
static const struct shape widths[] = {
    {"linear", 1, true, ACTIVATION_RELU},
    {"mlp:1x5", 1, true, ACTIVATION_RELU},
    {"cnn:Nk3p1,3k3@2x1x9", 18, false, ACTIVATION_RELU},
    {"cnn:Nk3p1,3k3s2@1x5x4", 20, false, ACTIVATION_GELU},
    {"layers:[conv Nk2s2,maxpool 2,dense 3]@1x4x8", 32, false, ACTIVATION_RELU},
    {"layers:[mean]@Nx1x3", 3, true, ACTIVATION_RELU},
    {"layers:[patch 2,mean]@Nx2x4", 8, true, ACTIVATION_RELU},
    {"layers:[rows,mean]@Nx2x3", 6, true, ACTIVATION_RELU},
    {"layers:[positions,dense 2]@Nx1x3", 3, true, ACTIVATION_SIGMOID},
    {"layers:[norm,mean]@Nx1x3", 3, true, ACTIVATION_RELU},
    {"gru:1x3@Nx1x2", 2, true, ACTIVATION_RELU},
};

/* N x N weights. */
static const struct shape squares[] = {
    {"mlp:2xN", 5, false, ACTIVATION_TANH},
    {"resmlp:1xN", 5, false, ACTIVATION_RELU},
    {"layers:[attention 1,mean]@Nx1x2", 2, true, ACTIVATION_RELU},
    {"layers:[project N,residual(conv Nk1,project N),activation,mean]@2x1x2", 4, false,
     ACTIVATION_GELU},
    {"gru:1xN@2x1x2", 4, false, ACTIVATION_RELU},
    {"bigru:1xN@1x1x2", 2, false, ACTIVATION_RELU},
    {"transformer:1xNh1r1@1x1x1", 1, false, ACTIVATION_GELU},
};

/* N positions. */
static const struct shape lengths[] = {
    {"cnn:3k3p1,2k1@1x1xN", 1, true, ACTIVATION_RELU},
    {"cnn:9k3p1,2k3p1@2xNx3", 6, true, ACTIVATION_RELU},
    {"layers:[conv 3k3p1,maxpool 2,mean]@1x1xM", 2, true, ACTIVATION_TANH},
    {"layers:[project 3,rows,mean]@1x3xN", 3, true, ACTIVATION_RELU},
    {"layers:[patch 2,mean]@1x1xM", 2, true, ACTIVATION_RELU},
    {"layers:[positions,mean]@2x1xN", 2, true, ACTIVATION_RELU},
    {"layers:[norm,mean]@3x1xN", 3, true, ACTIVATION_RELU},
    {"layers:[attention 1,mean]@2x1xN", 2, true, ACTIVATION_RELU},
    {"layers:[project 2,residual(project 2),mean]@1x1xN", 1, true, ACTIVATION_RELU},
    {"gru:1x2@1x1xN", 1, true, ACTIVATION_RELU},
    {"bigru:1x2@1x1xN", 1, true, ACTIVATION_RELU},
};

static void put_model(const struct shape *shape, uint32_t size, char text[TEXT_BYTES])
{
    size_t used = 0;
    for (const char *at = shape->model; *at != '\0'; at++) {
        const size_t room = TEXT_BYTES - used;
        const int length = *at == 'N'   ? snprintf(text + used, room, "%u", size)
                           : *at == 'M' ? snprintf(text + used, room, "%u", 2 * size)
                                        : snprintf(text + used, room, "%c", *at);
        assert_true(length > 0 && (size_t)length < room);
        used += (size_t)length;
    }
}

static void check(const struct shape *shape, uint32_t size, uint32_t batch)
{
    char model[TEXT_BYTES];
    const struct kernels *kernels[3];
    const uint32_t count = fixture_kernels(kernels);
    put_model(shape, size, model);
    const struct net_case its_case = {.model = model,
                                      .inputs = shape->grows ? shape->inputs * size : shape->inputs,
                                      .classes = CLASSES,
                                      .batch = batch,
                                      .activation = shape->activation};
    struct net_trial trial = net_trial_open(&its_case);
    for (uint32_t k = 0; k < count; k++)
        net_check_logits(&trial, kernels[k], size > 100 ? 5e-6 : 2e-6); /* long chains round more */
    net_check_gradient(&trial);
    net_trial_close(&trial);
}

/* As many samples of the largest as the reference has time for. */
static void check_sizes(const struct shape *shapes, size_t count, uint32_t of_largest)
{
    for (size_t i = 0; i < count; i++)
        for (uint32_t s = 0; s < SIZES; s++)
            check(&shapes[i], sizes[s], sizes[s] > 100 ? of_largest : 7);
}

static void odd_widths_agree_with_the_reference(void **state)
{
    (void)state;
    check_sizes(widths, sizeof widths / sizeof widths[0], 7);
    check_sizes(squares, sizeof squares / sizeof squares[0], 1);
}

static void odd_lengths_agree_with_the_reference(void **state)
{
    (void)state;
    check_sizes(lengths, sizeof lengths / sizeof lengths[0], 1);
}

static void check_batches(const struct shape *shapes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (uint32_t s = 0; s < SIZES; s++)
            check(&shapes[i], 5, sizes[s]);
}

static void odd_batches_agree_with_the_reference(void **state)
{
    (void)state;
    check_batches(widths, sizeof widths / sizeof widths[0]);
    check_batches(squares, sizeof squares / sizeof squares[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_batches_agree_with_the_reference),
        cmocka_unit_test(odd_widths_agree_with_the_reference),
        cmocka_unit_test(odd_lengths_agree_with_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
