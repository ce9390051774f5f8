/*
 * bench_dispatch.c: what the cluster adds to a job: null jobs per second through the full path.
 *
 *   bench-dispatch [--workers W] [--jobs N] [--lookahead L] [--repeats R] [--commit MODE]
 *                  [--processes] [--curve] [--flat] [--dir DIR] [--wrap WORD]... [--json]
 *
 * The coordinator is `ratchet serve` itself, a process of its own on TCP: protobuf, leases, ordered
 * commit, and a ledger on a real disk. Row by row:
 *
 *   wire       W workers in this process: the production worker's core and codec on DEALER sockets,
 *              all on one thread, which answer a job at once (dispatch_worker.h)
 *   processes  with --processes: W `ratchet-worker`s of one slot each, which is a process as well;
 *              a twentieth of the jobs, timed by the ledger: from the first commit to the last
 *
 * Beside each round of `wire` a bare loop is timed: W DEALERs on one thread against one ROUTER that
 * echoes, 64 bytes, 16 in flight each, no protobuf, no ledger. Medians over the rounds are shown;
 * `us/job` is wall time, the three after it are CPU time: of the coordinator for a job, of the bare
 * ROUTER for a round trip, of all workers for a job. On a busy machine they say more than the
 * rates.
 *
 * With --curve all connections are encrypted, those of the bare loop as well.
 *
 * With --flat, also how rate and CPU develop over the tenths of the last run: they are not to grow.
 * --wrap puts words before the coordinator's command. Instructions by function, and in all:
 *
 *   bench-dispatch --repeats 1 --jobs 10000 --wrap /usr/bin/valgrind --wrap --tool=callgrind
 *       --wrap --toggle-collect=turn --wrap --callgrind-out-file=/tmp/callgrind.out
 *   callgrind_annotate --inclusive=yes /tmp/callgrind.out
 */
#include "common/os_process.h"
#include "tests/bench/dispatch_run.h"
#include "tests/bench/dispatch_wire.h"

#include "common/limits.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REPEATS_MAX = 99, PROCESS_JOBS_SHARE = 20, PROCESS_JOBS_MIN = 100 };

static const double bare_seconds = 1.0;

struct bench {
    uint32_t workers, lookahead, repeats;
    uint64_t jobs;
    const char *mode;
    const char *folder; /* where runs are made, each in a folder of its own */
    const char *wrap[WRAP_WORDS_MAX + 1];
    uint32_t wrap_count;
    int json, processes, flat, curve;
};

struct row {
    const char *what; /* "wire", "processes" */
    uint64_t jobs;
    double jobs_per_s, bare_per_s;
    double bare_cpu_us;       /* CPU of the bare ROUTER for each round trip */
    double us_per_job;        /* wall */
    double cpu_us_per_job;    /* of the coordinator, its I/O thread included */
    double worker_us_per_job; /* CPU of this process: all workers */
    double bytes_per_job;     /* of datagrams, both ways */
    double rss_mib;
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

static struct row median_row(const struct row *rows, uint32_t count)
{
    struct row row = {.what = rows[0].what, .jobs = rows[0].jobs};
    static const size_t members[] = {
        offsetof(struct row, jobs_per_s),     offsetof(struct row, bare_per_s),
        offsetof(struct row, bare_cpu_us),    offsetof(struct row, us_per_job),
        offsetof(struct row, cpu_us_per_job), offsetof(struct row, worker_us_per_job),
        offsetof(struct row, bytes_per_job),  offsetof(struct row, rss_mib),
    };
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        double value = median_of(rows, count, members[i]);
        memcpy((uint8_t *)&row + members[i], &value, sizeof value);
    }
    return row;
}

/* ---------------------------------------------------------------------------------------- rounds
 */

/* Where a round takes place, and with which keys; NULL: in the clear. */
struct place {
    const char *folder;
    const struct dispatch_keys *keys;
};

static struct run_request request_of(const struct bench *bench, const struct place *place,
                                     uint64_t jobs)
{
    return (struct run_request){
        .keys = place->keys,
        .folder = place->folder,
        .wrap = bench->wrap,
        .jobs = jobs,
        .lookahead = bench->lookahead,
        .mode = bench->mode,
    };
}

