/*
 * figure_confusion.c: the champion's confusion matrix: a row for each class, a column for each
 * answer, shaded by the share of the class that got this answer.
 */
#include "coordinator/report/figure_style.h"
#include "coordinator/report/figures.h"
#include "coordinator/report/report_lookup.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    COUNTS_CLASSES_MAX = 20, /* with more, cells have no room for their counts */
    WIDTH_LEAST = 420,
    NAME_COLUMNS = 8, /* longer names of answers stand aslant */
};

static uint64_t row_total(const struct confusion_matrix *matrix, uint32_t class)
{
    uint64_t total = 0;
    for (uint32_t answer = 0; answer < matrix->classes; answer++)
        total += matrix->counts[class * matrix->classes + answer];
    return total;
}

/* From white to a dark blue; the root lets small shares be seen. */
static uint32_t shade_of(double share)
{
    static const double full[] = {0x08, 0x45, 0x8c};
    uint32_t colour = 0;
    for (int i = 0; i < 3; i++)
        colour = colour << 8 | (uint32_t)(250 + sqrt(share) * (full[i] - 250) + 0.5);
    return colour;
}

/* Data: answer, class, count, shade, colour of the count. */
static void add_cells(struct script *script, const struct confusion_matrix *matrix)
{
    script_add(script, "$cells << EOD\n");
    for (uint32_t class = 0; class < matrix->classes; class ++) {
        uint64_t total = row_total(matrix, class);
        for (uint32_t answer = 0; answer < matrix->classes; answer++) {
            uint32_t count = matrix->counts[class * matrix->classes + answer];
            double share = total > 0 ? (double)count / (double)total : 0;
            script_add(script, "%" PRIu32 " %" PRIu32 " %" PRIu32 " %u %u\n", answer, class, count,
                       (unsigned)shade_of(share), share > 0.3 ? 0xffffffu : (unsigned)COLOUR_INK);
        }
    }
    script_add(script, "EOD\n");
}

static bool has_names(const struct report *report, const struct confusion_matrix *matrix)
{
    return report->class_names != NULL && report->classes >= matrix->classes;
}

static size_t longest_name(const struct report *report, const struct confusion_matrix *matrix)
{
    size_t longest = 2;
    for (uint32_t class = 0; has_names(report, matrix) && class < matrix->classes; class ++)
        if (strlen(report->class_names[class]) > longest)
            longest = strlen(report->class_names[class]);
    return longest < SCRIPT_LABEL_COLUMNS ? longest : SCRIPT_LABEL_COLUMNS;
}

/* Names of classes are labels of their own: gnuplot takes a tic's text for a format. */
static void add_name(struct script *script, const struct report *report,
                     const struct confusion_matrix *matrix, uint32_t class)
{
    char number[16];
    snprintf(number, sizeof number, "%" PRIu32, class);
    script_add(script, "set label ");
    script_label(script, has_names(report, matrix) ? report->class_names[class] : number);
}

/* How many lines of text the names below the columns take. */
static double name_lines(const struct report *report, const struct confusion_matrix *matrix)
{
    size_t longest = longest_name(report, matrix);
    return longest > NAME_COLUMNS ? 1.2 + 0.2 * (double)longest : 1.7;
}

/* The class before its row, the share that was right behind it, the answer below its column. */
static void add_names(struct script *script, const struct report *report,
                      const struct confusion_matrix *matrix)
{
    bool aslant = longest_name(report, matrix) > NAME_COLUMNS;
    for (uint32_t class = 0; class < matrix->classes; class ++) {
        uint64_t total = row_total(matrix, class);
        uint32_t right = matrix->counts[class * matrix->classes + class];
        add_name(script, report, matrix, class);
        script_add(script, " at graph 0, first %" PRIu32 " right offset -0.8,0\n", class);
        add_name(script, report, matrix, class);
        script_add(script, " at first %" PRIu32 ", graph 0 %s\n", class,
                   aslant ? "right rotate by 35 offset 0.6,-0.7" : "center offset 0,-0.9");
        if (total > 0)
            script_add(script,
                       "set label '%.1f %%' at graph 1, first %" PRIu32 " left offset 0.8,0\n",
                       100 * (double)right / (double)total, class);
    }
    script_add(script, "set label 'right' at graph 1, graph 1 left offset 0.8,0.7\n"
                       "set label 'class' at graph 0, graph 1 right offset -0.8,0.7\n");
    script_add(script, "set xlabel 'answer' offset 0,-%.1f textcolor rgb '#%06x'\n",
               name_lines(report, matrix) - 1, (unsigned)COLOUR_INK);
}

static void add_note(struct script *script, const struct confusion_matrix *matrix)
{
    uint64_t right = 0, total = 0;
    for (uint32_t class = 0; class < matrix->classes; class ++) {
        right += matrix->counts[class * matrix->classes + class];
        total += row_total(matrix, class);
    }
    if (total > 0)
        style_note(script, NOTE_RIGHT, "slice %s: %" PRIu64 " samples, %.2f %% right",
                   slice_name(matrix->slice), total, 100 * (double)right / (double)total);
}

bool figure_confusion(const struct report *report, struct script *script)
{
    const struct confusion_matrix *matrix = report_best_matrix(report);
    if (matrix == NULL)
        return false;
    bool counts = matrix->classes <= COUNTS_CLASSES_MAX;
    size_t longest = longest_name(report, matrix);
    uint32_t width = 160 + (uint32_t)longest * 8 + matrix->classes * (counts ? 54 : 20);
    style_begin(script, (struct figure_frame){figure_title(FIGURE_CONFUSION),
                                              width > WIDTH_LEAST ? width : WIDTH_LEAST,
                                              130 + matrix->classes * (counts ? 32 : 18)});
    add_cells(script, matrix);
    add_names(script, report, matrix);
    add_note(script, matrix);
    script_add(script,
               "set border 0\nunset grid\nunset xtics\nunset ytics\n"
               "set lmargin %zu\nset rmargin 10\nset tmargin 2.5\nset bmargin %.1f\n"
               "set xrange [-0.5:%" PRIu32 ".5]\nset yrange [%" PRIu32 ".5:-0.5]\n",
               longest + 3, name_lines(report, matrix) + 1.8, matrix->classes - 1,
               matrix->classes - 1);
    script_add(script,
               "plot $cells using 1:2:(0.485):(0.47):4 with boxxyerror fs solid noborder lc rgb "
               "variable notitle%s\n",
               counts ? ", \\\n$cells using 1:2:(sprintf('%.0f', $3)):5 with labels textcolor rgb "
                        "variable font ',11' notitle"
                      : "");
    return true;
}
