/*
 * codec_field.c: the checks of single fields that decoding is made of.
 *
 * Each function takes one field as protobuf-c left it, holds it against its bound and copies it. A
 * refusal is a sentence in the reader's error that begins with the message, the list entry and the
 * field.
 */
#include "proto/codec_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool reader_refuse(const struct reader *reader, const char *field, const char *format, ...)
{
    char reason[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    if (reader->list != NULL)
        error_set(reader->error, CODEC_MALFORMED, "%s: %s[%zu]: %s: %s", reader->message,
                  reader->list, reader->index, field, reason);
    else
        error_set(reader->error, CODEC_MALFORMED, "%s: %s: %s", reader->message, field, reason);
    return false;
}

bool read_present(const struct reader *reader, const char *field, const void *part)
{
    return part != NULL || reader_refuse(reader, field, "missing");
}

bool read_at_most(const struct reader *reader, const char *field, uint64_t value, uint64_t most)
{
    return value <= most ||
           reader_refuse(reader, field, "%" PRIu64 ", at most %" PRIu64, value, most);
}

bool read_positive(const struct reader *reader, const char *field, uint64_t value)
{
    return value > 0 || reader_refuse(reader, field, "0, at least 1");
}

bool read_count(const struct reader *reader, const char *field, size_t given, size_t most)
{
    return given <= most || reader_refuse(reader, field, "%zu given, at most %zu", given, most);
}

bool read_enum(const struct reader *reader, const char *field, uint32_t value, uint32_t last)
{
    return (value >= 1 && value <= last) ||
           reader_refuse(reader, field, "%" PRIu32 " is not known", value);
}

bool read_text(const struct reader *reader, const char *field, ProtobufCBinaryData wire, char *text,
               size_t size)
{
    if (wire.len >= size)
        return reader_refuse(reader, field, "%zu bytes, at most %zu", wire.len, size - 1);
    if (wire.len > 0) {
        if (memchr(wire.data, '\0', wire.len) != NULL)
            return reader_refuse(reader, field, "a NUL inside");
        memcpy(text, wire.data, wire.len);
    }
    text[wire.len] = '\0';
    return true;
}

bool read_name(const struct reader *reader, const char *field, ProtobufCBinaryData wire, char *name,
               size_t size)
{
    for (size_t i = 0; i < wire.len && i < size; i++)
        if (wire.data[i] < ' ' || wire.data[i] > '~')
            return reader_refuse(reader, field, "byte %zu is not printable ASCII", i);
    return read_text(reader, field, wire, name, size);
}

bool read_digest(const struct reader *reader, const char *field, ProtobufCBinaryData wire,
                 struct digest *digest)
{
    if (wire.len != DIGEST_BYTES)
        return reader_refuse(reader, field, "%zu bytes, a digest has %d", wire.len, DIGEST_BYTES);
    memcpy(digest->bytes, wire.data, DIGEST_BYTES);
    return true;
}

bool read_id(const struct reader *reader, const char *field, ProtobufCBinaryData wire,
             uint8_t id[16])
{
    if (wire.len != 16)
        return reader_refuse(reader, field, "%zu bytes, an id has 16", wire.len);
    memcpy(id, wire.data, 16);
    return true;
}

bool read_lease_key(const struct reader *reader, const struct lease_key *key)
{
    return read_at_most(reader, "line", key->job.line, LINES_MAX - 1) &&
           read_at_most(reader, "job", key->job.job, JOB_NUMBER_FINAL) &&
           read_positive(reader, "attempt", key->attempt);
}
