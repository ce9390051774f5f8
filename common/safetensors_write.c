/*
 * safetensors_write.c: the canonical header; see safetensors.h.
 *
 * Keys in the order of the data, metadata before them and by their names, no blanks but the
 * padding, text escaped as little as JSON allows: one byte string for one list of tensors.
 */
#include "common/safetensors.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Text that grows as long as it fits. */
struct writer {
    uint8_t *bytes;
    size_t size, used; /* used may exceed size: then it did not fit */
};

struct type_row {
    const char *name;
    uint32_t bytes;
};

static const struct type_row types[SAFETENSORS_TYPE_LAST + 1] = {
    [SAFETENSORS_BOOL] = {"BOOL", 1}, [SAFETENSORS_U8] = {"U8", 1},
    [SAFETENSORS_I8] = {"I8", 1},     [SAFETENSORS_U16] = {"U16", 2},
    [SAFETENSORS_I16] = {"I16", 2},   [SAFETENSORS_F16] = {"F16", 2},
    [SAFETENSORS_BF16] = {"BF16", 2}, [SAFETENSORS_U32] = {"U32", 4},
    [SAFETENSORS_I32] = {"I32", 4},   [SAFETENSORS_F32] = {"F32", 4},
    [SAFETENSORS_U64] = {"U64", 8},   [SAFETENSORS_I64] = {"I64", 8},
    [SAFETENSORS_F64] = {"F64", 8},
};

const char *safetensors_type_name(uint32_t type)
{
    return type <= SAFETENSORS_TYPE_LAST ? types[type].name : NULL;
}

uint32_t safetensors_type_bytes(enum safetensors_type type)
{
    assert(type >= SAFETENSORS_BOOL && type <= SAFETENSORS_TYPE_LAST);
    return types[type].bytes;
}

static void put(struct writer *writer, const char *text)
{
    size_t length = strlen(text);
    if (writer->used + length <= writer->size)
        memcpy(writer->bytes + writer->used, text, length);
    writer->used += length;
}

static void put_number(struct writer *writer, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    put(writer, text);
}

static void put_string(struct writer *writer, const char *string)
{
    put(writer, "\"");
    for (const char *at = string; *at != '\0'; at++) {
        char text[8] = {*at};
        if (*at == '"' || *at == '\\')
            snprintf(text, sizeof text, "\\%c", *at);
        else if ((unsigned char)*at < 0x20)
            snprintf(text, sizeof text, "\\u%04x", (unsigned)*at);
        put(writer, text);
    }
    put(writer, "\"");
}

/* Places the tensor behind the byte where the last one ended. */
static void place(struct safetensors_tensor *tensor, uint64_t begin)
{
    assert(tensor->rank <= SAFETENSORS_RANK_MAX);
    uint64_t bytes = safetensors_type_bytes(tensor->type);
    for (uint32_t i = 0; i < tensor->rank; i++)
        bytes *= tensor->shape[i];
    tensor->begin = begin;
    tensor->end = begin + bytes;
}

static void put_tensor(struct writer *writer, const struct safetensors_tensor *tensor)
{
    put_string(writer, tensor->name);
    put(writer, ":{\"dtype\":\"");
    put(writer, safetensors_type_name(tensor->type));
    put(writer, "\",\"shape\":[");
    for (uint32_t i = 0; i < tensor->rank; i++) {
        put(writer, i > 0 ? "," : "");
        put_number(writer, tensor->shape[i]);
    }
    put(writer, "],\"data_offsets\":[");
    put_number(writer, tensor->begin);
    put(writer, ",");
    put_number(writer, tensor->end);
    put(writer, "]}");
}

static void put_texts(struct writer *writer, const struct safetensors_text *texts, uint32_t count)
{
    put(writer, "\"__metadata__\":{");
    for (uint32_t i = 0; i < count; i++) {
        assert(i == 0 || strcmp(texts[i - 1].key, texts[i].key) < 0);
        put(writer, i > 0 ? "," : "");
        put_string(writer, texts[i].key);
        put(writer, ":");
        put_string(writer, texts[i].value);
    }
    put(writer, "}");
}

size_t safetensors_write_texts(const struct safetensors_text *texts, uint32_t text_count,
                               struct safetensors_tensor *tensors, uint32_t count, uint8_t *buffer,
                               size_t size)
{
    assert(count <= SAFETENSORS_TENSORS_MAX);
    struct writer writer = {.bytes = buffer, .size = size};
    put(&writer, "........"); /* the length, once it is known */
    put(&writer, "{");
    if (text_count > 0)
        put_texts(&writer, texts, text_count);
    for (uint32_t i = 0; i < count; i++) {
        place(&tensors[i], i > 0 ? tensors[i - 1].end : 0);
        put(&writer, i > 0 || text_count > 0 ? "," : "");
        put_tensor(&writer, &tensors[i]);
    }
    put(&writer, "}");
    while (writer.used % 8 != 0)
        put(&writer, " ");
    if (writer.used > size || writer.used > SAFETENSORS_HEADER_BYTES_MAX)
        return 0;
    uint64_t length = writer.used - 8;
    for (uint32_t i = 0; i < 8; i++)
        buffer[i] = (uint8_t)(length >> 8 * i);
    return writer.used;
}

size_t safetensors_write(struct safetensors_tensor *tensors, uint32_t count, uint8_t *buffer,
                         size_t size)
{
    return safetensors_write_texts(NULL, 0, tensors, count, buffer, size);
}
