/*
 * checkpoint.h: what only model.c and checkpoint.c need to know of each other: a checkpoint's
 * header is made once per model. Checkpoints are written and read through network.h.
 */
#ifndef RATCHET_WORKER_ENGINE_CHECKPOINT_H
#define RATCHET_WORKER_ENGINE_CHECKPOINT_H

#include "worker/engine/model.h"

/* Fills model->checkpoint_headers; the layers are there. -1: no memory. */
int checkpoint_headers_create(struct model *model, struct error *error)
    __attribute__((warn_unused_result));
void checkpoint_headers_destroy(struct model *model);

#endif
