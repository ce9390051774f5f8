/*
 * bench_bulk.c: how fast checkpoints come in, and what the rest of the cluster notices of it.
 *
 *   bench-bulk [--mib N] [--kib K] [--workers W] [--repeats R] [--dir DIR] [--json]
 *
 * N MiB in checkpoints of K KiB go the product's own way: `ratchet serve`, a process of its own, is
 * told of them by W workers, asks for their bytes, checks each against its BLAKE2b digest, puts it
 * into the store on a real disk and commits it. The workers are the production worker's core and
 * codec, and have the bytes in memory. Beside each round the same bytes go in pieces of a chunk
 * over a bare DEALER and ROUTER that hashes them and does nothing else. Medians over the rounds:
 *
 *   MiB/s   from the first request for bytes until the last checkpoint is committed
 *   bare    of the bare loop, in the same round; ratio: of the two
 *   safe    until the run has ended, which is when all of it survives a power cut: as fast as the
 *           disk is, or slower
 *   late    how long a question on the control socket waited for its answer meanwhile, every ten
 *           milliseconds: the median, and the longest of all rounds. A heartbeat waits no longer
 */
#include "common/os_file.h"
#include "tests/bench/bulk_wire.h"
#include "tests/bench/dispatch_run.h"
#include "tests/bench/dispatch_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPEATS_MAX = 99, EXPERIMENT_BYTES = 512 };

struct bench {
    uint32_t mib, kib, workers, repeats;
    const char *folder;
    int json;
};

struct row {
    double mib_per_s, bare_mib_per_s, safe_mib_per_s, cpu_s, late_median_ms, late_most_ms, rss_mib;
};

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of one member of all rows, which lies `offset` bytes into a row. */
static double median_of(const struct row *rows, uint32_t count, size_t offset)
{
    double values[REPEATS_MAX];
    for (uint32_t i = 0; i < count; i++)
        memcpy(&values[i], (const uint8_t *)&rows[i] + offset, sizeof values[i]);
    qsort(values, count, sizeof *values, compare);
    return values[count / 2];
}

/* ------------------------------------------------------------------------------------- rounds */

/* A population that takes every checkpoint in. */
static void write_experiment(const struct checkpoints *checkpoints, char text[EXPERIMENT_BYTES])
{
    snprintf(text, EXPERIMENT_BYTES,
             "name: bench-bulk\nseed: 1\nevaluator: \"null\"\nnull: {dim: 1}\n"
             "final_evaluation: false\nopinions: {promising: false}\n"
             "operators: [{name: none}]\n"
             "strategy: {name: tournament, population: %u, size: 2}\n"
             "search: {lookahead: 64}\nbudget: {jobs: %u}\n",
             checkpoints->count, checkpoints->count);
}

static int drive_round(const struct bench *bench, struct checkpoints *checkpoints,
                       struct coordinator *coordinator, struct row *row, struct error *error)
{
    const struct bulk_drive drive = {
        .control = coordinator->control,
        .bulk = coordinator->bulk,
        .workers = bench->workers,
        .checkpoints = checkpoints,
    };
    struct bulk_driven driven;
    struct probe probe;
    if (probe_start(&probe, coordinator->control, error) != 0)
        return -1;
    int rc = bulk_drive(&drive, &driven, error);
    struct probe_result late = probe_stop(&probe);
    if (rc != 0)
        return -1;
    double mib = (double)checkpoints->count * (double)checkpoints->bytes / (1 << 20);
    row->mib_per_s = mib / driven.seconds;
    row->safe_mib_per_s = mib / driven.end_seconds;
    row->late_median_ms = late.median_ms;
    row->late_most_ms = late.most_ms;
    row->cpu_s = seconds_of_process(coordinator->pid);
    row->rss_mib = (double)rss_peak_of_process(coordinator->pid) / (1 << 20);
    return 0;
}

static int measure_round(const struct bench *bench, struct checkpoints *checkpoints,
                         const char *folder, struct row *row, struct error *error)
{
    static const char *const no_wrap[] = {NULL};
    char experiment[EXPERIMENT_BYTES];
    struct coordinator coordinator;
    write_experiment(checkpoints, experiment);
    const struct run_request request = {
        .folder = folder,
        .wrap = no_wrap,
        .experiment = experiment,
    };
    double bare_s = bulk_bare(checkpoints, error);
    if (bare_s < 0 || coordinator_start(&request, &coordinator, error) != 0)
        return -1;
    row->bare_mib_per_s = bench->mib / bare_s;
    if (drive_round(bench, checkpoints, &coordinator, row, error) != 0) {
        coordinator_kill(&coordinator);
        return -1;
    }
    return coordinator_end(&coordinator, error);
}

