/*
 * codec.h: messages to bytes and back; the one border where the wire is checked.
 *
 * A datagram (one ZeroMQ frame) is one or more envelopes, each behind its length as a protobuf
 * varint, so that a busy loop sends hundreds of messages in one write. The schema is ratchet.proto.
 * Each envelope ends with a checksum (seal.h): damaged ones are dropped, never believed.
 *
 * Decoding allocates nothing from the heap: protobuf-c unpacks into the codec's own arena, which
 * bounds what a hostile frame can cost. What comes out satisfies message.h; anything else is an
 * error that names the message and the field. Not thread-safe: one codec per thread.
 */
#ifndef RATCHET_PROTO_CODEC_H
#define RATCHET_PROTO_CODEC_H

#include "common/error.h"
#include "proto/message.h"

#include <stddef.h>

struct codec;

/* NULL when memory is out. */
struct codec *codec_create(void);
void codec_destroy(struct codec **codec);

/*
 * Appends `message` to buffer[*used .. size). Returns false, with *used unchanged, when it does not
 * fit; a message always fits an empty buffer of DATAGRAM_BYTES_MAX.
 */
bool codec_append(struct codec *codec, const struct message *message, uint8_t *buffer, size_t size,
                  size_t *used);

enum codec_result {
    CODEC_OK = 0,
    CODEC_END,       /* the datagram holds no further envelope */
    CODEC_MALFORMED, /* not ours, damaged, or outside the limits: the rest of the datagram is lost
                      */
    CODEC_WRONG_VERSION, /* a peer of another protocol version; *peer_version says which */
};

struct codec_cursor {
    const uint8_t *bytes;
    size_t size, position;
    uint32_t peer_version; /* set with CODEC_WRONG_VERSION */
};

/*
 * Decodes the envelope at the cursor and moves on. `*message` borrows from `codec` (until the next
 * call) and from the datagram. A REFUSED is decoded whatever its version, so that it can always be
 * understood.
 */
enum codec_result codec_next(struct codec *codec, struct codec_cursor *cursor,
                             struct message *message, struct error *error)
    __attribute__((warn_unused_result));

/* One result as bytes always fits this. */
enum { RESULT_BYTES_MAX = DETAIL_BYTES_MAX + 1024 };

/*
 * One result as bytes, for the worker's spool and for what a slot process says: the same schema and
 * the same checks as on the wire, the protocol version among them. Packing returns how many bytes
 * it wrote, 0 when they do not fit. `*result` borrows from `codec` and from `bytes`.
 */
size_t codec_pack_result(struct codec *codec, const struct result *result, uint8_t *buffer,
                         size_t size);
enum codec_result codec_unpack_result(struct codec *codec, const uint8_t *bytes, size_t count,
                                      struct result *result, struct error *error)
    __attribute__((warn_unused_result));

#endif
