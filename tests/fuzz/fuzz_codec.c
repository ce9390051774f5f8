/*
 * fuzz_codec.c: any bytes as a datagram.
 *
 * The input is taken as envelopes without their seals, which no search would ever find: they are
 * put on here. The input as it is is tried as well.
 *
 * Each message that the codec accepts is encoded by a second codec and decoded again. The two must
 * say the same, and what was accepted must fit a datagram of its own: so a bound that decoding lets
 * slip stops the search, here or in an assert of the encoder. The same bytes are also tried as one
 * packed result.
 */
#include "proto/codec.h"

#include "proto/seal.h"
#include "tests/unit/proto/message_equal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct codec *reader, *echo;
static uint8_t buffer[DATAGRAM_BYTES_MAX];

enum { INPUT_BYTES_MAX = 1 << 20 };
static uint8_t sealed[2 * INPUT_BYTES_MAX];

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_message(const struct message *message)
{
    struct message again;
    size_t used = 0;
    require(codec_append(echo, message, buffer, sizeof buffer, &used));
    struct codec_cursor cursor = {.bytes = buffer, .size = used};
    require(codec_next(echo, &cursor, &again, NULL) == CODEC_OK);
    require(message_equal(message, &again));
    require(codec_next(echo, &cursor, &again, NULL) == CODEC_END);
}

static void check_datagram(const uint8_t *data, size_t size)
{
    struct codec_cursor cursor = {.bytes = data, .size = size};
    for (;;) {
        struct message message;
        struct error error = {.text = ""};
        size_t before = cursor.position;
        enum codec_result result = codec_next(reader, &cursor, &message, &error);
        if (result == CODEC_END)
            return;
        require(cursor.position > before && cursor.position <= size);
        if (result == CODEC_OK)
            check_message(&message);
        else
            require(error.text[0] != '\0');
    }
}

static void check_result(const uint8_t *data, size_t size)
{
    struct result result, again;
    if (codec_unpack_result(reader, data, size, &result, NULL) != CODEC_OK)
        return;
    size_t count = codec_pack_result(echo, &result, buffer, RESULT_BYTES_MAX);
    require(count > 0);
    require(codec_unpack_result(echo, buffer, count, &again, NULL) == CODEC_OK);
    require(same_result(&result, &again));
}

/* A varint of at most five bytes; returns how many they are, 0 when it does not end. */
static size_t read_length(const uint8_t *data, size_t size, uint64_t *length)
{
    *length = 0;
    for (size_t i = 0; i < size && i < 5; i++) {
        *length |= (uint64_t)(data[i] & 127) << (7 * i);
        if (data[i] < 128)
            return i + 1;
    }
    return 0;
}

static size_t write_length(uint64_t length, uint8_t *out)
{
    size_t used = 0;
    for (; length >= 128; length >>= 7)
        out[used++] = (uint8_t)(length | 128);
    out[used++] = (uint8_t)length;
    return used;
}

/* Copies the envelopes to `sealed`, each with its seal; returns the size. */
static size_t seal_all(const uint8_t *data, size_t size)
{
    size_t used = 0, at = 0;
    uint64_t length;
    for (size_t prefix; (prefix = read_length(data + at, size - at, &length)) > 0;) {
        at += prefix;
        if (length > size - at || used + length + 5 + SEAL_BYTES > sizeof sealed)
            break;
        used += write_length(length + SEAL_BYTES, sealed + used);
        memcpy(sealed + used, data + at, (size_t)length);
        seal_write(sealed + used, (size_t)length);
        used += (size_t)length + SEAL_BYTES;
        at += (size_t)length;
    }
    return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (reader == NULL) {
        reader = codec_create();
        echo = codec_create();
        require(reader != NULL && echo != NULL);
    }
    check_datagram(data, size);
    if (size > INPUT_BYTES_MAX)
        return 0;
    check_datagram(sealed, seal_all(data, size));
    memcpy(sealed, data, size);
    seal_write(sealed, size);
    check_result(sealed, size + SEAL_BYTES);
    return 0;
}
