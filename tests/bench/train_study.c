/*
 * train_study.c: the price of the published study; see study_run in train_run.h.
 */
#include "tests/bench/rounds.h"
#include "tests/bench/train_run.h"
#include "worker/engine/data_order.h"

#include <stdio.h>
#include <stdlib.h>

enum { MODES = 6, DROPOUT_MODES = 1, TRIALS = 10, LOOPS = 100 };

static const double dropout_rate = 0.1;

/* Seconds, each for one network. */
struct price {
    double per_step[TRAIN_COHORTS]; /* a full mini-batch */
    uint32_t best;                  /* the cohort that is fastest */
    double dropped;                 /* a full mini-batch, with dropout */
    double partial, partial_dropped;
    double order;      /* an epoch's permutation, shared by the cohort */
    double evaluation; /* of all samples for it */
    double change;     /* restoring a checkpoint, damage, writing it again */
    double ceiling_gflops;
};

enum { PART_DROPPED, PART_PARTIAL, PART_PARTIAL_DROPPED, PART_ORDER, PART_EVALUATION, PART_CHANGE };
enum { PARTS = PART_CHANGE + 1 };

struct pricing {
    struct train_subject subject;
    uint32_t cohort, partial_n;
    uint64_t steps;
    uint32_t *permutation;
    uint8_t *checkpoint;
    uint64_t epoch;
};

/* ------------------------------------------------------------------------------------- one model
 */

static double time_order(struct pricing *pricing)
{
    double start = rounds_cpu_s();
    const struct epoch_order epoch = {{1, 0}, pricing->epoch++, TRAIN_SAMPLES};
    data_order_shuffle(&epoch, pricing->permutation);
    return (rounds_cpu_s() - start) / pricing->cohort;
}

/* What a loop does to a network beside training: as the published mode `hidden`. */
static double time_change(struct pricing *pricing)
{
    struct error error;
    struct network *network = pricing->subject.members[0].network;
    size_t bytes = network_checkpoint_bytes(network);
    double start = rounds_cpu_s();
    network_checkpoint_write(network, pricing->checkpoint);
    if (network_checkpoint_read(network, pricing->checkpoint, bytes, &error) != 0)
        train_fail(&error);
    network_zero_incoming(network, 0, 0);
    if (network->model->layer_count > 1)
        network_zero_outgoing(network, 0, 0);
    return rounds_cpu_s() - start;
}

static double time_steps(struct pricing *pricing, uint32_t n, double rate)
{
    train_subject_drop(&pricing->subject, rate);
    double seconds = train_subject_time(
        &pricing->subject, &(struct train_stretch){pricing->cohort, n, pricing->steps});
    train_subject_drop(&pricing->subject, 0);
    return seconds;
}

static double measure_part(void *context, uint32_t part)
{
    struct pricing *pricing = context;
    switch (part) {
    case PART_DROPPED:
        return time_steps(pricing, pricing->subject.batch, dropout_rate);
    case PART_PARTIAL:
        return time_steps(pricing, pricing->partial_n, 0);
    case PART_PARTIAL_DROPPED:
        return time_steps(pricing, pricing->partial_n, dropout_rate);
    case PART_ORDER:
        return time_order(pricing);
    case PART_EVALUATION:
        return train_subject_time_evaluation(&pricing->subject);
    default:
        return time_change(pricing);
    }
}

static void measure_price(struct pricing *pricing, double seconds, struct price *price)
{
    double medians[PARTS];
    price->best = train_subject_best_cohort(&pricing->subject, seconds / 2, price->per_step,
                                            &price->ceiling_gflops);
    pricing->cohort = train_cohorts[price->best];
    pricing->steps = train_subject_round(&pricing->subject, pricing->cohort);
    rounds_hold(&(struct contest){measure_part, pricing, PARTS, seconds / 2}, medians);
    price->dropped = medians[PART_DROPPED];
    price->partial = medians[PART_PARTIAL];
    price->partial_dropped = medians[PART_PARTIAL_DROPPED];
    price->order = medians[PART_ORDER];
    price->evaluation = medians[PART_EVALUATION];
    price->change = medians[PART_CHANGE];
}

/* Of all modes, trials and loops. */
static double price_core_hours(const struct price *price, uint32_t batch)
{
    uint32_t full = TRAIN_SAMPLES / batch, partial = TRAIN_SAMPLES % batch != 0;
    double plain = full * price->per_step[price->best] + partial * price->partial;
    double dropped = full * price->dropped + partial * price->partial_dropped;
    double loops = (MODES - DROPOUT_MODES) * plain + DROPOUT_MODES * dropped +
                   MODES * (price->order + price->evaluation + price->change);
    return TRIALS * LOOPS * loops / 3600;
}

