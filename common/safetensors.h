/*
 * safetensors.h: the header of a .safetensors file, read strictly and written canonically.
 *
 * The format (Hugging Face, github.com/huggingface/safetensors): 8 bytes of little-endian length, a
 * JSON object {"name": {"dtype": "F32", "shape": [..], "data_offsets": [begin, end]}, ..}, then the
 * tensors' bytes. Checkpoints are such files so that other tools open them as they are.
 *
 * Only the header is handled here: nobody copies tensor bytes, nothing is allocated, no file is
 * touched. What is read comes from outside and is held against every rule of the format: tensors
 * fill the data without holes or overlaps, sizes agree with shapes. What is written is a function
 * of its arguments to the byte, so that equal checkpoints have equal digests.
 */
#ifndef RATCHET_COMMON_SAFETENSORS_H
#define RATCHET_COMMON_SAFETENSORS_H

#include "common/error.h"

#include <stddef.h>
#include <stdint.h>

enum {
    SAFETENSORS_HEADER_BYTES_MAX = 1048576, /* with the 8 bytes of its length */
    SAFETENSORS_TENSORS_MAX = 8192,
    SAFETENSORS_RANK_MAX = 8,
    SAFETENSORS_NAME_BYTES_MAX = 128, /* with its NUL */
};

enum safetensors_type {
    SAFETENSORS_BOOL = 1,
    SAFETENSORS_U8,
    SAFETENSORS_I8,
    SAFETENSORS_U16,
    SAFETENSORS_I16,
    SAFETENSORS_F16,
    SAFETENSORS_BF16,
    SAFETENSORS_U32,
    SAFETENSORS_I32,
    SAFETENSORS_F32,
    SAFETENSORS_U64,
    SAFETENSORS_I64,
    SAFETENSORS_F64,
    SAFETENSORS_TYPE_LAST = SAFETENSORS_F64,
};

/* "F32"; NULL when it is none. */
const char *safetensors_type_name(uint32_t type);
/* Bytes of one element. */
uint32_t safetensors_type_bytes(enum safetensors_type type);

struct safetensors_tensor {
    char name[SAFETENSORS_NAME_BYTES_MAX];
    enum safetensors_type type;
    uint32_t rank;
    uint64_t shape[SAFETENSORS_RANK_MAX];
    uint64_t begin, end; /* of its bytes, counted from the end of the header */
};

struct safetensors_header {
    uint32_t count;
    struct safetensors_tensor *tensors; /* by begin */
    uint64_t bytes;                     /* where the data starts in the file */
};

/*
 * Writes the header of tensors that follow one another in the order given, from offset 0: begin and
 * end are filled in. Padded with blanks to a multiple of 8. Returns its size, or 0 when `size` is
 * too small.
 */
size_t safetensors_write(struct safetensors_tensor *tensors, uint32_t count, uint8_t *buffer,
                         size_t size);

/* One pair of the map under "__metadata__": UTF-8, any bytes that JSON can escape. */
struct safetensors_text {
    const char *key, *value;
};

/* The same with such a map in front of the tensors. Keys are given in ascending order of their
 * bytes, none twice. */
size_t safetensors_write_texts(const struct safetensors_text *texts, uint32_t text_count,
                               struct safetensors_tensor *tensors, uint32_t count, uint8_t *buffer,
                               size_t size);

/*
 * Reads the header at the start of a file of `file_bytes`, of which the first `size` are in `bytes`
 * (the whole header must be). `header->tensors` is the caller's, with room for `capacity`. A map
 * under
 * "__metadata__" is checked and passed over. 0, or -1 with what is wrong.
 */
int safetensors_read(const uint8_t *bytes, size_t size, uint64_t file_bytes,
                     struct safetensors_header *header, uint32_t capacity, struct error *error)
    __attribute__((warn_unused_result));

#endif
