/*
 * peer_traffic.h: how many bytes of checkpoints, specs and data sets went to and came from each
 * worker.
 *
 * For `ratchet status` alone. Remembers as many workers as may be joined at once; when more were
 * seen, the one that was seen first is forgotten.
 */
#ifndef RATCHET_COORDINATOR_SHELL_PEER_TRAFFIC_H
#define RATCHET_COORDINATOR_SHELL_PEER_TRAFFIC_H

#include "proto/job.h"

struct peer_traffic;

struct peer_bytes {
    uint64_t received, sent; /* payload */
};

/* NULL: out of memory. */
struct peer_traffic *peer_traffic_create(uint32_t peers_max);
void peer_traffic_destroy(struct peer_traffic **traffic);

void peer_traffic_add(struct peer_traffic *traffic, const struct instance_id *peer,
                      struct peer_bytes bytes);
/* Zeros for one that is not known. */
struct peer_bytes peer_traffic_of(const struct peer_traffic *traffic,
                                  const struct instance_id *peer);

#endif
