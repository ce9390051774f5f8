/*
 * figure_damage.h: the champion's damage as a grid of cells that is not too fine to be seen.
 *
 * Layers are put together into columns, units of a layer into bins. Private to figure_damage*.c.
 */
#ifndef RATCHET_COORDINATOR_REPORT_FIGURE_DAMAGE_H
#define RATCHET_COORDINATOR_REPORT_FIGURE_DAMAGE_H

#include "common/plan.h"
#include "coordinator/report/report.h"

enum { DAMAGE_PARTS = 16 }; /* sets of parts of a unit, see struct damage_run */

struct damage_cell {
    uint64_t units; /* that it stands for */
    uint64_t hit;
    uint64_t by_parts[DAMAGE_PARTS];
};

struct damage_map {
    struct plan *plan; /* of the model; NULL: not known, layers are what was hit */
    uint32_t layers;   /* the output layer is the last one, if it is known */
    uint32_t *widths;  /* [layers] units */
    uint32_t width_most;
    bool has_output;
    bool shallow;  /* few layers: drawn on top of each other */
    bool relative; /* widths differ so much that each layer has its own scale */
    uint32_t layers_per_column, columns, bins;
    struct damage_cell *cells; /* [columns][bins] */
    uint64_t units, hit;       /* of all */
    bool parts_used[DAMAGE_PARTS];
};

/* How a column is divided: as the widest of its layers is, or as the widest of all. */
struct damage_column {
    uint32_t width, units_per_bin, bins;
};

enum damage_map_result {
    DAMAGE_MAP_MADE = 1,
    DAMAGE_MAP_NONE, /* no detail, or nothing is known of the layers */
    DAMAGE_MAP_NO_MEMORY,
};
enum damage_map_result damage_map_make(const struct report *report, struct damage_map *map)
    __attribute__((warn_unused_result));
void damage_map_free(struct damage_map *map);

struct damage_column damage_map_column(const struct damage_map *map, uint32_t column);
/* The parts that most of a cell's units were hit in. */
uint32_t damage_cell_parts(const struct damage_cell *cell);

#endif
