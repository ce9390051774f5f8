/*
 * replay_compare.h: a result held against the commit of the same job, bit by bit. Pure.
 */
#ifndef RATCHET_COORDINATOR_REPLAY_REPLAY_COMPARE_H
#define RATCHET_COORDINATOR_REPLAY_REPLAY_COMPARE_H

#include "coordinator/replay/replay.h"

/* What was committed: the row, and the detail beside it. */
struct replay_committed {
    const struct commit_record *record;
    const uint8_t *detail;
    uint32_t detail_bytes; /* 0: none */
};

/* 0 when they are equal; -1 with the first field that is not, in *difference and in words:
 * "0/12: fitness: 0.5 was committed, 0.25 came out; ..." and what may explain it. */
int replay_compare(const struct replay_committed *committed, const struct result *result,
                   struct replay_difference *difference, struct error *error)
    __attribute__((warn_unused_result));

#endif