static int measure_once(const struct bench *bench, struct checkpoints *checkpoints, struct row *row,
                        struct error *error)
{
    char folder[OS_PATH_BYTES_MAX];
    struct error trouble;
    if (os_path_join(folder, sizeof folder, bench->folder, "bench-bulk-XXXXXX", error) != 0)
        return -1;
    if (mkdtemp(folder) == NULL)
        return error_set(error, -1, "cannot make a folder in %s", bench->folder);
    int rc = measure_round(bench, checkpoints, folder, row, error);
    if (os_remove_tree(folder, &trouble) != 0)
        fprintf(stderr, "bench-bulk: %s\n", trouble.text);
    return rc;
}

/* ------------------------------------------------------------------------------------- output */

static void print_rows(const struct bench *bench, const struct row *rows)
{
    uint32_t count = bench->repeats;
    double rate = median_of(rows, count, offsetof(struct row, mib_per_s));
    double bare = median_of(rows, count, offsetof(struct row, bare_mib_per_s));
    double safe = median_of(rows, count, offsetof(struct row, safe_mib_per_s));
    double cpu = median_of(rows, count, offsetof(struct row, cpu_s));
    double late = median_of(rows, count, offsetof(struct row, late_median_ms));
    double rss = median_of(rows, count, offsetof(struct row, rss_mib));
    double most = 0;
    for (uint32_t i = 0; i < count; i++)
        most = rows[i].late_most_ms > most ? rows[i].late_most_ms : most;
    if (bench->json) {
        printf("{\"what\": \"bulk\", \"mib\": %u, \"checkpoint_kib\": %u, \"workers\": %u, "
               "\"repeats\": %u, \"mib_per_s\": %.3f, \"baseline_mib_per_s\": %.3f, "
               "\"ratio\": %.4f, \"safe_mib_per_s\": %.3f, \"late_median_ms\": %.3f, "
               "\"late_max_ms\": %.3f, \"coordinator_cpu_s\": %.3f, "
               "\"coordinator_rss_peak_mib\": %.3f}\n",
               bench->mib, bench->kib, bench->workers, count, rate, bare, rate / bare, safe, late,
               most, cpu, rss);
        return;
    }
    char disk[64];
    describe_disk(bench->folder, disk, sizeof disk);
    printf("%u MiB in checkpoints of %u KiB onto %s, %u worker%s, %u round%s\n", bench->mib,
           bench->kib, disk, bench->workers, bench->workers == 1 ? "" : "s", count,
           count == 1 ? "" : "s");
    printf("%8s %8s %7s %8s %12s %12s %8s %8s\n", "MiB/s", "bare", "ratio", "safe", "late ms",
           "most ms", "CPU s", "RSS MiB");
    printf("%8.0f %8.0f %7.3f %8.0f %12.2f %12.2f %8.2f %8.1f\n", rate, bare, rate / bare, safe,
           late, most, cpu, rss);
}

/* --------------------------------------------------------------------------------------- main */

static int usage(void)
{
    fputs(
        "usage: bench-bulk [--mib N] [--kib K] [--workers W] [--repeats R] [--dir DIR] [--json]\n",
        stderr);
    return 2;
}

static int take_option(struct bench *bench, const char *name, const char *value)
{
    uint32_t number = (uint32_t)strtoul(value, NULL, 10);
    if (strcmp(name, "--mib") == 0)
        bench->mib = number;
    else if (strcmp(name, "--kib") == 0)
        bench->kib = number;
    else if (strcmp(name, "--workers") == 0)
        bench->workers = number;
    else if (strcmp(name, "--repeats") == 0)
        bench->repeats = number;
    else if (strcmp(name, "--dir") == 0)
        bench->folder = value;
    else
        return 0;
    return 1;
}

static int run(const struct bench *bench, struct error *error)
{
    static struct row rows[REPEATS_MAX];
    struct checkpoints checkpoints = {
        .count = (uint32_t)((uint64_t)bench->mib * 1024 / bench->kib),
        .bytes = (uint64_t)bench->kib * 1024,
    };
    int rc = checkpoints_make(&checkpoints, error);
    for (uint32_t i = 0; rc == 0 && i < bench->repeats; i++)
        rc = measure_once(bench, &checkpoints, &rows[i], error);
    if (rc == 0)
        print_rows(bench, rows);
    checkpoints_fini(&checkpoints);
    return rc;
}

int main(int argc, char **argv)
{
    struct bench bench = {.mib = 1024, .kib = 1024, .workers = 2, .repeats = 3, .folder = "."};
    struct error error = {0};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            bench.json = 1;
            continue;
        }
        if (i + 1 == argc || !take_option(&bench, argv[i], argv[i + 1]))
            return usage();
        i++;
    }
    if (bench.kib < 1 || bench.kib > 65536 || bench.mib < 1 || bench.mib > 65536 ||
        bench.mib * UINT64_C(1024) / bench.kib < 2 || bench.workers < 1 ||
        bench.workers > BULK_WORKERS_MAX || bench.repeats < 1 || bench.repeats > REPEATS_MAX)
        return usage();
    if (run(&bench, &error) == 0)
        return 0;
    fprintf(stderr, "bench-bulk: %s\n", error.text);
    return 1;
}
