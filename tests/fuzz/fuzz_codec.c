/*
 * fuzz_codec.c: any bytes as a datagram.
 *
 * Each message that the codec accepts is encoded by a second codec and decoded again. The two must
 * say the same, and what was accepted must fit a datagram of its own: so a bound that decoding lets
 * slip stops the search, here or in an assert of the encoder. The same bytes are also tried as one
 * packed result.
 */
#include "proto/codec.h"

#include "tests/unit/proto/message_equal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct codec *reader, *echo;
static uint8_t buffer[DATAGRAM_BYTES_MAX];

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (reader == NULL) {
        reader = codec_create();
        echo = codec_create();
        require(reader != NULL && echo != NULL);
    }
    check_datagram(data, size);
    check_result(data, size);
    return 0;
}
