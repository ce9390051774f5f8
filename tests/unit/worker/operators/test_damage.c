/* test_damage.c: a network's cumulative damage as runs. */
#include "operators_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* detail.c cannot see the engine: it must allow exactly the parts that there are. */
static void test_the_detail_knows_all_parts(void **state)
{
    (void)state;
    struct detail *detail = test_calloc(1, sizeof *detail);
    static uint8_t bytes[DETAIL_BYTES_MAX];
    damage_list_clear(&detail->hits);
    damage_list_clear(&detail->damage);
    damage_list_add(&detail->hits, 1, 2, DAMAGE_ALL);
    size_t count = detail_encode(detail, bytes);
    assert_int_equal(detail_decode(bytes, count, detail, NULL), 0);
    assert_int_equal(bytes[6], DAMAGE_ALL);
    bytes[6]++;
    assert_int_equal(detail_decode(bytes, count, detail, NULL), -1);
    test_free(detail);
}

static void test_damage_becomes_runs(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_make(&fixture_shapes[4], "none");
    uint8_t *damage = fixture->first->damage;
    struct damage_list list = {.count = 5};
    operator_list_damage(fixture->first, &list);
    assert_int_equal(list.count, 0);
    assert_true(list.complete);
    damage[1] = damage[2] = damage[3] = ENTERS;
    damage[4] = damage[5] = ENTERS; /* the next layer: another run */
    damage[6] = ENTERS | DAMAGE_OUTGOING;
    damage[fixture->model->unit_count - 1] = ENTERS | DAMAGE_REINITIALISED;
    const struct damage_run expected[] = {
        {0, 1, 3, ENTERS},
        {1, 0, 2, ENTERS},
        {1, 2, 1, ENTERS | DAMAGE_OUTGOING},
        {6, 9, 1, ENTERS | DAMAGE_REINITIALISED},
    };
    operator_list_damage(fixture->first, &list);
    assert_int_equal(list.count, 4);
    assert_true(list.complete);
    assert_memory_equal(list.runs, expected, sizeof expected);
    fixture_destroy(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_detail_knows_all_parts),
        cmocka_unit_test(test_damage_becomes_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
