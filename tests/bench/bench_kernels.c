/*
 * bench_kernels.c: how fast the kernels are, the products side by side with OpenBLAS.
 *
 *   bench-kernels [--cpu NAME] [--rounds N] [--json]
 *
 * The machine may be busy, so each round measures all contestants of one line in turn, and what is
 * printed are medians over the rounds. It gives no verdict.
 */
#include "worker/engine/kernels.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS_MAX = 999 };

static struct {
    const char *cpu;
    int rounds;
    bool json;
} options = {.cpu = "auto", .rounds = 15};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    switch (key) {
    case 'c':
        options.cpu = argument;
        return 0;
    case 'r':
        options.rounds = atoi(argument);
        if (options.rounds < 1 || options.rounds > ROUNDS_MAX)
            argp_error(state, "--rounds is 1 .. %d", ROUNDS_MAX);
        return 0;
    case 'j':
        options.json = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "there is nothing to be done with \"%s\"", argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option table[] = {
    {"cpu", 'c', "NAME", 0, "plain, avx2, avx512 or auto", 0},
    {"rounds", 'r', "N", 0, "medians are over N rounds (15)", 0},
    {"json", 'j', NULL, 0, "one object per line", 0},
    {0},
};

/* ------------------------------------------------------------------------------- measurement */

struct work {
    void (*run)(const void *subject);
    const void *subject;
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static double seconds_of(const struct work *work, int repeats)
{
    double start = now();
    for (int i = 0; i < repeats; i++)
        work->run(work->subject);
    return (now() - start) / repeats;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, ascending);
    return values[count / 2];
}

/* Seconds of a call of the first and of the second, and the median ratio second / first. */
struct duel {
    double first, second, ratio;
};

static struct duel measure(const struct work works[2])
{
    static double first[ROUNDS_MAX], second[ROUNDS_MAX], ratio[ROUNDS_MAX];
    double once = seconds_of(&works[0], 3);
    int repeats = once >= 2e-3 ? 1 : (int)(2e-3 / (once + 1e-9)) + 1;
    for (int round = 0; round < options.rounds; round++) {
        first[round] = seconds_of(&works[0], repeats);
        second[round] = works[1].run == NULL ? 0 : seconds_of(&works[1], repeats);
        ratio[round] = second[round] / first[round];
    }
    return (struct duel){median(first, options.rounds), median(second, options.rounds),
                         median(ratio, options.rounds)};
}

static float *floats_of(size_t count)
{
    float *values = aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64);
    if (values == NULL)
        abort();
    uint32_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525 + 1013904223;
        values[i] = (float)(int32_t)state * 0x1p-31F;
    }
    return values;
}

/* ---------------------------------------------------------------------------------- products */

static const struct shape {
    const char *name;
    uint32_t m, n, k;
    bool by_columns; /* a is stored as its transpose */
} shapes[] = {
    {"forward, first layer", 1, 256, 784, false},    {"forward, first layer", 4, 256, 784, false},
    {"forward, first layer", 7, 256, 784, false},    {"forward, first layer", 18, 256, 784, false},
    {"forward, first layer", 64, 256, 784, false},   {"forward, first layer", 128, 256, 784, false},
    {"forward, ten of 18", 180, 256, 784, false},    {"forward, hidden", 2, 256, 2, false},
    {"forward, hidden", 18, 256, 18, false},         {"forward, hidden", 632, 256, 632, false},
    {"forward, first layer", 2048, 256, 784, false}, {"delta, hidden", 18, 256, 18, true},
    {"delta, hidden", 632, 256, 632, true},          {"delta, hidden", 64, 256, 64, true},
    {"delta, hidden", 128, 256, 128, true},          {"gradient, first layer", 7, 784, 256, false},
    {"gradient, first layer", 18, 784, 256, false},  {"gradient, first layer", 64, 784, 256, false},
    {"gradient, hidden", 18, 18, 256, false},        {"gradient, hidden", 632, 632, 256, false},
};

static void run_ours(const void *subject)
{
    kernels_current()->product(subject);
}

static void run_openblas(const void *subject)
{
    blas_product(subject);
}

