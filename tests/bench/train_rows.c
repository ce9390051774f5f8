/*
 * train_rows.c: bench-train's table: a step of each model beside the ceiling; see train_run.h.
 */
#include "tests/bench/fma_ceiling.h"
#include "tests/bench/rounds.h"
#include "tests/bench/train_run.h"
#include "worker/engine/kernels.h"

#include <stdio.h>
#include <stdlib.h>

enum { OURS, CEILING, OPENBLAS, SGEMM, CONTESTANTS };
enum { SQUARE = 1024 };

struct row {
    const struct train_run *run;
    struct train_subject subject, native; /* native: with OpenBLAS */
    uint32_t cohort, rounds;
    uint64_t steps, native_steps;
    const float *square; /* two matrices for sgemm */
    float *product;
    double medians[CONTESTANTS];
};

static double sgemm_gflops(const struct row *row)
{
    const struct product product = {
        .m = SQUARE,
        .n = SQUARE,
        .k = SQUARE,
        .a = row->square,
        .a_row = SQUARE,
        .a_column = 1,
        .b = row->square + SQUARE * SQUARE,
        .b_row = SQUARE,
        .c = row->product,
        .c_row = SQUARE,
    };
    double start = rounds_cpu_s();
    blas_product(&product);
    return 2e-9 * SQUARE * SQUARE * SQUARE / (rounds_cpu_s() - start);
}

static double measure(void *context, uint32_t contestant)
{
    struct row *row = context;
    struct train_stretch stretch = {row->cohort, row->run->setting.batch, row->steps};
    switch (contestant) {
    case OURS:
        return train_subject_time(&row->subject, &stretch);
    case CEILING:
        return fma_ceiling_gflops(engine_cpu());
    case OPENBLAS:
        stretch.steps = row->native_steps;
        return train_subject_time(&row->native, &stretch);
    default:
        return sgemm_gflops(row);
    }
}

static void print_head(const struct train_run *run)
{
    if (run->json)
        return;
    printf("%-22s %-7s %6s %10s %10s %8s %8s %6s", "model", "cpu", "cohort", "parameters",
           "us/step", "GFLOP/s", "ceiling", "share");
    if (run->openblas)
        printf(" %11s %8s", "us/openblas", "sgemm");
    printf(" %6s\n", "rounds");
}

static void print_json(const struct row *row, const char *model, double gflops)
{
    const struct train_setting *setting = &row->run->setting;
    printf("{\"model\": \"%s\", \"cpu\": \"%s\", \"numeric\": \"%s\", \"precision\": \"%s\", "
           "\"optimizer\": \"%s\", "
           "\"batch\": %u, \"cohort\": %u, \"parameters\": %lu, \"us_per_step_net\": %.2f, "
           "\"gflops\": %.2f, \"fma_gflops\": %.2f, \"fma_share\": %.4f, ",
           model, engine_cpu(), train_numerics[setting->numeric],
           train_precisions[setting->precision],
           setting->optimizer == OPTIMIZER_SGD ? "sgd" : "adamw", setting->batch, row->cohort,
           (unsigned long)row->subject.model->parameter_count, 1e6 * row->medians[OURS], gflops,
           row->medians[CEILING], gflops / row->medians[CEILING]);
    if (row->run->openblas)
        printf("\"us_per_step_net_openblas\": %.2f, \"sgemm_gflops\": %.2f, ",
               1e6 * row->medians[OPENBLAS], row->medians[SGEMM]);
    printf("\"rounds\": %u}\n", row->rounds);
}

static void print_row(const struct row *row, const char *model)
{
    double flops = train_subject_flops(&row->subject, row->run->setting.batch);
    double gflops = 1e-9 * flops / row->medians[OURS];
    if (row->run->json) {
        print_json(row, model, gflops);
    } else {
        printf("%-22s %-7s %6u %10lu %10.1f %8.1f %8.1f %6.2f", model, engine_cpu(), row->cohort,
               (unsigned long)row->subject.model->parameter_count, 1e6 * row->medians[OURS], gflops,
               row->medians[CEILING], gflops / row->medians[CEILING]);
        if (row->run->openblas)
            printf(" %11.1f %8.1f", 1e6 * row->medians[OPENBLAS], row->medians[SGEMM]);
        printf(" %6u\n", row->rounds);
    }
    fflush(stdout);
}

static int open_native(struct row *row, uint32_t model, struct error *error)
{
    struct train_setting setting = row->run->setting;
    setting.model = row->run->models[model];
    setting.numeric = NUMERIC_NATIVE;
    if (train_subject_init(&row->native, &setting, row->cohort, error) != 0)
        return -1;
    row->native_steps = train_subject_round(&row->native, row->cohort);
    return 0;
}

static int measure_row(struct row *row, uint32_t model, struct error *error)
{
    const struct train_run *run = row->run;
    int code = train_run_open(run, model, &row->subject, error);
    if (code == 0) {
        row->cohort = train_run_cohort(run, &row->subject);
        row->steps = train_subject_round(&row->subject, row->cohort);
        if (run->openblas)
            code = open_native(row, model, error);
    }
    if (code == 0) {
        const struct contest contest = {measure, row, run->openblas ? CONTESTANTS : OPENBLAS,
                                        run->seconds};
        row->rounds = rounds_hold(&contest, row->medians);
        print_row(row, run->models[model]);
    }
    train_subject_fini(&row->subject);
    train_subject_fini(&row->native);
    return code;
}

int rows_run(const struct train_run *run, struct error *error)
{
    static struct row row;
    float *matrices = calloc(3 * SQUARE * SQUARE, sizeof *matrices);
    int code = 0;
    if (matrices == NULL)
        return error_set(error, -1, "no memory");
    for (uint32_t i = 0; i < 2 * SQUARE * SQUARE; i++)
        matrices[i] = (float)(i % 251) / 251;
    print_head(run);
    for (uint32_t i = 0; i < run->model_count && code == 0; i++) {
        row =
            (struct row){.run = run, .square = matrices, .product = matrices + 2 * SQUARE * SQUARE};
        code = measure_row(&row, i, error);
    }
    free(matrices);
    return code;
}
