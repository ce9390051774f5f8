/*
 * figure_fitness.c: fitness over commits: each job a point in its operator's colour, faint when it
 * was rejected, and the best so far as a stair: thin for each line, strong for the champion's.
 */
#include "coordinator/report/figure_style.h"
#include "coordinator/report/figures.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum {
    STAIRS_MAX = 200,                    /* of lines other than the champion's, the best ones */
    STAIRS_FEW = 30,                     /* more of them are drawn thinner */
    POINTS_FEW = 400,                    /* up to here they are drawn large, */
    POINTS_MANY = 4000,                  /* from here on small */
    ROWS_MAX = REPORT_OPERATORS_MAX + 1, /* and one for what is in none of the table's */
};

struct fitness_figure {
    const struct report *report;
    struct script *script;
    struct fitness_axis axis;
    bool drawn[ROWS_MAX][2]; /* [row][admitted] */
    bool used[ROWS_MAX];     /* any of the two */
    uint64_t last;           /* commit of the last point */
};

/* --------------------------------------------------------------------------------------- points */

static uint32_t row_of(const struct report *report, const struct report_point *point)
{
    return point->operator_row < report->operator_count ? point->operator_row
                                                        : report->operator_count;
}

/* A block of data, "$p3_1", of an operator's admitted or rejected jobs. */
static void add_points(struct fitness_figure *figure, uint32_t row, unsigned admitted)
{
    struct script *script = figure->script;
    bool *drawn = &figure->drawn[row][admitted];
    for (size_t i = 0; i < figure->report->point_count; i++) {
        const struct report_point *point = &figure->report->points[i];
        if (row_of(figure->report, point) != row || point->admitted != admitted ||
            !is_drawable(point->fitness) || point->fitness < figure->axis.low)
            continue;
        if (!*drawn)
            script_add(script, "$p%u_%u << EOD\n", (unsigned)row, admitted);
        *drawn = figure->used[row] = true;
        script_add(script, "%" PRIu64, point->commit);
        script_value(script, point->fitness * figure->axis.factor);
        script_add(script, "\n");
    }
    if (*drawn)
        script_add(script, "EOD\n");
}

/* Rejected ones below all that were admitted. */
static void plot_points(const struct fitness_figure *figure)
{
    size_t count = figure->report->point_count;
    double size = count <= POINTS_FEW ? 0.6 : count <= POINTS_MANY ? 0.45 : 0.3;
    for (unsigned admitted = 0; admitted < 2; admitted++)
        for (uint32_t row = 0; row <= figure->report->operator_count; row++) {
            struct operator_style style = style_of_operator(figure->report, row);
            if (figure->drawn[row][admitted])
                script_add(figure->script,
                           "$p%u_%u with points pt %u ps %.2f lc rgb '#%02x%06x' notitle, \\\n",
                           (unsigned)row, admitted, (unsigned)style.mark, size,
                           admitted != 0 ? 0x48u : 0xb8u, (unsigned)style.colour);
        }
}

/* --------------------------------------------------------------------------------------- stairs */

static void add_corner(struct fitness_figure *figure, uint64_t commit, double best)
{
    script_add(figure->script, "%" PRIu64, commit);
    script_value(figure->script, best * figure->axis.factor);
    script_add(figure->script, "\n");
}

/* The corners of one line's stair, which ends at the line's last job. */
static void add_stair(struct fitness_figure *figure, uint32_t line)
{
    const struct report *report = figure->report;
    double best = (double)NAN;
    uint64_t last = 0;
    for (size_t i = 0; i < report->point_count; i++) {
        const struct report_point *point = &report->points[i];
        if (point->line != line || !is_drawable(point->best))
            continue;
        last = point->commit;
        if (point->best == best)
            continue;
        if (is_drawable(best))
            add_corner(figure, last, best);
        best = point->best;
        add_corner(figure, last, best);
    }
    if (is_drawable(best))
        add_corner(figure, last, best);
    script_add(figure->script, "\n");
}

static uint32_t champions_line(const struct report *report)
{
    if (report->has_champion)
        return report->champion.job.key.line;
    return report->line_count > 0 ? report->lines[0].line : report->points[0].line;
}

