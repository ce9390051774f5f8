/*
 * progress.h: how fast a run gets on, and how good it is: for people, deciding nothing.
 *
 * Fed with commits; the rate is that of the last ten seconds or so, the median that of the last
 * commits, which says more about where a search stands than one over its whole life. Pure: time is
 * handed in.
 */
#ifndef RATCHET_COORDINATOR_SHELL_PROGRESS_H
#define RATCHET_COORDINATOR_SHELL_PROGRESS_H

#include "coordinator/core/core.h"

enum {
    PROGRESS_RECENT = 256, /* fitness values of which the median is taken */
    PROGRESS_MARKS = 40,
    PROGRESS_MARK_MS = 250, /* the rate's window is MARKS of these */
};

struct progress_mark {
    uint64_t at_ms, commits;
};

struct progress {
    double recent[PROGRESS_RECENT]; /* a ring of finite fitness values */
    uint32_t recent_count, recent_next;
    uint64_t diverged, failed;                  /* of all commits; final jobs are not counted */
    struct progress_mark marks[PROGRESS_MARKS]; /* a ring, one each MARK_MS at most */
    uint32_t mark_count, mark_next;
};

void progress_init(struct progress *progress);
void progress_add_commit(struct progress *progress, const struct commit_record *record);
/* To be called now and then with the number of commits so far. */
void progress_mark(struct progress *progress, uint64_t now_ms, uint64_t commits);

/* Commits per second; NaN until there is something to measure. */
double progress_rate(const struct progress *progress);
/* NaN when there is none yet. */
double progress_median(const struct progress *progress);
/* Seconds until `left` further commits, at the present rate; NaN when that cannot be said. */
double progress_seconds_left(const struct progress *progress, uint64_t left);

#endif
