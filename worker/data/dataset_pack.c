/*
 * dataset_pack.c: from a source to the blob; see dataset.h.
 *
 * The blob is a function of the samples to the byte: header in canonical form, no times, no paths.
 */
#include "worker/data/dataset.h"

#include "common/safetensors.h"
#include "worker/data/layout.h"
#include "worker/data/mnist1d.h"
#include "worker/data/samples.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "blobs are little-endian, as is memory");

enum { HEADER_BYTES_MAX = 4096, NAMES_BYTES_MAX = 4 * DATASET_CLASSES_MAX };

/* -------------------------------------------------------------------------------- statistics */

struct statistics {
    double mean, deviation;
};

/* Exact: whole numbers until the last step. At most 2^32 values: the sums fit, the products need
 * more than 64 bits. */
static struct statistics measure_u8(const uint8_t *values, uint64_t count)
{
    uint64_t sum = 0, squares = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint32_t value = values[i];
        sum += value;
        squares += value * value;
    }
    unsigned __int128 spread = (unsigned __int128)count * squares - (unsigned __int128)sum * sum;
    return (struct statistics){
        .mean = (double)sum / (double)count,
        .deviation = sqrt((double)spread) / (double)count,
    };
}

static struct statistics measure_f32(const float *values, uint64_t count)
{
    double sum = 0, squares = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += (double)values[i];
    double mean = sum / (double)count;
    for (uint64_t i = 0; i < count; i++)
        squares += ((double)values[i] - mean) * ((double)values[i] - mean);
    return (struct statistics){.mean = mean, .deviation = sqrt(squares / (double)count)};
}

static struct statistics measure(const struct samples *samples)
{
    uint64_t count = (uint64_t)samples->train.count * samples->features;
    if (samples->type == DATASET_U8)
        return measure_u8(samples->train.inputs, count);
    return measure_f32(samples->train.inputs, count);
}

/* ------------------------------------------------------------------------------------- blob */

/* "0\n1\n2\n..." */
static const char *number_classes(uint32_t classes, char text[NAMES_BYTES_MAX + 1])
{
    size_t used = 0;
    for (uint32_t i = 0; i < classes; i++)
        used += (size_t)snprintf(text + used, NAMES_BYTES_MAX + 1 - used, "%u\n", i);
    return text;
}

static uint8_t *put(uint8_t *at, const void *bytes, size_t count)
{
    memcpy(at, bytes, count);
    return at + count;
}

static void put_tensors(uint8_t *at, const struct samples *samples, const char *names)
{
    const struct samples_part *train = &samples->train, *test = &samples->test;
    const struct statistics statistics = measure(samples);
    const uint32_t parts[2] = {train->count, test->count};
    const double numbers[2] = {statistics.mean, statistics.deviation};
    size_t sample = (size_t)samples->features * (samples->type == DATASET_F32 ? sizeof(float) : 1);
    at = put(at, train->inputs, train->count * sample);
    at = put(at, test->inputs, test->count * sample);
    at = put(at, train->labels, train->count);
    at = put(at, test->labels, test->count);
    at = put(at, parts, sizeof parts);
    at = put(at, numbers, sizeof numbers);
    at = put(at, names, strlen(names));
    put(at, samples->source, strlen(samples->source));
}

static int write_blob(const struct samples *samples, uint8_t **bytes, size_t *count,
                      struct error *error)
{
    char numbered[NAMES_BYTES_MAX + 1];
    uint8_t header[HEADER_BYTES_MAX];
    const char *names = samples->class_names;
    if (names == NULL)
        names = number_classes(samples->classes, numbered);
    const uint64_t total = (uint64_t)samples->train.count + samples->test.count;
    struct safetensors_tensor tensors[LAYOUT_TENSORS] = {
        [LAYOUT_INPUTS] = {.shape = {total, samples->features}},
        [LAYOUT_LABELS] = {.shape = {total}},
        [LAYOUT_PARTS] = {.shape = {2}},
        [LAYOUT_STATISTICS] = {.shape = {2}},
        [LAYOUT_CLASSES] = {.shape = {strlen(names)}},
        [LAYOUT_SOURCE] = {.shape = {strlen(samples->source)}},
    };
    for (int i = 0; i < LAYOUT_TENSORS; i++) {
        memcpy(tensors[i].name, layout_rows[i].name, strlen(layout_rows[i].name) + 1);
        tensors[i].type = layout_rows[i].type;
        tensors[i].rank = layout_rows[i].rank;
    }
    if (samples->type == DATASET_F32)
        tensors[LAYOUT_INPUTS].type = SAFETENSORS_F32;
    size_t header_bytes = safetensors_write(tensors, LAYOUT_TENSORS, header, sizeof header);
    *count = header_bytes + (size_t)tensors[LAYOUT_TENSORS - 1].end;
    *bytes = malloc(*count);
    if (*bytes == NULL)
        return error_set(error, -1, "%s: no memory for %zu bytes", samples->source, *count);
    memcpy(*bytes, header, header_bytes);
    put_tensors(*bytes + header_bytes, samples, names);
    return 0;
}

/* ------------------------------------------------------------------------------------ source */

static int check_mnist1d(const struct dataset_source *source, struct error *error)
{
    if (source->dir != NULL)
        return error_set(error, -1, "mnist1d is made, not read: it takes no folder (%s)",
                         source->dir);
    if (source->samples == 0 || source->samples > MNIST1D_SAMPLES_MAX || source->samples % 10 != 0)
        return error_set(error, -1, "mnist1d takes a multiple of 10 up to %d samples, not %u",
                         MNIST1D_SAMPLES_MAX, source->samples);
    return 0;
}

int dataset_check_source(const struct dataset_source *source, struct error *error)
{
    if (strcmp(source->set, "mnist1d") == 0)
        return check_mnist1d(source, error);
    bool is_idx = strcmp(source->set, "idx") == 0;
    if (!is_idx && strcmp(source->set, "fashion-mnist") != 0)
        return error_set(error, -1,
                         "there is no data set \"%.64s\"; there are fashion-mnist, idx and mnist1d",
                         source->set);
    if (is_idx && source->dir == NULL)
        return error_set(error, -1, "idx needs the folder with the four files");
    if (source->shuffle_positions)
        return error_set(error, -1, "only mnist1d can have its positions shuffled, not %s",
                         source->set);
    return 0;
}

static int fill(const struct dataset_source *source, struct samples *samples, struct error *error)
{
    if (strcmp(source->set, "mnist1d") == 0)
        return samples_make_mnist1d(source, samples, error);
    if (strcmp(source->set, "fashion-mnist") == 0)
        return samples_read_fashion_mnist(source->dir, samples, error);
    return samples_read_idx(source->dir, samples, error);
}

int dataset_pack(const struct dataset_source *source, uint8_t **bytes, size_t *count,
                 struct error *error)
{
    struct samples samples;
    *bytes = NULL;
    *count = 0;
    if (dataset_check_source(source, error) != 0)
        return -1;
    int code = fill(source, &samples, error);
    if (code == 0)
        code = write_blob(&samples, bytes, count, error);
    samples_destroy(&samples);
    return code;
}
