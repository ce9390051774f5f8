/*
 * run_chain.h: the chains of a run's lines, computed anew while its commits are read in order.
 *
 * Each commit is held against the description and the chain that are stored with it, so that one
 * which was changed, left out or put in does not go unseen. What it cannot see is a tail that is
 * missing altogether: whoever knows where the run ended compares the digest.
 */
#ifndef RATCHET_COORDINATOR_READING_RUN_CHAIN_H
#define RATCHET_COORDINATOR_READING_RUN_CHAIN_H

#include "common/error.h"
#include "coordinator/core/core.h"

struct run_chain {
    struct line_chain *items;
    uint32_t lines;
};

/* Before the first commit. 0, or -1 when there is no memory for so many lines. */
int run_chain_open(struct run_chain *chain, const struct digest *experiment, uint32_t lines,
                   struct error *error) __attribute__((warn_unused_result));
void run_chain_close(struct run_chain *chain);

/* 0, or -1 with a sentence that names the commit which does not fit. */
int run_chain_add(struct run_chain *chain, const struct commit_record *record, struct error *error)
    __attribute__((warn_unused_result));
/* The run's digest as of the last commit that was added. */
struct digest run_chain_digest(const struct run_chain *chain);

#endif
