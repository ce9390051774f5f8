/* history.c: see history.h. */
#include "tests/simulation/history.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static size_t size_of(const struct history *history)
{
    return (size_t)history->lines * history->places;
}

void history_init(struct history *history, const struct trial *trial)
{
    *history = (struct history){
        .lines = trial->config.line_count,
        .places = trial_jobs_max(trial) + 1,
    };
    history->there = calloc(size_of(history), sizeof history->there[0]);
    history->skipped = calloc(size_of(history), sizeof history->skipped[0]);
    history->commits = malloc(size_of(history) * sizeof history->commits[0]);
    assert(history->there != NULL && history->skipped != NULL && history->commits != NULL);
}

void history_fini(struct history *history)
{
    free(history->there);
    free(history->skipped);
    free(history->commits);
    *history = (struct history){0};
}

size_t history_place(const struct history *history, struct job_key job)
{
    uint64_t place = job.job == JOB_NUMBER_FINAL ? history->places - 1 : job.job;
    assert(job.line < history->lines && place < history->places);
    return (size_t)job.line * history->places + (size_t)place;
}

bool history_skipped(const struct history *history, struct job_key job)
{
    return history->skipped[history_place(history, job)];
}

bool history_has(const struct history *history, struct job_key job)
{
    return history->there[history_place(history, job)];
}

const struct commit_record *history_of(const struct history *history, struct job_key job)
{
    assert(history_has(history, job));
    return &history->commits[history_place(history, job)];
}

void history_enter(struct history *history, const struct commit_record *record)
{
    size_t place = history_place(history, record->job.key);
    history->there[place] = true;
    history->commits[place] = *record;
}

void history_clear(struct history *history)
{
    memset(history->there, 0, size_of(history) * sizeof history->there[0]);
    memset(history->skipped, 0, size_of(history) * sizeof history->skipped[0]);
}

uint64_t history_count(const struct history *history)
{
    uint64_t count = 0;
    for (size_t i = 0; i < size_of(history); i++)
        count += history->there[i];
    return count;
}

bool history_same_jobs(const struct history *a, const struct history *b)
{
    return a->lines == b->lines && a->places == b->places &&
           memcmp(a->there, b->there, size_of(a) * sizeof a->there[0]) == 0;
}
