/*
 * report.h: what a report says of a run: numbers first, figures and a page made from them.
 *
 * report_read() goes through the ledger once and fills a struct report, in which everything is
 * ready to be shown; report_figures() draws it; report_write_html() lays the page out. Nobody needs
 * the run's checkpoints, a worker or a living coordinator. A run that is not finished has a report
 * as well.
 *
 * Memory grows with the number of commits (REPORT_POINTS_MAX bounds what is drawn of them), never
 * with the checkpoints.
 */
#ifndef RATCHET_COORDINATOR_REPORT_REPORT_H
#define RATCHET_COORDINATOR_REPORT_REPORT_H

#include "coordinator/reading/record_text.h"

enum {
    REPORT_BANDS = 3,           /* parts of the range of the parents' fitness */
    REPORT_POINTS_MAX = 20000,  /* jobs drawn; of more, every n-th, and all champions */
    REPORT_OPERATORS_MAX = 64,  /* rows of the table: one per entry of the experiment's list */
    REPORT_WORKERS_MAX = 256,   /* the rest is one row, "others" */
    REPORT_LINES_MAX = 4096,    /* likewise */
    REPORT_LINEAGE_MAX = 10000, /* generations, nearest first */
    REPORT_LABEL_BYTES = 96,
    REPORT_LIMITS_BYTES = 1024,
};

/* One committed job as a point. */
struct report_point {
    uint64_t commit;    /* its place among the commits of the run, from 1 */
    uint64_t sequence;  /* its number in the ledger, where some may be left out */
    uint64_t committed; /* wall clock, ms since 1970 */
    double compute_s;   /* of all commits up to and including this one */
    double fitness;     /* NaN: diverged or failed */
    double best;        /* of its line so far, this one included; NaN: none yet */
    uint32_t line;
    uint32_t operator_row; /* index into operators[] */
    bool admitted, champion;
};

/*
 * One entry of the experiment's operator list, "init" (founders) and the entry for evaluations not
 * among them. `compared`: children whose outcome is OK and that have a parent; `improved`: those of
 * them that are strictly fitter than their first parent.
 */
struct report_operator {
    char label[REPORT_LABEL_BYTES]; /* with all parameters: "psa.output", "noise scale=0.1" */
    char name[REPORT_LABEL_BYTES];  /* as `ratchet status` has it: "noise" if it is the only one */
    uint64_t tried, compared, improved, admitted, champions, diverged, failed, steps;
    struct {
        uint64_t compared, improved;
    } bands[REPORT_BANDS];       /* the same by how good the parent was, worst first */
    double gain_mean, gain_best; /* fitness minus the first parent's; NaN: nothing compared */
    double compute_s;
};

struct report_worker {
    char worker[NAME_BYTES_MAX], host[NAME_BYTES_MAX], numeric[VERSION_BYTES_MAX];
    uint64_t jobs, steps;
    double compute_s;
};

struct report_line {
    uint32_t line;
    uint64_t commits;
    uint64_t champion_commit; /* its champion's place among the commits of the run */
    bool has_champion, has_final;
    struct commit_record champion, final;
};

struct report {
    char path[OS_PATH_BYTES_MAX]; /* of the run, as given */
    char run[40];                 /* its id in hexadecimal */
    char name[NAME_BYTES_MAX], engine_version[VERSION_BYTES_MAX];
    char digest[DIGEST_HEX_BYTES]; /* "" while the run goes on */
    const char *state; /* "finished", "running", "stopped": as `ratchet status` says it */
    /* The settings that are no part of the experiment and say how long the run goes on: `key =
     * value` lines as they were when it finished; "": nobody knows. */
    char limits[REPORT_LIMITS_BYTES];
    char poison[REASON_BYTES_MAX + NAME_BYTES_MAX + 64];
    char *yaml, *canonical;         /* the experiment; canonical: `key = value` lines */
    const char *const *class_names; /* of the data set, or NULL: numbers */
    uint32_t classes;               /* of class_names */

