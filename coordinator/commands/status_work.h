/*
 * status_work.h: the part of `ratchet status` about who works and what it costs: attempts, deaths,
 * second opinions, bytes per job, the table of workers. JSON in, text on stdout.
 */
#ifndef RATCHET_COORDINATOR_COMMANDS_STATUS_WORK_H
#define RATCHET_COORDINATOR_COMMANDS_STATUS_WORK_H

#include "coordinator/shell/json.h"

/* As a living coordinator tells it; an older one tells less. */
void show_live_work(const struct json_node *root);
/* As the ledger tells it, of a run that nobody serves. */
void show_past_work(const struct json_node *root);

#endif
