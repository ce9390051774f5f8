/*
 * codec_internal.h: what the files of the codec share, and nobody else includes.
 *
 *   codec.c         datagrams, the arena, the public functions
 *   codec_encode.c  struct message -> protobuf-c's structs
 *   codec_decode.c  protobuf-c's structs -> struct message, message by message
 *   codec_field.c   the checks of single fields that decoding is made of
 *
 * These are the only files that see protobuf-c and the generated ratchet.pb-c.h.
 */
#ifndef RATCHET_PROTO_CODEC_INTERNAL_H
#define RATCHET_PROTO_CODEC_INTERNAL_H

#include "proto/codec.h"

#include "ratchet.pb-c.h"

/*
 * What one envelope may cost when it is unpacked. The largest honest ones are a heartbeat of
 * HELD_MAX entries (about 0.6 MB of structs, pointers and protobuf-c's notes) and a chunk (256 KiB
 * of payload).
 */
enum { CODEC_ARENA_BYTES = 1 << 20 };

/* The body of a message of kind k is field CODEC_BODY_FIELD + k of the envelope. */
enum { CODEC_BODY_FIELD = 10 };

struct codec {
    ProtobufCAllocator allocator;
    size_t arena_used;
    /* Decoded: what a heartbeat's `held` points to. */
    struct held held[HELD_MAX];
    /* To be encoded: apart from the above, so that what was just decoded can be sent on. */
    Ratchet__Held wire_held[HELD_MAX];
    Ratchet__Held *wire_held_list[HELD_MAX];
    _Alignas(16) uint8_t arena[CODEC_ARENA_BYTES];
};

/* ------------------------------------------------------------------------------------- encoding */

/* An envelope and all it points to, on the stack of whoever packs it. */
struct outgoing {
    Ratchet__Envelope envelope;
    union {
        Ratchet__Hello hello;
        Ratchet__Welcome welcome;
        Ratchet__Refused refused;
        Ratchet__Rejoin rejoin;
        Ratchet__Alive alive;
        Ratchet__Lease lease;
        Ratchet__Result result;
        Ratchet__Verdict verdict;
        Ratchet__Death death;
        Ratchet__Goodbye goodbye;
        Ratchet__Stop stop;
        Ratchet__StatusRequest status_request;
        Ratchet__Status status;
        Ratchet__Pull pull;
        Ratchet__Chunk chunk;
        Ratchet__Absent absent;
        Ratchet__Handover handover;
        Ratchet__Drain drain;
        Ratchet__Command command;
        Ratchet__Answer answer;
    } body;
    Ratchet__Heartbeat beat;
    Ratchet__Job job;
    Ratchet__Partial partial;
    Ratchet__LeaseKey keys[COHORT_MAX];
    Ratchet__LeaseKey *key_list[COHORT_MAX];
    ProtobufCBinaryData texts[NUMERIC_CLASSES_MAX];
    ProtobufCBinaryData parents[JOB_PARENTS_MAX];
    uint32_t metric_ids[METRICS_MAX];
    double metric_values[METRICS_MAX];
};

/*
 * Fills `out` from `message`; `out` then borrows from `message` and from `codec`. Counts and
 * strings beyond their bounds are bugs of the caller, and asserted.
 */
void codec_fill(struct codec *codec, const struct message *message, struct outgoing *out);
/* The same for one result, in epoch 0. */
void codec_fill_result(const struct result *result, struct outgoing *out);

/* ------------------------------------------------------------------------------------- decoding */

/* Where decoding stands: enough to name message, list entry and field in an error. */
struct reader {
    struct codec *codec;
    const char *message; /* "lease" */
    const char *list;    /* "held" while inside one, else NULL */
    size_t index;        /* of the list's entry */
    struct error *error;
};

/* Checks and copies what protobuf-c unpacked; false with an error naming message and field. */
bool codec_read(struct codec *codec, const Ratchet__Envelope *envelope, struct message *message,
                struct error *error) __attribute__((warn_unused_result));

/* Writes "lease: parents: <the rest>" and returns false. */
bool reader_refuse(const struct reader *reader, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Each takes one field; false when it is refused. */
bool read_present(const struct reader *reader, const char *field, const void *part);
bool read_at_most(const struct reader *reader, const char *field, uint64_t value, uint64_t most);
bool read_positive(const struct reader *reader, const char *field, uint64_t value);
/* "3 given, at most 2" */
bool read_count(const struct reader *reader, const char *field, size_t given, size_t most);
/* Enums count from 1 to `last`. */
bool read_enum(const struct reader *reader, const char *field, uint32_t value, uint32_t last);
/* Any bytes but NUL, fewer than `size`; for people. */
bool read_text(const struct reader *reader, const char *field, ProtobufCBinaryData wire, char *text,
               size_t size);
/* Printable ASCII, fewer than `size`; may be empty. */
bool read_name(const struct reader *reader, const char *field, ProtobufCBinaryData wire, char *name,
               size_t size);
bool read_digest(const struct reader *reader, const char *field, ProtobufCBinaryData wire,
                 struct digest *digest);
bool read_id(const struct reader *reader, const char *field, ProtobufCBinaryData wire,
             uint8_t id[16]);
/* The bounds of a lease key, wherever its parts came from. */
bool read_lease_key(const struct reader *reader, const struct lease_key *key);

#endif
