/*
 * fuzz_detail.c: any bytes as a result's detail.
 *
 * One detail has one encoding: what is taken must encode to the very bytes that came in. A refusal
 * must come with a sentence.
 */
#include "proto/detail.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct detail detail;
static uint8_t buffer[DETAIL_BYTES_MAX];

static void require(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {.text = ""};
    if (detail_decode(data, size, &detail, &error) != 0) {
        require(error.text[0] != '\0');
        return 0;
    }
    require(error.text[0] == '\0');
    require(detail_encode(&detail, buffer) == size);
    require(memcmp(buffer, data, size) == 0);
    return 0;
}
