/*
 * test_codec_bounds.c: each bound of the wire, overstepped once.
 *
 * Every row takes a message that the codec accepts, changes one field of its encoding to the first
 * value that is not allowed, and expects the error that names message and field. A second table
 * holds the last values that are allowed, so that a bound cannot move by one unseen.
 */
#include "proto/codec.h"

#include "tests/unit/proto/message_make.h"
#include "tests/unit/proto/wire_edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

/* Field numbers of the envelope's bodies. */
enum {
    HELLO = 11,
    WELCOME = 12,
    REFUSED = 13,
    HEARTBEAT = 15,
    LEASE = 17,
    RESULT = 18,
    VERDICT = 19,
    DEATH = 20,
    GOODBYE = 21,
    STOP = 22,
    STATUS_REQUEST = 23,
    STATUS = 24,
    PULL = 25,
    CHUNK = 26,
    ABSENT = 27,
    HANDOVER = 28,
    DRAIN = 29,
    COMMAND = 30,
    ANSWER = 31,
};

struct bound {
    const char *error; /* NULL: must be accepted */
    struct wire_edit edit;
};

static struct codec *codec;
static struct maker maker;
static uint8_t datagram[DATAGRAM_BYTES_MAX];
static struct wire edited;

static int set_up(void **state)
{
    (void)state;
    codec = codec_create();
    maker_init(&maker);
    return codec == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    codec_destroy(&codec);
    return 0;
}

/* Plain messages whose every list has an entry, so that each path of the tables leads somewhere. */
static void make_plain(enum message_kind kind, struct message *message)
{
    maker_open(&maker, 1, MAKE_LARGEST);
    make_message(&maker, kind, message);
    switch (kind) {
    case MESSAGE_HELLO:
        message->hello.beat.held_count = 2;
        break;
    case MESSAGE_HEARTBEAT:
        message->heartbeat.held_count = 2;
        break;
    case MESSAGE_RESULT:
        message->result.outcome = OUTCOME_OK;
        break;
    case MESSAGE_LEASE:
        message->lease.partial = (struct partial){
            .state = message->lease.job.spec,
            .bytes = 100,
            .steps = 10,
        };
        break;
    case MESSAGE_CHUNK:
        message->chunk = (struct chunk){
            .digest = message->chunk.digest,
            .offset = 100,
            .total = 200,
            .length = 60,
            .bytes = maker.payload,
        };
        break;
    default:
        break;
    }
}

