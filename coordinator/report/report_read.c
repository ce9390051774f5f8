/*
 * report_read.c: see report.h. One pass over the commits, then what is looked up one by one: the
 * champion with its ancestors and details, and each line's champion.
 */
#include "coordinator/report/report_read.h"

#include "coordinator/reading/settings_text.h"
#include "coordinator/report/class_names.h"
#include "coordinator/shell/run_directory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int no_memory(struct error *error)
{
    return error_set(error, -1, "no memory for a report");
}

/* -------------------------------------------------------------------------------------- header */

static int read_header(struct reader *reader, struct report *report, struct error *error)
{
    const struct ledger_header *header = &reader->header;
    memcpy(report->path, reader->path, sizeof report->path);
    for (size_t i = 0; i < sizeof header->run.bytes; i++)
        snprintf(report->run + 2 * i, 3, "%02x", header->run.bytes[i]);
    memcpy(report->name, header->name, sizeof report->name);
    memcpy(report->engine_version, header->engine_version, sizeof report->engine_version);
    report->yaml = strdup(header->yaml);
    report->canonical = strdup(header->canonical);
    if (report->yaml == NULL || report->canonical == NULL)
        return no_memory(error);
    char set[NAME_BYTES_MAX];
    settings_find(report->canonical, "data.set", set, sizeof set);
    report->class_names = class_names_of(set, &report->classes);
    report->lines_total = reader->lines;
    return 0;
}

static void read_facts(struct reader *reader, struct report *report)
{
    char finished[32], served[32];
    reader_fact(reader, "finished", finished, sizeof finished);
    reader_fact(reader, "served_ms", served, sizeof served);
    reader_fact(reader, "digest", report->digest, sizeof report->digest);
    reader_poison(reader, report->poison, sizeof report->poison);
    report->served_s = (double)strtoull(served, NULL, 10) / 1000;
    report->state = finished[0] != '\0'                     ? "finished"
                    : run_directory_is_served(report->path) ? "running"
                                                            : "stopped";
    if (finished[0] != '\0')
        reader_fact(reader, "limits", report->limits, sizeof report->limits);
}

/* --------------------------------------------------------------------------------------- lines */

/* A line's place in the list: by the fitness of its champion, then by number. */
struct line_rank {
    uint32_t line, index;
    bool has_champion;
    double best;
};

static int by_fitness(const void *a, const void *b)
{
    const struct line_rank *first = a, *second = b;
    if (first->has_champion != second->has_champion)
        return first->has_champion ? -1 : 1;
    if (first->has_champion && fitness_better(first->best, second->best))
        return -1;
    if (first->has_champion && fitness_better(second->best, first->best))
        return 1;
    return first->line < second->line ? -1 : first->line > second->line;
}

static int read_line(const struct report_pass *pass, const struct line_rank *rank,
                     struct report_line *line, struct error *error)
{
    const struct line_state *state = &pass->line_states[rank->index];
    *line = (struct report_line){
        .line = rank->line, .commits = state->commits, .champion_commit = state->champion_commit};
    if (!state->has_champion)
        return 0;
    int found = reader_get(pass->reader, state->champion, &line->champion, error);
    if (found < 0)
        return -1;
    line->has_champion = found > 0;
    if (found > 0)
        found = reader_final(pass->reader, &line->champion, &line->final, error);
    line->has_final = found > 0;
    return found < 0 ? -1 : 0;
}

static int read_lines(const struct report_pass *pass, struct error *error)
{
    struct report *report = pass->report;
    uint32_t total = pass->lines.count;
    if (report->lines_total < total)
        report->lines_total = total;
    if (total == 0)
        return 0;
    size_t shown = total < REPORT_LINES_MAX ? total : REPORT_LINES_MAX;
    struct line_rank *ranks = calloc(total, sizeof *ranks);
    report->lines = calloc(shown, sizeof *report->lines);
    int rc = ranks == NULL || report->lines == NULL ? no_memory(error) : 0;
    for (uint32_t i = 0; i < total && rc == 0; i++)
        ranks[i] = (struct line_rank){.line = pass->lines.keys[i].line,
                                      .index = i,
                                      .has_champion = pass->line_states[i].has_champion,
                                      .best = pass->line_states[i].best};
    if (rc == 0)
        qsort(ranks, total, sizeof *ranks, by_fitness);
    for (size_t i = 0; i < shown && rc == 0; i++, report->line_count++)
        rc = read_line(pass, &ranks[i], &report->lines[i], error);
    free(ranks);
    return rc;
}

