/* figure_style.c: see figure_style.h. */
#include "coordinator/report/figure_style.h"

#include "coordinator/report/report_lookup.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    COLOUR_FOUNDER = 0x8c8c8c,
    KEY_ABOVE_MAX = 8, /* operators in a legend above the plot; a longer one stands beside it */
    KEY_PIXELS = 18,
};

/* ------------------------------------------------------------------------------ the whole frame */

void style_begin(struct script *script, struct figure_frame frame)
{
    script_add(script,
               "set encoding utf8\n"
               "set terminal svg size %u,%u font 'sans-serif,13' background rgb '#ffffff' rounded "
               "noenhanced name '%s'\n"
               "set border 3 lc rgb '#%06x' lw 1\n"
               "set tics out nomirror scale 0.5 textcolor rgb '#%06x'\n"
               "set format '%%h'\n"
               "set grid xtics ytics back lt 1 lc rgb '#%06x' lw 1\n"
               "set key off\n",
               (unsigned)frame.width, (unsigned)frame.height, frame.name, (unsigned)COLOUR_NOTE,
               (unsigned)COLOUR_INK, (unsigned)COLOUR_GRID);
}

void style_note(struct script *script, enum note_place place, const char *format, ...)
{
    char text[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    script_add(script,
               "set label '%s' at screen %s offset 0,0.7 font ',11' textcolor rgb '#%06x'\n", text,
               place == NOTE_LEFT ? "0.012,0 left" : "0.988,0 right", (unsigned)COLOUR_NOTE);
}

/* ------------------------------------------------------------------------------------ operators */

static bool makes_founders(const char *label)
{
    return strncmp(label, "init", 4) == 0 && strchr(" .", label[4]) != NULL;
}

struct operator_style style_of_operator(const struct report *report, uint32_t row)
{
    static const uint32_t colours[] = {0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7,
                                       0xe69f00, 0x56b4e9, 0xa89a00};
    static const uint32_t marks[] = {7, 5, 9, 13, 11};
    enum {
        COLOURS = sizeof colours / sizeof colours[0],
        MARKS = sizeof marks / sizeof marks[0],
    };
    if (row >= report->operator_count || makes_founders(report->operators[row].label))
        return (struct operator_style){COLOUR_FOUNDER, marks[0]};
    return (struct operator_style){colours[row % COLOURS], marks[row / COLOURS % MARKS]};
}

static uint32_t count_used(const struct report *report, const bool *used)
{
    uint32_t count = 0;
    for (uint32_t row = 0; row < report->operator_count; row++)
        count += used[row];
    return count;
}

uint32_t style_height(const struct report *report, const bool *used)
{
    uint32_t count = count_used(report, used);
    uint32_t wanted = count > KEY_ABOVE_MAX ? (count + 6) * KEY_PIXELS + 60 : 0;
    return wanted > FIGURE_HEIGHT ? wanted : FIGURE_HEIGHT;
}

void style_operator_key(struct script *script, const struct report *report, const bool *used)
{
    const char *place = count_used(report, used) > KEY_ABOVE_MAX
                            ? "outside right top vertical maxcols 1"
                            : "tmargin center horizontal";
    script_add(script, "set key %s Left reverse samplen 1.2 font ',12' textcolor rgb '#%06x'\n",
               place, (unsigned)COLOUR_INK);
}

void style_operator_legend(struct script *script, const struct report *report, const bool *used)
{
    for (uint32_t row = 0; row < report->operator_count; row++) {
        if (!used[row])
            continue;
        struct operator_style style = style_of_operator(report, row);
        script_add(script, "NaN with points pt %u ps 0.7 lc rgb '#%06x' title ",
                   (unsigned)style.mark, (unsigned)style.colour);
        script_label(script, report->operators[row].label);
        script_add(script, ", \\\n");
    }
}

/* --------------------------------------------------------------------------------- fitness axis */

bool is_drawable(double value)
{
    return isfinite(value) && fabs(value) < 1e300;
}

static void name_fitness(struct fitness_axis *axis, const struct report *report)
{
    struct fitness_meaning meaning = report_fitness_meaning(report);
    const char *slice = slice_name(meaning.slice);
    axis->factor = meaning.kind == FITNESS_IS_ACCURACY ? 100 : 1;
    switch (meaning.kind) {
    case FITNESS_IS_ACCURACY:
        snprintf(axis->title, sizeof axis->title, "accuracy on %s (%%)", slice);
        return;
    case FITNESS_IS_LOSS:
        snprintf(axis->title, sizeof axis->title, "fitness: minus the loss on %s", slice);
        return;
    case FITNESS_IS_FREE:
        break;
    }
    snprintf(axis->title, sizeof axis->title, "fitness");
}

static int compare_values(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Leaves the drawable ones, in ascending order. */
static size_t sort_drawable(double *values, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (is_drawable(values[i]))
            values[kept++] = values[i];
    if (kept > 0)
        qsort(values, kept, sizeof *values, compare_values);
    return kept;
}

/*
 * What an axis is high at least. Tics have six digits, so over less than this they would all be
 * called the same, and over much less there would be no numbers to put them at.
 */
static double least_height(double low, double high)
{
    const double share = 1e-4, smallest = 1e-30;
    double magnitude = fmax(fabs(low), fabs(high));
    return magnitude > 0 ? fmax(share * magnitude, smallest) : 1;
}

/*
 * At most the lowest tenth is left out, and only when that makes the picture four times as
 * high.
 */
void fitness_axis_init(struct fitness_axis *axis, const struct report *report, double *values,
                       size_t count)
{
    *axis = (struct fitness_axis){0};
    name_fitness(axis, report);
    axis->count = sort_drawable(values, count);
    if (axis->count == 0)
        return;
    double high = values[axis->count - 1], low = values[0], tenth = values[axis->count / 10];
    double height = high - tenth, least = least_height(low, high);
    if (height > least && high - low > 4 * height) {
        low = tenth - 0.1 * height;
        while (values[axis->below] < low)
            axis->below++;
    }
    double lacking = fmax(0, least - (high - low));
    double margin = 0.04 * fmax(high - low, least);
    axis->low = axis->below > 0 ? low : low - margin - lacking / 2;
    axis->high = high + margin + lacking / 2;
}

void fitness_axis_set(struct script *script, const struct fitness_axis *axis)
{
    script_add(script, "set ylabel '%s' textcolor rgb '#%06x'\nset yrange [%.15g:%.15g]\n",
               axis->title, (unsigned)COLOUR_INK, axis->low * axis->factor,
               axis->high * axis->factor);
}

void fitness_axis_note(struct script *script, const struct fitness_axis *axis, const char *what)
{
    if (axis->below > 0)
        style_note(script, NOTE_RIGHT, "%zu of %zu %s lie below %.3g and are not drawn",
                   axis->below, axis->count, what, axis->low * axis->factor);
}
