/*
 * history.h: all commits of a run, by line and job.
 */
#ifndef RATCHET_TESTS_SIMULATION_HISTORY_H
#define RATCHET_TESTS_SIMULATION_HISTORY_H

#include "tests/simulation/trial.h"

/* Something that the user decided, and when: see inputs.h. */
struct history_input {
    enum input_kind kind;
    uint32_t line;
    uint64_t after; /* so many commits of its line */
};

struct history {
    uint32_t lines, places; /* places of each line; the last one is the final job's */
    bool *there;            /* [lines, places] */
    struct commit_record *commits;
    bool *skipped; /* the user gave it up, and the ledger has that: see skips.h */
    struct history_input inputs[TRIAL_LINES_MAX]; /* a line is stopped once */
    uint32_t input_count;
    struct digest digest; /* of the finished run */
    enum finish_code finish_code;
};

void history_init(struct history *history, const struct trial *trial);
void history_fini(struct history *history);
/* Where the job is in tables of lines times places. The job must be one of the trial's. */
size_t history_place(const struct history *history, struct job_key job);
bool history_skipped(const struct history *history, struct job_key job);
bool history_has(const struct history *history, struct job_key job);
/* Only of a job that it has. */
const struct commit_record *history_of(const struct history *history, struct job_key job);
void history_enter(struct history *history, const struct commit_record *record);
void history_clear(struct history *history);
uint64_t history_count(const struct history *history);
bool history_same_jobs(const struct history *a, const struct history *b);

#endif