/* ------------------------------------------------------------------------------------ champion */

static struct commit_record *add_ancestor(struct report *report, size_t *room, struct error *error)
{
    if (report->lineage_count == *room) {
        size_t grown = *room > 0 ? 2 * *room : 64;
        struct commit_record *lineage = realloc(report->lineage, grown * sizeof *lineage);
        if (lineage == NULL) {
            no_memory(error);
            return NULL;
        }
        report->lineage = lineage;
        *room = grown;
    }
    return &report->lineage[report->lineage_count];
}

static int read_lineage(struct reader *reader, struct report *report, struct error *error)
{
    struct commit_record record = report->champion;
    size_t room = 0;
    for (;;) {
        struct commit_record *ancestor = add_ancestor(report, &room, error);
        if (ancestor == NULL)
            return -1;
        *ancestor = record;
        report->lineage_count++;
        if (record.job.parent_count == 0)
            return 0;
        report->lineage_cut = report->lineage_count == REPORT_LINEAGE_MAX;
        if (report->lineage_cut)
            return 0;
        uint64_t sequence = record.sequence;
        char id[ID_BYTES_MAX];
        format_id(record.parent_ids[0], id);
        int found = reader_get(reader, record.parent_ids[0], &record, error);
        if (found < 0)
            return -1;
        if (found == 0 || record.sequence >= sequence)
            return error_set(error, -1,
                             "%s: commit %" PRIu64 ": its parent %s was not committed before it",
                             report->path, sequence, id);
    }
}

/* *detail stays NULL where nothing came with the job, or nothing that can be read. */
static int read_detail(struct reader *reader, struct job_key job, struct detail **detail,
                       struct error *error)
{
    *detail = malloc(sizeof **detail);
    if (*detail == NULL)
        return no_memory(error);
    int found = reader_detail(reader, job, *detail, error);
    if (found <= 0) {
        free(*detail);
        *detail = NULL;
    }
    return found < 0 ? -1 : 0;
}

/* The lines are read: the best of them has the champion. */
static int read_champion(struct reader *reader, struct report *report, struct error *error)
{
    if (report->line_count == 0 || !report->lines[0].has_champion)
        return 0;
    report->has_champion = true;
    report->champion = report->lines[0].champion;
    report->champion_commit = report->lines[0].champion_commit;
    report->has_final = report->lines[0].has_final;
    report->final = report->lines[0].final;
    if (read_lineage(reader, report, error) != 0 ||
        read_detail(reader, report->champion.job.key, &report->detail, error) != 0)
        return -1;
    report->has_detail = report->detail != NULL;
    if (report->has_final)
        return read_detail(reader, report->final.job.key, &report->final_detail, error);
    return 0;
}

int report_read(struct reader *reader, struct report *report, struct error *error)
{
    *report = (struct report){.state = ""};
    struct report_pass pass = {.reader = reader, .report = report};
    int rc = read_header(reader, report, error);
    if (rc == 0) {
        pass.listed = report_list_operators(report);
        rc = report_pass_run(&pass, error);
    }
    if (rc == 0)
        rc = read_lines(&pass, error);
    if (rc == 0)
        rc = read_champion(reader, report, error);
    if (rc == 0)
        read_facts(reader, report);
    report_pass_end(&pass);
    if (rc != 0)
        report_free(report);
    return rc;
}

void report_free(struct report *report)
{
    free(report->yaml);
    free(report->canonical);
    free(report->points);
    free(report->lines);
    free(report->lineage);
    free(report->detail);
    free(report->final_detail);
    *report = (struct report){.state = ""};
}
