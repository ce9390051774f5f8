/*
 * layout.h: the tensors of a data set's blob, for the two files that write and read it.
 */
#ifndef RATCHET_WORKER_DATA_LAYOUT_H
#define RATCHET_WORKER_DATA_LAYOUT_H

#include "common/safetensors.h"

enum layout_tensor {
    LAYOUT_INPUTS,
    LAYOUT_LABELS,
    LAYOUT_PARTS,
    LAYOUT_STATISTICS,
    LAYOUT_CLASSES,
    LAYOUT_SOURCE,
    LAYOUT_TENSORS,
};

struct layout_row {
    const char *name;
    enum safetensors_type type; /* the inputs may be F32 instead */
    uint32_t rank;
};

static const struct layout_row layout_rows[LAYOUT_TENSORS] = {
    [LAYOUT_INPUTS] = {"inputs", SAFETENSORS_U8, 2},
    [LAYOUT_LABELS] = {"labels", SAFETENSORS_U8, 1},
    [LAYOUT_PARTS] = {"parts", SAFETENSORS_U32, 1},
    [LAYOUT_STATISTICS] = {"statistics", SAFETENSORS_F64, 1},
    [LAYOUT_CLASSES] = {"classes", SAFETENSORS_U8, 1},
    [LAYOUT_SOURCE] = {"source", SAFETENSORS_U8, 1},
};

#endif
