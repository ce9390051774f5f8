/* data_fixture.c: see data_fixture.h. */
#include "tests/unit/worker/data/data_fixture.h"

#include "common/os_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static char folder[256];

void bytes_free(struct bytes *bytes)
{
    free(bytes->at);
    *bytes = (struct bytes){0};
}

static struct bytes bytes_make(size_t count)
{
    struct bytes bytes = {.at = malloc(count > 0 ? count : 1), .count = count};
    assert_non_null(bytes.at);
    return bytes;
}

struct bytes bytes_cut(const struct bytes *bytes, size_t count)
{
    struct bytes cut = bytes_make(count);
    memcpy(cut.at, bytes->at, count);
    return cut;
}

struct bytes idx_make(const struct idx_text *text)
{
    size_t product = 1, header = 4 + (size_t)4 * text->rank;
    for (uint32_t i = 0; i < text->rank; i++)
        product *= text->shape[i];
    struct bytes bytes = bytes_make(header + product);
    const uint8_t magic[4] = {0, 0, 8, (uint8_t)text->rank};
    memcpy(bytes.at, magic, sizeof magic);
    for (uint32_t i = 0; i < text->rank; i++)
        for (uint32_t b = 0; b < 4; b++)
            bytes.at[4 + 4 * i + b] = (uint8_t)(text->shape[i] >> (24 - 8 * b));
    for (size_t i = 0; i < product; i++)
        bytes.at[header + i] = (uint8_t)((text->first + i) % text->modulus);
    return bytes;
}

/* The checksum of gzip: reflected polynomial 0x04c11db7, bit by bit. */
static uint32_t crc32_of(const uint8_t *bytes, size_t count)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
    }
    return ~crc;
}

static uint8_t *put_u32(uint8_t *at, uint32_t value)
{
    for (uint32_t b = 0; b < 4; b++)
        *at++ = (uint8_t)(value >> 8 * b);
    return at;
}

struct bytes gz_make(const struct bytes *plain)
{
    static const uint8_t header[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    enum { BLOCK_MAX = 65535 };
    size_t blocks = plain->count / BLOCK_MAX + 1;
    struct bytes gz = bytes_make(sizeof header + 5 * blocks + plain->count + 8);
    uint8_t *out = gz.at;
    memcpy(out, header, sizeof header);
    out += sizeof header;
    for (size_t i = 0; i < blocks; i++) {
        size_t from = i * BLOCK_MAX, left = plain->count - from;
        uint32_t length = (uint32_t)(left < BLOCK_MAX ? left : BLOCK_MAX);
        *out++ = i + 1 == blocks; /* final, stored */
        out = put_u32(out, length | ~length << 16);
        memcpy(out, plain->at + from, length);
        out += length;
    }
    out = put_u32(out, crc32_of(plain->at, plain->count));
    put_u32(out, (uint32_t)plain->count);
    return gz;
}

/* ---------------------------------------------------------------------------------- folder */

int folder_make(void **state)
{
    (void)state;
    const char *where = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.200s/ratchet-test-XXXXXX", where == NULL ? "/tmp" : where);
    return mkdtemp(folder) == NULL ? -1 : 0;
}

int folder_remove(void **state)
{
    (void)state;
    struct error error;
    return os_remove_tree(folder, &error);
}

const char *in_folder(const char *name)
{
    if (name[0] == '\0')
        return folder;
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

void file_write(const char *name, const struct bytes *bytes)
{
    FILE *file = fopen(in_folder(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes->at, 1, bytes->count, file), bytes->count);
    assert_int_equal(fclose(file), 0);
}

void file_write_idx(const char *name, const struct idx_text *text)
{
    struct bytes bytes = idx_make(text);
    file_write(name, &bytes);
    bytes_free(&bytes);
}

void folder_fill(void)
{
    static const struct idx_text images = {.rank = 3, .shape = {6, 3, 2}, .modulus = 256};
    static const struct idx_text more = {.rank = 3, .shape = {4, 3, 2}, .first = 9, .modulus = 256};
    static const struct idx_text labels = {.rank = 1, .shape = {6}, .modulus = 3};
    static const struct idx_text others = {.rank = 1, .shape = {4}, .first = 1, .modulus = 2};
    file_write_idx("train-images-idx3-ubyte", &images);
    file_write_idx("t10k-images-idx3-ubyte", &more);
    file_write_idx("train-labels-idx1-ubyte", &labels);
    file_write_idx("t10k-labels-idx1-ubyte", &others);
}
