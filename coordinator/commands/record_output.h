/*
 * record_output.h: one committed job, in the words and keys that `individuals`, `show`, `lineage`
 * and the end of `run` share.
 */
#ifndef RATCHET_COORDINATOR_COMMANDS_RECORD_OUTPUT_H
#define RATCHET_COORDINATOR_COMMANDS_RECORD_OUTPUT_H

#include "coordinator/commands/reader.h"

/* The operator's name; "evaluate" for a job that makes no child. */
const char *operator_of(const struct commit_record *record);
/* "0/3 0/5" */
void format_parents(const struct commit_record *record, char *text, size_t size);

/* The shortest text that says exactly this value: "0.821". */
enum { NUMBER_BYTES_MAX = 40 };
void format_number(double value, char text[NUMBER_BYTES_MAX]);

/*
 * "select 82.10 %   test 81.56 %": the accuracy, or the loss, on each slice that `final` (or NULL),
 * or else `champion`, has a metric of; "" when there is none.
 */
enum score { SCORE_LOSS = 0, SCORE_ACCURACY = 1 };
enum { SCORES_BYTES_MAX = 128 };
void format_scores(const struct commit_record *champion, const struct commit_record *final,
                   enum score score, char text[SCORES_BYTES_MAX]);

/* Id, fitness, admission, depth, operator, parents, checkpoint. */
struct json_node *summary_node(const struct commit_record *record);
/* Indented, on stdout. Takes the node. */
void print_json(struct json_node *root);

#endif
