/* test_fitness_table.c: it knows what was put, forgets what is old and unused, and nothing else. */
#include "coordinator/shell/fitness_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct job_key job(uint64_t number)
{
    return (struct job_key){.line = (uint32_t)(number % 3), .job = number};
}

static void expect(struct fitness_table *table, uint64_t number, double wanted)
{
    double fitness = 0;
    if (!fitness_table_get(table, job(number), &fitness))
        fail_msg("job %u is not known", (unsigned)number);
    assert_true(fitness == wanted);
}

static void expect_unknown(struct fitness_table *table, uint64_t number)
{
    double fitness;
    if (fitness_table_get(table, job(number), &fitness))
        fail_msg("job %u is known", (unsigned)number);
}

static void test_what_was_put_is_there(void **state)
{
    (void)state;
    struct fitness_table *table = fitness_table_create(8);
    assert_non_null(table);
    expect_unknown(table, 1);
    for (uint64_t i = 0; i < 8; i++)
        fitness_table_put(table, job(i), (double)i / 2);
    for (uint64_t i = 0; i < 8; i++)
        expect(table, i, (double)i / 2);
    fitness_table_put(table, job(3), 7);
    expect(table, 3, 7);
    double fitness;
    assert_false(fitness_table_get(table, (struct job_key){.line = 1, .job = 3}, &fitness));
    fitness_table_destroy(&table);
    assert_null(table);
    fitness_table_destroy(&table);
}

static void test_the_oldest_goes_first(void **state)
{
    (void)state;
    struct fitness_table *table = fitness_table_create(4);
    for (uint64_t i = 0; i < 10; i++)
        fitness_table_put(table, job(i), (double)i);
    for (uint64_t i = 0; i < 6; i++)
        expect_unknown(table, i);
    for (uint64_t i = 6; i < 10; i++)
        expect(table, i, (double)i);
    fitness_table_destroy(&table);
}

static void test_who_is_looked_up_stays(void **state)
{
    (void)state;
    struct fitness_table *table = fitness_table_create(4);
    fitness_table_put(table, job(1000), 42);
    for (uint64_t i = 0; i < 100; i++) {
        fitness_table_put(table, job(i), (double)i);
        expect(table, 1000, 42);
    }
    expect(table, 99, 99);
    expect_unknown(table, 90);
    fitness_table_destroy(&table);
}

static void test_all_in_use(void **state)
{
    (void)state;
    struct fitness_table *table = fitness_table_create(4);
    for (uint64_t i = 0; i < 4; i++)
        fitness_table_put(table, job(i), (double)i);
    for (uint64_t i = 0; i < 4; i++)
        expect(table, i, (double)i);
    fitness_table_put(table, job(4), 4);
    expect_unknown(table, 0);
    expect(table, 4, 4);
    fitness_table_destroy(&table);
}

static void test_clear(void **state)
{
    (void)state;
    struct fitness_table *table = fitness_table_create(4);
    for (int round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < 6; i++)
            fitness_table_put(table, job(i), (double)(i + 10));
        expect(table, 5, 15);
        fitness_table_clear(table);
        for (uint64_t i = 0; i < 6; i++)
            expect_unknown(table, i);
    }
    fitness_table_destroy(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_put_is_there),
        cmocka_unit_test(test_the_oldest_goes_first),
        cmocka_unit_test(test_who_is_looked_up_stays),
        cmocka_unit_test(test_all_in_use),
        cmocka_unit_test(test_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
