/*
 * random_net.h: models that nobody chose: stacks and mixes of layers, drawn from a sequence, as
 * texts of common/model_text.h that are valid for samples of the size that is drawn with them.
 */
#ifndef RATCHET_TESTS_UNIT_WORKER_ENGINE_RANDOM_NET_H
#define RATCHET_TESTS_UNIT_WORKER_ENGINE_RANDOM_NET_H

#include "common/model_text.h"
#include "common/philox.h"

struct random_net {
    char text[MODEL_TEXT_BYTES_MAX];
    uint32_t inputs; /* values of a sample */
};

struct random_net random_net_draw(struct random *random);

#endif
