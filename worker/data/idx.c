/* idx.c: see idx.h. */
#include "worker/data/idx.h"

#include "worker/data/gz.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No deflated byte stands for more than 1032: 258 out of two bits (RFC 1951). */
enum { INFLATION_MAX = 1032 };

enum { MAGIC_BYTES = 4, TYPE_U8 = 0x08, HEADER_BYTES_MAX = MAGIC_BYTES + 4 * IDX_RANK_MAX };

/* The file's bytes from the first to the last, inflated if need be. */
struct source {
    const uint8_t *bytes; /* plain: what is left */
    size_t count;
    struct gz *gz; /* NULL: plain */
};

static int take(struct source *source, uint8_t *out, size_t count, size_t *got, struct error *error)
{
    if (source->gz != NULL)
        return gz_read(source->gz, out, count, got, error);
    *got = count < source->count ? count : source->count;
    if (*got > 0)
        memcpy(out, source->bytes, *got);
    source->bytes += *got;
    source->count -= *got;
    return 0;
}

/* ---------------------------------------------------------------------------------- header */

static int check_magic(const uint8_t magic[MAGIC_BYTES], size_t got,
                       const struct idx_expectation *expectation, struct error *error)
{
    if (got < MAGIC_BYTES)
        return error_set(error, -1, "truncated: an IDX file begins with %d bytes, this one has %zu",
                         MAGIC_BYTES, got);
    if (magic[0] != 0 || magic[1] != 0)
        return error_set(error, -1,
                         "not an IDX file: it begins with %02x %02x %02x %02x, expected 00 00 08",
                         magic[0], magic[1], magic[2], magic[3]);
    if (magic[2] != TYPE_U8)
        return error_set(error, -1, "holds values of type %02x, expected 08 (unsigned bytes)",
                         magic[2]);
    if (magic[3] < expectation->rank_min || magic[3] > expectation->rank_max) {
        char other[16] = "";
        if (expectation->rank_min < expectation->rank_max)
            snprintf(other, sizeof other, "%u or ", expectation->rank_min);
        return error_set(error, -1, "has %u dimensions, expected %s%u for %s", magic[3], other,
                         expectation->rank_max, expectation->what);
    }
    return 0;
}

/* "60000 x 28 x 28" */
static void format_shape(const struct idx *idx, char text[48])
{
    int used = 0;
    for (uint32_t i = 0; i < idx->rank; i++)
        used += snprintf(text + used, 48 - (size_t)used, "%s%u", i > 0 ? " x " : "", idx->shape[i]);
}

static int check_shape(struct idx *idx, const struct idx_expectation *expectation,
                       struct error *error)
{
    char text[48];
    uint64_t product = 1;
    bool fits = true;
    format_shape(idx, text);
    for (uint32_t i = 0; i < idx->rank; i++) {
        if (idx->shape[i] == 0)
            return error_set(error, -1, "holds %s %s: a dimension is 0", text, expectation->what);
        fits = fits && !__builtin_mul_overflow(product, (uint64_t)idx->shape[i], &product);
    }
    if (!fits || product > IDX_BYTES_MAX)
        return error_set(error, -1, "claims %s %s: more than the 4 GiB that are allowed", text,
                         expectation->what);
    idx->count = (size_t)product;
    return 0;
}

