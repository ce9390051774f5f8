/*
 * report_read_pass.c: see report_read.h. The one pass over the commits: points, totals, workers.
 */
#include "coordinator/report/report_read.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_LEAST = 1024 };

static int no_memory(struct error *error)
{
    return error_set(error, -1, "no memory for a report of so many jobs");
}

/* -------------------------------------------------------------------------------------- tables */

static struct map_key map_key_of(struct job_key job)
{
    return (struct map_key){.low = job.job, .high = job.line};
}

/* Doubles the room of a table, and of the values that its indices lead to: where these are now, or
 * NULL with the reason. */
static void *grow_table(struct job_table *table, void *values, size_t value_bytes,
                        struct error *error)
{
    if (table->room > UINT32_MAX / 4) {
        error_set(error, -1, "more jobs than a report can be made of");
        return NULL;
    }
    uint32_t room = table->room > 0 ? 2 * table->room : ROOM_LEAST;
    struct fixed_map *map = fixed_map_create(room);
    struct job_key *keys = realloc(table->keys, room * sizeof *keys);
    table->keys = keys != NULL ? keys : table->keys;
    void *grown = map != NULL && keys != NULL ? realloc(values, room * value_bytes) : NULL;
    if (grown == NULL) {
        fixed_map_destroy(&map);
        no_memory(error);
        return NULL;
    }
    for (uint32_t i = 0; i < table->count; i++)
        fixed_map_insert(map, map_key_of(table->keys[i]), i);
    fixed_map_destroy(&table->map);
    table->map = map;
    table->room = room;
    return grown;
}

static uint32_t find_index(const struct job_table *table, struct job_key key)
{
    return table->map == NULL ? FIXED_MAP_NONE : fixed_map_find(table->map, map_key_of(key));
}

static uint32_t add_index(struct job_table *table, struct job_key key)
{
    assert(table->count < table->room);
    table->keys[table->count] = key;
    fixed_map_insert(table->map, map_key_of(key), table->count);
    return table->count++;
}

static int remember_fitness(struct report_pass *pass, const struct commit_record *record,
                            struct error *error)
{
    if (pass->jobs.count == pass->jobs.room) {
        double *grown = grow_table(&pass->jobs, pass->fitness, sizeof *grown, error);
        if (grown == NULL)
            return -1;
        pass->fitness = grown;
    }
    if (find_index(&pass->jobs, record->job.key) != FIXED_MAP_NONE)
        return error_set(error, -1, "%s: job %u/%llu was committed twice", pass->report->path,
                         record->job.key.line, (unsigned long long)record->job.key.job);
    pass->fitness[add_index(&pass->jobs, record->job.key)] = record->fitness;
    return 0;
}

/* NULL when memory is out. */
static struct line_state *state_of_line(struct report_pass *pass, uint32_t line,
                                        struct error *error)
{
    const struct job_key key = {.line = line};
    uint32_t index = find_index(&pass->lines, key);
    if (index != FIXED_MAP_NONE)
        return &pass->line_states[index];
    if (pass->lines.count == pass->lines.room) {
        struct line_state *grown =
            grow_table(&pass->lines, pass->line_states, sizeof *grown, error);
        if (grown == NULL)
            return NULL;
        pass->line_states = grown;
    }
    struct line_state *state = &pass->line_states[add_index(&pass->lines, key)];
    *state = (struct line_state){.best = (double)NAN};
    return state;
}

/* ------------------------------------------------------------------------------------- workers */

static bool is_worker(const struct report_worker *row, const struct commit_record *record)
{
    return strcmp(row->worker, record->worker) == 0 && strcmp(row->host, record->host) == 0 &&
           strcmp(row->numeric, record->numeric) == 0;
}

static uint32_t worker_row(struct report_pass *pass, const struct commit_record *record)
{
    struct report *report = pass->report;
    if (pass->worker_row < report->worker_count &&
        is_worker(&report->workers[pass->worker_row], record))
        return pass->worker_row;
    for (uint32_t i = 0; i < report->worker_count; i++)
        if (is_worker(&report->workers[i], record))
            return i;
    if (report->worker_count == REPORT_WORKERS_MAX)
        return REPORT_WORKERS_MAX - 1;
    struct report_worker *row = &report->workers[report->worker_count++];
    *row = (struct report_worker){.jobs = 0};
    if (report->worker_count == REPORT_WORKERS_MAX) {
        strcpy(row->worker, "others");
    } else {
        memcpy(row->worker, record->worker, sizeof row->worker);
        memcpy(row->host, record->host, sizeof row->host);
        memcpy(row->numeric, record->numeric, sizeof row->numeric);
    }
    return report->worker_count - 1;
}

static void count_worker(struct report_pass *pass, const struct commit_record *record)
{
    pass->worker_row = worker_row(pass, record);
    struct report_worker *row = &pass->report->workers[pass->worker_row];
    row->jobs++;
    row->steps += record->steps;
    row->compute_s += record->compute_ms / 1000.0;
}

/* -------------------------------------------------------------------------------------- points */

static int add_point(struct report_pass *pass, const struct report_point *point,
                     struct error *error)
{
    struct report *report = pass->report;
    if (report->point_count == pass->point_room) {
        size_t room = pass->point_room > 0 ? 2 * pass->point_room : ROOM_LEAST;
        struct report_point *points = realloc(report->points, room * sizeof *points);
        if (points == NULL)
            return no_memory(error);
        report->points = points;
        pass->point_room = room;
    }
    report->points[report->point_count++] = *point;
    return 0;
}

