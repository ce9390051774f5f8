/*
 * progress.h: how fast a run gets on, and how good it is: for people, deciding nothing.
 *
 * Fed with commits; the rate is that of the last ten seconds or so, the median that of the last
 * commits, which says more about where a search stands than one over its whole life. How often each
 * operator improved on a parent is counted from the start of the run, as its report does: the two
 * give the same numbers, and a resumed run, whose ledger is told here again, has lost none of them.
 * Time is handed in, and memory is taken by progress_init only.
 */
#ifndef RATCHET_COORDINATOR_SHELL_PROGRESS_H
#define RATCHET_COORDINATOR_SHELL_PROGRESS_H

#include "coordinator/core/core.h"
#include "coordinator/shell/fitness_table.h"

enum {
    PROGRESS_RECENT = 256, /* fitness values of which the median is taken */
    PROGRESS_MARKS = 40,
    PROGRESS_MARK_MS = 250,   /* the rate's window is MARKS of these */
    PROGRESS_PARENTS = 65536, /* individuals whose fitness is remembered */
};

struct progress_mark {
    uint64_t at_ms, commits;
};

/*
 * `compared`: children that came out OK, were made of a parent and met it in the table of parents;
 * `improved`: those of them that are strictly fitter than their first parent.
 */
struct progress_operator {
    uint64_t tried, compared, improved;
};

struct progress {
    double recent[PROGRESS_RECENT]; /* a ring of finite fitness values */
    uint32_t recent_count, recent_next;
    uint64_t diverged, failed;                  /* of all commits; final jobs are not counted */
    struct progress_mark marks[PROGRESS_MARKS]; /* a ring, one each MARK_MS at most */
    uint32_t mark_count, mark_next;
    struct progress_operator operators[OPERATORS_MAX]; /* by their place in the experiment */
    struct fitness_table *parents;
};

/* 0, or -1 when memory is out. */
int progress_init(struct progress *progress) __attribute__((warn_unused_result));
void progress_fini(struct progress *progress); /* also of zeroes */
/* Back to how progress_init left it. */
void progress_clear(struct progress *progress);

/* In the order of the commits: parents before their children. */
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
