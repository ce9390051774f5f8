/*
 * main.c: ratchet-sim: runs seeds, and says of each that fails how to see it again.
 *
 *   ratchet-sim [--seed S] [--seeds N] [--faults none|default|LIST] [--first] [--verbose] [--json]
 *
 * Exit codes: 0 all seeds are clean, 1 something wrong was done or committed, 2 usage, 3 a run did
 * not finish although all was well. An assert in the code under test ends the program with its
 * signal, after the seed was named.
 */
#include "tests/simulation/seed.h"

#include "common/os_clock.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_CLEAN = 0, EXIT_WRONG = 1, EXIT_USAGE = 2, EXIT_STUCK = 3 };

/* A seed takes milliseconds; one that takes this long spins in a core, where virtual time cannot
 * see it. */
enum { SEED_SECONDS_MAX = 120, LISTED_MAX = 1000 };

struct options {
    uint64_t seed, seeds;
    const char *faults;
    struct fault_choice choice;
    int first, verbose, json;
};

struct totals {
    struct simulation_result sum;
    uint64_t seeds;
    uint64_t failed[FAILURE_LIVENESS + 1];
    uint64_t failed_seeds[LISTED_MAX]; /* the first ones */
    uint32_t listed;
    uint64_t started_ms;
};

/* What the signal handler says: written before each seed, as it cannot format anything itself. */
static char last_words[256];