static int price_model(const struct train_run *run, const char *model, struct pricing *pricing,
                       struct price *price, struct error *error)
{
    struct train_setting setting = run->setting;
    setting.model = model;
    if (train_subject_init(&pricing->subject, &setting, train_cohorts[TRAIN_COHORTS - 1], error) !=
        0)
        return -1;
    pricing->partial_n =
        TRAIN_SAMPLES % setting.batch != 0 ? TRAIN_SAMPLES % setting.batch : setting.batch;
    pricing->permutation = calloc(TRAIN_SAMPLES, sizeof *pricing->permutation);
    pricing->checkpoint = malloc(network_checkpoint_bytes(pricing->subject.members[0].network));
    if (pricing->permutation == NULL || pricing->checkpoint == NULL)
        return error_set(error, -1, "no memory for a checkpoint of %s", model);
    measure_price(pricing, run->seconds, price);
    return 0;
}

static void close_pricing(struct pricing *pricing)
{
    train_subject_fini(&pricing->subject);
    free(pricing->permutation);
    free(pricing->checkpoint);
}

/* ----------------------------------------------------------------------------------- the output */

/* What is said of one model: with how much of the whole is known by then. */
struct line {
    const char *model;
    uint64_t parameters;
    double fma_share, core_hours, core_hours_so_far;
};

static void print_line(const struct train_run *run, const struct line *line,
                       const struct price *price)
{
    const double *step = price->per_step;
    if (run->json)
        printf("{\"model\": \"%s\", \"cpu\": \"%s\", \"numeric\": \"%s\", \"precision\": \"%s\", "
               "\"parameters\": %lu, \"cohort\": %u, "
               "\"us_per_step_net\": %.2f, \"us_per_step_net_cohort_1\": %.2f, "
               "\"us_per_step_net_cohort_2\": %.2f, \"us_per_step_net_cohort_4\": %.2f, "
               "\"us_per_step_net_cohort_10\": %.2f, \"us_per_step_net_dropout\": %.2f, "
               "\"us_per_partial_step_net\": %.2f, \"us_per_partial_step_net_dropout\": %.2f, "
               "\"us_per_order_net\": %.2f, \"us_per_evaluation_net\": %.1f, "
               "\"us_per_change_net\": %.2f, \"fma_gflops\": %.2f, \"fma_share\": %.4f, "
               "\"core_hours\": %.5f, \"core_hours_so_far\": %.4f}\n",
               line->model, engine_cpu(), train_numerics[run->setting.numeric],
               train_precisions[run->setting.precision], (unsigned long)line->parameters,
               train_cohorts[price->best], 1e6 * step[price->best], 1e6 * step[0], 1e6 * step[1],
               1e6 * step[2], 1e6 * step[3], 1e6 * price->dropped, 1e6 * price->partial,
               1e6 * price->partial_dropped, 1e6 * price->order, 1e6 * price->evaluation,
               1e6 * price->change, price->ceiling_gflops, line->fma_share, line->core_hours,
               line->core_hours_so_far);
    else
        printf("%-12s %9lu %3u %9.1f %9.1f %9.1f %9.1f %9.1f %9.2f %6.2f %8.3f %8.2f\n",
               line->model, (unsigned long)line->parameters, train_cohorts[price->best],
               1e6 * step[0], 1e6 * step[1], 1e6 * step[2], 1e6 * step[3], 1e6 * price->dropped,
               1e3 * price->evaluation, line->fma_share, line->core_hours, line->core_hours_so_far);
    fflush(stdout);
}

int study_run(const struct train_run *run, struct error *error)
{
    static struct pricing pricing;
    double core_hours = 0, start = rounds_wall_s();
    if (!run->json)
        printf("%-12s %9s %3s %9s %9s %9s %9s %9s %9s %6s %8s %8s\n", "model", "params", "K",
               "us K=1", "us K=2", "us K=4", "us K=10", "dropout", "ms eval", "share", "core-h",
               "so far");
    for (uint32_t i = 0; i < run->model_count; i++) {
        struct price price;
        struct line line = {.model = run->models[i]};
        pricing = (struct pricing){.cohort = 1};
        if (price_model(run, line.model, &pricing, &price, error) != 0) {
            close_pricing(&pricing);
            return -1;
        }
        line.parameters = pricing.subject.model->parameter_count;
        line.fma_share = 1e-9 * train_subject_flops(&pricing.subject, run->setting.batch) /
                         price.per_step[price.best] / price.ceiling_gflops;
        line.core_hours = price_core_hours(&price, run->setting.batch);
        core_hours += line.core_hours;
        line.core_hours_so_far = core_hours;
        print_line(run, &line, &price);
        close_pricing(&pricing);
    }
    printf(run->json ? "{\"study\": \"psa98\", \"models\": %u, \"core_hours\": %.3f, "
                       "\"measured_s\": %.1f}\n"
                     : "%u models: %.2f core-hours, measured in %.0f s\n",
           run->model_count, core_hours, rounds_wall_s() - start);
    return 0;
}