static void bench_product(const struct shape *shape, bool openblas)
{
    size_t stride = (shape->n + KERNEL_LANES - 1) / KERNEL_LANES * KERNEL_LANES;
    float *a = floats_of((size_t)shape->m * shape->k), *b = floats_of(shape->k * stride);
    float *c = floats_of(shape->m * stride);
    struct product product = {
        .m = shape->m,
        .n = shape->n,
        .k = shape->k,
        .a = a,
        .a_row = shape->by_columns ? 1 : shape->k,
        .a_column = shape->by_columns ? shape->m : 1,
        .b = b,
        .b_row = stride,
        .c = c,
        .c_row = stride,
    };
    struct work works[2] = {{run_ours, &product}, {openblas ? run_openblas : NULL, &product}};
    struct duel duel = measure(works);
    double flops = 2.0 * shape->m * shape->n * shape->k;
    double ours = flops / duel.first * 1e-9, theirs = openblas ? flops / duel.second * 1e-9 : 0;
    if (options.json)
        printf("{\"kernel\":\"product\",\"case\":\"%s\",\"cpu\":\"%s\",\"m\":%u,\"n\":%u,\"k\":%u,"
               "\"gflops\":%.2f,\"openblas_gflops\":%.2f,\"openblas_ratio\":%.3f}\n",
               shape->name, engine_cpu(), shape->m, shape->n, shape->k, ours, theirs, duel.ratio);
    else
        printf("%-24s %5u x %4u x %4u %10.1f %10.1f %8.2f\n", shape->name, shape->m, shape->n,
               shape->k, ours, theirs, duel.ratio);
    free(a);
    free(b);
    free(c);
}

/* ------------------------------------------------------------------------------------ others */

enum { UNITS = 64, BATCH = 256, FEATURES = 784, SAMPLES = 50000, CLASSES = 10 };

static struct {
    struct activations values, deltas;
    float *columns, *moments, *losses, *copy;
    struct samples samples;
    uint32_t index[BATCH];
    uint8_t labels[BATCH];
    struct batch batch;
} stage;

static void stage_open(void)
{
    uint8_t *inputs = malloc((size_t)SAMPLES * FEATURES);
    if (inputs == NULL)
        abort();
    for (size_t i = 0; i < (size_t)SAMPLES * FEATURES; i++)
        inputs[i] = (uint8_t)(i * 7 + i / 1000);
    stage.samples = (struct samples){.type = SAMPLE_U8,
                                     .inputs = inputs,
                                     .count = SAMPLES,
                                     .features = FEATURES,
                                     .scale = 1.0F / 255};
    stage.values = (struct activations){UNITS, BATCH, BATCH, floats_of(UNITS * BATCH)};
    stage.deltas = (struct activations){UNITS, BATCH, BATCH, floats_of(UNITS * BATCH)};
    stage.columns = floats_of(UNITS * BATCH);
    stage.moments = floats_of(UNITS * BATCH);
    stage.copy = floats_of(UNITS * BATCH);
    stage.losses = floats_of(BATCH);
    stage.batch = (struct batch){.by_sample = floats_of(BATCH * FEATURES),
                                 .sample_row = FEATURES,
                                 .by_feature = floats_of(FEATURES * BATCH),
                                 .stride = BATCH};
    for (uint32_t i = 0; i < BATCH; i++)
        stage.labels[i] = (uint8_t)(i % CLASSES);
}

static void stage_close(void)
{
    free((void *)(uintptr_t)stage.samples.inputs);
    free(stage.values.values);
    free(stage.deltas.values);
    free(stage.columns);
    free(stage.moments);
    free(stage.copy);
    free(stage.losses);
    free(stage.batch.by_sample);
    free(stage.batch.by_feature);
}

static void run_gather(const void *subject)
{
    (void)subject;
    static uint32_t next = 1;
    for (uint32_t i = 0; i < BATCH; i++) {
        next = next * 1664525 + 1013904223;
        stage.index[i] = next % SAMPLES;
    }
    struct batch_source source = {&stage.samples, stage.index, BATCH};
    kernels_current()->gather(&source, &stage.batch);
}

static void run_transpose(const void *subject)
{
    (void)subject;
    kernels_current()->transpose(&stage.values, stage.columns, UNITS);
}

static void run_sum(const void *subject)
{
    (void)subject;
    kernels_current()->sum_samples(&stage.values, stage.columns);
}

/* Each run begins with the same numbers, or they would soon all be 0. */
static void run_activate(const void *subject)
{
    memcpy(stage.deltas.values, stage.copy, UNITS * BATCH * sizeof(float));
    kernels_current()->activate(*(const enum activation *)subject, &stage.deltas);
}

