/*
 * report_read.h: what the parts of report_read() share. Private to report_read*.c.
 *
 *   report_read.c             the order of things; header, facts, champion, lineage, lines
 *   report_read_pass.c        the one pass over the commits: points, totals, workers
 *   report_read_operators.c   rows of the table of operators
 *   report_read_bands.c       the same by how good the parents were
 *
 * During the pass every commit's fitness is remembered under its job, for its children to be
 * compared with: some 60 bytes for each commit, the point included.
 */
#ifndef RATCHET_COORDINATOR_REPORT_REPORT_READ_H
#define RATCHET_COORDINATOR_REPORT_REPORT_READ_H

#include "common/fixed_map.h"
#include "coordinator/report/report.h"

/* Jobs to indices that rise from 0, of a number that nobody knows beforehand. */
struct job_table {
    struct fixed_map *map;
    struct job_key *keys; /* [count], by index */
    uint32_t count, room;
};

/* How a line stands. */
struct line_state {
    uint64_t commits;
    bool has_champion;
    struct job_key champion;  /* its fittest champion, */
    uint64_t champion_commit; /* and its place among the commits */
    double best;              /* fitness of that; NaN: none yet */
};

/* A child held against its first parent. */
struct comparison {
    double parent; /* fitness */
    uint32_t row;
    bool improved;
};

struct report_pass {
    struct reader *reader;
    struct report *report;
    uint32_t listed; /* rows that are entries of the experiment's list */

    struct job_table jobs;
    double *fitness;                /* [jobs.room] */
    struct job_table lines;         /* under {line, 0} */
    struct line_state *line_states; /* [lines.room] */
    size_t point_room;
    struct comparison *comparisons;
    size_t comparison_count, comparison_room;
    double gain_sums[REPORT_OPERATORS_MAX];
    uint32_t worker_row; /* of the last commit: neighbours tend to share it */
};

/* Goes through all commits. What *pass got is given back by report_pass_end. */
int report_pass_run(struct report_pass *pass, struct error *error)
    __attribute__((warn_unused_result));
void report_pass_end(struct report_pass *pass);

/* Makes a row for each entry of the experiment's list; returns how many. */
uint32_t report_list_operators(struct report *report);
/* The row that a job is counted in; a founder's is made when it is the first of its kind. */
uint32_t report_operator_row(struct report_pass *pass, const struct commit_record *record);
/* Counts a job; `parent_fitness` is NaN when there is no parent to compare with. -1: no memory. */
int report_count_operator(struct report_pass *pass, uint32_t row,
                          const struct commit_record *record, double parent_fitness)
    __attribute__((warn_unused_result));
/* 0, or -1 when memory is out. */
int report_add_comparison(struct report_pass *pass, const struct comparison *comparison)
    __attribute__((warn_unused_result));
void report_end_bands(struct report_pass *pass);
/* Once all are counted. */
void report_end_operators(struct report_pass *pass);

#endif