static int read_header(struct source *source, const struct idx_expectation *expectation,
                       struct idx *idx, struct error *error)
{
    uint8_t bytes[HEADER_BYTES_MAX];
    size_t got;
    if (take(source, bytes, MAGIC_BYTES, &got, error) != 0 ||
        check_magic(bytes, got, expectation, error) != 0)
        return -1;
    idx->rank = bytes[3];
    if (take(source, bytes, (size_t)4 * idx->rank, &got, error) != 0)
        return -1;
    if (got < 4 * idx->rank)
        return error_set(error, -1, "truncated: the header takes %u bytes, the file has %zu",
                         MAGIC_BYTES + 4 * idx->rank, MAGIC_BYTES + got);
    for (uint32_t i = 0; i < idx->rank; i++) {
        const uint8_t *b = bytes + (size_t)4 * i;
        idx->shape[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    }
    return check_shape(idx, expectation, error);
}

/* ---------------------------------------------------------------------------------- values */

static int refuse_size(const struct idx *idx, const struct idx_expectation *expectation,
                       uint64_t found, struct error *error)
{
    char shape[48];
    uint64_t header = MAGIC_BYTES + 4 * idx->rank, expected = header + idx->count;
    format_shape(idx, shape);
    if (found < idx->count)
        return error_set(error, -1, "truncated: %s %s take %llu bytes, the file has %llu", shape,
                         expectation->what, (unsigned long long)expected,
                         (unsigned long long)(header + found));
    return error_set(error, -1, "longer than it says: %s %s take %llu bytes, the file has more",
                     shape, expectation->what, (unsigned long long)expected);
}

/* The values of a plain file stay where they are. */
static int keep_values(struct source *source, uint8_t *file,
                       const struct idx_expectation *expectation, struct idx *idx,
                       struct error *error)
{
    if (source->count != idx->count) {
        refuse_size(idx, expectation, source->count, error);
        free(file);
        return -1;
    }
    idx->values = source->bytes;
    idx->memory = file;
    return 0;
}

/* One byte more than the header says is asked for: so a longer file shows, at no cost. */
static int inflate_values(struct source *source, const struct idx_expectation *expectation,
                          struct idx *idx, struct error *error)
{
    size_t got;
    struct error why = {""};
    uint8_t *memory = malloc(idx->count + 1);
    if (memory == NULL)
        return error_set(error, -1, "no memory for %zu bytes", idx->count);
    int code = take(source, memory, idx->count + 1, &got, &why);
    if (code != 0)
        error_set(error, -1, "%s, after %zu of %zu values", why.text, got, idx->count);
    else if (got != idx->count)
        code = refuse_size(idx, expectation, got, error);
    if (code != 0) {
        free(memory);
        return -1;
    }
    idx->values = idx->memory = memory;
    return 0;
}

/* Memory in proportion to the file: a few bytes that claim gigabytes cost nothing. */
static int check_claim(const struct idx *idx, size_t count,
                       const struct idx_expectation *expectation, struct error *error)
{
    char shape[48];
    if (idx->count / INFLATION_MAX <= count)
        return 0;
    format_shape(idx, shape);
    return error_set(error, -1, "truncated: %s %s are more than a gzip file of %zu bytes can hold",
                     shape, expectation->what, count);
}

static int read_gz(const uint8_t *file, size_t count, const struct idx_expectation *expectation,
                   struct idx *idx, struct error *error)
{
    struct source source = {.gz = gz_open(file, count, error)};
    if (source.gz == NULL)
        return -1;
    int code = read_header(&source, expectation, idx, error);
    if (code == 0)
        code = check_claim(idx, count, expectation, error);
    if (code == 0)
        code = inflate_values(&source, expectation, idx, error);
    gz_close(&source.gz);
    return code;
}

int idx_read(uint8_t *file, size_t count, const struct idx_expectation *expectation,
             struct idx *idx, struct error *error)
{
    assert(expectation->rank_min >= 1 && expectation->rank_max <= IDX_RANK_MAX);
    *idx = (struct idx){0};
    if (gz_recognise(file, count)) {
        int code = read_gz(file, count, expectation, idx, error);
        free(file);
        return code;
    }
    struct source source = {.bytes = file, .count = count};
    if (read_header(&source, expectation, idx, error) == 0)
        return keep_values(&source, file, expectation, idx, error);
    free(file);
    return -1;
}

void idx_destroy(struct idx *idx)
{
    free(idx->memory);
    *idx = (struct idx){0};
}
