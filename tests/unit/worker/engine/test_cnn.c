/* test_cnn.c: what the bits of a convolutional net's training may not depend on. */
#include "tests/unit/worker/engine/family_bits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A sample has eleven values. Few and many channels, taps beyond the edge, gaps between windows, a
 * delta that two read. */
static const char *const models[] = {
    "cnn:5k3p1,9k3s2,4k3p1",
    "cnn:9k5s2p1,12k3s2p1@1x11",
    "layers:[conv 10k3p1,residual(conv 10k3p1,project 10),activation,maxpool 4,conv 3k1s2]",
    NULL,
};

static void every_vector_unit_gives_the_same_bits(void **state)
{
    (void)state;
    family_bits_on_every_vector_unit(models);
}

static void a_cohort_changes_nothing_for_its_members(void **state)
{
    (void)state;
    family_bits_in_a_cohort(models);
}

static void a_training_may_be_cut_and_go_on_from_its_checkpoint(void **state)
{
    (void)state;
    family_bits_cut_anywhere(models);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_unit_gives_the_same_bits),
        cmocka_unit_test(a_cohort_changes_nothing_for_its_members),
        cmocka_unit_test(a_training_may_be_cut_and_go_on_from_its_checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
