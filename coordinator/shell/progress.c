/* progress.c: see progress.h. */
#include "coordinator/shell/progress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int progress_init(struct progress *progress)
{
    *progress = (struct progress){.parents = fitness_table_create(PROGRESS_PARENTS)};
    return progress->parents != NULL ? 0 : -1;
}

void progress_fini(struct progress *progress)
{
    fitness_table_destroy(&progress->parents);
}

void progress_clear(struct progress *progress)
{
    struct fitness_table *parents = progress->parents;
    fitness_table_clear(parents);
    *progress = (struct progress){.parents = parents};
}

static void count_operator(struct progress *progress, const struct commit_record *record)
{
    double parent;
    if (record->operator_index >= OPERATORS_MAX) /* it founded a line */
        return;
    struct progress_operator *counts = &progress->operators[record->operator_index];
    counts->tried++;
    if (record->outcome != OUTCOME_OK || record->job.parent_count == 0 ||
        !fitness_table_get(progress->parents, record->parent_ids[0], &parent))
        return;
    counts->compared++;
    counts->improved += fitness_better(record->fitness, parent);
}

void progress_add_commit(struct progress *progress, const struct commit_record *record)
{
    if (record->job.key.job == JOB_NUMBER_FINAL)
        return;
    count_operator(progress, record);
    if (record->admitted)
        fitness_table_put(progress->parents, record->job.key, record->fitness);
    progress->diverged += record->outcome == OUTCOME_DIVERGED;
    progress->failed += record->outcome == OUTCOME_FAILED;
    if (!isfinite(record->fitness))
        return;
    progress->recent[progress->recent_next] = record->fitness;
    progress->recent_next = (progress->recent_next + 1) % PROGRESS_RECENT;
    if (progress->recent_count < PROGRESS_RECENT)
        progress->recent_count++;
}

static const struct progress_mark *newest_mark(const struct progress *progress)
{
    return &progress->marks[(progress->mark_next + PROGRESS_MARKS - 1) % PROGRESS_MARKS];
}

static const struct progress_mark *oldest_mark(const struct progress *progress)
{
    return &progress->marks[progress->mark_count < PROGRESS_MARKS ? 0 : progress->mark_next];
}

void progress_mark(struct progress *progress, uint64_t now_ms, uint64_t commits)
{
    if (progress->mark_count > 0 && now_ms - newest_mark(progress)->at_ms < PROGRESS_MARK_MS)
        return;
    progress->marks[progress->mark_next] = (struct progress_mark){now_ms, commits};
    progress->mark_next = (progress->mark_next + 1) % PROGRESS_MARKS;
    if (progress->mark_count < PROGRESS_MARKS)
        progress->mark_count++;
}

double progress_rate(const struct progress *progress)
{
    if (progress->mark_count < 2)
        return NAN;
    const struct progress_mark *first = oldest_mark(progress), *last = newest_mark(progress);
    return 1000.0 * (double)(last->commits - first->commits) / (double)(last->at_ms - first->at_ms);
}

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double progress_median(const struct progress *progress)
{
    uint32_t count = progress->recent_count;
    if (count == 0)
        return NAN;
    double sorted[PROGRESS_RECENT];
    memcpy(sorted, progress->recent, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_doubles);
    return count % 2 == 1 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

double progress_seconds_left(const struct progress *progress, uint64_t left)
{
    double rate = progress_rate(progress);
    return rate > 0 ? (double)left / rate : NAN;
}
