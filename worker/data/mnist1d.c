/*
 * mnist1d.c: see mnist1d.h.
 *
 * The order of the draws and of the roundings is the definition: a draw more or less, or a value
 * that is nearly 0 where it should be 0, gives another data set.
 */
#include "worker/data/mnist1d.h"

#include "worker/data/numpy_random.h"
#include "worker/data/portable_double.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    TEMPLATE_POINTS = 12,
    PADDING_MIN = 36,
    PADDING_MAX = 60,
    LONG_POINTS = TEMPLATE_POINTS + PADDING_MAX, /* of a sample until the last step */
    TRANSLATIONS = 48,
    FILTER_RADIUS = 8, /* four deviations of the filter, which is 2 points wide */
};

static const double SCALE = 0.4, CORRELATED_NOISE = 0.25, NOISE = 0.02, SHEAR = 0.75;
/* Lifts the template off 0, by which the padding is known. */
static const double LIFT = 1e-8;

static const double templates[MNIST1D_CLASSES][TEMPLATE_POINTS] = {
    {5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5},
    {5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5},
    {5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5},
    {5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5},
    {5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5},
    {5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5},
    {5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5},
    {5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5},
    {5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5},
    {5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5},
};

/* Mean and deviation (ddof 0) of values[count], summed in order. */
static void measure(const double *values, uint64_t count, double *mean, double *deviation)
{
    double sum = 0, squares = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += values[i];
    *mean = sum / (double)count;
    for (uint64_t i = 0; i < count; i++)
        squares += (values[i] - *mean) * (values[i] - *mean);
    *deviation = sqrt(squares / (double)count);
}

/* The template of a class: of deviation 1/6, from 0 to 0. */
static void make_template(uint32_t label, double points[TEMPLATE_POINTS])
{
    double mean, deviation;
    measure(templates[label], TEMPLATE_POINTS, &mean, &deviation);
    double first = (templates[label][0] - mean) / deviation;
    for (uint32_t i = 0; i < TEMPLATE_POINTS; i++)
        points[i] = ((templates[label][i] - mean) / deviation - first) / 6;
}

/* Point i of `count` evenly spread over 0 .. 1. */
static double grid(uint32_t i, uint32_t count)
{
    return i + 1 == count ? 1 : i * (1.0 / (count - 1));
}

/* Linear interpolation from one even grid to another. */
static void resample(const double *from, uint32_t from_count, double *to, uint32_t to_count)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < to_count; i++) {
        double x = grid(i, to_count);
        while (left + 1 < from_count && grid(left + 1, from_count) <= x)
            left++;
        double start = grid(left, from_count);
        to[i] = from[left]; /* also where the points meet: a 0 of the padding stays one */
        if (x == start)
            continue;
        double slope = (from[left + 1] - from[left]) / (grid(left + 1, from_count) - start);
        to[i] = slope * (x - start) + from[left];
    }
}

/* Half of the symmetric filter: weights[d] for a point d away. */
static void make_filter(double weights[FILTER_RADIUS + 1])
{
    double sum = 0;
    for (int d = -FILTER_RADIUS; d <= FILTER_RADIUS; d++)
        sum += portable_double_exp(-0.125 * (d * d));
    for (int d = 0; d <= FILTER_RADIUS; d++)
        weights[d] = portable_double_exp(-0.125 * (d * d)) / sum;
}

/* The points beyond either end are those before it, mirrored. */
static double mirrored(const double points[LONG_POINTS], int i)
{
    if (i < 0)
        return points[-1 - i];
    return points[i < LONG_POINTS ? i : 2 * LONG_POINTS - 1 - i];
}

static double filtered(const double points[LONG_POINTS], int i,
                       const double weights[FILTER_RADIUS + 1])
{
    double sum = points[i] * weights[0];
    for (int d = FILTER_RADIUS; d > 0; d--)
        sum += (mirrored(points, i - d) + mirrored(points, i + d)) * weights[d];
    return sum;
}

/* Covers the padding with smooth noise, then everything with a little white noise. */
static void add_noise(struct numpy_random *random, const double weights[FILTER_RADIUS + 1],
                      double points[LONG_POINTS])
{
    double noise[LONG_POINTS];
    for (uint32_t i = 0; i < LONG_POINTS; i++)
        noise[i] = CORRELATED_NOISE * numpy_random_normal(random);
    for (int i = 0; i < LONG_POINTS; i++)
        if (points[i] == 0)
            points[i] = filtered(noise, i, weights);
    for (uint32_t i = 0; i < LONG_POINTS; i++)
        points[i] += NOISE * numpy_random_normal(random);
}