static const struct bound broken[] = {
    {"envelope: version: missing", {{1}, WIRE_GONE, 0, 0, 0}},
    {"hello: engine_version: 64 bytes, at most 63", {{HELLO, 2}, WIRE_BYTES, 64, 'x', 0}},
    {"hello: engine_version: byte 0 is not printable ASCII", {{HELLO, 2}, WIRE_BYTES, 3, 31, 0}},
    {"hello: name: 64 bytes, at most 63", {{HELLO, 3}, WIRE_BYTES, 64, 'x', 0}},
    {"hello: name: byte 0 is not printable ASCII", {{HELLO, 3}, WIRE_BYTES, 3, 0, 0}},
    {"hello: name: byte 0 is not printable ASCII", {{HELLO, 3}, WIRE_BYTES, 3, 127, 0}},
    {"hello: host: 64 bytes, at most 63", {{HELLO, 4}, WIRE_BYTES, 64, 'x', 0}},
    {"hello: host: byte 0 is not printable ASCII", {{HELLO, 4}, WIRE_BYTES, 3, 0xC3, 0}},
    {"hello: instance: 15 bytes, an id has 16", {{HELLO, 5}, WIRE_BYTES, 15, 1, 0}},
    {"hello: instance: 17 bytes, an id has 16", {{HELLO, 5}, WIRE_BYTES, 17, 1, 0}},
    {"hello: instance: 0 bytes, an id has 16", {{HELLO, 5}, WIRE_GONE, 0, 0, 0}},
    {"hello: instance: begins with 0", {{HELLO, 5}, WIRE_BYTES, 16, 0, 0}},
    {"hello: home: 15 bytes, an id has 16", {{HELLO, 6}, WIRE_BYTES, 15, 1, 0}},
    {"hello: slots: 513, at most 512", {{HELLO, 7}, WIRE_VARINT, SLOTS_MAX + 1, 0, 0}},
    {"hello: numeric: 5 given, at most 4", {{HELLO, 8}, WIRE_BYTES, 1, 'x', 5}},
    {"hello: numeric: 64 bytes, at most 63", {{HELLO, 8}, WIRE_BYTES, 64, 'x', 4}},
    {"hello: numeric: byte 0 is not printable ASCII", {{HELLO, 8}, WIRE_BYTES, 1, 10, 0}},
    {"hello: token: 96 bytes, at most 95", {{HELLO, 10}, WIRE_BYTES, TOKEN_BYTES_MAX, 'x', 0}},
    {"hello: token: byte 0 is not printable ASCII", {{HELLO, 10}, WIRE_BYTES, 3, 10, 0}},
    {"hello: beat: missing", {{HELLO, 9}, WIRE_GONE, 0, 0, 0}},
    {"hello: held[0]: attempt: 0, at least 1", {{HELLO, 9, 4, 4}, WIRE_GONE, 0, 0, 0}},

    {"welcome: run: 15 bytes, an id has 16", {{WELCOME, 1}, WIRE_BYTES, 15, 1, 0}},
    {"welcome: experiment: 64 bytes, at most 63", {{WELCOME, 2}, WIRE_BYTES, 64, 'x', 0}},
    {"welcome: experiment: byte 0 is not printable", {{WELCOME, 2}, WIRE_BYTES, 1, 27, 0}},
    {"welcome: numeric: 64 bytes, at most 63", {{WELCOME, 3}, WIRE_BYTES, 64, 'x', 0}},
    {"welcome: numeric: byte 0 is not printable", {{WELCOME, 3}, WIRE_BYTES, 1, 0, 0}},
    {"welcome: heartbeat_ms: 0, at least 1", {{WELCOME, 4}, WIRE_GONE, 0, 0, 0}},
    {"welcome: lost_ms: 0, at least 1", {{WELCOME, 5}, WIRE_GONE, 0, 0, 0}},

    {"refused: code: 0 is not known", {{REFUSED, 1}, WIRE_GONE, 0, 0, 0}},
    {"refused: code: 5 is not known", {{REFUSED, 1}, WIRE_VARINT, REFUSED_LAST + 1, 0, 0}},
    {"refused: reason: 256 bytes, at most 255", {{REFUSED, 2}, WIRE_BYTES, 256, 'x', 0}},
    {"refused: reason: a NUL inside", {{REFUSED, 2}, WIRE_BYTES, 3, 0, 0}},

    {"heartbeat: capacity: 4097, at most 4096", {{HEARTBEAT, 1}, WIRE_VARINT, HELD_MAX + 1, 0, 0}},
    {"heartbeat: held: 4097 given, at most 4096", {{HEARTBEAT, 4}, WIRE_BYTES, 0, 0, HELD_MAX + 1}},
    {"heartbeat: held[0]: line: 1000000, at most 999999",
     {{HEARTBEAT, 4, 1}, WIRE_VARINT, LINES_MAX, 0, 0}},
    {"heartbeat: held[0]: job: 9223372036854775808, at most 9223372036854775807",
     {{HEARTBEAT, 4, 2}, WIRE_VARINT, JOB_NUMBER_FINAL + 1, 0, 0}},
    {"heartbeat: held[0]: attempt: 0, at least 1", {{HEARTBEAT, 4, 4}, WIRE_GONE, 0, 0, 0}},
    {"heartbeat: held[0]: phase: 0 is not known", {{HEARTBEAT, 4, 5}, WIRE_GONE, 0, 0, 0}},
    {"heartbeat: held[0]: phase: 4 is not known",
     {{HEARTBEAT, 4, 5}, WIRE_VARINT, HELD_FINISHED + 1, 0, 0}},

    {"lease: key: missing", {{LEASE, 1}, WIRE_GONE, 0, 0, 0}},
    {"lease: line: 1000000, at most 999999", {{LEASE, 1, 1}, WIRE_VARINT, LINES_MAX, 0, 0}},
    {"lease: job: 9223372036854775808, at most",
     {{LEASE, 1, 2}, WIRE_VARINT, JOB_NUMBER_FINAL + 1, 0, 0}},
    {"lease: attempt: 0, at least 1", {{LEASE, 1, 4}, WIRE_GONE, 0, 0, 0}},
    {"lease: reason: 0 is not known", {{LEASE, 2}, WIRE_GONE, 0, 0, 0}},
    {"lease: reason: 6 is not known", {{LEASE, 2}, WIRE_VARINT, LEASE_REASON_LAST + 1, 0, 0}},
    {"lease: job: missing", {{LEASE, 3}, WIRE_GONE, 0, 0, 0}},
    {"lease: kind: 0 is not known", {{LEASE, 3, 1}, WIRE_GONE, 0, 0, 0}},
    {"lease: kind: 3 is not known", {{LEASE, 3, 1}, WIRE_VARINT, JOB_EVALUATE + 1, 0, 0}},
    {"lease: slices: 0x10 holds unknown slices", {{LEASE, 3, 2}, WIRE_VARINT, SLICE_ALL + 1, 0, 0}},
    {"lease: spec: 31 bytes, a digest has 32", {{LEASE, 3, 5}, WIRE_BYTES, 31, 1, 0}},
    {"lease: spec: 0 bytes, a digest has 32", {{LEASE, 3, 5}, WIRE_GONE, 0, 0, 0}},
    {"lease: operator_name: 32 bytes, at most 31", {{LEASE, 3, 6}, WIRE_BYTES, 32, 'x', 0}},
    {"lease: operator_name: byte 0 is not printable", {{LEASE, 3, 6}, WIRE_BYTES, 2, 0, 0}},
    {"lease: params: 9 given, at most 8",
     {{LEASE, 3, 7}, WIRE_BYTES, 8 * (OPERATOR_PARAMS_MAX + 1), 0, 0}},
    {"lease: parents: 3 given, at most 2", {{LEASE, 3, 8}, WIRE_BYTES, 32, 1, 3}},
    {"lease: parents: 33 bytes, a digest has 32", {{LEASE, 3, 8}, WIRE_BYTES, 33, 1, 0}},
    {"lease: parents: 0 given, an evaluation needs 1", {{LEASE, 3, 8}, WIRE_GONE, 0, 0, 0}},
    {"lease: data: 31 bytes, a digest has 32", {{LEASE, 3, 9}, WIRE_BYTES, 31, 1, 0}},
    {"lease: data: zeros, which stand for none", {{LEASE, 3, 9}, WIRE_BYTES, 32, 0, 0}},

    {"lease: state: 31 bytes, a digest has 32", {{LEASE, 4, 1}, WIRE_BYTES, 31, 1, 0}},
    {"lease: state: zeros, which stand for none", {{LEASE, 4, 1}, WIRE_BYTES, 32, 0, 0}},
    {"lease: state_bytes: 0, at least 1", {{LEASE, 4, 2}, WIRE_GONE, 0, 0, 0}},
    {"lease: state_bytes: 17179869185, at most 17179869184",
     {{LEASE, 4, 2}, WIRE_VARINT, BLOB_BYTES_MAX + 1, 0, 0}},

    {"result: lease: missing", {{RESULT, 1}, WIRE_GONE, 0, 0, 0}},
    {"result: line: 1000000, at most 999999", {{RESULT, 1, 1}, WIRE_VARINT, LINES_MAX, 0, 0}},
    {"result: attempt: 0, at least 1", {{RESULT, 1, 4}, WIRE_GONE, 0, 0, 0}},
    {"result: job: 33 bytes, a digest has 32", {{RESULT, 2}, WIRE_BYTES, 33, 1, 0}},
    {"result: outcome: 0 is not known", {{RESULT, 3}, WIRE_GONE, 0, 0, 0}},
    {"result: outcome: 4 is not known", {{RESULT, 3}, WIRE_VARINT, OUTCOME_FAILED + 1, 0, 0}},
    {"result: metrics: 17 given, at most 16", {{RESULT, 5}, WIRE_BYTES, METRICS_MAX + 1, 1, 0}},
    {"result: metrics: 9 ids for 7 values", {{RESULT, 6}, WIRE_BYTES, 56, 1, 0}},
    {"result: metrics: 0 is not known", {{RESULT, 5}, WIRE_BYTES, 9, 0, 0}},
    {"result: metrics: 10 is not known", {{RESULT, 5}, WIRE_BYTES, 9, METRIC_LAST + 1, 0}},
    {"result: metrics: train_loss is given twice", {{RESULT, 5}, WIRE_BYTES, 9, 1, 0}},
    {"result: child: 31 bytes, a digest has 32", {{RESULT, 7}, WIRE_BYTES, 31, 1, 0}},
    {"result: child: zeros, which stand for none", {{RESULT, 7}, WIRE_BYTES, 32, 0, 0}},
    {"result: child_bytes: given without a child", {{RESULT, 7}, WIRE_GONE, 0, 0, 0}},
    {"result: child_bytes: 0, at least 1", {{RESULT, 8}, WIRE_GONE, 0, 0, 0}},
    {"result: child_bytes: 17179869185, at most 17179869184",
     {{RESULT, 8}, WIRE_VARINT, BLOB_BYTES_MAX + 1, 0, 0}},
    {"result: reason: 256 bytes, at most 255", {{RESULT, 11}, WIRE_BYTES, 256, 'x', 0}},
    {"result: reason: a NUL inside", {{RESULT, 11}, WIRE_BYTES, 1, 0, 0}},
    {"result: cohort: 65, at most 64", {{RESULT, 13}, WIRE_VARINT, COHORT_MAX + 1, 0, 0}},
    {"result: detail_bytes: 16385, at most 16384",
     {{RESULT, 12}, WIRE_BYTES, DETAIL_BYTES_MAX + 1, 1, 0}},

    {"verdict: lease: missing", {{VERDICT, 1}, WIRE_GONE, 0, 0, 0}},
    {"verdict: attempt: 0, at least 1", {{VERDICT, 1, 4}, WIRE_GONE, 0, 0, 0}},
    {"verdict: kind: 0 is not known", {{VERDICT, 2}, WIRE_GONE, 0, 0, 0}},
    {"verdict: kind: 4 is not known", {{VERDICT, 2}, WIRE_VARINT, VERDICT_LAST + 1, 0, 0}},

    {"death: slot: 512, at most 511", {{DEATH, 1}, WIRE_VARINT, SLOTS_MAX, 0, 0}},
    {"death: leases: 65 given, at most 64", {{DEATH, 5}, WIRE_BYTES, 0, 0, COHORT_MAX + 1}},
    {"death: leases[0]: attempt: 0, at least 1", {{DEATH, 5, 4}, WIRE_GONE, 0, 0, 0}},
    {"death: cohort: 65, at most 64", {{DEATH, 7}, WIRE_VARINT, COHORT_MAX + 1, 0, 0}},
    {"death: log_tail: 2048 bytes, at most 2047", {{DEATH, 6}, WIRE_BYTES, 2048, 'x', 0}},
    {"death: log_tail: a NUL inside", {{DEATH, 6}, WIRE_BYTES, 9, 0, 0}},

    {"goodbye: reason: 256 bytes, at most 255", {{GOODBYE, 1}, WIRE_BYTES, 256, 'x', 0}},
    {"goodbye: reason: a NUL inside", {{GOODBYE, 1}, WIRE_BYTES, 1, 0, 0}},
    {"stop: code: 0 is not known", {{STOP, 1}, WIRE_GONE, 0, 0, 0}},
    {"stop: code: 3 is not known", {{STOP, 1}, WIRE_VARINT, STOP_LAST + 1, 0, 0}},
    {"stop: reason: 256 bytes, at most 255", {{STOP, 2}, WIRE_BYTES, 256, 'x', 0}},
    {"stop: reason: a NUL inside", {{STOP, 2}, WIRE_BYTES, 1, 0, 0}},
    {"status_request: subject: 4, at most 3",
     {{STATUS_REQUEST, 1}, WIRE_VARINT, STATUS_SUBJECT_LAST + 1, 0, 0}},
    {"status_request: line: 1000000, at most 999999",
     {{STATUS_REQUEST, 2}, WIRE_VARINT, LINES_MAX, 0, 0}},
    {"status_request: job: 9223372036854775808, at most 9223372036854775807",
     {{STATUS_REQUEST, 3}, WIRE_VARINT, JOB_NUMBER_FINAL + 1, 0, 0}},
    {"status_request: worker: 64 bytes, at most 63",
     {{STATUS_REQUEST, 4}, WIRE_BYTES, NAME_BYTES_MAX, 'x', 0}},
    {"status_request: worker: byte 0 is not printable ASCII",
     {{STATUS_REQUEST, 4}, WIRE_BYTES, 3, 0x7F, 0}},
    {"status: json_bytes: 262145, at most 262144",
     {{STATUS, 1}, WIRE_BYTES, STATUS_BYTES_MAX + 1, '1', 0}},

    {"handover: lease: missing", {{HANDOVER, 1}, WIRE_GONE, 0, 0, 0}},
    {"handover: attempt: 0, at least 1", {{HANDOVER, 1, 4}, WIRE_GONE, 0, 0, 0}},
    {"handover: job: 0 bytes, a digest has 32", {{HANDOVER, 2}, WIRE_GONE, 0, 0, 0}},
    {"handover: partial: missing", {{HANDOVER, 3}, WIRE_GONE, 0, 0, 0}},
    {"handover: state: 33 bytes, a digest has 32", {{HANDOVER, 3, 1}, WIRE_BYTES, 33, 1, 0}},
    {"handover: state_bytes: 0, at least 1", {{HANDOVER, 3, 2}, WIRE_GONE, 0, 0, 0}},
    {"drain: reason: 256 bytes, at most 255", {{DRAIN, 1}, WIRE_BYTES, 256, 'x', 0}},
    {"command: kind: 0 is not known", {{COMMAND, 1}, WIRE_GONE, 0, 0, 0}},
    {"command: kind: 3 is not known", {{COMMAND, 1}, WIRE_VARINT, COMMAND_KIND_LAST + 1, 0, 0}},
    {"command: line: 1000000, at most 999999", {{COMMAND, 2}, WIRE_VARINT, LINES_MAX, 0, 0}},
    {"command: job: 9223372036854775808, at most 9223372036854775807",
     {{COMMAND, 3}, WIRE_VARINT, JOB_NUMBER_FINAL + 1, 0, 0}},
    {"command: worker: 64 bytes, at most 63", {{COMMAND, 4}, WIRE_BYTES, NAME_BYTES_MAX, 'x', 0}},
    {"command: worker: byte 0 is not printable ASCII", {{COMMAND, 4}, WIRE_BYTES, 3, 0x7F, 0}},
    {"answer: reason: 256 bytes, at most 255", {{ANSWER, 2}, WIRE_BYTES, 256, 'x', 0}},

    {"pull: digest: 31 bytes, a digest has 32", {{PULL, 1}, WIRE_BYTES, 31, 1, 0}},
    {"pull: offset: 17179869185, at most 17179869184",
     {{PULL, 2}, WIRE_VARINT, BLOB_BYTES_MAX + 1, 0, 0}},
    {"pull: length: 0, at least 1", {{PULL, 3}, WIRE_GONE, 0, 0, 0}},
    {"pull: length: 262145, at most 262144", {{PULL, 3}, WIRE_VARINT, CHUNK_BYTES_MAX + 1, 0, 0}},

    {"chunk: digest: 33 bytes, a digest has 32", {{CHUNK, 1}, WIRE_BYTES, 33, 1, 0}},
    {"chunk: offset: 201, at most 200", {{CHUNK, 2}, WIRE_VARINT, 201, 0, 0}},
    {"chunk: length: 60, at most 59", {{CHUNK, 2}, WIRE_VARINT, 141, 0, 0}},
    {"chunk: offset: 100, at most 99", {{CHUNK, 3}, WIRE_VARINT, 99, 0, 0}},
    {"chunk: total: 17179869185, at most 17179869184",
     {{CHUNK, 3}, WIRE_VARINT, BLOB_BYTES_MAX + 1, 0, 0}},
    {"chunk: length: 101, at most 100", {{CHUNK, 4}, WIRE_BYTES, 101, 1, 0}},
    {"absent: digest: 0 bytes, a digest has 32", {{ABSENT, 1}, WIRE_GONE, 0, 0, 0}},
};

