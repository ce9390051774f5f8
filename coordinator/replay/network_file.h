/*
 * network_file.h: the network of a checkpoint as a safetensors file of its own: its tensors as they
 * are, without what only training needs, and with a map of texts that says how to use it. Pure.
 */
#ifndef RATCHET_COORDINATOR_REPLAY_NETWORK_FILE_H
#define RATCHET_COORDINATOR_REPLAY_NETWORK_FILE_H

#include "common/safetensors.h"

/* An opened checkpoint. Borrows its bytes. */
struct network_file {
    const uint8_t *data;                /* behind the checkpoint's header */
    struct safetensors_tensor *tensors; /* those that are wanted, in the checkpoint's order */
    uint32_t count;
};

struct network_source {
    const uint8_t *bytes;
    size_t count;
    const char *prefix; /* of the names of the tensors that are wanted; "": all */
};

/* 0, or -1: it is no safetensors file, or has none of these tensors. */
int network_file_open(struct network_file *file, const struct network_source *source,
                      struct error *error) __attribute__((warn_unused_result));
void network_file_close(struct network_file *file);

/*
 * The sizes of a stack of layers, from the inputs to the outputs, as JSON: "[784,18,18,10]"; the
 * caller's to free. From the shapes [out, in] of its tensors of rank 2. NULL when memory is out, or
 * when one layer does not take what the one before it gives.
 */
char *network_file_layers(const struct network_file *file);

struct network_texts {
    const struct safetensors_text *items; /* ascending by their keys */
    uint32_t count;
};

/* The file in memory that is the caller's to free. 0, or -1. */
int network_file_write(const struct network_file *file, const struct network_texts *texts,
                       uint8_t **bytes, size_t *count, struct error *error)
    __attribute__((warn_unused_result));

#endif
