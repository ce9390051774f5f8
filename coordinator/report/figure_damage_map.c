/* figure_damage_map.c: from the runs of a detail to cells; see figure_damage.h. */
#include "common/topology.h"
#include "coordinator/reading/model_layers.h"
#include "coordinator/report/figure_damage.h"

#include <stdlib.h>

enum {
    SHALLOW_LAYERS_MAX = 8,
    COLUMNS_MAX = 100,
    BINS_SIDE_BY_SIDE = 100, /* three pixels each */
    BINS_ON_TOP = 250,
    RELATIVE_RATIO = 8,
    /* Runs of a stranger's detail may name any layer: such a map is not drawn. */
    LAYERS_MAX = TOPOLOGY_DEPTH_MAX + 1,
};

static uint32_t divide_up(uint32_t value, uint32_t by)
{
    return value / by + (value % by != 0);
}

/* --------------------------------------------------------------------------------------- layers */

/* Units that runs name of one layer. */
static uint32_t units_named(const struct damage_list *damage, uint32_t layer)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < damage->count; i++) {
        uint64_t end = (uint64_t)damage->runs[i].unit + damage->runs[i].count;
        if (damage->runs[i].layer == layer && end > most)
            most = end;
    }
    return most < TOPOLOGY_WIDTH_MAX ? (uint32_t)most : TOPOLOGY_WIDTH_MAX;
}

static uint32_t classes_of(const struct report *report)
{
    if (report->detail->matrix_count > 0)
        return report->detail->matrices[0].classes;
    if (report->final_detail != NULL && report->final_detail->matrix_count > 0)
        return report->final_detail->matrices[0].classes;
    return report->classes;
}

/* Without a plan layers are what was hit. */
static bool fill_widths(const struct report *report, struct damage_map *map)
{
    map->widths = calloc(map->layers, sizeof *map->widths);
    if (map->widths == NULL)
        return false;
    for (uint32_t layer = 0; layer < map->layers; layer++)
        map->widths[layer] = map->plan != NULL && layer + 1 < map->plan->layer_count
                                 ? map->plan->layers[layer].out
                                 : units_named(&report->detail->damage, layer);
    uint32_t *output = &map->widths[map->layers - 1];
    if (map->has_output && *output < classes_of(report))
        *output = classes_of(report);
    return true;
}

static enum damage_map_result find_layers(const struct report *report, struct damage_map *map)
{
    const struct damage_list *damage = &report->detail->damage;
    uint32_t named = damage->count > 0 ? damage->runs[damage->count - 1].layer : 0;
    map->plan = model_layers_plan(report->canonical, classes_of(report));
    if (named >= (map->plan != NULL ? map->plan->layer_count : LAYERS_MAX))
        return DAMAGE_MAP_NONE;
    if (map->plan != NULL) {
        uint32_t output = map->plan->layer_count - 1;
        map->has_output = classes_of(report) > 0 || units_named(damage, output) > 0;
        map->layers = output + map->has_output;
    } else {
        map->layers = damage->count > 0 ? named + 1 : 0;
    }
    if (map->layers == 0)
        return DAMAGE_MAP_NONE;
    return fill_widths(report, map) ? DAMAGE_MAP_MADE : DAMAGE_MAP_NO_MEMORY;
}

/* ---------------------------------------------------------------------------------------- cells */

static void choose_grid(struct damage_map *map)
{
    uint32_t least = UINT32_MAX;
    for (uint32_t layer = 0; layer < map->layers; layer++) {
        map->width_most =
            map->widths[layer] > map->width_most ? map->widths[layer] : map->width_most;
        least = map->widths[layer] > 0 && map->widths[layer] < least ? map->widths[layer] : least;
        map->units += map->widths[layer];
    }
    map->shallow = map->layers <= SHALLOW_LAYERS_MAX;
    map->relative = map->width_most / least >= RELATIVE_RATIO;
    map->layers_per_column = divide_up(map->layers, COLUMNS_MAX);
    map->columns = divide_up(map->layers, map->layers_per_column);
    map->bins = map->shallow ? BINS_ON_TOP : BINS_SIDE_BY_SIDE;
    if (map->width_most < map->bins)
        map->bins = map->width_most;
}

struct damage_column damage_map_column(const struct damage_map *map, uint32_t column)
{
    struct damage_column extent = {.width = 1};
    uint32_t first = column * map->layers_per_column;
    for (uint32_t i = 0; i < map->layers_per_column && first + i < map->layers; i++)
        if (map->widths[first + i] > extent.width)
            extent.width = map->widths[first + i];
    extent.units_per_bin = divide_up(map->relative ? extent.width : map->width_most, map->bins);
    extent.bins = divide_up(extent.width, extent.units_per_bin);
    return extent;
}

static struct damage_cell *cell_at(const struct damage_map *map, uint32_t layer, uint32_t bin)
{
    return &map->cells[(size_t)(layer / map->layers_per_column) * map->bins + bin];
}

static uint32_t shorter(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* What of the `count` units from `unit` lies in which bin; parts 0: units that there are. */
static void spread(struct damage_map *map, const struct damage_run *run)
{
    struct damage_column extent = damage_map_column(map, run->layer / map->layers_per_column);
    uint32_t width = map->widths[run->layer], unit = shorter(run->unit, width),
             end = run->count < width - unit ? unit + run->count : width;
    while (unit < end) {
        uint32_t bin = unit / extent.units_per_bin;
        uint32_t next = shorter((bin + 1) * extent.units_per_bin, end);
        struct damage_cell *cell = cell_at(map, run->layer, bin);
        if (run->parts == 0) {
            cell->units += next - unit;
        } else {
            cell->hit += next - unit;
            cell->by_parts[run->parts % DAMAGE_PARTS] += next - unit;
            map->hit += next - unit;
            map->parts_used[run->parts % DAMAGE_PARTS] = true;
        }
        unit = next;
    }
}

enum damage_map_result damage_map_make(const struct report *report, struct damage_map *map)
{
    *map = (struct damage_map){0};
    if (!report->has_detail || report->detail == NULL)
        return DAMAGE_MAP_NONE;
    enum damage_map_result result = find_layers(report, map);
    if (result != DAMAGE_MAP_MADE) {
        damage_map_free(map);
        return result;
    }
    choose_grid(map);
    map->cells = calloc((size_t)map->columns * map->bins, sizeof *map->cells);
    if (map->cells == NULL) {
        damage_map_free(map);
        return DAMAGE_MAP_NO_MEMORY;
    }
    for (uint32_t layer = 0; layer < map->layers; layer++)
        spread(map, &(struct damage_run){.layer = layer, .count = map->widths[layer]});
    for (uint32_t i = 0; i < report->detail->damage.count; i++)
        if (report->detail->damage.runs[i].parts != 0)
            spread(map, &report->detail->damage.runs[i]);
    return DAMAGE_MAP_MADE;
}

void damage_map_free(struct damage_map *map)
{
    plan_destroy(&map->plan);
    free(map->widths);
    free(map->cells);
    *map = (struct damage_map){0};
}

uint32_t damage_cell_parts(const struct damage_cell *cell)
{
    uint32_t most = 0;
    for (uint32_t parts = 1; parts < DAMAGE_PARTS; parts++)
        if (cell->by_parts[parts] > cell->by_parts[most])
            most = parts;
    return most;
}
