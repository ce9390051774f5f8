/*
 * figure_lineage.c: how the champion came to be: the fitness of its ancestors from the founder on,
 * each in the colour of the operator that made it.
 */
#include "coordinator/report/figure_style.h"
#include "coordinator/report/figures.h"

#include <inttypes.h>
#include <stdlib.h>

enum { POINTS_FEW = 80, POINTS_MANY = 600 };

/* By the point of that commit where it is drawn; else by its place in the experiment's list. */
static uint32_t row_of(const struct report *report, const struct commit_record *record)
{
    size_t low = 0, high = report->point_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (report->points[middle].sequence < record->sequence)
            low = middle + 1;
        else
            high = middle;
    }
    uint32_t row = record->operator_index;
    if (low < report->point_count && report->points[low].sequence == record->sequence)
        row = report->points[low].operator_row;
    return row < report->operator_count ? row : report->operator_count;
}

static bool set_axis(const struct report *report, struct script *script, struct fitness_axis *axis)
{
    double *values = malloc((report->lineage_count + 1) * sizeof *values);
    if (values == NULL) {
        script->failed = true;
        return false;
    }
    for (size_t i = 0; i < report->lineage_count; i++)
        values[i] = report->lineage[i].fitness;
    fitness_axis_init(axis, report, values, report->lineage_count);
    free(values);
    return axis->count > 0;
}

/* $line: generation and fitness; $points: the same with colour, one block per operator. */
static void add_data(const struct report *report, struct script *script,
                     const struct fitness_axis *axis, bool *used)
{
    script_add(script, "$line << EOD\n");
    for (size_t i = report->lineage_count; i-- > 0;) {
        const struct commit_record *record = &report->lineage[i];
        if (!is_drawable(record->fitness))
            continue;
        uint32_t row = row_of(report, record);
        struct operator_style style = style_of_operator(report, row);
        used[row] = true;
        script_add(script, "%" PRIu32, record->depth);
        script_value(script, record->fitness * axis->factor);
        script_add(script, " %u %u\n", (unsigned)style.colour, (unsigned)style.mark);
    }
    script_add(script, "EOD\n");
}

bool figure_lineage(const struct report *report, struct script *script)
{
    struct fitness_axis axis;
    bool used[REPORT_OPERATORS_MAX + 1] = {false};
    if (report->lineage_count == 0 || !set_axis(report, script, &axis))
        return false;
    uint32_t last = report->lineage[0].depth,
             first = report->lineage[report->lineage_count - 1].depth;
    size_t count = report->lineage_count;
    double size = count <= POINTS_FEW ? 0.75 : count <= POINTS_MANY ? 0.5 : 0.3;
    add_data(report, script, &axis, used);
    style_begin(script, (struct figure_frame){figure_title(FIGURE_LINEAGE), FIGURE_WIDTH,
                                              style_height(report, used)});
    fitness_axis_set(script, &axis);
    fitness_axis_note(script, &axis, "ancestors");
    if (report->lineage_cut)
        style_note(script, NOTE_LEFT, "the %zu nearest generations", report->lineage_count);
    double margin = 0.012 * (last - first) + 0.1;
    script_add(script, "set xrange [%.9g:%.9g]\nset xlabel 'generation' textcolor rgb '#%06x'\n",
               first - margin, last + margin, (unsigned)COLOUR_INK);
    if (last - first < 8)
        script_add(script, "set xtics 1\n");
    style_operator_key(script, report, used);
    script_add(script, "plot $line using 1:2 with lines lw 1 lc rgb '#%06x' notitle, \\\n",
               (unsigned)COLOUR_FAINT);
    style_operator_legend(script, report, used);
    script_add(script,
               "$line using 1:2:4:3 with points ps %.2f pt variable lc rgb variable notitle\n",
               size);
    return true;
}
