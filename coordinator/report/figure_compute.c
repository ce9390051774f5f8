/*
 * figure_compute.c: what compute bought: the best fitness of all lines over the compute spent, and
 * beside it how the operators shared that compute.
 */
#include "coordinator/report/figure_style.h"
#include "coordinator/report/figures.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHARES_MAX = 14 };

struct unit_of_time {
    const char *name;
    double seconds;
};

static struct unit_of_time unit_for(double seconds)
{
    if (seconds < 180)
        return (struct unit_of_time){"seconds", 1};
    if (seconds < 2 * 3600)
        return (struct unit_of_time){"minutes", 60};
    return (struct unit_of_time){"hours", 3600};
}

/* ---------------------------------------------------------------------------------------- curve */

static bool set_axis(const struct report *report, struct script *script, struct fitness_axis *axis)
{
    double *values = malloc((report->point_count + 1) * sizeof *values), best = (double)NAN;
    if (values == NULL) {
        script->failed = true;
        return false;
    }
    for (size_t i = 0; i < report->point_count; i++) {
        if (is_drawable(report->points[i].best) && !(report->points[i].best <= best))
            best = report->points[i].best;
        values[i] = best;
    }
    fitness_axis_init(axis, report, values, report->point_count);
    free(values);
    return axis->count > 0;
}

static void add_corner(struct script *script, double spent, double best)
{
    script_value(script, spent);
    script_value(script, best);
    script_add(script, "\n");
}

/* The stair of the best so far, over the compute spent up to then. */
static void add_curve(const struct report *report, struct script *script,
                      const struct fitness_axis *axis, double unit)
{
    double best = (double)NAN, spent = 0;
    script_add(script, "$curve << EOD\n");
    for (size_t i = 0; i < report->point_count; i++) {
        const struct report_point *point = &report->points[i];
        if (is_drawable(point->compute_s))
            spent = point->compute_s / unit;
        if (!is_drawable(point->best) || point->best <= best)
            continue;
        if (is_drawable(best))
            add_corner(script, spent, best * axis->factor);
        best = point->best;
        add_corner(script, spent, best * axis->factor);
    }
    add_corner(script, spent, best * axis->factor);
    script_add(script, "EOD\n");
}

static double spent_in_all(const struct report *report)
{
    double most = 0;
    for (size_t i = 0; i < report->point_count; i++)
        if (is_drawable(report->points[i].compute_s) && report->points[i].compute_s > most)
            most = report->points[i].compute_s;
    return most;
}

/* --------------------------------------------------------------------------------------- shares */

struct share {
    uint32_t row; /* REPORT_OPERATORS_MAX: all the others */
    double seconds;
};

static int compare_shares(const void *a, const void *b)
{
    const struct share *x = a, *y = b;
    if (x->seconds != y->seconds)
        return x->seconds < y->seconds ? 1 : -1;
    return x->row < y->row ? -1 : 1;
}

/* The largest ones first, the rest as one. */
static uint32_t find_shares(const struct report *report, struct share *shares, double *total)
{
    uint32_t count = 0;
    *total = 0;
    for (uint32_t row = 0; row < report->operator_count; row++) {
        double seconds = report->operators[row].compute_s;
        if (!is_drawable(seconds) || seconds <= 0)
            continue;
        shares[count++] = (struct share){row, seconds};
        *total += seconds;
    }
    qsort(shares, count, sizeof *shares, compare_shares);
    if (count <= SHARES_MAX)
        return count;
    for (uint32_t i = SHARES_MAX; i < count; i++)
        shares[SHARES_MAX - 1].seconds += shares[i].seconds;
    shares[SHARES_MAX - 1].row = REPORT_OPERATORS_MAX;
    return SHARES_MAX;
}

static size_t longest_label(const struct report *report)
{
    size_t longest = 0;
    for (uint32_t row = 0; row < report->operator_count; row++)
        if (report->operators[row].compute_s > 0 && strlen(report->operators[row].label) > longest)
            longest = strlen(report->operators[row].label);
    return longest < SCRIPT_LABEL_COLUMNS ? longest : SCRIPT_LABEL_COLUMNS;
}

static void add_share(struct script *script, const struct report *report, struct share share,
                      uint32_t place)
{
    script_add(script, "set label ");
    if (share.row < report->operator_count)
        script_label(script, report->operators[share.row].label);
    else
        script_label(script, "others");
    script_add(script,
               " at graph 0, first %" PRIu32 " right offset -0.6,0 font ',12' "
               "textcolor rgb '#%06x'\n",
               place, (unsigned)COLOUR_INK);
}

/* The panel at the right. */
static void add_shares(const struct report *report, struct script *script)
{
    struct share shares[REPORT_OPERATORS_MAX];
    double total;
    uint32_t count = find_shares(report, shares, &total);
    if (count == 0)
        return;
    script_add(script, "unset label\n$shares << EOD\n");
    for (uint32_t i = 0; i < count; i++) {
        script_add(script, "%" PRIu32, i);
        script_value(script, 100 * shares[i].seconds / total);
        script_add(script, " %u\n", (unsigned)style_of_operator(report, shares[i].row).colour);
    }
    script_add(script, "EOD\n");
    for (uint32_t i = 0; i < count; i++)
        add_share(script, report, shares[i], i);
    script_add(script,
               "set lmargin at screen 0.8\nset rmargin at screen 0.94\n"
               "set border 2\nunset xtics\nunset ytics\nunset ylabel\nunset grid\n"
               "set xlabel 'share of compute'\nset yrange [%" PRIu32 ".5:-0.5]\nset xrange [0:*]\n",
               count > 4 ? count - 1 : 4);
    script_add(
        script,
        "plot $shares using ($2/2):1:($2/2):(0.3):3 with boxxyerror fs solid 0.85 noborder "
        "lc rgb variable notitle, \\\n"
        "$shares using 2:1:(sprintf($2 < 9.95 ? '%%.1f %%%%' : '%%.0f %%%%', $2)) with labels left "
        "offset 0.5,0 font ',12' textcolor rgb '#%06x' notitle\n",
        (unsigned)COLOUR_NOTE);
}

bool figure_compute(const struct report *report, struct script *script)
{
    struct fitness_axis axis;
    double spent = spent_in_all(report);
    if (spent <= 0 || !set_axis(report, script, &axis))
        return false;
    struct unit_of_time unit = unit_for(spent);
    style_begin(script,
                (struct figure_frame){figure_title(FIGURE_COMPUTE), FIGURE_WIDTH, FIGURE_HEIGHT});
    add_curve(report, script, &axis, unit.seconds);
    fitness_axis_set(script, &axis);
    script_add(script,
               "set multiplot\nset tmargin at screen 0.94\nset bmargin at screen 0.15\n"
               "set lmargin at screen 0.085\nset rmargin at screen %.3f\nset xrange [0:%.9g]\n"
               "set xlabel 'compute spent (%s)' textcolor rgb '#%06x'\n",
               0.74 - 0.0085 * (double)longest_label(report), spent / unit.seconds * 1.01,
               unit.name, (unsigned)COLOUR_INK);
    script_add(script, "plot $curve with %s lc rgb '#%06x' notitle\n",
               report->point_count > 1 ? "lines lw 2.2" : "points pt 7 ps 0.7",
               (unsigned)COLOUR_ACCENT);
    add_shares(report, script);
    script_add(script, "unset multiplot\n");
    return true;
}
