/*
 * bench_train.c: how fast the engine trains, against what the core could do at most.
 *
 *   bench-train [--model mlp:18x18]... [--batch 256] [--cohort K] [--json] ...
 *   bench-train --study psa98          what the published study costs
 *   bench-train --slots 2              how much two cores do more than one
 *
 * For each model (784 inputs, 10 classes, AdamW: the published study's setting) one table row:
 * microseconds per step and network, preparation of the batch from bytes included, but not the
 * epoch's permutation; the rate of the floating-point operations that the model needs; and its
 * share of the ceiling of fused multiply-adds, measured in turn with it. Medians over the rounds.
 * It gives no verdict.
 */
#include "tests/bench/train_run.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MODELS_MAX = 128, BATCH_MAX = 4096 };

static const char *const usual[] = {"mlp:18x18", "mlp:7x7",   "mlp:2048x1", "mlp:632x4",
                                    "mlp:1x64",  "mlp:4x632", "mlp:1x2048"};

static struct {
    const char *models[MODELS_MAX];
    uint32_t model_count, batch, cohort, slots;
    uint32_t inputs, classes;
    double seconds, density;
    const char *cpu;
    bool json, openblas, study;
    enum optimizer optimizer;
    enum engine_numeric numeric;
    enum precision precision;
} options = {
    .batch = 256, .seconds = -1, .density = 0.5, .cpu = "auto", .inputs = 784, .classes = 10};

/* ------------------------------------------------------------------------------------- options */

enum {
    KEY_INPUTS = 256,
    KEY_CLASSES,
    KEY_CPU,
    KEY_OPTIMIZER,
    KEY_NUMERIC,
    KEY_PRECISION,
    KEY_DENSITY,
    KEY_OPENBLAS,
    KEY_STUDY,
    KEY_SLOTS
};

static const struct argp_option table[] = {
    {"model", 'm', "SPEC", 0, "a model, mlp:18x18; may be given several times", 0},
    {"batch", 'b', "N", 0, "samples of a mini-batch (256)", 0},
    {"cohort", 'k', "K", 0, "networks in lockstep; without it the fastest of 1, 2, 4 and 10", 0},
    {"seconds", 's', "S", 0, "how long each model is measured (1; in a study 8)", 0},
    {"json", 'j', NULL, 0, "one object per line", 0},
    {"cpu", KEY_CPU, "NAME", 0, "plain, avx2, avx512 or auto", 0},
    {"optimizer", KEY_OPTIMIZER, "NAME", 0, "adamw or sgd", 0},
    {"numeric", KEY_NUMERIC, "NAME", 0, "portable, native, avx512_bf16 or amx_bf16", 0},
    {"precision", KEY_PRECISION, "NAME", 0, "fp32, bf16_mixed, bf16_nearest or bf16_stochastic", 0},
    {"inputs", KEY_INPUTS, "N", 0, "values of a sample (784)", 0},
    {"classes", KEY_CLASSES, "N", 0, "classes (10)", 0},
    {"density", KEY_DENSITY, "D", 0, "share of the inputs that is not zero (0.5)", 0},
    {"openblas", KEY_OPENBLAS, NULL, 0, "the same with products by OpenBLAS, and its sgemm", 0},
    {"study", KEY_STUDY, "NAME", 0, "what a whole study costs: psa98", 0},
    {"slots", KEY_SLOTS, "N", 0, "how much N processes at once do more than one", 0},
    {0},
};

/* What stands on the command line. */
struct given {
    struct argp_state *state;
    int key;
    const char *argument;
};

static const char *option_of(const struct given *given)
{
    uint32_t i = 0;
    while (table[i].name != NULL && table[i].key != given->key)
        i++;
    return table[i].name;
}

static uint32_t parse_count(const struct given *given, uint32_t max)
{
    char *end;
    const char *text = given->argument;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || value < 1 || value > max)
        argp_error(given->state, "--%s \"%s\" is not a number from 1 to %u", option_of(given), text,
                   max);
    return (uint32_t)value;
}

static double parse_number(const struct given *given, double max)
{
    char *end;
    double value = strtod(given->argument, &end);
    if (end == given->argument || *end != '\0' || !(value >= 0 && value <= max))
        argp_error(given->state, "--%s \"%s\" is not a number from 0 to %g", option_of(given),
                   given->argument, max);
    return value;
}

