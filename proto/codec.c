/*
 * codec.c: datagrams, the arena, and the functions of codec.h.
 *
 * protobuf-c asks for memory piece by piece while it unpacks. Here it gets it from a block of fixed
 * size that is emptied before each envelope: nothing is freed one by one, nothing leaks, and a
 * frame that would unpack to more than any honest one runs out of the block and is refused. Packing
 * needs no memory at all.
 *
 * See codec_internal.h for how the work is split between the files.
 */
#include "proto/codec_internal.h"

#include "proto/seal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Seven bits at a time, least significant first: a length below 2^32 takes at most 5 bytes. */
enum { LENGTH_BYTES_MAX = 5 };

static void *arena_alloc(void *context, size_t size)
{
    struct codec *codec = context;
    size_t left = CODEC_ARENA_BYTES - codec->arena_used;
    if (size > left)
        return NULL;
    void *piece = codec->arena + codec->arena_used;
    size_t rounded = (size + 15) & ~(size_t)15;
    codec->arena_used += rounded < left ? rounded : left;
    return piece;
}

static void arena_free(void *context, void *piece)
{
    (void)context;
    (void)piece;
}

struct codec *codec_create(void)
{
    struct codec *codec = malloc(sizeof *codec);
    if (codec == NULL)
        return NULL;
    codec->allocator = (ProtobufCAllocator){
        .alloc = arena_alloc,
        .free = arena_free,
        .allocator_data = codec,
    };
    codec->arena_used = 0;
    return codec;
}

void codec_destroy(struct codec **codec)
{
    free(*codec);
    *codec = NULL;
}

static size_t length_size(size_t length)
{
    size_t size = 1;
    while (length >= 128) {
        length >>= 7;
        size++;
    }
    return size;
}

static void write_length(size_t length, uint8_t *buffer)
{
    while (length >= 128) {
        *buffer++ = (uint8_t)(length | 128);
        length >>= 7;
    }
    *buffer = (uint8_t)length;
}

/* How many bytes the length took; 0 when there is none to be read. */
static size_t read_length(const uint8_t *bytes, size_t count, uint64_t *length)
{
    *length = 0;
    for (size_t i = 0; i < count && i < LENGTH_BYTES_MAX; i++) {
        *length |= (uint64_t)(bytes[i] & 127) << (7 * i);
        if (bytes[i] < 128)
            return i + 1;
    }
    return 0;
}

/*
 * No message of the kinds that there are many of is longer, its length included; SIZE_MAX: it has
 * to be measured. Counting the bytes of a message takes as long as writing them.
 */
static size_t bytes_at_most(const struct message *message)
{
    switch (message->kind) {
    case MESSAGE_VERDICT:
        return 128;
    case MESSAGE_LEASE:
        return 512;
    case MESSAGE_RESULT:
        return 1024 + (size_t)message->result.detail_bytes;
    default:
        return SIZE_MAX;
    }
}

/* Where there is certainly room: writes first, and sees by that how long it is. */
static size_t append_at_once(const struct outgoing *out, uint8_t *buffer, size_t most)
{
    size_t expected = length_size(most - 1); /* of the length, for most messages */
    size_t packed = protobuf_c_message_pack(&out->envelope.base, buffer + expected);
    size_t length = packed + SEAL_BYTES, prefix = length_size(length);
    assert(prefix + length <= most);
    seal_write(buffer + expected, packed);
    if (prefix != expected)
        memmove(buffer + prefix, buffer + expected, length);
    write_length(length, buffer);
    return prefix + length;
}

bool codec_append(struct codec *codec, const struct message *message, uint8_t *buffer, size_t size,
                  size_t *used)
{
    assert(*used <= size);
    struct outgoing out;
    codec_fill(codec, message, &out);
    size_t most = bytes_at_most(message);
    if (most <= size - *used) {
        *used += append_at_once(&out, buffer + *used, most);
        return true;
    }
    size_t packed = protobuf_c_message_get_packed_size(&out.envelope.base);
    size_t length = packed + SEAL_BYTES, prefix = length_size(length);
    assert(prefix + length <= DATAGRAM_BYTES_MAX);
    if (prefix + length > size - *used)
        return false;
    write_length(length, buffer + *used);
    protobuf_c_message_pack(&out.envelope.base, buffer + *used + prefix);
    seal_write(buffer + *used + prefix, packed);
    *used += prefix + length;
    return true;
}

/* Version 0 is that of bytes which happen to parse. */
static enum codec_result check_version(uint32_t version, struct codec_cursor *cursor,
                                       struct error *error)
{
    if (version == PROTOCOL_VERSION)
        return CODEC_OK;
    if (version == 0)
        return (enum codec_result)error_set(error, CODEC_MALFORMED, "envelope: version: missing");
    cursor->peer_version = version;
    return (enum codec_result)error_set(error, CODEC_WRONG_VERSION,
                                        "envelope: version: %" PRIu32 ", ours is %d", version,
                                        PROTOCOL_VERSION);
}