static void on_signal(int signal_number)
{
    ssize_t ignored = write(STDERR_FILENO, last_words, strlen(last_words));
    (void)ignored;
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void prepare_last_words(const struct options *options, uint64_t seed)
{
    snprintf(last_words, sizeof last_words,
             "seed %" PRIu64 ": crash\n  replay: ratchet-sim --seed %" PRIu64
             " --faults %s --verbose\n",
             seed, seed, options->faults);
    alarm(SEED_SECONDS_MAX);
}

/* --------------------------------------------------------------------------------------- options
 */

static void print_usage(FILE *stream)
{
    fputs("usage: ratchet-sim [--seed S] [--seeds N] [--faults none|default|LIST] [--first] "
          "[--verbose]"
          " [--json]\n\n"
          "Runs the whole cluster in virtual time, once per seed S .. S+N-1, under random faults;\n"
          "with --first, up to the first seed that fails.\n"
          "LIST: words between commas: default, a fault (on in every seed), or -FAULT (off):\n",
          stream);
    for (enum fault i = 0; i < FAULT_COUNT; i++)
        fprintf(stream, "  %-18s %s\n", fault_info(i)->name, fault_info(i)->help);
}

static int parse_number(const char *text, uint64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno == 0 && *text != '\0' && *text != '-' && *end == '\0' ? 0 : -1;
}

/* 0: go on; otherwise the exit code plus one. */
static int parse_options(int argc, char **argv, struct options *options)
{
    static const struct option table[] = {
        {"seed", required_argument, NULL, 's'},   {"seeds", required_argument, NULL, 'n'},
        {"faults", required_argument, NULL, 'f'}, {"verbose", no_argument, NULL, 'v'},
        {"json", no_argument, NULL, 'j'},         {"first", no_argument, NULL, '1'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    *options = (struct options){.seed = 1, .seeds = 1, .faults = "default"};
    struct error error = {""};
    int option;
    while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
        int wrong = 0;
        if (option == 's')
            wrong = parse_number(optarg, &options->seed);
        else if (option == 'n')
            wrong = parse_number(optarg, &options->seeds);
        else if (option == 'f')
            options->faults = optarg;
        else if (option == 'v')
            options->verbose = 1;
        else if (option == 'j')
            options->json = 1;
        else if (option == '1')
            options->first = 1;
        else if (option == 'h') {
            print_usage(stdout);
            return 1 + EXIT_CLEAN;
        } else
            wrong = -1;
        if (wrong != 0) {
            print_usage(stderr);
            return 1 + EXIT_USAGE;
        }
    }
    if (optind < argc || strlen(options->faults) > 150 ||
        fault_choice_parse(options->faults, &options->choice, &error) != 0) {
        fprintf(stderr, "ratchet-sim: %s\n", optind < argc ? "what is that for?" : error.text);
        return 1 + EXIT_USAGE;
    }
    return 0;
}

/* --------------------------------------------------------------------------------------- reports
 */

static const char *failure_name(enum failure_kind kind)
{
    static const char *const names[] = {"none", "invariant", "digest", "liveness"};
    return names[kind];
}

static void report_failure(const struct options *options, uint64_t seed,
                           const struct failure *failure)
{
    printf("seed %" PRIu64 ": %s at %" PRIu64 ".%03u s: %s\n"
           "  replay: ratchet-sim --seed %" PRIu64 " --faults %s --verbose\n",
           seed, failure_name(failure->kind), failure->time_ms / 1000,
           (unsigned)(failure->time_ms % 1000), failure->text, seed, options->faults);
    fflush(stdout);
}

static void snake_case(const char *name, char *key, size_t size)
{
    snprintf(key, size, "%s", name);
    for (char *c = key; *c != '\0'; c++)
        *c = *c == '-' ? '_' : *c;
}

static double hours(uint64_t ms)
{
    return (double)ms / 3.6e6;
}

static void report_json(const struct options *options, const struct totals *totals, double seconds)
{
    const struct simulation_result *sum = &totals->sum;
    printf("{\"seed_first\": %" PRIu64 ", \"seeds\": %" PRIu64 ", \"failed_invariant\": %" PRIu64
           ", \"failed_digest\": %" PRIu64 ", \"failed_liveness\": %" PRIu64
           ", \"simulated_hours\": %.3f, \"worker_hours\": %.3f, \"worker_hours_per_s\": %.1f"
           ", \"commits\": %" PRIu64 ", \"evaluations\": %" PRIu64 ", \"datagrams\": %" PRIu64
           ", \"faults\": {",
           options->seed, totals->seeds, totals->failed[FAILURE_INVARIANT],
           totals->failed[FAILURE_DIGEST], totals->failed[FAILURE_LIVENESS],
           hours(sum->simulated_ms), hours(sum->worker_ms), hours(sum->worker_ms) / seconds,
           sum->commits, sum->evaluations, sum->datagrams);
    for (enum fault i = 0; i < FAULT_COUNT; i++) {
        char key[32];
        snake_case(fault_info(i)->name, key, sizeof key);
        printf("%s\"%s\": %" PRIu64, i > 0 ? ", " : "", key, sum->fault_counts[i]);
    }
    printf("}, \"failed_seeds\": [");
    for (uint32_t i = 0; i < totals->listed; i++)
        printf("%s%" PRIu64, i > 0 ? ", " : "", totals->failed_seeds[i]);
    printf("], \"elapsed_s\": %.3f, \"seeds_per_s\": %.1f}\n", seconds,
           (double)totals->seeds / seconds);
}

static void report_text(const struct totals *totals, double seconds)
{
    const struct simulation_result *sum = &totals->sum;
    uint64_t failed = totals->failed[FAILURE_INVARIANT] + totals->failed[FAILURE_DIGEST] +
                      totals->failed[FAILURE_LIVENESS];
    printf("%" PRIu64 " seeds (%" PRIu64
           " failed), %.1f simulated hours, %.1f worker-hours (%.1f per second), "
           "%" PRIu64 " commits of %" PRIu64 " jobs carried out, %" PRIu64
           " datagrams, %.1f seeds/s\nfaults:",
           totals->seeds, failed, hours(sum->simulated_ms), hours(sum->worker_ms),
           hours(sum->worker_ms) / seconds, sum->commits, sum->evaluations, sum->datagrams,
           (double)totals->seeds / seconds);
    for (enum fault i = 0; i < FAULT_COUNT; i++)
        if (sum->fault_counts[i] > 0)
            printf(" %s %" PRIu64, fault_info(i)->name, sum->fault_counts[i]);
    printf("\n");
}

static void take_result(struct totals *totals, const struct simulation_result *result)
{
    totals->sum.simulated_ms += result->simulated_ms;
    totals->sum.worker_ms += result->worker_ms;
    totals->sum.commits += result->commits;
    totals->sum.evaluations += result->evaluations;
    totals->sum.datagrams += result->datagrams;
    for (enum fault i = 0; i < FAULT_COUNT; i++)
        totals->sum.fault_counts[i] += result->fault_counts[i];
    totals->failed[result->failure.kind]++;
    totals->seeds++;
}

static void describe_seed(const struct options *options, const struct seed_setup *setup)
{
    if (!options->verbose)
        return;
    struct fault_plan plan = fault_plan_draw(setup->seed, &setup->faults);
    struct trial trial;
    struct cast cast;
    char text[256];
    trial_draw(&trial, setup->seed, &plan);
    cast_draw(&cast, setup->seed, &plan);
    trial_describe(&trial, text, sizeof text);
    fprintf(stderr, "seed %" PRIu64 ": %s; %" PRIu32 " seats; faults:", setup->seed, text,
            cast.seats);
    for (enum fault i = 0; i < FAULT_COUNT; i++)
        if (plan.strength[i] > 0)
            fprintf(stderr, " %s %" PRIu64 "%s", fault_info(i)->name, plan.strength[i],
                    fault_info(i)->measure == FAULT_PER_MILLION ? "ppm" : "ms");
    fprintf(stderr, "\n");
}

static enum failure_kind run_seed(const struct options *options, uint64_t seed,
                                  struct totals *totals)
{
    struct seed_setup setup = {
        .seed = seed,
        .faults = options->choice,
        .voice = options->verbose ? SEED_VERBOSE : SEED_QUIET,
    };
    prepare_last_words(options, seed);
    describe_seed(options, &setup);
    struct simulation_result result = seed_run(&setup);
    take_result(totals, &result);
    if (result.failure.kind != FAILURE_NONE && totals->listed < LISTED_MAX)
        totals->failed_seeds[totals->listed++] = seed;
    if (result.failure.kind != FAILURE_NONE && !options->json)
        report_failure(options, seed, &result.failure);
    return result.failure.kind;
}

int main(int argc, char **argv)
{
    struct options options;
    int stop = parse_options(argc, argv, &options);
    if (stop != 0)
        return stop - 1;
    signal(SIGABRT, on_signal);
    signal(SIGSEGV, on_signal);
    signal(SIGALRM, on_signal);
    /* Large tables come from the system each time, zeroed page by page when they are touched: the
     * cores' are large, and most of each stays untouched in a small trial. */
    mallopt(M_MMAP_THRESHOLD, 1 << 16);
    struct totals totals = {.started_ms = clock_monotonic_ms()};
    while (totals.seeds < options.seeds) {
        enum failure_kind kind = run_seed(&options, options.seed + totals.seeds, &totals);
        if (kind != FAILURE_NONE && options.first)
            break;
    }
    double seconds = (double)(clock_monotonic_ms() - totals.started_ms + 1) / 1e3;
    if (options.json)
        report_json(&options, &totals, seconds);
    else
        report_text(&totals, seconds);
    if (totals.failed[FAILURE_INVARIANT] + totals.failed[FAILURE_DIGEST] > 0)
        return EXIT_WRONG;
    return totals.failed[FAILURE_LIVENESS] > 0 ? EXIT_STUCK : EXIT_CLEAN;
}
