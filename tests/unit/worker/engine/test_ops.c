/*
 * test_ops.c: every kind of op and every family: logits against the reference in double, gradients
 * against central finite differences of the reference's loss, on every vector unit.
 *
 * A new op needs its lines in the table of cases and a file in tests/reference; nothing else here.
 * test_shapes.c goes through the sizes.
 */
#include "tests/unit/worker/engine/net_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct net_case cases[] = {
    /* model, inputs, classes, batch, activation, dropout */
    {"linear", 13, 6, 7, ACTIVATION_RELU, 0},
    {"mlp:[2x5,1x17]", 13, 6, 33, ACTIVATION_GELU, 0.3},
    {"mlp:3x2", 13, 6, 1025, ACTIVATION_TANH, 0},
    {"resmlp:2x7", 13, 6, 31, ACTIVATION_RELU, 0},
    {"resmlp:2x7", 13, 6, 31, ACTIVATION_SIGMOID, 0.3},
    {"resmlp:1x33", 7, 3, 1, ACTIVATION_GELU, 0},
    {"layers:[dense 9,2*residual(dense 4,linear 9),activation]", 12, 4, 33, ACTIVATION_GELU, 0.2},
    {"layers:[project 5]@3x1x7", 21, 4, 33, ACTIVATION_RELU, 0},
    {"layers:[project 17,conv 3k1]@2x3x5", 30, 4, 7, ACTIVATION_GELU, 0.2},
    {"cnn:9k5s2p1,5k3s2p1,3k3s2p1", 40, 10, 31, ACTIVATION_RELU, 0},
    {"cnn:9k3p1,11k5p3,3k3s3@2x1x19", 38, 4, 33, ACTIVATION_TANH, 0.2},
    {"cnn:9k3p1m2,10k3p1m2@1x7x9", 63, 6, 1025, ACTIVATION_RELU, 0},
    {"cnn:4k3p1,6k5s2p2@1x7x9", 63, 4, 31, ACTIVATION_RELU, 0},
    {"cnn:12k3s2p1,3k2m2@3x9x8", 216, 3, 31, ACTIVATION_SIGMOID, 0},
    {"layers:[conv 10k3p1,residual(conv 10k3p1,project 10),maxpool 3,conv 4k1s2]@1x8x8", 64, 4, 7,
     ACTIVATION_GELU, 0.3},
    {"layers:[conv 9k2s3,maxpool 2,dense 5]@1x11x10", 110, 4, 1, ACTIVATION_RELU, 0},
    {"layers:[mean]@3x1x7", 21, 4, 33, ACTIVATION_RELU, 0},
    {"layers:[dense 12,residual(linear 12),activation]", 12, 4, 7, ACTIVATION_RELU, 0},
    {"layers:[patch 3,mean]@2x6x9", 108, 4, 31, ACTIVATION_RELU, 0},
    {"layers:[patch 3,positions,mean]@1x1x21", 21, 4, 7, ACTIVATION_RELU, 0},
    {"layers:[positions,positions,dense 3]@2x1x5", 10, 4, 31, ACTIVATION_TANH, 0},
    {"layers:[norm,mean]@5x1x3", 15, 4, 31, ACTIVATION_RELU, 0},
    {"layers:[norm]@33x1x1", 33, 3, 1, ACTIVATION_RELU, 0},
    {"layers:[positions,residual(norm,positions),norm]@7x2x2", 28, 4, 1025, ACTIVATION_RELU, 0},
    {"layers:[attention 1]@3x1x4", 12, 4, 7, ACTIVATION_RELU, 0},
    {"layers:[attention 2]@6x1x7", 42, 4, 33, ACTIVATION_RELU, 0},
    {"layers:[positions,attention 3,mean]@9x2x5", 90, 4, 31, ACTIVATION_RELU, 0},
    {"layers:[positions,2*residual(norm,attention 2),norm,mean,dense 5]@8x1x7", 56, 4, 31,
     ACTIVATION_GELU, 0.2},
    {"layers:[positions,residual(attention 4)]@4x1x1", 4, 4, 1, ACTIVATION_RELU, 0},
    {"layers:[positions,residual(attention 1),mean]@2x1x3", 6, 2, 1025, ACTIVATION_RELU, 0},
    {"transformer:1x4h2", 7, 4, 31, ACTIVATION_RELU, 0},
    {"transformer:1x6h3r1", 33, 4, 7, ACTIVATION_RELU, 0},
    {"transformer:2x6h3p4r2", 64, 10, 33, ACTIVATION_GELU, 0.2},
    {"transformer:1x5h1p3r1@2x6x9", 108, 3, 7, ACTIVATION_TANH, 0},
    {"transformer:1x8h4p2r3@1x1x16", 16, 4, 1, ACTIVATION_SIGMOID, 0.3},
    {"transformer:1x2h1r1@1x1x2", 2, 2, 1025, ACTIVATION_RELU, 0},
    {"gru:1x5", 9, 4, 7, ACTIVATION_RELU, 0},
    {"gru:1x7", 1, 3, 31, ACTIVATION_RELU, 0},
    {"bigru:1x6", 12, 4, 33, ACTIVATION_TANH, 0},
    {"bigru:2x3@3x1x5", 15, 5, 1, ACTIVATION_RELU, 0},
    {"gru:3x4@2x1x4", 8, 3, 1025, ACTIVATION_RELU, 0},
    {"layers:[rows,gru 5]@2x3x4", 24, 4, 7, ACTIVATION_RELU, 0},
    {"layers:[conv 3k3p1,residual(project 3),rows,gru 5]@2x3x4", 24, 4, 31, ACTIVATION_RELU, 0.2},
    {"layers:[gru 33,residual(bigru 12,gru 33),dense 9]@2x1x6", 12, 4, 31, ACTIVATION_GELU, 0.3},
};
enum { CASES = sizeof cases / sizeof cases[0] };

static void logits_agree_with_the_reference(void **state)
{
    (void)state;
    const struct kernels *kernels[3];
    const uint32_t count = fixture_kernels(kernels);
    for (uint32_t c = 0; c < CASES; c++) {
        struct net_trial trial = net_trial_open(&cases[c]);
        for (uint32_t k = 0; k < count; k++)
            net_check_logits(&trial, kernels[k], 2e-6);
        net_trial_close(&trial);
    }
}

static void gradients_agree_with_differences_of_the_reference(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < CASES; c++) {
        struct net_trial trial = net_trial_open(&cases[c]);
        net_check_gradient(&trial);
        net_trial_close(&trial);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_agree_with_the_reference),
        cmocka_unit_test(gradients_agree_with_differences_of_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
