/*
 * topology.h: the text that names a network's shape, `mlp:18x18`.
 *
 *   mlp:DxW               D hidden layers of W units (the paper writes D*W)
 *   mlp:[DxW, DxW, ...]   a stack of such groups, from the input to the output
 *
 * The input's and the output's size are the data set's and not part of it. Both sides need this
 * grammar: the coordinator refuses a misspelt topology with the line it stands in, the worker
 * builds the network.
 */
#ifndef RATCHET_COMMON_TOPOLOGY_H
#define RATCHET_COMMON_TOPOLOGY_H

#include "common/error.h"

#include <stddef.h>
#include <stdint.h>

enum {
    TOPOLOGY_TEXT_BYTES_MAX = 256, /* with the NUL */
    TOPOLOGY_GROUPS_MAX = 32,
    TOPOLOGY_DEPTH_MAX = 4000,   /* hidden layers over all groups */
    TOPOLOGY_WIDTH_MAX = 1048576 /* units of one layer */
};

struct topology {
    uint32_t group_count;
    struct {
        uint32_t depth, width;
    } groups[TOPOLOGY_GROUPS_MAX];
    uint32_t depth; /* over all groups, at least 1 */
};

/* 0, or -1 with what is wrong and what is allowed. Blanks are allowed around commas only. */
int topology_parse(const char *text, struct topology *topology, struct error *error)
    __attribute__((warn_unused_result));

/* The one way to write it: "mlp:18x18", "mlp:[4x4,2x8]"; neighbours of one width are merged. */
void topology_format(const struct topology *topology, char text[TOPOLOGY_TEXT_BYTES_MAX]);

#endif