static const struct bound kept[] = {
    {NULL, {{HELLO, 2}, WIRE_BYTES, VERSION_BYTES_MAX - 1, '~', 0}},
    {NULL, {{HELLO, 3}, WIRE_BYTES, NAME_BYTES_MAX - 1, ' ', 0}},
    {NULL, {{HELLO, 5}, WIRE_BYTES, 16, 1, 0}},
    {NULL, {{HELLO, 7}, WIRE_VARINT, SLOTS_MAX, 0, 0}},
    {NULL, {{HELLO, 8}, WIRE_BYTES, VERSION_BYTES_MAX - 1, 'x', NUMERIC_CLASSES_MAX}},
    {NULL, {{WELCOME, 3}, WIRE_GONE, 0, 0, 0}},
    {NULL, {{WELCOME, 4}, WIRE_VARINT, 1, 0, 0}},
    {NULL, {{REFUSED, 2}, WIRE_BYTES, REASON_BYTES_MAX - 1, 0xFF, 0}},
    {NULL, {{HEARTBEAT, 1}, WIRE_VARINT, HELD_MAX, 0, 0}},
    {NULL, {{HEARTBEAT, 4, 1}, WIRE_VARINT, LINES_MAX - 1, 0, 0}},
    {NULL, {{HEARTBEAT, 4, 2}, WIRE_VARINT, JOB_NUMBER_FINAL, 0, 0}},
    {NULL, {{LEASE, 3, 1}, WIRE_VARINT, JOB_MUTATE, 0, 0}},
    {NULL, {{LEASE, 3, 2}, WIRE_GONE, 0, 0, 0}},
    {NULL, {{LEASE, 3, 7}, WIRE_GONE, 0, 0, 0}},
    {NULL, {{LEASE, 3, 9}, WIRE_GONE, 0, 0, 0}},
    {NULL, {{LEASE, 4}, WIRE_GONE, 0, 0, 0}},
    {NULL, {{HELLO, 10}, WIRE_GONE, 0, 0, 0}},
    {NULL, {{RESULT, 4}, WIRE_FIXED64, 0, 0, 0}},
    {NULL, {{RESULT, 8}, WIRE_VARINT, BLOB_BYTES_MAX, 0, 0}},
    {NULL, {{RESULT, 11}, WIRE_GONE, 0, 0, 0}},
    {NULL, {{RESULT, 12}, WIRE_GONE, 0, 0, 0}},
    {NULL, {{DEATH, 1}, WIRE_VARINT, SLOTS_MAX - 1, 0, 0}},
    {NULL, {{DEATH, 5}, WIRE_GONE, 0, 0, 0}},
    {NULL, {{DEATH, 6}, WIRE_BYTES, LOG_TAIL_BYTES_MAX - 1, '\n', 0}},
    {NULL, {{STATUS_REQUEST, 1}, WIRE_GONE, 0, 0, 0}},
    {NULL, {{STATUS_REQUEST, 4}, WIRE_BYTES, NAME_BYTES_MAX - 1, '~', 0}},
    {NULL, {{STATUS, 1}, WIRE_GONE, 0, 0, 0}},
    {NULL, {{PULL, 2}, WIRE_VARINT, BLOB_BYTES_MAX, 0, 0}},
    {NULL, {{CHUNK, 2}, WIRE_VARINT, 140, 0, 0}},
    {NULL, {{CHUNK, 4}, WIRE_BYTES, 100, 1, 0}},
    {NULL, {{CHUNK, 4}, WIRE_GONE, 0, 0, 0}},
    {NULL, {{100}, WIRE_BYTES, 20, 1, 0}}, /* a field that a later minor change may add */
    {NULL, {{LEASE, 100}, WIRE_VARINT, 20, 0, 0}},
};

