/*
 * operator_label.h: what an entry of an experiment's operator list is called, in few words.
 */
#ifndef RATCHET_COORDINATOR_SHELL_OPERATOR_LABEL_H
#define RATCHET_COORDINATOR_SHELL_OPERATOR_LABEL_H

#include "coordinator/search/strategy.h"

enum { OPERATOR_LABEL_BYTES_MAX = 96 };

/*
 * The operator's name, as long as the list has it once: "psa.output". Of several entries of one
 * name each adds the parameters in which they differ, "noise scale=0.1", or its place in the list
 * when there are none: "noise #2". What does not fit is cut.
 */
void format_operator_label(const struct search_config *search, uint32_t index,
                           char label[OPERATOR_LABEL_BYTES_MAX]);

#endif
