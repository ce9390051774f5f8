/*
 * net_check.h: a trial's logits and gradient, the engine's against the reference's in double. What
 * is off fails the test that runs.
 */
#ifndef RATCHET_TESTS_UNIT_WORKER_ENGINE_NET_CHECK_H
#define RATCHET_TESTS_UNIT_WORKER_ENGINE_NET_CHECK_H

#include "tests/unit/worker/engine/net_trial.h"

/* Off by at most so much of the length of all logits. */
void net_check_logits(const struct net_trial *trial, const struct kernels *kernels, double off_max);

/*
 * On each vector unit of this machine: the loss within 2e-6; each tensor's gradient, where a few of
 * its numbers are looked at, within 1e-4 of what central differences of the reference's loss give.
 */
void net_check_gradient(const struct net_trial *trial);

#endif
