/*
 * chain.h: the digest of a run: a hash chain per line over what was committed.
 *
 * chain_0 = H("ratchet line 1", experiment, line); chain_n = H(chain_{n-1}, canonical fields of
 * commit n). The canonical fields are the job's description, the outcome, the raw bits of fitness
 * and metrics, the admission, and the checkpoint digest of an admitted child: no times, workers or
 * attempts. The final job (JOB_NUMBER_FINAL) extends the chain like any other, but a line that is
 * continued under a larger budget goes on from the chain before it. A run's digest is that of its
 * lines' chains in order.
 */
#ifndef RATCHET_COORDINATOR_CORE_CHAIN_H
#define RATCHET_COORDINATOR_CORE_CHAIN_H

#include "coordinator/core/core.h"

struct digest chain_start(const struct digest *experiment, uint32_t line);
/* Uses description, outcome, fitness, metrics, admitted and child of the record. */
struct digest chain_extend(const struct digest *chain, const struct commit_record *record);

/* The run's digest from its lines' chains, given one by one in order of line. */
void chain_run_init(struct digest_state *state);
void chain_run_add(struct digest_state *state, const struct digest *chain);

#endif