/* One sample, not yet standardised. */
static void draw_sample(struct numpy_random *random, const double template[TEMPLATE_POINTS],
                        const double weights[FILTER_RADIUS + 1], double sample[MNIST1D_POINTS])
{
    double padded[LONG_POINTS] = {0}, stretched[LONG_POINTS], points[LONG_POINTS];
    uint32_t padding =
        PADDING_MIN + (uint32_t)(numpy_random_unit(random) * (PADDING_MAX - PADDING_MIN + 1));
    for (uint32_t i = 0; i < TEMPLATE_POINTS; i++)
        padded[i] = template[i] + LIFT;
    resample(padded, TEMPLATE_POINTS + padding, stretched, LONG_POINTS);
    double scale = 1 + SCALE * (numpy_random_unit(random) - 0.5);
    uint32_t moved = numpy_random_within(random, TRANSLATIONS - 1);
    for (uint32_t i = 0; i < LONG_POINTS; i++)
        points[(i + moved) % LONG_POINTS] = stretched[i] * scale;
    add_noise(random, weights, points);
    double shear = SHEAR * (numpy_random_unit(random) - 0.5);
    for (uint32_t i = 0; i < LONG_POINTS; i++)
        points[i] -= shear * (grid(i, LONG_POINTS) - 0.5);
    resample(points, LONG_POINTS, sample, MNIST1D_POINTS);
}

static void draw_samples(struct numpy_random *random, uint32_t samples, double *raw)
{
    double template[TEMPLATE_POINTS], weights[FILTER_RADIUS + 1];
    make_filter(weights);
    for (uint32_t label = 0; label < MNIST1D_CLASSES; label++) {
        make_template(label, template);
        for (uint32_t i = 0; i < samples / MNIST1D_CLASSES; i++, raw += MNIST1D_POINTS)
            draw_sample(random, template, weights, raw);
    }
}

/* Samples, and perhaps points, in drawn order; then standardised over all. */
static void arrange(struct numpy_random *random, const struct mnist1d_options *options,
                    const double *raw, uint32_t *order, struct mnist1d *set)
{
    uint32_t points[MNIST1D_POINTS], per_class = options->samples / MNIST1D_CLASSES;
    numpy_random_permutation(random, order, options->samples);
    for (uint32_t i = 0; i < MNIST1D_POINTS; i++)
        points[i] = i;
    if (options->shuffle_positions)
        numpy_random_permutation(random, points, MNIST1D_POINTS);
    for (uint32_t i = 0; i < options->samples; i++) {
        const double *sample = raw + (uint64_t)order[i] * MNIST1D_POINTS;
        double *input = set->inputs + (uint64_t)i * MNIST1D_POINTS;
        set->labels[i] = (uint8_t)(order[i] / per_class);
        for (uint32_t p = 0; p < MNIST1D_POINTS; p++)
            input[p] = sample[points[p]];
    }
    uint64_t count = (uint64_t)options->samples * MNIST1D_POINTS;
    measure(set->inputs, count, &set->raw_mean, &set->raw_deviation);
    for (uint64_t i = 0; i < count; i++)
        set->inputs[i] = (set->inputs[i] - set->raw_mean) / set->raw_deviation;
}

int mnist1d_create(const struct mnist1d_options *options, struct mnist1d *set, struct error *error)
{
    size_t samples = options->samples, bytes = samples * MNIST1D_POINTS * sizeof(double);
    assert(samples > 0 && samples % MNIST1D_CLASSES == 0 && samples <= MNIST1D_SAMPLES_MAX);
    double *raw = malloc(bytes);
    uint32_t *order = malloc(samples * sizeof *order);
    *set = (struct mnist1d){
        .samples = options->samples,
        .train_count = options->samples / 10 * 8,
        .inputs = malloc(bytes),
        .labels = malloc(samples),
    };
    int code = 0;
    if (raw == NULL || order == NULL || set->inputs == NULL || set->labels == NULL) {
        mnist1d_destroy(set);
        code = error_set(error, -1, "mnist1d: no memory for %zu samples", samples);
    } else {
        struct numpy_random random;
        numpy_random_seed(&random, options->seed);
        draw_samples(&random, options->samples, raw);
        arrange(&random, options, raw, order, set);
    }
    free(raw);
    free(order);
    return code;
}

void mnist1d_destroy(struct mnist1d *set)
{
    free(set->inputs);
    free(set->labels);
    *set = (struct mnist1d){0};
}
