/* report.c: see report.h. */
#include "tests/simulation/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

void totals_add(struct totals *totals, uint64_t seed, const struct simulation_result *result)
{
    struct simulation_result *sum = &totals->sum;
    sum->simulated_ms += result->simulated_ms;
    sum->worker_ms += result->worker_ms;
    sum->commits += result->commits;
    sum->evaluations += result->evaluations;
    sum->resumptions += result->resumptions;
    sum->cohorts += result->cohorts;
    sum->cohort_deaths += result->cohort_deaths;
    sum->datagrams += result->datagrams;
    sum->inputs_compared += result->inputs_compared;
    for (enum fault i = 0; i < FAULT_COUNT; i++)
        sum->fault_counts[i] += result->fault_counts[i];
    totals->failed[result->failure.kind]++;
    totals->seeds++;
    if (result->failure.kind != FAILURE_NONE && totals->listed < LISTED_MAX)
        totals->failed_seeds[totals->listed++] = seed;
}

void report_replay(const struct options *options, uint64_t seed, char *text, size_t size)
{
    char crowd[64] = "";
    if (options->crowd > 0)
        snprintf(crowd, sizeof crowd, " --workers %" PRIu64 " --jobs %" PRIu64, options->crowd,
                 options->jobs);
    snprintf(text, size, "  replay: ratchet-sim --seed %" PRIu64 " --faults %s%s --verbose\n", seed,
             options->faults, crowd);
}

void report_failure(const struct options *options, uint64_t seed, const struct failure *failure)
{
    static const char *const names[] = {"none", "invariant", "digest", "liveness"};
    char replay[300];
    report_replay(options, seed, replay, sizeof replay);
    /* Where numbers are read by a program, people read here. */
    FILE *stream = options->json ? stderr : stdout;
    fprintf(stream, "seed %" PRIu64 ": %s at %" PRIu64 ".%03u s: %s\n%s", seed,
            names[failure->kind], failure->time_ms / 1000, (unsigned)(failure->time_ms % 1000),
            failure->text, replay);
    fflush(stream);
}

void report_seed(const struct seed_setup *setup)
{
    struct fault_plan plan;
    struct trial trial;
    struct cast cast;
    char text[256];
    seed_draw(setup, &plan, &trial, &cast);
    trial_describe(&trial, text, sizeof text);
    fprintf(stderr, "seed %" PRIu64 ": %s; %" PRIu32 " seats; faults:", setup->seed, text,
            cast.seats);
    for (enum fault i = 0; i < FAULT_COUNT; i++)
        if (plan.strength[i] > 0)
            fprintf(stderr, " %s %" PRIu64 "%s", fault_info(i)->name, plan.strength[i],
                    fault_info(i)->measure == FAULT_PER_MILLION ? "ppm" : "ms");
    fprintf(stderr, "\n");
}

/* -------------------------------------------------------------------------------------- together
 */

static double hours(uint64_t ms)
{
    return (double)ms / 3.6e6;
}

static double per(double amount, uint64_t count)
{
    return count > 0 ? amount / (double)count : 0;
}

static double memory_mb(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (double)usage.ru_maxrss / 1024 : 0;
}

/* Processor time: what else runs on the machine is no matter of ours. */
static double used_seconds(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void snake_case(const char *name, char *key, size_t size)
{
    snprintf(key, size, "%s", name);
    for (char *c = key; *c != '\0'; c++)
        *c = *c == '-' ? '_' : *c;
}

static void print_json(const struct options *options, const struct totals *totals)
{
    const struct simulation_result *sum = &totals->sum;
    printf("{\"seed_first\": %" PRIu64 ", \"seed_next\": %" PRIu64 ", \"seeds\": %" PRIu64
           ", \"failed_invariant\": %" PRIu64 ", \"failed_digest\": %" PRIu64
           ", \"failed_liveness\": %" PRIu64 ", \"simulated_hours\": %.3f"
           ", \"worker_hours\": %.3f, \"worker_hours_per_s\": %.1f, \"commits\": %" PRIu64
           ", \"evaluations\": %" PRIu64 ", \"resumptions\": %" PRIu64 ", \"cohorts\": %" PRIu64
           ", \"cohort_deaths\": %" PRIu64 ", \"datagrams\": %" PRIu64
           ", \"inputs_compared\": %" PRIu64 ", \"faults\": {",
           options->seed, options->seed + totals->seeds, totals->seeds,
           totals->failed[FAILURE_INVARIANT], totals->failed[FAILURE_DIGEST],
           totals->failed[FAILURE_LIVENESS], hours(sum->simulated_ms), hours(sum->worker_ms),
           hours(sum->worker_ms) / totals->seconds, sum->commits, sum->evaluations,
           sum->resumptions, sum->cohorts, sum->cohort_deaths, sum->datagrams,
           sum->inputs_compared);
    for (enum fault i = 0; i < FAULT_COUNT; i++) {
        char key[32];
        snake_case(fault_info(i)->name, key, sizeof key);
        printf("%s\"%s\": %" PRIu64, i > 0 ? ", " : "", key, sum->fault_counts[i]);
    }
    printf("}, \"failed_seeds\": [");
    for (uint32_t i = 0; i < totals->listed; i++)
        printf("%s%" PRIu64, i > 0 ? ", " : "", totals->failed_seeds[i]);
    printf("], \"us_per_commit\": %.2f, \"us_per_datagram\": %.3f, \"memory_mb\": %.1f"
           ", \"elapsed_s\": %.3f, \"seeds_per_s\": %.1f}\n",
           per(1e6 * used_seconds(), sum->commits), per(1e6 * used_seconds(), sum->datagrams),
           memory_mb(), totals->seconds, (double)totals->seeds / totals->seconds);
}

static void print_text(const struct options *options, const struct totals *totals)
{
    const struct simulation_result *sum = &totals->sum;
    uint64_t failed = totals->failed[FAILURE_INVARIANT] + totals->failed[FAILURE_DIGEST] +
                      totals->failed[FAILURE_LIVENESS];
    printf("%" PRIu64 " seeds (%" PRIu64 " failed), next is %" PRIu64
           ": %.1f simulated hours, %.1f worker-hours, %" PRIu64 " commits of %" PRIu64
           " jobs carried out (%" PRIu64 " from where another left off), %" PRIu64
           " cohorts (%" PRIu64 " died), %" PRIu64 " datagrams, %" PRIu64 " inputs compared\n",
           totals->seeds, failed, options->seed + totals->seeds, hours(sum->simulated_ms),
           hours(sum->worker_ms), sum->commits, sum->evaluations, sum->resumptions, sum->cohorts,
           sum->cohort_deaths, sum->datagrams, sum->inputs_compared);
    printf("%.1f seeds/s, %.1f worker-hours/s\n", (double)totals->seeds / totals->seconds,
           hours(sum->worker_ms) / totals->seconds);
    if (options->crowd > 0)
        printf("%" PRIu64 " workers: %.2f us per commit, %.3f us per datagram, %.0f MB\n",
               options->crowd, per(1e6 * used_seconds(), sum->commits),
               per(1e6 * used_seconds(), sum->datagrams), memory_mb());
    printf("faults:");
    for (enum fault i = 0; i < FAULT_COUNT; i++)
        if (sum->fault_counts[i] > 0)
            printf(" %s %" PRIu64, fault_info(i)->name, sum->fault_counts[i]);
    printf("\n");
}

void report_totals(const struct options *options, const struct totals *totals)
{
    if (options->json)
        print_json(options, totals);
    else
        print_text(options, totals);
}
