/*
 * figures.h: the figures of a report, one function each, as scripts for gnuplot.
 *
 *   figure_fitness.c     figure_operators.c   figure_lineage.c
 *   figure_damage.c      figure_confusion.c   figure_compute.c
 *   figure_style.c       colours, axes, notes: what they have in common
 *   figures.c            calls them, and gnuplot
 *
 * Each returns false when the report has nothing of its kind. A script sets everything itself and
 * ends with its plot. Private to figure*.c and their tests.
 */
#ifndef RATCHET_COORDINATOR_REPORT_FIGURES_H
#define RATCHET_COORDINATOR_REPORT_FIGURES_H

#include "coordinator/report/figure_script.h"
#include "coordinator/report/report.h"

bool figure_fitness(const struct report *report, struct script *script);
bool figure_operators(const struct report *report, struct script *script);
bool figure_lineage(const struct report *report, struct script *script);
bool figure_damage(const struct report *report, struct script *script);
bool figure_confusion(const struct report *report, struct script *script);
bool figure_compute(const struct report *report, struct script *script);

#endif
