/*
 * record_text.h: one committed job in words: what commands and the report call things.
 */
#ifndef RATCHET_COORDINATOR_READING_RECORD_TEXT_H
#define RATCHET_COORDINATOR_READING_RECORD_TEXT_H

#include "coordinator/reading/reader.h"

/* The operator's name; "evaluate" for a job that makes no child. */
const char *operator_of(const struct commit_record *record);
/* The operator with all its parameters, as the catalogue calls them: "noise scale=0.1". What does
 * not fit is cut. */
void format_operator_call(const struct operator_call *call, char *text, size_t size);
/* "0/3 0/5" */
void format_parents(const struct commit_record *record, char *text, size_t size);

/* The shortest text that says exactly this value: "0.821". */
enum { NUMBER_BYTES_MAX = 40 };
void format_number(double value, char text[NUMBER_BYTES_MAX]);

/* What a record (or NULL) says of a metric; NULL: nothing. */
const double *record_metric(const struct commit_record *record, uint32_t id);

/*
 * "select 82.10 %   test 81.56 %": the accuracy, or the loss, on each slice that `final` (or NULL),
 * or else `champion`, has a metric of; "" when there is none.
 */
enum score { SCORE_LOSS = 0, SCORE_ACCURACY = 1 };
enum { SCORES_BYTES_MAX = 128 };
void format_scores(const struct commit_record *champion, const struct commit_record *final,
                   enum score score, char text[SCORES_BYTES_MAX]);

#endif
