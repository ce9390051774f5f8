/*
 * detail_output.h: the damage and the confusion matrices of a job, for people and as JSON.
 *
 * Layers and units count from 0, as in common/plan.h. In a stack of dense layers unit 7 of layer 3
 * is row 7 of layers.3.weight; other models have layers without units, and two directions of one.
 */
#ifndef RATCHET_COORDINATOR_COMMANDS_DETAIL_OUTPUT_H
#define RATCHET_COORDINATOR_COMMANDS_DETAIL_OUTPUT_H

#include "common/plan.h"
#include "coordinator/shell/json.h"
#include "proto/detail.h"

/* "layer 3 unit 7: incoming, bias", "layer 3 heads 7-9: outgoing". The plan may be NULL. */
enum { DAMAGE_RUN_BYTES_MAX = 128 };
void format_damage_run(const struct plan *plan, const struct damage_run *run,
                       char text[DAMAGE_RUN_BYTES_MAX]);
/* Units in all runs. */
uint64_t damage_units(const struct damage_list *list);

/* Lines with a label of 14 columns, cut where they become too many. The experiment's canonical text
 * says what units are called. */
void show_detail(const struct detail *detail, const char *canonical);
/* {"hits": {...}, "damage": {...}, "confusion": [...]}, complete. */
struct json_node *detail_node(const struct detail *detail);

#endif