    struct commit_counts counts;
    uint64_t jobs;     /* commits that are no evaluations */
    uint64_t attempts; /* of all jobs: more than commits where some were lost or had twins */
    uint64_t opinions; /* second opinions on would-be champions */
    uint64_t steps;
    double compute_s; /* of the attempts that counted */
    double wall_s;    /* from the first commit to the last */
    double served_s;  /* for which a coordinator was up, over all its lives */
    uint64_t committed_first, committed_last; /* ms since 1970; 0: nothing committed */

    struct report_point *points;
    size_t point_count;
    bool points_thinned;
    struct report_operator operators[REPORT_OPERATORS_MAX];
    uint32_t operator_count;
    /* Where the bands begin and end: equal parts of what the parents had. All NaN: no bands, since
     * nothing was compared or all parents were alike. */
    double band_edges[REPORT_BANDS + 1];
    struct report_worker workers[REPORT_WORKERS_MAX];
    uint32_t worker_count;
    struct report_line *lines; /* by fitness of their champions, best first */
    size_t line_count;
    uint32_t lines_total; /* of the experiment; some may not have begun */

    bool has_champion, has_final, has_detail, lineage_cut;
    uint64_t champion_commit; /* its place among the commits of the run */
    struct commit_record champion, final;
    struct commit_record *lineage; /* the champion first, then first parents up to the founder */
    size_t lineage_count;
    struct detail *detail;       /* the champion's; NULL unless has_detail */
    struct detail *final_detail; /* of its last evaluation, or NULL */
};

/* 0, or -1 with the reason; what was filled until then is gone. */
int report_read(struct reader *reader, struct report *report, struct error *error)
    __attribute__((warn_unused_result));
void report_free(struct report *report);

/* ------------------------------------------------------------------------------------- figures */

enum figure_name {
    FIGURE_FITNESS = 0, /* fitness over jobs, with the best so far */
    FIGURE_OPERATORS,   /* how often each operator improved on its parent, with 95 % intervals */
    FIGURE_LINEAGE,     /* the champion's lineage: fitness and operator by generation */
    FIGURE_DAMAGE,      /* the champion's damage map: layers and units, by what was hit */
    FIGURE_CONFUSION,   /* the champion's confusion matrix */
    FIGURE_COMPUTE,     /* compute spent and what it bought: best fitness over compute hours */
    FIGURE_COUNT,
};

struct figure {
    char *svg; /* NULL: there is nothing to draw */
    size_t bytes;
};

/* "fitness"; files are called fitness.svg. */
const char *figure_title(enum figure_name name);

enum figures_result {
    FIGURES_DRAWN = 0,
    FIGURES_ONE_LEFT_OUT, /* gnuplot failed at one, which *error names; the others are there */
    FIGURES_NO_GNUPLOT,   /* not installed or too old, as *error says; there are none */
    FIGURES_FAILED,       /* there are none, because of *error: a signal that waits, for one */
};

/*
 * Draws all there is to draw, with gnuplot (a child process that gets its commands through a pipe
 * and is found in $PATH). The figures are the caller's to free.
 */
enum figures_result report_figures(const struct report *report, struct figure figures[FIGURE_COUNT],
                                   struct error *error) __attribute__((warn_unused_result));
void figures_free(struct figure figures[FIGURE_COUNT]);
/* Writes DIR/fitness.svg, ... making DIR if it is not there. 0, or -1 naming the file. */
int figures_write(const struct figure figures[FIGURE_COUNT], const char *directory,
                  struct error *error) __attribute__((warn_unused_result));

/* ---------------------------------------------------------------------------------------- page */

struct report_page {
    const struct report *report;
    const struct figure *figures; /* [FIGURE_COUNT]; NULL: none, */
    const char *figures_reason;   /* because of this; with figures: why one is missing, or "" */
    /* "train.lr=0.02", ended by NULL: what --set must say for the run's file to give the run; NULL:
     * nobody knows. */
    const char *const *overrides;
};

/* The whole page, self-contained: no script, nothing fetched. Written beside and renamed: a reader
 * sees the old page or the new one. 0, or -1 naming the file. */
int report_write_html(const struct report_page *page, const char *path, struct error *error)
    __attribute__((warn_unused_result));

#endif
