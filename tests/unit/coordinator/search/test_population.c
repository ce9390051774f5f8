/* test_population.c: the population against a plain model, by many random replacements. */
#include "common/philox.h"
#include "coordinator/search/population.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CAPACITY = 37 };

static uint32_t worst_of(const struct individual *model, uint32_t count)
{
    uint32_t worst = 0;
    for (uint32_t i = 1; i < count; i++) {
        if (fitness_better(model[worst].fitness, model[i].fitness))
            worst = i;
        else if (!fitness_better(model[i].fitness, model[worst].fitness) &&
                 model[i].job < model[worst].job)
            worst = i;
    }
    return worst;
}

static void test_against_a_model(void **state)
{
    (void)state;
    void *memory = aligned_alloc(64, population_bytes(CAPACITY));
    struct population population;
    population_init(&population, CAPACITY, memory);
    struct individual model[CAPACITY];
    struct random random = random_open(3, 0, 0, RANDOM_STRATEGY);
    for (uint64_t job = 0; job < 20000; job++) {
        struct individual child = {.job = job, .fitness = random_below(&random, 20)};
        if (random_below(&random, 10) == 0)
            child.fitness = (double)NAN;
        if (population.count < CAPACITY) {
            model[population.count] = child;
            population_add(&population, &child);
        } else {
            uint32_t slot = random_below(&random, CAPACITY);
            struct individual gone = population_replace(&population, slot, &child);
            assert_int_equal(gone.job, model[slot].job);
            assert_int_equal(population_find(&population, gone.job), POPULATION_NONE);
            model[slot] = child;
        }
        assert_int_equal(population_worst(&population), worst_of(model, population.count));
        uint32_t probe = random_below(&random, population.count);
        assert_int_equal(population_find(&population, model[probe].job), probe);
    }
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_a_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