static int measure_bare(const struct bench *bench, const struct place *place, struct row *row,
                        struct error *error)
{
    struct router router;
    if (router_start(place->keys, &router, error) != 0)
        return -1;
    const struct bare_loop loop = {
        .endpoint = router.endpoint,
        .key = place->keys != NULL ? &place->keys->worker : NULL,
        .workers = bench->workers,
        .seconds = bare_seconds,
    };
    struct bare_result bare;
    int rc = bare_dealers(&loop, &bare, error);
    if (rc == 0) {
        row->bare_per_s = bare.per_s;
        row->bare_cpu_us = 1e6 * seconds_of_process(router.pid) / (double)bare.total;
    }
    router_stop(&router);
    return rc;
}

static void fill_row(const struct dispatch_driven *driven, struct row *row)
{
    const struct dispatch_mark *first = &driven->marks[0], *last = first + DISPATCH_MARKS - 1;
    double jobs = (double)(last->jobs - first->jobs), seconds = last->at_s - first->at_s;
    row->jobs_per_s = jobs / seconds;
    row->us_per_job = 1e6 * seconds / jobs;
    row->cpu_us_per_job = 1e6 * (last->cpu_s - first->cpu_s) / jobs;
    row->worker_us_per_job = 1e6 * driven->own_cpu_s / jobs;
    row->bytes_per_job = (double)(driven->in_bytes + driven->out_bytes) / jobs;
}

/* Jobs in flight are shared out evenly; a worker holds two for each of its slots. */
static uint32_t slots_of(const struct bench *bench)
{
    uint32_t held = (bench->lookahead + bench->workers - 1) / bench->workers;
    uint32_t slots = (held + 1) / 2;
    return slots < SLOTS_MAX ? slots : SLOTS_MAX;
}

static int measure_wire(const struct bench *bench, const struct place *place, struct row *row,
                        struct dispatch_driven *driven, struct error *error)
{
    struct coordinator coordinator;
    struct run_request request = request_of(bench, place, bench->jobs);
    *row = (struct row){.what = "wire", .jobs = bench->jobs};
    if (measure_bare(bench, place, row, error) != 0 ||
        coordinator_start(&request, &coordinator, error) != 0)
        return -1;
    struct dispatch_drive drive = {
        .workers = bench->workers,
        .slots = slots_of(bench),
        .jobs = bench->jobs,
        .coordinator = coordinator.pid,
        .key = place->keys != NULL ? &place->keys->worker : NULL,
    };
    snprintf(drive.control, sizeof drive.control, "%s", coordinator.control);
    snprintf(drive.bulk, sizeof drive.bulk, "%s", coordinator.bulk);
    if (dispatch_drive(&drive, driven, error) != 0) {
        coordinator_kill(&coordinator);
        return -1;
    }
    fill_row(driven, row);
    row->rss_mib = (double)driven->rss_bytes / (1 << 20);
    return coordinator_end(&coordinator, error);
}

static int end_workers(const pid_t *workers, uint32_t count, struct error *error)
{
    int rc = 0;
    for (uint32_t i = 0; i < count; i++)
        if (process_wait(workers[i]).exit_code != 0)
            rc = error_set(error, -1, "worker %u did not end well", i);
    return rc;
}

static int measure_processes(const struct bench *bench, const struct place *place, struct row *row,
                             struct error *error)
{
    static pid_t workers[DISPATCH_WORKERS_MAX];
    uint64_t jobs = bench->jobs / PROCESS_JOBS_SHARE;
    struct run_request request =
        request_of(bench, place, jobs > PROCESS_JOBS_MIN ? jobs : PROCESS_JOBS_MIN);
    struct coordinator coordinator;
    struct commit_span span;
    double nothing = (double)NAN;
    *row = (struct row){.what = "processes", .jobs = request.jobs, .bare_per_s = nothing};
    if (coordinator_start(&request, &coordinator, error) != 0)
        return -1;
    for (uint32_t i = 0; i < bench->workers; i++)
        if (worker_process_start(&coordinator, place->folder, i, &workers[i], error) != 0) {
            coordinator_kill(&coordinator); /* the workers started so far end with us */
            return -1;
        }
    if (coordinator_end(&coordinator, error) != 0 ||
        end_workers(workers, bench->workers, error) != 0 ||
        coordinator_span(&coordinator, &span, error) != 0)
        return -1;
    row->jobs_per_s = (double)(span.commits - 1) / span.seconds;
    row->us_per_job = 1e6 / row->jobs_per_s;
    row->cpu_us_per_job = 1e6 * coordinator.cpu_s / (double)span.commits;
    row->rss_mib = (double)coordinator.rss_bytes / (1 << 20);
    row->worker_us_per_job = row->bytes_per_job = row->bare_cpu_us = nothing;
    return 0;
}

