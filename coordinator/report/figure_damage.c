/*
 * figure_damage.c: the champion's damage map: every layer's units, in the colour of what was hit.
 *
 * Deep networks have their layers side by side, shallow ones on top of each other. What would be
 * too small to see is drawn together: a cell stands for several units, and is the paler the fewer
 * of them were hit.
 */
#include "coordinator/report/figure_damage.h"
#include "coordinator/reading/model_layers.h"
#include "coordinator/report/figure_style.h"
#include "coordinator/report/figures.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CELLS_DRAWN_SINGLY = 3000, COUNT_OF_MANY = 2 };

static const uint32_t part_colours[DAMAGE_PARTS] = {
    [1] = 0xf0c36d,  [2] = 0xcc79a7,  [3] = 0xe69f00,  [4] = 0x009e73,  [5] = 0xa89a00,
    [6] = 0x44aa99,  [7] = 0xd55e00,  [8] = 0x56b4e9,  [9] = 0x56b4e9,  [10] = 0x56b4e9,
    [11] = 0x0072b2, [12] = 0x7f7fc4, [13] = 0x7f7fc4, [14] = 0x7f7fc4, [15] = 0x332288,
};

/* `share` of a colour, the rest blank. What was hit at all can be told from what was not. */
static uint32_t mix(uint32_t colour, double share)
{
    double weight = 0.3 + 0.7 * share;
    uint32_t mixed = 0;
    for (int shift = 0; shift < 24; shift += 8) {
        double blank = COLOUR_BLANK >> shift & 0xff, full = colour >> shift & 0xff;
        mixed |= (uint32_t)(blank + weight * (full - blank) + 0.5) << shift;
    }
    return mixed;
}

struct rectangle {
    double layer_low, layer_high, unit_low, unit_high;
    uint32_t colour;
};

static void add_rectangle(struct script *script, const struct damage_map *map,
                          struct rectangle rectangle)
{
    double values[] = {rectangle.layer_low, rectangle.layer_high, rectangle.unit_low,
                       rectangle.unit_high};
    uint32_t first = map->shallow ? 2 : 0;
    for (uint32_t i = 0; i < 4; i++)
        script_value(script, values[(first + i) % 4]);
    script_add(script, " %u\n", (unsigned)rectangle.colour);
}

/* A unit's number stands at its middle. */
static double map_start(const struct damage_map *map)
{
    return map->relative ? 0 : 0.5;
}

/* Where a cell lies: layers on one axis; on the other units, or shares of the layer. */
static struct rectangle place_cell(const struct damage_map *map, uint32_t column, uint32_t bin)
{
    struct damage_column extent = damage_map_column(map, column);
    double scale = map->relative ? 1.0 / extent.width : 1;
    double gap = map->columns * map->bins <= CELLS_DRAWN_SINGLY ? 0.06 : 0;
    double layers = map->layers_per_column, units = extent.units_per_bin;
    double unit_high = (double)(bin + 1) * units;
    if (unit_high > extent.width)
        unit_high = extent.width;
    return (struct rectangle){
        .layer_low = column * layers - 0.5 + gap * layers,
        .layer_high = (column + 1) * layers - 0.5 - gap * layers,
        .unit_low = ((double)bin * units + gap * units) * scale - map_start(map),
        .unit_high = (unit_high - gap * units) * scale - map_start(map),
    };
}

static void add_column(struct script *script, const struct damage_map *map, uint32_t column)
{
    struct damage_column extent = damage_map_column(map, column);
    bool singly = map->columns * map->bins <= CELLS_DRAWN_SINGLY;
    if (!singly) {
        struct rectangle whole = place_cell(map, column, 0);
        whole.unit_high = map->relative ? 1 : extent.width - map_start(map);
        whole.colour = COLOUR_BLANK;
        add_rectangle(script, map, whole);
    }
    for (uint32_t bin = 0; bin < extent.bins; bin++) {
        const struct damage_cell *cell = &map->cells[column * map->bins + bin];
        struct rectangle rectangle = place_cell(map, column, bin);
        rectangle.colour = COLOUR_BLANK;
        if (cell->hit > 0)
            rectangle.colour =
                mix(part_colours[damage_cell_parts(cell)], (double)cell->hit / (double)cell->units);
        else if (!singly)
            continue;
        add_rectangle(script, map, rectangle);
    }
}

/* ---------------------------------------------------------------------------------------- words */