/* $others and $stair; how many lines are in $others. */
static size_t add_stairs(struct fitness_figure *figure)
{
    const struct report *report = figure->report;
    uint32_t strong = champions_line(report);
    size_t others = 0;
    script_add(figure->script, "$others << EOD\n");
    for (size_t i = 0; i < report->line_count && others < STAIRS_MAX; i++) {
        if (report->lines[i].line == strong || !report->lines[i].has_champion)
            continue;
        add_stair(figure, report->lines[i].line);
        others++;
    }
    script_add(figure->script, "EOD\n$stair << EOD\n");
    add_stair(figure, strong);
    script_add(figure->script, "EOD\n");
    return others;
}

/* --------------------------------------------------------------------------------------- figure */

static bool measure(struct fitness_figure *figure)
{
    const struct report *report = figure->report;
    double *values = malloc((report->point_count + 1) * sizeof *values);
    if (values == NULL) {
        figure->script->failed = true;
        return false;
    }
    for (size_t i = 0; i < report->point_count; i++) {
        values[i] = report->points[i].fitness;
        if (report->points[i].commit > figure->last)
            figure->last = report->points[i].commit;
    }
    fitness_axis_init(&figure->axis, report, values, report->point_count);
    free(values);
    return figure->axis.count > 0;
}

static bool any_admitted(const struct fitness_figure *figure)
{
    bool any = false;
    for (uint32_t row = 0; row <= figure->report->operator_count; row++)
        any = any || figure->drawn[row][1];
    return any;
}

static void add_notes(struct fitness_figure *figure, size_t others)
{
    const struct report *report = figure->report;
    fitness_axis_note(figure->script, &figure->axis, "jobs");
    const char *pale = any_admitted(figure) ? "pale: not admitted" : "";
    const char *separator = pale[0] != '\0' ? "; " : "";
    if (others == STAIRS_MAX && report->line_count > STAIRS_MAX + 1)
        style_note(figure->script, NOTE_LEFT, "%s%sthe %d best of %zu lines", pale, separator,
                   STAIRS_MAX + 1, report->line_count);
    else if (report->points_thinned)
        style_note(figure->script, NOTE_LEFT, "%s%s%zu of %" PRIu64 " jobs drawn", pale, separator,
                   report->point_count, report->jobs);
    else
        style_note(figure->script, NOTE_LEFT, "%s", pale);
}

static void plot(const struct fitness_figure *figure, size_t others)
{
    script_add(figure->script, "set xrange [0:%" PRIu64 "]\n", figure->last + 1);
    script_add(figure->script, "set xlabel 'commits' textcolor rgb '#%06x'\n",
               (unsigned)COLOUR_INK);
    if (figure->last < 8)
        script_add(figure->script, "set xtics 1\n");
    style_operator_key(figure->script, figure->report, figure->used);
    script_add(figure->script, "plot \\\n");
    plot_points(figure);
    if (others > 0)
        script_add(figure->script,
                   "$others with lines lw %.1f lc rgb '#%02x%06x' title 'other lines', \\\n",
                   others <= STAIRS_FEW ? 1.0 : 0.6, others <= STAIRS_FEW ? 0x40u : 0x80u,
                   (unsigned)COLOUR_NOTE);
    style_operator_legend(figure->script, figure->report, figure->used);
    script_add(figure->script, "$stair with lines lw 2.2 lc rgb '#%06x' title '%s'\n",
               (unsigned)COLOUR_INK,
               others > 0 ? "best so far, champion\u2019s line" : "best so far");
}

bool figure_fitness(const struct report *report, struct script *script)
{
    struct fitness_figure figure = {.report = report, .script = script};
    if (!measure(&figure))
        return false;
    for (uint32_t row = 0; row <= report->operator_count; row++)
        for (unsigned admitted = 0; admitted < 2; admitted++)
            add_points(&figure, row, admitted);
    style_begin(script, (struct figure_frame){figure_title(FIGURE_FITNESS), FIGURE_WIDTH,
                                              style_height(report, figure.used)});
    size_t others = add_stairs(&figure);
    fitness_axis_set(script, &figure.axis);
    add_notes(&figure, others);
    plot(&figure, others);
    return true;
}
