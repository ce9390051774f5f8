/*
 * test_mnist1d.c: what is made here is what the authors published: labels, samples and sums of
 * their frozen set, as far as its digits go.
 */
#include "worker/data/mnist1d.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct mnist1d_options published = {.samples = 5000, .seed = 42};

static struct mnist1d make(const struct mnist1d_options *options)
{
    struct mnist1d set;
    struct error error = {""};
    assert_int_equal(mnist1d_create(options, &set, &error), 0);
    return set;
}

static void expect_near(double got, double expected)
{
    if (!(fabs(got - expected) <= 1e-6))
        fail_msg("%.9f is not %.9f", got, expected);
}

static void labels_are_the_published(void **state)
{
    (void)state;
    static const uint8_t train[20] = {2, 6, 4, 5, 6, 6, 6, 0, 3, 1, 6, 9, 4, 3, 4, 5, 1, 9, 0, 3};
    static const uint8_t test[20] = {2, 6, 3, 9, 4, 3, 1, 9, 5, 2, 0, 7, 7, 1, 4, 6, 1, 4, 3, 9};
    static const uint32_t train_counts[10] = {398, 396, 411, 394, 394, 402, 401, 404, 402, 398};
    static const uint32_t test_counts[10] = {102, 104, 89, 106, 106, 98, 99, 96, 98, 102};
    struct mnist1d set = make(&published);
    uint32_t counts[2][10] = {{0}};
    uint64_t sum = 0;
    assert_int_equal(set.samples, 5000);
    assert_int_equal(set.train_count, 4000);
    assert_memory_equal(set.labels, train, 20);
    assert_memory_equal(set.labels + 4000, test, 20);
    for (uint32_t i = 0; i < 5000; i++) {
        counts[i >= 4000][set.labels[i]]++;
        sum += (uint64_t)i * set.labels[i];
    }
    assert_memory_equal(counts[0], train_counts, sizeof train_counts);
    assert_memory_equal(counts[1], test_counts, sizeof test_counts);
    assert_int_equal(sum, 56565641); /* moves when any two labels change places */
    mnist1d_destroy(&set);
}

static void samples_are_the_published(void **state)
{
    (void)state;
    static const double train[5] = {-0.332005667, -0.471910366, -0.778697076, -1.009740827,
                                    -0.882352565};
    static const double test[5] = {-0.07877078, -0.21073171, -0.09175138, 0.28267112, 0.32605815};
    struct mnist1d set = make(&published);
    double sum = 0;
    for (uint32_t i = 0; i < 5; i++) {
        expect_near(set.inputs[i], train[i]);
        expect_near(set.inputs[4000 * MNIST1D_POINTS + i], test[i]);
    }
    for (uint32_t i = 0; i < MNIST1D_POINTS; i++)
        sum += set.inputs[i];
    expect_near(sum, 1.82442430);
    mnist1d_destroy(&set);
}

static void sums_are_the_published(void **state)
{
    (void)state;
    struct mnist1d set = make(&published);
    double train = 0, squares[2] = {0, 0}, least = 0, most = 0;
    for (uint32_t i = 0; i < 5000 * MNIST1D_POINTS; i++) {
        double x = set.inputs[i];
        int part = i >= 4000 * MNIST1D_POINTS;
        train += part == 0 ? x : 0;
        squares[part] += x * x;
        least = fmin(least, x);
        most = fmax(most, x);
    }
    expect_near(set.raw_mean * 1e4, -0.0055075064 * 1e4); /* ten digits are known of these */
    expect_near(set.raw_deviation * 1e4, 0.1546780342 * 1e4);
    expect_near(train, -51.787467875);
    expect_near(squares[0], 159248.253865);
    expect_near(squares[1], 40751.746134653);
    expect_near(squares[0] + squares[1], 200000); /* deviation 1 over all */
    assert_true(fabs(least + 5.4794) < 5e-5 && fabs(most - 4.5335) < 5e-5);
    mnist1d_destroy(&set);
}

/* One permutation of the points, the same for all samples, drawn after everything else. */
static void positions_are_shuffled_alike(void **state)
{
    (void)state;
    struct mnist1d_options options = published;
    struct mnist1d plain = make(&options);
    options.shuffle_positions = 1;
    struct mnist1d shuffled = make(&options);
    uint32_t from[MNIST1D_POINTS], moved = 0, seen[MNIST1D_POINTS] = {0};
    for (uint32_t p = 0; p < MNIST1D_POINTS; p++) {
        uint32_t q = 0;
        while (q < MNIST1D_POINTS && fabs(plain.inputs[q] - shuffled.inputs[p]) > 1e-12)
            q++;
        assert_true(q < MNIST1D_POINTS);
        from[p] = q;
        moved += p != q;
        seen[q]++;
    }
    assert_true(moved > 30);
    for (uint32_t p = 0; p < MNIST1D_POINTS; p++)
        assert_int_equal(seen[p], 1);
    for (uint32_t i = 0; i < 5000; i++)
        for (uint32_t p = 0; p < MNIST1D_POINTS; p++)
            assert_true(fabs(plain.inputs[i * MNIST1D_POINTS + from[p]] -
                             shuffled.inputs[i * MNIST1D_POINTS + p]) < 1e-12);
    assert_memory_equal(plain.labels, shuffled.labels, 5000);
    mnist1d_destroy(&plain);
    mnist1d_destroy(&shuffled);
}

static void options_alone_decide(void **state)
{
    (void)state;
    const struct mnist1d_options options[] = {{.samples = 10, .seed = 0},
                                              {.samples = 200, .seed = UINT32_MAX},
                                              {.samples = 200, .seed = 1}};
    struct mnist1d sets[3];
    for (int i = 0; i < 3; i++) {
        struct mnist1d again = make(&options[i]);
        sets[i] = make(&options[i]);
        uint32_t counts[10] = {0}, samples = options[i].samples;
        assert_int_equal(sets[i].train_count, samples * 4 / 5);
        assert_memory_equal(sets[i].inputs, again.inputs,
                            samples * MNIST1D_POINTS * sizeof(double));
        assert_memory_equal(sets[i].labels, again.labels, samples);
        for (uint32_t k = 0; k < samples; k++)
            counts[sets[i].labels[k]]++;
        for (int k = 0; k < 10; k++)
            assert_int_equal(counts[k], samples / 10);
        mnist1d_destroy(&again);
    }
    assert_memory_not_equal(sets[1].labels, sets[2].labels, 200);
    for (int i = 0; i < 3; i++)
        mnist1d_destroy(&sets[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_are_the_published), cmocka_unit_test(samples_are_the_published),
        cmocka_unit_test(sums_are_the_published),   cmocka_unit_test(positions_are_shuffled_alike),
        cmocka_unit_test(options_alone_decide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