/* The place of the argument among the names, up to a NULL. */
static int parse_name(const struct given *given, const char *const *names)
{
    for (int i = 0; names[i] != NULL; i++) {
        if (strcmp(given->argument, names[i]) == 0)
            return i;
    }
    argp_error(given->state, "--%s \"%s\" is none of the names of --help", option_of(given),
               given->argument);
    return 0;
}

static void parse_model(struct argp_state *state, const char *argument)
{
    if (options.model_count == MODELS_MAX)
        argp_error(state, "more than %d models", MODELS_MAX);
    options.models[options.model_count++] = argument;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    const struct given given = {state, key, argument};
    switch (key) {
    case 'm':
        parse_model(state, argument);
        return 0;
    case 'b':
        options.batch = parse_count(&given, BATCH_MAX);
        return 0;
    case 'k':
        options.cohort = parse_count(&given, TRAIN_COHORT_MAX);
        return 0;
    case 's':
        options.seconds = parse_number(&given, 86400);
        return 0;
    case 'j':
        options.json = true;
        return 0;
    case KEY_CPU:
        options.cpu = argument;
        return 0;
    case KEY_OPTIMIZER:
        options.optimizer =
            (enum optimizer)parse_name(&given, (const char *[]){"adamw", "sgd", NULL});
        return 0;
    case KEY_NUMERIC:
        options.numeric = (enum engine_numeric)parse_name(&given, train_numerics);
        return 0;
    case KEY_PRECISION:
        options.precision = (enum precision)parse_name(&given, train_precisions);
        return 0;
    case KEY_INPUTS:
        options.inputs = parse_count(&given, 65536);
        return 0;
    case KEY_CLASSES:
        options.classes = parse_count(&given, MODEL_CLASSES_MAX);
        return 0;
    case KEY_DENSITY:
        options.density = parse_number(&given, 1);
        return 0;
    case KEY_OPENBLAS:
        options.openblas = true;
        return 0;
    case KEY_STUDY:
        if (strcmp(argument, "psa98") != 0)
            argp_error(state, "there is no study \"%s\": psa98 is", argument);
        options.study = true;
        return 0;
    case KEY_SLOTS:
        options.slots = parse_count(&given, SLOTS_MAX);
        return 0;
    case ARGP_KEY_END:
        if (options.study && (options.cohort != 0 || options.slots != 0 || options.openblas))
            argp_error(state, "a study tries cohorts by itself, on one slot, without OpenBLAS");
        if (options.slots != 0 && options.openblas)
            argp_error(state, "slots are measured without OpenBLAS");
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "there is nothing to be done with \"%s\": models follow --model",
                   argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---------------------------------------------------------------------------------------- main */

static int run(struct error *error)
{
    static struct train_data data;
    const struct train_run run = {
        .setting = {.optimizer = options.optimizer,
                    .numeric = options.numeric,
                    .precision = options.precision,
                    .batch = options.batch,
                    .data = &data,
                    .classes = options.classes},
        .models = options.models,
        .model_count = options.model_count,
        .cohort = options.cohort,
        .slots = options.slots,
        .seconds = options.seconds,
        .json = options.json,
        .openblas = options.openblas,
    };
    int code;
    train_data_init(&data,
                    &(struct train_data_options){options.inputs, options.classes, options.density});
    if (options.study)
        code = study_run(&run, error);
    else
        code = options.slots != 0 ? slots_run(&run, error) : rows_run(&run, error);
    train_data_fini(&data);
    return code;
}

static void fill_in(void)
{
    if (options.seconds < 0)
        options.seconds = options.study ? 8 : 1;
    if (options.model_count > 0)
        return;
    const char *const *names = options.study ? study_psa98 : usual;
    options.model_count = options.study ? STUDY_PSA98 : sizeof usual / sizeof usual[0];
    memcpy(options.models, names, options.model_count * sizeof *names);
}

int main(int argc, char **argv)
{
    static const struct argp argp = {
        table,
        parse,
        NULL,
        "Measures training beside the ceiling of fused multiply-adds, in rounds that alternate.",
        NULL,
        NULL,
        NULL};
    struct error error;
    argp_err_exit_status = 2;
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    fill_in();
    if (engine_choose_cpu(options.cpu, &error) != 0 || run(&error) != 0)
        train_fail(&error);
    return 0;
}