/*
 * Keeps every n-th of the champions (all, unless they alone would fill half of the room) and every
 * m-th of the others, so that no more than REPORT_POINTS_MAX are left.
 */
static void thin_points(struct report *report)
{
    if (report->point_count <= REPORT_POINTS_MAX)
        return;
    size_t champions = 0;
    for (size_t i = 0; i < report->point_count; i++)
        champions += report->points[i].champion;
    const size_t half = REPORT_POINTS_MAX / 2;
    size_t champion_stride = champions > half ? (champions + half - 1) / half : 1;
    size_t kept = (champions + champion_stride - 1) / champion_stride;
    size_t others = report->point_count - champions, room = REPORT_POINTS_MAX - kept;
    size_t other_stride = others > room ? (others + room - 1) / room : 1;
    size_t seen[2] = {0, 0}, count = 0;
    for (size_t i = 0; i < report->point_count; i++) {
        bool champion = report->points[i].champion;
        if (seen[champion]++ % (champion ? champion_stride : other_stride) == 0)
            report->points[count++] = report->points[i];
    }
    report->point_count = count;
    report->points_thinned = true;
    struct report_point *fitting = realloc(report->points, count * sizeof *fitting);
    if (fitting != NULL)
        report->points = fitting;
}

/* -------------------------------------------------------------------------------------- commits */

/* The fitness of the first parent; NaN when there is none, or none that is known. */
static double parent_fitness(const struct report_pass *pass, const struct commit_record *record)
{
    if (record->job.parent_count == 0)
        return (double)NAN;
    uint32_t index = find_index(&pass->jobs, record->parent_ids[0]);
    return index == FIXED_MAP_NONE ? (double)NAN : pass->fitness[index];
}

/* A job that makes a child. */
static int take_job(struct report_pass *pass, const struct commit_record *record,
                    struct line_state *line, struct error *error)
{
    struct report *report = pass->report;
    uint32_t row = report_operator_row(pass, record);
    report->jobs++;
    if (report_count_operator(pass, row, record, parent_fitness(pass, record)) != 0)
        return no_memory(error);
    if (record->champion && (!line->has_champion || fitness_better(record->fitness, line->best))) {
        line->has_champion = true;
        line->champion = record->job.key;
        line->champion_commit = report->counts.commits;
        line->best = record->fitness;
    }
    const struct report_point point = {
        .commit = report->counts.commits,
        .sequence = record->sequence,
        .committed = ledger_committed_wall_ms(pass->reader->ledger),
        .compute_s = report->compute_s,
        .fitness = record->outcome == OUTCOME_OK ? record->fitness : (double)NAN,
        .best = line->best,
        .line = record->job.key.line,
        .operator_row = row,
        .admitted = record->admitted,
        .champion = record->champion,
    };
    if (add_point(pass, &point, error) != 0)
        return -1;
    return remember_fitness(pass, record, error);
}

static void count_commit(struct report_pass *pass, const struct commit_record *record)
{
    struct report *report = pass->report;
    bool final = record->job.key.job == JOB_NUMBER_FINAL;
    report->counts.commits++;
    report->counts.admitted += record->admitted;
    report->counts.diverged += !final && record->outcome == OUTCOME_DIVERGED;
    report->counts.failed += !final && record->outcome == OUTCOME_FAILED;
    report->attempts += record->attempts;
    report->opinions += record->opinions;
    report->steps += record->steps;
    report->compute_s += record->compute_ms / 1000.0;
    uint64_t wall_ms = ledger_committed_wall_ms(pass->reader->ledger);
    if (report->counts.commits == 1)
        report->committed_first = wall_ms;
    report->committed_last = wall_ms;
    count_worker(pass, record);
}

static int take_commit(struct report_pass *pass, const struct commit_record *record,
                       struct error *error)
{
    struct line_state *line = state_of_line(pass, record->job.key.line, error);
    if (line == NULL)
        return -1;
    line->commits++;
    count_commit(pass, record);
    if (record->job.kind == JOB_EVALUATE || record->job.key.job == JOB_NUMBER_FINAL)
        return 0;
    return take_job(pass, record, line, error);
}

static int by_compute(const void *a, const void *b)
{
    const struct report_worker *first = a, *second = b;
    if (first->compute_s != second->compute_s)
        return first->compute_s > second->compute_s ? -1 : 1;
    int order = strcmp(first->host, second->host);
    if (order == 0)
        order = strcmp(first->worker, second->worker);
    return order != 0 ? order : strcmp(first->numeric, second->numeric);
}

int report_pass_run(struct report_pass *pass, struct error *error)
{
    struct report *report = pass->report;
    struct commit_record record;
    int rc;
    if (reader_rewind(pass->reader, error) != 0)
        return -1;
    while ((rc = reader_next_commit(pass->reader, &record, error)) > 0)
        if (take_commit(pass, &record, error) != 0)
            return -1;
    if (rc < 0)
        return -1;
    /* Somebody may have set the clock back. */
    if (report->committed_last > report->committed_first)
        report->wall_s = (double)(report->committed_last - report->committed_first) / 1000;
    thin_points(report);
    report_end_operators(pass);
    report_end_bands(pass);
    uint32_t sorted = report->worker_count - (report->worker_count == REPORT_WORKERS_MAX);
    qsort(report->workers, sorted, sizeof report->workers[0], by_compute);
    return 0;
}

void report_pass_end(struct report_pass *pass)
{
    struct job_table *tables[] = {&pass->jobs, &pass->lines};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        fixed_map_destroy(&tables[i]->map);
        free(tables[i]->keys);
    }
    free(pass->fitness);
    free(pass->comparisons);
    free(pass->line_states);
}