/* ---------------------------------------------------------------------------------------- output
 */

/* What was not measured is null: NaN is not JSON. */
static void print_number(const char *name, double value)
{
    if (!isfinite(value))
        printf(", \"%s\": null", name);
    else
        printf(", \"%s\": %.3f", name, value);
}

static void print_row(const struct bench *bench, const struct row *row)
{
    double ratio = row->jobs_per_s / row->bare_per_s;
    if (!bench->json) {
        printf("%-10s %8u %9llu %10.0f %10.0f %7.3f %8.1f %8.2f %8.2f %8.2f %8.0f %8.1f\n",
               row->what, bench->workers, (unsigned long long)row->jobs, row->jobs_per_s,
               row->bare_per_s, ratio, row->us_per_job, row->cpu_us_per_job, row->bare_cpu_us,
               row->worker_us_per_job, row->bytes_per_job, row->rss_mib);
        fflush(stdout);
        return;
    }
    printf("{\"what\": \"%s\", \"workers\": %u, \"jobs\": %llu, \"lookahead\": %u, "
           "\"commit\": \"%s\", \"curve\": %s, \"repeats\": %u",
           row->what, bench->workers, (unsigned long long)row->jobs, bench->lookahead, bench->mode,
           bench->curve ? "true" : "false", bench->repeats);
    print_number("jobs_per_s", row->jobs_per_s);
    print_number("baseline_msgs_per_s", row->bare_per_s);
    print_number("ratio", ratio);
    print_number("us_per_job", row->us_per_job);
    print_number("coordinator_cpu_us_per_job", row->cpu_us_per_job);
    print_number("baseline_cpu_us_per_msg", row->bare_cpu_us);
    print_number("workers_cpu_us_per_job", row->worker_us_per_job);
    print_number("bytes_per_job", row->bytes_per_job);
    print_number("coordinator_rss_peak_mib", row->rss_mib);
    puts("}");
    fflush(stdout);
}

static void print_tenths(const struct bench *bench, const struct dispatch_driven *driven)
{
    if (!bench->json)
        printf("\n%-16s %10s %18s\n", "jobs done", "jobs/s", "coordinator us/job");
    for (int i = 1; i < DISPATCH_MARKS; i++) {
        const struct dispatch_mark *from = &driven->marks[i - 1], *to = &driven->marks[i];
        if (to->jobs <= from->jobs) /* a short run: several tenths at once */
            continue;
        double jobs = (double)(to->jobs - from->jobs);
        double rate = jobs / (to->at_s - from->at_s), cpu = 1e6 * (to->cpu_s - from->cpu_s) / jobs;
        if (bench->json)
            printf("{\"what\": \"tenth\", \"jobs_done\": %llu, \"jobs_per_s\": %.3f, "
                   "\"coordinator_cpu_us_per_job\": %.3f}\n",
                   (unsigned long long)to->jobs, rate, cpu);
        else
            printf("%-16llu %10.0f %18.2f\n", (unsigned long long)to->jobs, rate, cpu);
    }
}

static void print_head(const struct bench *bench)
{
    char disk[64];
    if (bench->json)
        return;
    describe_disk(bench->folder, disk, sizeof disk);
    printf("ledger: SQLite with a write-ahead log on %s; %s; lookahead %u, %u round%s\n", disk,
           strcmp(bench->mode, "ordered") == 0 ? "ordered: written each turn, synced every 100 ms"
                                               : "arrival: synced each turn",
           bench->lookahead, bench->repeats, bench->repeats == 1 ? "" : "s");
    printf("%-10s %8s %9s %10s %10s %7s %8s %8s %8s %8s %8s %8s\n", "workers", "number", "jobs",
           "jobs/s", "bare/s", "ratio", "us/job", "CPU us", "bare us", "theirs", "bytes",
           "RSS MiB");
}

/* ------------------------------------------------------------------------------------------ main
 */

/* A folder for one run. */
static int make_folder(const struct bench *bench, char folder[OS_PATH_BYTES_MAX],
                       struct error *error)
{
    if (os_path_join(folder, OS_PATH_BYTES_MAX, bench->folder, "bench-dispatch-XXXXXX", error) != 0)
        return -1;
    if (mkdtemp(folder) == NULL)
        return error_set(error, -1, "cannot make a folder in %s", bench->folder);
    return 0;
}

