/*
 * record_output.h: one committed job as JSON, in the keys that `individuals`, `show`, `lineage` and
 * the end of `run` share.
 */
#ifndef RATCHET_COORDINATOR_COMMANDS_RECORD_OUTPUT_H
#define RATCHET_COORDINATOR_COMMANDS_RECORD_OUTPUT_H

#include "coordinator/reading/record_text.h"
#include "coordinator/shell/json.h"

/* {"select_accuracy": 0.9, ...} */
struct json_node *metrics_node(const struct commit_record *record);
/* Id, fitness, admission, depth, operator, parents, checkpoint. */
struct json_node *summary_node(const struct commit_record *record);
/* Indented, on stdout. Takes the node. */
void print_json(struct json_node *root);

#endif
