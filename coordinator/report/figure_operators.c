/*
 * figure_operators.c: how often each operator made a child fitter than its parent: a bar each, with
 * the Wilson score interval (Wilson 1927) at 95 %.
 */
#include "coordinator/report/figure_style.h"
#include "coordinator/report/figures.h"
#include "coordinator/report/report_lookup.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { ROW_PIXELS = 30, FRAME_PIXELS = 90 };

/* Data: height, share, its interval, how many of how many, colour. Returns the longest label. */
static size_t add_rows(struct script *script, const struct report *report, double *most)
{
    size_t longest = 0;
    uint32_t place = 0;
    script_add(script, "$rows << EOD\n");
    for (uint32_t row = 0; row < report->operator_count; row++) {
        const struct report_operator *operator= & report->operators[row];
        if (operator->compared == 0)
            continue;
        uint64_t improved = operator->improved<operator->compared ? operator->improved :
                                                                    operator->compared;
        struct interval interval = interval_of_share(improved, operator->compared);
        script_add(script, "%" PRIu32, place++);
        script_value(script, 100 * (double)improved / (double)operator->compared);
        script_value(script, 100 * interval.low);
        script_value(script, 100 * interval.high);
        script_add(script, " %" PRIu64 " %" PRIu64 " %u\n", improved, operator->compared,
                   (unsigned)style_of_operator(report, row).colour);
        *most = fmax(*most, 100 * interval.high);
        longest = strlen(operator->label) > longest ? strlen(operator->label) : longest;
    }
    script_add(script, "EOD\n");
    return longest < SCRIPT_LABEL_COLUMNS ? longest : SCRIPT_LABEL_COLUMNS;
}

/* Labels, not tics: gnuplot takes a tic's text for a format. */
static void add_labels(struct script *script, const struct report *report)
{
    uint32_t place = 0;
    for (uint32_t row = 0; row < report->operator_count; row++) {
        if (report->operators[row].compared == 0)
            continue;
        script_add(script, "set label ");
        script_label(script, report->operators[row].label);
        script_add(script,
                   " at graph 0, first %" PRIu32 " right offset -0.8,0 textcolor rgb '#%06x'\n",
                   place++, (unsigned)COLOUR_INK);
    }
}

bool figure_operators(const struct report *report, struct script *script)
{
    uint32_t rows = 0;
    double most = 0;
    for (uint32_t row = 0; row < report->operator_count; row++)
        rows += report->operators[row].compared > 0;
    if (rows == 0)
        return false;
    style_begin(script, (struct figure_frame){figure_title(FIGURE_OPERATORS), FIGURE_WIDTH,
                                              FRAME_PIXELS + rows * ROW_PIXELS});
    size_t longest = add_rows(script, report, &most);
    add_labels(script, report);
    /* Room at the right for the words behind the longest interval. */
    script_add(script,
               "set lmargin %zu\nset rmargin 3\nset yrange [%" PRIu32 ".5:-0.5]\nunset ytics\n"
               "set grid noytics\nset xrange [0:%.9g]\n",
               longest + 3, rows - 1, most * 1.22);
    script_add(script,
               "set xlabel 'children fitter than their parent (%%, with 95 %% interval)' "
               "textcolor rgb '#%06x'\n",
               (unsigned)COLOUR_INK);
    script_add(script,
               "plot $rows using ($2/2):1:($2/2):(0.32):7 with boxxyerror fs solid 0.85 noborder "
               "lc rgb variable notitle, \\\n"
               "$rows using 2:1:3:4 with xerrorbars pt 7 ps 0.3 lw 1.4 lc rgb '#%06x' notitle, \\\n"
               "$rows using 4:1:(sprintf('%%.0f of %%.0f', $5, $6)) with labels left offset 0.8,0 "
               "textcolor rgb '#%06x' notitle\n",
               (unsigned)COLOUR_INK, (unsigned)COLOUR_NOTE);
    return true;
}
