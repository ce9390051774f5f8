/*
 * bench_train.c: how fast the engine trains, against OpenBLAS's matrix product in the same run.
 *
 *   bench-train [--json] [--seconds S] [--cpu NAME] [--cohort N] [TOPOLOGY...]
 *
 * For each topology (784 inputs, 10 classes, batch 256, AdamW: the published study's setting) one
 * table row: microseconds per step and network, batch preparation from bytes included; the rate of
 * the floating-point operations that the step needs (forward, weight gradients, deltas but for the
 * first layer's); the same with products by OpenBLAS (numeric native); and the fraction of the rate
 * that OpenBLAS's sgemm reaches on 1024 x 1024 matrices. Rounds of the three alternate, so that a
 * busy machine slows all of them alike; medians are shown.
 */
#include "worker/engine/engine.h"
#include "worker/engine/kernels.h"
#include "worker/engine/program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    INPUTS = 784,
    CLASSES = 10,
    BATCH = 256,
    SAMPLES = 8192,
    ROUNDS_MAX = 201,
    COHORT_SIZE_MAX = 64,
    SQUARE = 1024,
};

static const char *const usual[] = {"mlp:18x18",  "mlp:7x7",   "mlp:2048x1", "mlp:632x4",
                                    "mlp:1x64",   "mlp:2x128", "mlp:35x35",  "mlp:4x632",
                                    "mlp:1x2048", "mlp:1x1"};

struct bench {
    bool json;
    double seconds; /* for each topology */
    uint32_t cohort;
    struct samples samples;
    uint32_t *index;
    float *square[3]; /* matrices for sgemm */
};

struct row {
    const char *topology;
    uint64_t parameters;
    double us_portable, us_native; /* per step and network; NaN without OpenBLAS */
    double step_flops, sgemm_gflops;
    uint32_t rounds;
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, uint32_t count)
{
    qsort(values, count, sizeof *values, compare);
    return values[count / 2];
}

/* ------------------------------------------------------------------------------------- subjects */

/* Half of the bytes are zero, as in Fashion-MNIST; the speed does not depend on them. */
static int make_samples(struct bench *bench)
{
    struct random random = random_open(1, 0, 0, RANDOM_DATA_ORDER);
    uint8_t *inputs = malloc((size_t)SAMPLES * INPUTS), *labels = malloc(SAMPLES);
    bench->index = malloc(SAMPLES * sizeof *bench->index);
    for (int i = 0; i < 3; i++)
        bench->square[i] = malloc(sizeof(float) * SQUARE * SQUARE);
    if (inputs == NULL || labels == NULL || bench->index == NULL || bench->square[2] == NULL)
        return -1;
    for (size_t i = 0; i < (size_t)SAMPLES * INPUTS; i++) {
        uint32_t word = random_u32(&random);
        inputs[i] = word & 256 ? (uint8_t)word : 0;
    }
    for (uint32_t i = 0; i < SAMPLES; i++) {
        labels[i] = (uint8_t)random_below(&random, CLASSES);
        bench->index[i] = i;
    }
    for (uint32_t i = 0; i < SQUARE * SQUARE; i++)
        bench->square[0][i] = bench->square[1][i] = (float)random_unit(&random);
    bench->samples = (struct samples){
        .type = SAMPLE_U8,
        .inputs = inputs,
        .labels = labels,
        .count = SAMPLES,
        .features = INPUTS,
        .scale = 1.0F / 90,
        .shift = -73.0F / 90,
    };
    return 0;
}

static double sgemm_gflops(const struct bench *bench)
{
    const struct product product = {
        .m = SQUARE,
        .n = SQUARE,
        .k = SQUARE,
        .a = bench->square[0],
        .a_row = SQUARE,
        .a_column = 1,
        .b = bench->square[1],
        .b_row = SQUARE,
        .c = bench->square[2],
        .c_row = SQUARE,
    };
    double start = now_s();
    blas_product(&product);
    return 2e-9 * SQUARE * SQUARE * SQUARE / (now_s() - start);
}

/* A cohort with an engine. */
struct subject {
    struct engine *engine;
    struct cohort_member members[COHORT_SIZE_MAX];
    uint64_t step;
};

static void subject_fini(struct subject *subject, uint32_t cohort)
{
    engine_destroy(&subject->engine);
    for (uint32_t i = 0; i < cohort; i++)
        network_destroy(&subject->members[i].network);
}

static int subject_init(struct subject *subject, const struct model *model,
                        enum engine_numeric numeric, uint32_t cohort, struct error *error)
{
    const struct engine_options options = {
        .model = model,
        .training = {.lr = 1e-4, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .batch = BATCH},
        .numeric = numeric,
    };
    *subject = (struct subject){.engine = engine_create(&options, error)};
    if (subject->engine == NULL)
        return -1;
    for (uint32_t i = 0; i < cohort; i++) {
        const struct random random = random_open(1, 0, i, RANDOM_INIT);
        struct network *network = network_create(model, OPTIMIZER_STATE_NONE);
        if (network == NULL) {
            subject_fini(subject, cohort);
            return error_set(error, -1, "no memory for %u networks", cohort);
        }
        model_draw(model, &random, network->parameters);
        subject->members[i].network = network;
    }
    return 0;
}

/* Microseconds per step and network over `steps` steps. */
static double time_steps(const struct bench *bench, struct subject *subject, uint64_t steps,
                         struct error *error)
{
    const struct sample_slice slice = {bench->index, SAMPLES};
    const struct data_order order = {1, 0};
    const struct step_range range = {subject->step, subject->step + steps};
    double start = now_s();
    if (engine_train(subject->engine, &bench->samples, &slice, &order, range, subject->members,
                     bench->cohort, error) != 0)
        return (double)NAN;
    subject->step += steps;
    return 1e6 * (now_s() - start) / (double)(steps * bench->cohort);
}

