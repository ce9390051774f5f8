/*
 * report_read_bands.c: see report_read.h. What operators were worth by how good the parents were.
 *
 * An operator that frees a network which is stuck may only hurt one that learns, and the other way
 * round; one share over the whole run tells neither. So the range of the parents' fitness is cut
 * into equal parts, each of which has counts of its own.
 */
#include "coordinator/report/report_read.h"

#include <math.h>
#include <stdlib.h>

enum { ROOM_LEAST = 1024 };

int report_add_comparison(struct report_pass *pass, const struct comparison *comparison)
{
    if (pass->comparison_count == pass->comparison_room) {
        size_t room = pass->comparison_room > 0 ? 2 * pass->comparison_room : ROOM_LEAST;
        struct comparison *grown = realloc(pass->comparisons, room * sizeof *grown);
        if (grown == NULL)
            return -1;
        pass->comparisons = grown;
        pass->comparison_room = room;
    }
    pass->comparisons[pass->comparison_count++] = *comparison;
    return 0;
}

static void find_edges(const struct report_pass *pass, double edges[REPORT_BANDS + 1])
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < pass->comparison_count; i++) {
        low = fmin(low, pass->comparisons[i].parent);
        high = fmax(high, pass->comparisons[i].parent);
    }
    double width = high - low;
    for (int i = 0; i <= REPORT_BANDS; i++)
        edges[i] = width > 0 && isfinite(width) ? low + width * i / REPORT_BANDS : (double)NAN;
}

/* A fitness on an edge belongs to the better band. */
static uint32_t band_of(double fitness, const double edges[REPORT_BANDS + 1])
{
    uint32_t band = REPORT_BANDS - 1;
    while (band > 0 && fitness < edges[band])
        band--;
    return band;
}

void report_end_bands(struct report_pass *pass)
{
    struct report *report = pass->report;
    find_edges(pass, report->band_edges);
    if (isnan(report->band_edges[0]))
        return;
    for (size_t i = 0; i < pass->comparison_count; i++) {
        const struct comparison *comparison = &pass->comparisons[i];
        struct report_operator *row = &report->operators[comparison->row];
        uint32_t band = band_of(comparison->parent, report->band_edges);
        row->bands[band].compared++;
        row->bands[band].improved += comparison->improved;
    }
}
