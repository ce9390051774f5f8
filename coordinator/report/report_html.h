/*
 * report_html.h: what the sections of the page share. Private to report_html*.c.
 *
 *   report_html.c             the frame: head, order of the sections, figures, the file
 *   report_html_style.c       how it looks
 *   report_html_summary.c     title, figures at a glance, notes, what was run
 *   report_html_operators.c   the table of operators, and what it says about the control arm
 *   report_html_bands.c       the same by how good the parents were
 *   report_html_champion.c    the champion, its lineage, its damage
 *   report_html_confusion.c   what it mistakes for what
 *   report_html_compute.c     who computed what; lines
 *   report_html_reproduce.c   commands that make the same run again
 *
 * A section writes itself or, where the run has nothing of its kind, nothing.
 */
#ifndef RATCHET_COORDINATOR_REPORT_REPORT_HTML_H
#define RATCHET_COORDINATOR_REPORT_REPORT_HTML_H

#include "coordinator/report/html_words.h"
#include "coordinator/report/html_writer.h"
#include "coordinator/report/report.h"
#include "coordinator/report/report_lookup.h"

struct page {
    struct html html;
    const struct report *report;
    const struct figure *figures; /* or NULL, because of this: */
    const char *figures_reason;   /* or NULL */
    const char *const *overrides; /* or NULL */
    enum fitness_unit unit;
    bool trained; /* by the evaluator `train`: there are data, slices, a network */
};

extern const char report_style[];

/* <section> with its heading. `id` is what links name. */
struct section {
    const char *id, *title;
};
void page_open_section(struct page *page, const struct section *section);
void page_close_section(struct page *page);
/* A table that scrolls sideways where it is wider than the screen; ends with page_close_table. */
void page_open_table(struct page *page, const char *label);
void page_close_table(struct page *page);
/* The figure, if it was drawn; `says` is for those who do not see it. */
void page_figure(struct page *page, enum figure_name name, const char *says);

/* The number behind `key` in the experiment; 0 when there is none. */
uint64_t page_setting(const struct page *page, const char *key);
/* Of the champion's last evaluation, or else of the job that made it; NaN when nobody measured. */
double page_metric(const struct page *page, enum metric_id id);
void page_summary(struct page *page);
void page_experiment(struct page *page);
void page_progress(struct page *page);
void page_operators(struct page *page);
/* A part of page_operators. */
void page_bands(struct page *page);
void page_champion(struct page *page);
void page_lineage(struct page *page);
void page_damage(struct page *page);
void page_confusion(struct page *page);
void page_compute(struct page *page);
void page_lines(struct page *page);
void page_reproduce(struct page *page);

#endif