/* Still tells a peer of another version, whose bodies may differ, from noise. */
static enum codec_result judge_unparsable(struct codec *codec, const uint8_t *bytes, size_t count,
                                          struct codec_cursor *cursor, struct error *error)
{
    codec->arena_used = 0;
    Ratchet__EnvelopeHead *head = ratchet__envelope_head__unpack(&codec->allocator, count, bytes);
    if (head != NULL && check_version(head->version, cursor, error) == CODEC_WRONG_VERSION)
        return CODEC_WRONG_VERSION;
    return (enum codec_result)error_set(
        error, CODEC_MALFORMED, "envelope: %zu bytes that are no message, or too costly a one",
        count);
}

/*
 * Envelopes of the first versions bore no seal. Of those a hello is told from damage, whose sender
 * has to be refused (it says its version twice, which damage would have to change alike), and a
 * refusal: those versions had no field that is unknown today, but one of ours has a seal, which two
 * flipped bits make a field that nobody knows.
 */
static enum codec_result judge_unsealed(struct codec *codec, const uint8_t *bytes, size_t count,
                                        struct codec_cursor *cursor, struct message *message,
                                        struct error *error)
{
    codec->arena_used = 0;
    Ratchet__Envelope *envelope = seal_is_there(bytes, count)
                                      ? NULL
                                      : ratchet__envelope__unpack(&codec->allocator, count, bytes);
    if (envelope == NULL || envelope->version == 0 || envelope->version >= SEALED_SINCE)
        return (enum codec_result)error_set(error, CODEC_MALFORMED,
                                            "envelope: checksum: not that of its %zu bytes", count);
    if (envelope->body_case == RATCHET__ENVELOPE__BODY_REFUSED &&
        envelope->base.n_unknown_fields == 0)
        return codec_read(codec, envelope, message, error) ? CODEC_OK : CODEC_MALFORMED;
    bool says_hello = envelope->body_case == RATCHET__ENVELOPE__BODY_HELLO &&
                      envelope->hello->protocol_version == envelope->version;
    if (!says_hello)
        return (enum codec_result)error_set(error, CODEC_MALFORMED, "envelope: checksum: missing");
    return check_version(envelope->version, cursor, error);
}

static enum codec_result decode(struct codec *codec, const uint8_t *bytes, size_t count,
                                struct codec_cursor *cursor, struct message *message,
                                struct error *error)
{
    if (!seal_holds(bytes, count))
        return judge_unsealed(codec, bytes, count, cursor, message, error);
    count -= SEAL_BYTES;
    codec->arena_used = 0;
    Ratchet__Envelope *envelope = ratchet__envelope__unpack(&codec->allocator, count, bytes);
    if (envelope == NULL)
        return judge_unparsable(codec, bytes, count, cursor, error);
    enum codec_result version = check_version(envelope->version, cursor, error);
    bool refused = envelope->body_case == RATCHET__ENVELOPE__BODY_REFUSED;
    if (version == CODEC_MALFORMED || (version == CODEC_WRONG_VERSION && !refused))
        return version;
    return codec_read(codec, envelope, message, error) ? CODEC_OK : CODEC_MALFORMED;
}

enum codec_result codec_next(struct codec *codec, struct codec_cursor *cursor,
                             struct message *message, struct error *error)
{
    assert(cursor->position <= cursor->size);
    size_t left = cursor->size - cursor->position;
    if (left == 0)
        return CODEC_END;
    const uint8_t *bytes = cursor->bytes + cursor->position;
    cursor->position = cursor->size; /* unless all goes well, the rest is lost */

    uint64_t length;
    size_t prefix = read_length(bytes, left, &length);
    if (prefix == 0)
        return (enum codec_result)error_set(error, CODEC_MALFORMED,
                                            "envelope: length: cut, or longer than %d bytes",
                                            LENGTH_BYTES_MAX);
    if (length > left - prefix || length > DATAGRAM_BYTES_MAX)
        return (enum codec_result)error_set(
            error, CODEC_MALFORMED, "envelope: length: %" PRIu64 " bytes announced, %zu left",
            length, left - prefix);
    enum codec_result result =
        decode(codec, bytes + prefix, (size_t)length, cursor, message, error);
    if (result != CODEC_MALFORMED)
        cursor->position = cursor->size - left + prefix + (size_t)length;
    return result;
}

size_t codec_pack_result(struct codec *codec, const struct result *result, uint8_t *buffer,
                         size_t size)
{
    (void)codec;
    struct outgoing out;
    codec_fill_result(result, &out);
    size_t length = protobuf_c_message_get_packed_size(&out.envelope.base);
    assert(length + SEAL_BYTES <= RESULT_BYTES_MAX);
    if (length + SEAL_BYTES > size)
        return 0;
    protobuf_c_message_pack(&out.envelope.base, buffer);
    seal_write(buffer, length);
    return length + SEAL_BYTES;
}

enum codec_result codec_unpack_result(struct codec *codec, const uint8_t *bytes, size_t count,
                                      struct result *result, struct error *error)
{
    struct codec_cursor cursor = {.bytes = bytes, .size = count};
    struct message message;
    enum codec_result verdict = decode(codec, bytes, count, &cursor, &message, error);
    if (verdict != CODEC_OK)
        return verdict;
    if (message.kind != MESSAGE_RESULT)
        return (enum codec_result)error_set(error, CODEC_MALFORMED,
                                            "result: the bytes hold another message: %s",
                                            message_name(message.kind));
    *result = message.result;
    return CODEC_OK;
}
