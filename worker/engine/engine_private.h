/*
 * engine_private.h: an engine on kernels of one's own choice, for tests and measurements that
 * compare them, and what else only these need; everybody else uses engine_create.
 */
#ifndef RATCHET_WORKER_ENGINE_ENGINE_PRIVATE_H
#define RATCHET_WORKER_ENGINE_ENGINE_PRIVATE_H

#include "worker/engine/byte_layer.h"
#include "worker/engine/engine.h"
#include "worker/engine/kernels.h"

struct engine *engine_create_with(const struct engine_options *options,
                                  const struct kernels *kernels, struct error *error);

/* From now on all steps begin with the sample, also of networks with dead layers. */
void engine_go_the_long_way(struct engine *engine);
/* From now on mini-batches of bytes are read this way. */
void engine_read_bytes(struct engine *engine, enum byte_way way);
/* Steps of single members so far that began behind a dead layer. */
uint64_t engine_steps_saved(const struct engine *engine);

#endif