enum kind { KIND_WIRE, KIND_PROCESSES };

static int measure_once(const struct bench *bench, enum kind kind, struct row *row,
                        struct dispatch_driven *driven, struct error *error)
{
    char folder[OS_PATH_BYTES_MAX];
    struct error trouble;
    static struct dispatch_keys keys;
    const struct place place = {folder, bench->curve ? &keys : NULL};
    if (make_folder(bench, folder, error) != 0)
        return -1;
    int rc = bench->curve ? dispatch_keys_make(folder, &keys, error) : 0;
    if (rc == 0)
        rc = kind == KIND_WIRE ? measure_wire(bench, &place, row, driven, error)
                               : measure_processes(bench, &place, row, error);
    if (os_remove_tree(folder, &trouble) != 0)
        fprintf(stderr, "bench-dispatch: %s\n", trouble.text);
    return rc;
}

static int run(const struct bench *bench, struct error *error)
{
    static struct row rows[REPEATS_MAX];
    static struct dispatch_driven driven;
    print_head(bench);
    for (enum kind kind = KIND_WIRE; kind <= (bench->processes ? KIND_PROCESSES : KIND_WIRE);
         kind++) {
        for (uint32_t i = 0; i < bench->repeats; i++)
            if (measure_once(bench, kind, &rows[i], &driven, error) != 0)
                return -1;
        struct row median = median_row(rows, bench->repeats);
        print_row(bench, &median);
    }
    if (bench->flat)
        print_tenths(bench, &driven);
    return 0;
}

static int usage(void)
{
    fputs("usage: bench-dispatch [--workers W] [--jobs N] [--lookahead L] [--repeats R]\n"
          "                      [--commit ordered|arrival] [--processes] [--curve] [--flat]\n"
          "                      [--dir DIR] [--wrap WORD]... [--json]\n",
          stderr);
    return 2;
}

static int take_flag(struct bench *bench, const char *word)
{
    const struct {
        const char *name;
        int *flag;
    } flags[] = {
        {"--json", &bench->json},
        {"--processes", &bench->processes},
        {"--flat", &bench->flat},
        {"--curve", &bench->curve},
    };
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (strcmp(word, flags[i].name) == 0) {
            *flags[i].flag = 1;
            return 1;
        }
    return 0;
}

static int take_option(struct bench *bench, const char *name, const char *value)
{
    if (strcmp(name, "--workers") == 0)
        bench->workers = (uint32_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "--jobs") == 0)
        bench->jobs = strtoull(value, NULL, 10);
    else if (strcmp(name, "--lookahead") == 0)
        bench->lookahead = (uint32_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "--repeats") == 0)
        bench->repeats = (uint32_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "--commit") == 0)
        bench->mode = value;
    else if (strcmp(name, "--dir") == 0)
        bench->folder = value;
    else if (strcmp(name, "--wrap") == 0 && bench->wrap_count < WRAP_WORDS_MAX)
        bench->wrap[bench->wrap_count++] = value;
    else
        return 0;
    return 1;
}

int main(int argc, char **argv)
{
    struct bench bench = {
        .workers = 8,
        .jobs = 100000,
        .lookahead = 1024,
        .repeats = 3,
        .mode = "ordered",
        .folder = ".",
    };
    struct error error = {0};
    if (argc >= 2 && strcmp(argv[1], "--bare-router") == 0)
        return bare_router(argv[2]);
    for (int i = 1; i < argc; i++) {
        if (take_flag(&bench, argv[i]))
            continue;
        if (i + 1 == argc || !take_option(&bench, argv[i], argv[i + 1]))
            return usage();
        i++;
    }
    int ordered = strcmp(bench.mode, "ordered") == 0;
    if (bench.workers < 1 || bench.workers > DISPATCH_WORKERS_MAX || bench.jobs < 100 ||
        bench.lookahead < 1 || bench.lookahead > LOOKAHEAD_MAX || bench.repeats < 1 ||
        bench.repeats > REPEATS_MAX || (!ordered && strcmp(bench.mode, "arrival") != 0))
        return usage();
    if (run(&bench, &error) == 0)
        return 0;
    fprintf(stderr, "bench-dispatch: %s\n", error.text);
    return 1;
}
