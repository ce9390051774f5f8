/* kernel_cases.c: see kernel_cases.h. */
#include "tests/unit/worker/engine/kernel_cases.h"

#include "common/philox.h"
#include "worker/engine/float_mode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

int cases_tables(const struct kernels *tables[TABLES_MAX])
{
    static const char *const names[] = {"plain", "avx2", "avx512"};
    int count = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct kernels *table = kernels_named(names[i]);
        if (table != NULL)
            tables[count++] = table;
    }
    assert_true(count >= 1);
    assert_string_equal(tables[0]->name, "plain");
    return count;
}

int cases_flush_denormals(void **state)
{
    (void)state;
    (void)float_mode_enter(); /* until the test program ends */
    return 0;
}

void cases_fill(float *values, size_t count, uint32_t seed)
{
    struct random random = random_open(seed, 0, 0, RANDOM_NULL);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(int32_t)random_u32(&random) * 0x1p-30F;
}

void cases_fill_with_special(float *values, size_t count, uint32_t seed)
{
    static const float special[] = {
        __builtin_nanf(""),
        __builtin_inff(),
        -__builtin_inff(),
        0.0F,
        -0.0F,
        0x1p-149F,
        -0x1p-149F,
        0x1.8p-127F,
        -0x1.8p-130F,
        0x1p-126F,
        -0x1p-126F,
        1e38F,
        -1e38F,
        3.4e38F,
        -3.4e38F,
        88.7F,
        -103.9F,
        89.5F,
        -104.5F,
        1e-30F,
        -1e-30F,
        1.0F,
        -1.0F,
        0.61F,
    };
    enum { SPECIALS = sizeof special / sizeof special[0] };
    cases_fill(values, count, seed);
    struct random random = random_open(seed, 1, 0, RANDOM_NULL);
    for (size_t i = 0; i < count; i++) {
        if (random_below(&random, 4) == 0)
            values[i] = special[random_below(&random, SPECIALS)];
    }
}

void cases_settle(float *values, size_t count)
{
    volatile float one = 1;
    for (size_t i = 0; i < count; i++)
        values[i] *= one;
}

void cases_fill_with_nan(float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = __builtin_nanf("");
}

uint32_t cases_stride(uint32_t n)
{
    return (n + KERNEL_LANES - 1) / KERNEL_LANES * KERNEL_LANES;
}

float *cases_floats(size_t count)
{
    float *values = aligned_alloc(64, (count * sizeof(float) + 64) / 64 * 64);
    assert_non_null(values);
    return values;
}

size_t cases_panel_place(struct cases_place place)
{
    uint32_t first = 0, width = 0, left = place.columns;
    while (first + width <= place.column) {
        first += width;
        left -= width;
        width = left > 80 ? 64 : left > 64 ? 48 : left;
    }
    return (size_t)first * place.rows + (size_t)place.row * cases_stride(width) +
           (place.column - first);
}

int cases_same(float a, float b)
{
    return (a != a && b != b) || memcmp(&a, &b, sizeof a) == 0;
}

void cases_assert_same(const float *got, const float *expected, size_t count, const char *what)
{
    for (size_t i = 0; i < count; i++) {
        if (!cases_same(got[i], expected[i]))
            fail_msg("%s: [%zu] is %a, not %a", what, i, (double)got[i], (double)expected[i]);
    }
}
