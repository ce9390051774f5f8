/* test_transformer.c: what the bits of a transformer's training may not depend on. */
#include "tests/unit/worker/engine/family_bits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A sample has eleven values. */
static const char *const models[] = {
    "transformer:2x6h3",
    "transformer:1x10h2p11r1",
    "layers:[project 5,positions,residual(attention 5),norm,mean,dense 3]",
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