static void add_layer_tics(struct script *script, const struct damage_map *map)
{
    static const uint32_t steps[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000};
    uint32_t step = steps[0];
    for (size_t i = 1; i < sizeof steps / sizeof *steps && map->layers / step > 22; i++)
        step = steps[i];
    script_add(script, "set %s (", map->shallow ? "ytics" : "xtics");
    for (uint32_t layer = 0; layer < map->layers; layer += step) {
        if (map->has_output && layer + (step + 1) / 2 >= map->layers)
            break;
        if (map->shallow)
            script_add(script, "'layer %u: %u %s' %u, ", (unsigned)layer,
                       (unsigned)map->widths[layer],
                       model_layer_units(map->plan, layer, COUNT_OF_MANY), (unsigned)layer);
        else
            script_add(script, "'%u' %u, ", (unsigned)layer, (unsigned)layer);
    }
    if (map->has_output && map->shallow)
        script_add(script, "'output: %u units' %u", (unsigned)map->widths[map->layers - 1],
                   (unsigned)map->layers - 1);
    else if (map->has_output)
        script_add(script, "'output' %u", (unsigned)map->layers - 1);
    script_add(script, ") scale 0\n");
}

/* Cells are all there is: no border, no grid. */
static void add_axes(struct script *script, const struct damage_map *map)
{
    const char *units = map->shallow ? "x" : "y";
    script_add(script, "set border 0\nunset grid\n");
    if (map->shallow)
        script_add(script, "set yrange [%u.5:-0.5]\n", (unsigned)map->layers - 1);
    else
        script_add(script, "set xrange [-0.5:%u.5]\nset xlabel 'layer' textcolor rgb '#%06x'\n",
                   (unsigned)map->layers - 1, (unsigned)COLOUR_INK);
    script_add(script, "set %srange [%.9g:%.9g]\nset %slabel '%s' textcolor rgb '#%06x'\n", units,
               -map_start(map), (map->relative ? 1.0 : map->width_most) - map_start(map), units,
               map->relative ? "units, first to last of each layer" : "unit", (unsigned)COLOUR_INK);
    if (map->relative)
        script_add(script, "unset %stics\n", units);
    else
        script_add(script, "set %stics scale 0\n", units);
    add_layer_tics(script, map);
}

static void add_notes(struct script *script, const struct damage_map *map, bool complete)
{
    struct damage_column extent = damage_map_column(map, 0);
    style_note(script, NOTE_RIGHT, "%s%" PRIu64 " of %" PRIu64 " units hit",
               complete ? "" : "at least ", map->hit, map->units);
    if (map->layers_per_column > 1 || extent.units_per_bin > 1)
        style_note(script, NOTE_LEFT, "a cell is several units, paler where fewer were hit");
}

static void name_parts(struct script *script, uint32_t parts)
{
    static const char *const names[] = {"incoming", "bias", "outgoing", "reinitialised"};
    const char *separator = "";
    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++) {
        if ((parts >> i & 1) == 0)
            continue;
        script_add(script, "%s%s", separator, names[i]);
        separator = " + ";
    }
}

static void add_legend(struct script *script, const struct damage_map *map)
{
    for (uint32_t parts = 1; parts < DAMAGE_PARTS; parts++) {
        if (!map->parts_used[parts])
            continue;
        script_add(script, "NaN with points pt 5 ps 1.1 lc rgb '#%06x' title '",
                   (unsigned)part_colours[parts]);
        name_parts(script, parts);
        script_add(script, "', \\\n");
    }
    script_add(script, "NaN with points pt 5 ps 1.1 lc rgb '#%06x' title '%s'\n",
               (unsigned)COLOUR_BLANK, map->hit > 0 ? "untouched" : "untouched: nothing was hit");
}

bool figure_damage(const struct report *report, struct script *script)
{
    struct damage_map map;
    enum damage_map_result result = damage_map_make(report, &map);
    script->failed |= result == DAMAGE_MAP_NO_MEMORY;
    if (result != DAMAGE_MAP_MADE)
        return false;
    style_begin(script, (struct figure_frame){figure_title(FIGURE_DAMAGE), FIGURE_WIDTH,
                                              map.shallow ? 150 + 50 * map.layers : FIGURE_HEIGHT});
    script_add(script, "$cells << EOD\n");
    for (uint32_t column = 0; column < map.columns; column++)
        add_column(script, &map, column);
    script_add(script, "EOD\n");
    add_axes(script, &map);
    add_notes(script, &map, report->detail->damage.complete);
    script_add(script,
               "set key tmargin center horizontal Left reverse samplen 1 "
               "font ',12' textcolor rgb '#%06x' maxcols 3\n"
               "plot $cells using (($1+$2)/2):(($3+$4)/2):1:2:3:4:5 with boxxyerror fs solid "
               "noborder lc rgb variable notitle, \\\n",
               (unsigned)COLOUR_INK);
    add_legend(script, &map);
    damage_map_free(&map);
    return true;
}
