/*
 * test_residual.c: damage in residual nets, as the second paper does it: the first projection is
 * not among the hidden units; a unit inside a block loses the column that reads it; one that is
 * added to the skipped value has no column of its own, and loses its row and bias only, which is
 * what its record says.
 */
#include "operators_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { JOBS = 150, WIDTH = 6, LOGITS = 5 };

/* Unit layers: the projection, then two for each of two blocks, then logits. */
static const struct fixture_model net = {"resmlp:2x6", 3, 4};

static uint64_t row_of(uint32_t layer)
{
    return layer == 0 ? 3 + 1 : WIDTH + 1;
}

/* Those who read the units of a layer, each by one number; 0: a sum reads them. */
static uint64_t readers_of(uint32_t layer)
{
    return layer == 1 || layer == 3 ? WIDTH : 0;
}

static void count_hits(const char *name, uint32_t parts, uint32_t hits[LOGITS + 1])
{
    struct fixture *fixture = fixture_make_model(&net, name);
    assert_int_equal(fixture->model->layer_count, LOGITS + 1);
    for (uint64_t job = 0; job < JOBS; job++) {
        fixture_apply(fixture, job);
        struct damage_run run = fixture_expect_one(fixture, parts);
        uint64_t expected = row_of(run.layer);
        if ((parts & DAMAGE_OUTGOING) != 0)
            expected += readers_of(run.layer);
        assert_int_equal((run.parts & DAMAGE_OUTGOING) != 0, expected > row_of(run.layer));
        assert_int_equal(fixture_changed(fixture), expected);
        hits[run.layer]++;
    }
    fixture_destroy(&fixture);
}

static void hidden_damage_leaves_the_projection_alone(void **state)
{
    (void)state;
    uint32_t hits[LOGITS + 1] = {0};
    count_hits("psa.hidden", ENTERS | DAMAGE_OUTGOING, hits);
    assert_int_equal(hits[0], 0);
    assert_int_equal(hits[LOGITS], 0);
    for (uint32_t layer = 1; layer < LOGITS; layer++)
        assert_true(hits[layer] > 0);
}

static void full_damage_takes_every_layer(void **state)
{
    (void)state;
    uint32_t hits[LOGITS + 1] = {0};
    count_hits("psa.full", ENTERS, hits);
    for (uint32_t layer = 0; layer <= LOGITS; layer++)
        assert_true(hits[layer] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hidden_damage_leaves_the_projection_alone),
        cmocka_unit_test(full_damage_takes_every_layer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