static void check_bound(const struct bound *bound)
{
    struct message message, decoded;
    struct error error = {.text = ""};
    size_t used = 0;
    uint32_t field = bound->edit.path[0];
    make_plain(field >= HELLO && field <= ANSWER ? (enum message_kind)(field - 10) : MESSAGE_LEASE,
               &message);
    assert_true(codec_append(codec, &message, datagram, sizeof datagram, &used));
    assert_true(wire_edit_datagram(datagram, used, &bound->edit, &edited) >= 1);

    struct codec_cursor cursor = {.bytes = edited.bytes, .size = edited.size};
    enum codec_result result = codec_next(codec, &cursor, &decoded, &error);
    if (bound->error == NULL && result != CODEC_OK)
        fail_msg("field %u of %s: refused: %s", bound->edit.path[1], message_name(message.kind),
                 error.text);
    if (bound->error == NULL)
        return;
    if (result != CODEC_MALFORMED)
        fail_msg("not refused: %s", bound->error);
    if (strncmp(error.text, bound->error, strlen(bound->error)) != 0)
        fail_msg("expected \"%s\", got \"%s\"", bound->error, error.text);
    assert_int_equal(codec_next(codec, &cursor, &decoded, NULL), CODEC_END);
}

static void test_each_bound_overstepped_is_refused_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        check_bound(&broken[i]);
}

static void test_each_bound_may_be_reached(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        check_bound(&kept[i]);
}

/* The one rule between two fields that the table's plain result (outcome ok) cannot break alone. */
static void test_a_fitness_needs_the_outcome_ok(void **state)
{
    (void)state;
    struct message message, decoded;
    struct error error;
    make_plain(MESSAGE_RESULT, &message);
    message.result.outcome = OUTCOME_DIVERGED;
    message.result.fitness = 0.5;
    size_t used = 0;
    assert_true(codec_append(codec, &message, datagram, sizeof datagram, &used));
    struct codec_cursor cursor = {.bytes = datagram, .size = used};
    assert_int_equal(codec_next(codec, &cursor, &decoded, &error), CODEC_MALFORMED);
    assert_string_equal(error.text,
                        "result: fitness: a number, though the outcome is \"diverged\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_bound_overstepped_is_refused_by_name),
        cmocka_unit_test(test_each_bound_may_be_reached),
        cmocka_unit_test(test_a_fitness_needs_the_outcome_ok),
    };
    return cmocka_run_group_tests_name("codec_bounds", tests, set_up, tear_down);
}
