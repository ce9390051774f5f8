/*
 * watch.h: what a worker's log says about its coordinator: joined, refused, silent, back, stopped.
 *
 * The core decides; this only notices changes and words them, once each.
 */
#ifndef RATCHET_WORKER_SHELL_WATCH_H
#define RATCHET_WORKER_SHELL_WATCH_H

#include "worker/core/worker_core.h"
#include "worker/shell/log.h"

struct watch {
    struct log *log;
    const char *endpoint; /* borrowed */
    char state[16];       /* of the last view */
    bool welcomed, silent;
    uint32_t lost_ms;
    char refusal[REASON_BYTES_MAX]; /* the last one told */
    bool lacks_class;               /* refused for the numeric classes that are offered */
    struct run_id run;              /* the last one joined */
    bool cache_full;
    uint64_t cohorts, cohort_jobs; /* as the view has them */
};

void watch_init(struct watch *watch, struct log *log, const char *endpoint);
/* A message of the coordinator, before the core has it. */
void watch_message(struct watch *watch, const struct message *message);
/* A slot gave its job back. */
void watch_handover(struct watch *watch, const struct handover *handover);
/* The worker leaves, and why. */
void watch_leave(struct watch *watch, const char *reason);
/* The state after a turn of the loop. */
void watch_view(struct watch *watch, const struct worker_view *view);

#endif
