/*
 * why_facts.h: what `ratchet why` knows about a question: one JSON object, of what a living
 * coordinator tells and of what the ledger has.
 *
 * Facts only; why_words.h makes sentences of them. Without a coordinator, or when it does not
 * answer, the ledger is all there is; without a run's folder (an address was given) there is no
 * ledger.
 */
#ifndef RATCHET_COORDINATOR_COMMANDS_WHY_FACTS_H
#define RATCHET_COORDINATOR_COMMANDS_WHY_FACTS_H

#include "coordinator/reading/reader.h"
#include "coordinator/shell/json.h"
#include "proto/message.h"

struct why_question {
    const char *run;               /* as given: a folder or an address */
    struct status_request request; /* a subject other than STATUS_RUN */
};

enum { NOTES_TOLD = 8 };

/*
 * The caller's to free. NULL with the reason; *exit_code is what to leave with then. `reader` is
 * open on question->run, or NULL when that is an address.
 */
struct json_node *why_facts(const struct why_question *question, struct reader *reader,
                            int *exit_code, struct error *error);

#endif