/* ----------------------------------------------------------------------------------------- rows */

static void measure_rounds(const struct bench *bench, struct subject *portable,
                           struct subject *native, struct row *row, struct error *error)
{
    static double ours[ROUNDS_MAX], theirs[ROUNDS_MAX], peaks[ROUNDS_MAX];
    double first = time_steps(bench, portable, 2, error); /* warms the caches up as well */
    uint64_t steps = (uint64_t)(2e4 / (first * bench->cohort)) + 1; /* rounds of about 20 ms */
    double end = now_s() + bench->seconds;
    uint32_t rounds = 0;
    while (rounds < ROUNDS_MAX && (rounds < 3 || now_s() < end)) {
        ours[rounds] = time_steps(bench, portable, steps, error);
        theirs[rounds] = native != NULL ? time_steps(bench, native, steps, error) : (double)NAN;
        peaks[rounds] = native != NULL ? sgemm_gflops(bench) : (double)NAN;
        rounds++;
    }
    row->us_portable = median(ours, rounds);
    row->us_native = median(theirs, rounds);
    row->sgemm_gflops = median(peaks, rounds);
    row->rounds = rounds;
}

static int measure(const struct bench *bench, struct row *row, struct error *error)
{
    struct model_options options = {
        .activation = ACTIVATION_RELU,
        .initialisation = INITIALISATION_PYTORCH,
        .inputs = INPUTS,
        .classes = CLASSES,
    };
    struct error why;
    struct subject portable, native;
    if (model_text_parse(row->topology, &options.text, error) != 0)
        return -1;
    struct model *model = model_create(&options, error);
    if (model == NULL)
        return -1;
    row->parameters = model->parameter_count;
    row->step_flops = program_flops(model) * BATCH;
    if (subject_init(&portable, model, NUMERIC_PORTABLE, bench->cohort, error) != 0) {
        model_destroy(&model);
        return -1;
    }
    bool has_native = subject_init(&native, model, NUMERIC_NATIVE, bench->cohort, &why) == 0;
    measure_rounds(bench, &portable, has_native ? &native : NULL, row, error);
    subject_fini(&portable, bench->cohort);
    if (has_native)
        subject_fini(&native, bench->cohort);
    model_destroy(&model);
    return 0;
}

static void print_row(const struct bench *bench, const struct row *row)
{
    double gflops = 1e-3 * row->step_flops / row->us_portable;
    double share = gflops / row->sgemm_gflops;
    if (bench->json)
        printf("{\"topology\": \"%s\", \"cpu\": \"%s\", \"cohort\": %u, \"parameters\": %lu, "
               "\"us_per_step_net\": %.2f, \"gflops\": %.2f, \"us_per_step_net_openblas\": %.2f, "
               "\"sgemm_gflops\": %.2f, \"fma_share\": %.3f, \"rounds\": %u}\n",
               row->topology, engine_cpu(), bench->cohort, (unsigned long)row->parameters,
               row->us_portable, gflops, row->us_native, row->sgemm_gflops, share, row->rounds);
    else
        printf("%-11s %-7s %6u %10lu %10.1f %8.1f %11.1f %8.1f %6.2f %6u\n", row->topology,
               engine_cpu(), bench->cohort, (unsigned long)row->parameters, row->us_portable,
               gflops, row->us_native, row->sgemm_gflops, share, row->rounds);
    fflush(stdout);
}

static int usage(void)
{
    fputs("usage: bench-train [--json] [--seconds S] [--cpu NAME] [--cohort N] [TOPOLOGY...]\n",
          stderr);
    return 2;
}

static int complain(const struct error *error)
{
    fprintf(stderr, "bench-train: %s\n", error->text);
    return 1;
}

static int run(const struct bench *bench, const char *const *topologies, int count)
{
    struct error error;
    if (!bench->json)
        printf("%-11s %-7s %6s %10s %10s %8s %11s %8s %6s %6s\n", "topology", "cpu", "cohort",
               "parameters", "us/step", "GFLOP/s", "us/openblas", "sgemm", "share", "rounds");
    for (int i = 0; i < count; i++) {
        struct row row = {.topology = topologies[i]};
        if (measure(bench, &row, &error) != 0)
            return complain(&error);
        print_row(bench, &row);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct bench bench = {.seconds = 1, .cohort = 1};
    struct error error;
    const char *cpu = "auto";
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--json") == 0)
            bench.json = true;
        else if (i + 1 < argc && strcmp(argv[i], "--seconds") == 0)
            bench.seconds = strtod(argv[++i], NULL);
        else if (i + 1 < argc && strcmp(argv[i], "--cpu") == 0)
            cpu = argv[++i];
        else if (i + 1 < argc && strcmp(argv[i], "--cohort") == 0)
            bench.cohort = (uint32_t)strtoul(argv[++i], NULL, 10);
        else
            return usage();
    }
    if (bench.cohort < 1 || bench.cohort > COHORT_SIZE_MAX || !(bench.seconds >= 0))
        return usage();
    if (engine_choose_cpu(cpu, &error) != 0)
        return complain(&error);
    if (make_samples(&bench) != 0) {
        error_set(&error, -1, "no memory");
        return complain(&error);
    }
    if (i < argc)
        return run(&bench, (const char *const *)argv + i, argc - i);
    return run(&bench, usual, sizeof usual / sizeof usual[0]);
}
