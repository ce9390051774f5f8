/*
 * engine_private.h: an engine on kernels of one's own choice, for tests and measurements that
 * compare them; everybody else uses engine_create.
 */
#ifndef RATCHET_WORKER_ENGINE_ENGINE_PRIVATE_H
#define RATCHET_WORKER_ENGINE_ENGINE_PRIVATE_H

#include "worker/engine/engine.h"
#include "worker/engine/kernels.h"

struct engine *engine_create_with(const struct engine_options *options,
                                  const struct kernels *kernels, struct error *error);

#endif
