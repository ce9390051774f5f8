/*
 * figure_style.h: what the figures of a report have in common: size, colours, the fitness axis.
 *
 * Colours are those of Okabe and Ito, told apart by people with any colour vision. An operator's
 * colour and mark follow from its row in the table alone, so they are the same in all figures.
 */
#ifndef RATCHET_COORDINATOR_REPORT_FIGURE_STYLE_H
#define RATCHET_COORDINATOR_REPORT_FIGURE_STYLE_H

#include "coordinator/report/figure_script.h"
#include "coordinator/report/report.h"

enum { FIGURE_WIDTH = 900, FIGURE_HEIGHT = 420 };
enum {
    COLOUR_INK = 0x222222,
    COLOUR_NOTE = 0x666666,
    COLOUR_FAINT = 0xb4b4b4,
    COLOUR_GRID = 0xe6e6e6,
    COLOUR_BLANK = 0xededed,
    COLOUR_ACCENT = 0x0072b2,
};

/* The head of a script: terminal, name, fonts, border, grid. */
struct figure_frame {
    const char *name; /* figure_title() */
    uint32_t width, height;
};
void style_begin(struct script *script, struct figure_frame frame);

/* A row that is none is grey. */
struct operator_style {
    uint32_t colour; /* 0xrrggbb */
    uint32_t mark;   /* gnuplot's point type */
};
struct operator_style style_of_operator(const struct report *report, uint32_t row);
/* Room for a legend of all operators of which used[row], and a height at which it fits. */
uint32_t style_height(const struct report *report, const bool *used);
void style_operator_key(struct script *script, const struct report *report, const bool *used);
/* Its entries: plot elements that each end in ", \".
 */
void style_operator_legend(struct script *script, const struct report *report, const bool *used);

/* Numbers that can be drawn. */
bool is_drawable(double value);

/*
 * The axis of fitness: its words, and a range in which a few values far below the others do not
 * squash the picture: they are left outside, and counted.
 */
struct fitness_axis {
    double factor; /* 100 for shares, drawn as per cent; else 1 */
    double low, high;
    size_t below, count;
    char title[96];
};
/* From the drawable ones of values[count], which are put in order. */
void fitness_axis_init(struct fitness_axis *axis, const struct report *report, double *values,
                       size_t count);
/* Label and range. */
void fitness_axis_set(struct script *script, const struct fitness_axis *axis);
/* "12 of 900 jobs lie below 0.4 and are not drawn", when there are such. `what`: "jobs". */
void fitness_axis_note(struct script *script, const struct fitness_axis *axis, const char *what);

/* Small print at the foot, in the left or the right corner. Our own words, no ledger's. */
enum note_place { NOTE_LEFT = 1, NOTE_RIGHT };
void style_note(struct script *script, enum note_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