static void run_derive(const void *subject)
{
    memcpy(stage.deltas.values, stage.copy, UNITS * BATCH * sizeof(float));
    kernels_current()->derive(*(const enum activation *)subject, &stage.values, &stage.deltas);
}

static void run_drop(const void *subject)
{
    (void)subject;
    static const struct dropout dropout = {.threshold = 1U << 29, .scale = 1};
    memcpy(stage.deltas.values, stage.copy, UNITS * BATCH * sizeof(float));
    kernels_current()->drop(&dropout, &stage.deltas);
}

static void run_softmax(const void *subject)
{
    (void)subject;
    const struct softmax softmax = {.classes = CLASSES,
                                    .n = BATCH,
                                    .stride = BATCH,
                                    .logits = stage.values.values,
                                    .labels = stage.labels,
                                    .gradient_scale = 1.0F / BATCH,
                                    .delta = stage.deltas.values,
                                    .losses = stage.losses};
    kernels_current()->softmax(&softmax);
}

static void run_adamw(const void *subject)
{
    (void)subject;
    static const struct adamw_step step = {.keep = 1,
                                           .beta1 = 0.9F,
                                           .beta2 = 0.999F,
                                           .one_less_beta1 = 0.1F,
                                           .one_less_beta2 = 0.001F,
                                           .step_size = 1e-6F,
                                           .root_scale = 1,
                                           .eps = 1e-8F};
    kernels_current()->adamw(&step, UNITS * BATCH, stage.copy, stage.deltas.values, stage.columns,
                             stage.moments);
}

static void bench_other(const char *name, void (*run)(const void *), const void *subject,
                        double elements)
{
    struct work works[2] = {{run, subject}, {NULL, NULL}};
    double seconds = measure(works).first;
    if (options.json)
        printf("{\"kernel\":\"%s\",\"cpu\":\"%s\",\"ns_per_element\":%.4f}\n", name, engine_cpu(),
               seconds / elements * 1e9);
    else
        printf("%-24s %10.3f ns an element, %9.2f us a call\n", name, seconds / elements * 1e9,
               seconds * 1e6);
}

static void bench_others(void)
{
    static const struct {
        const char *activate, *derive;
        enum activation activation;
    } activations[] = {
        {"activate relu", "derive relu", ACTIVATION_RELU},
        {"activate tanh", "derive tanh", ACTIVATION_TANH},
        {"activate sigmoid", "derive sigmoid", ACTIVATION_SIGMOID},
        {"activate gelu", "derive gelu", ACTIVATION_GELU},
    };
    stage_open();
    bench_other("gather", run_gather, NULL, (double)BATCH * FEATURES);
    bench_other("transpose", run_transpose, NULL, UNITS * BATCH);
    bench_other("sum_samples", run_sum, NULL, UNITS * BATCH);
    bench_other("drop", run_drop, NULL, UNITS * BATCH);
    bench_other("softmax", run_softmax, NULL, CLASSES * BATCH);
    for (size_t i = 0; i < sizeof activations / sizeof activations[0]; i++) {
        bench_other(activations[i].activate, run_activate, &activations[i].activation,
                    UNITS * BATCH);
        bench_other(activations[i].derive, run_derive, &activations[i].activation, UNITS * BATCH);
    }
    memset(stage.moments, 0, UNITS * BATCH * sizeof(float));
    bench_other("adamw", run_adamw, NULL, UNITS * BATCH);
    stage_close();
}

int main(int argc, char **argv)
{
    static const struct argp argp = {table, parse, NULL, "Measures the kernels beside OpenBLAS.",
                                     NULL,  NULL,  NULL};
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    struct error error;
    if (engine_choose_cpu(options.cpu, &error) != 0) {
        fprintf(stderr, "bench-kernels: %s\n", error.text);
        return 1;
    }
    char name[96] = "none";
    bool openblas = engine_native_class(name, sizeof name, &error) == 0;
    if (!openblas)
        fprintf(stderr, "bench-kernels: %s\n", error.text);
    if (!options.json)
        printf("kernels %s, beside %s\n%-24s %5s   %4s   %4s %10s %10s %8s\n", engine_cpu(), name,
               "product", "m", "n", "k", "GFLOP/s", "OpenBLAS", "ratio");
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        bench_product(&shapes[i], openblas);
    bench_others();
    return 0;
}
