/*
 * data_facts.h: what somebody who uses a network has to know of the data set it was trained on:
 * how its inputs were scaled and what its outputs are called. Pure.
 *
 * Read from the data set's blob, which is a safetensors file that a worker has packed. Of its
 * tensors only those are looked at that are named here; nothing of them is believed.
 */
#ifndef RATCHET_COORDINATOR_REPLAY_DATA_FACTS_H
#define RATCHET_COORDINATOR_REPLAY_DATA_FACTS_H

#include "common/error.h"

#include <stddef.h>
#include <stdint.h>

enum { DATA_SOURCE_BYTES_MAX = 256, DATA_CLASSES_BYTES_MAX = 65536 };

struct data_facts {
    const char *type;       /* of the inputs: "U8", "F32" */
    double mean, deviation; /* tensor "statistics": of all inputs of the training part */
    char source[DATA_SOURCE_BYTES_MAX];   /* tensor "source": "mnist1d seed=42 ..." */
    char classes[DATA_CLASSES_BYTES_MAX]; /* tensor "classes": each ended by a newline */
};

/* 0, or -1 with what is wrong with the blob. Texts without their NULs. */
int data_facts_read(const uint8_t *bytes, size_t count, struct data_facts *facts,
                    struct error *error) __attribute__((warn_unused_result));

#endif
