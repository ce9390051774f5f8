/*
 * dataset_open.c: a blob that came from anywhere, held against every promise of dataset.h.
 *
 * The digest proves that the bytes are those that were named, not that whoever named them meant
 * well; after this file, the data set is trusted.
 */
#include "worker/data/dataset.h"

#include "worker/data/layout.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { SOURCE_BYTES_MAX = 256, NAMES_BYTES_MAX = 65536 };

/* What is being opened. */
struct blob {
    struct safetensors_tensor tensors[LAYOUT_TENSORS];
    const uint8_t *data[LAYOUT_TENSORS]; /* of each tensor */
};

static int refuse(struct error *error, const char *why)
{
    return error_set(error, -1, "not a data set of Ratchet: %s", why);
}

/* ---------------------------------------------------------------------------------- tensors */

static int check_tensor(const struct safetensors_tensor *tensor, int which, struct error *error)
{
    const struct layout_row *row = &layout_rows[which];
    if (strcmp(tensor->name, row->name) != 0)
        return error_set(error, -1, "not a data set of Ratchet: tensor %d is %s, expected %s",
                         which + 1, tensor->name, row->name);
    bool typed =
        tensor->type == row->type || (which == LAYOUT_INPUTS && tensor->type == SAFETENSORS_F32);
    if (!typed || tensor->rank != row->rank)
        return error_set(error, -1,
                         "not a data set of Ratchet: tensor %s is %s with %u dimensions, expected "
                         "%s with %u",
                         row->name, safetensors_type_name(tensor->type), tensor->rank,
                         which == LAYOUT_INPUTS ? "U8 or F32" : safetensors_type_name(row->type),
                         row->rank);
    return 0;
}

static int read_tensors(const uint8_t *bytes, size_t count, struct blob *blob, struct error *error)
{
    struct error why = {""};
    struct safetensors_header header = {.tensors = blob->tensors};
    if (safetensors_read(bytes, count, count, &header, LAYOUT_TENSORS, &why) != 0)
        return refuse(error, why.text);
    if (header.count != LAYOUT_TENSORS)
        return error_set(error, -1, "not a data set of Ratchet: it has %u tensors, expected %d",
                         header.count, LAYOUT_TENSORS);
    for (int i = 0; i < LAYOUT_TENSORS; i++) {
        if (check_tensor(&blob->tensors[i], i, error) != 0)
            return -1;
        blob->data[i] = bytes + header.bytes + blob->tensors[i].begin;
    }
    return 0;
}

static uint64_t length_of(const struct blob *blob, enum layout_tensor which)
{
    return blob->tensors[which].shape[0];
}

/* ------------------------------------------------------------------------------------ sizes */

static int take_sizes(const struct blob *blob, struct dataset *dataset, struct error *error)
{
    uint32_t parts[2];
    uint64_t samples = length_of(blob, LAYOUT_INPUTS);
    uint64_t features = blob->tensors[LAYOUT_INPUTS].shape[1];
    if (samples > UINT32_MAX || features < 1 || features > DATASET_FEATURES_MAX)
        return error_set(error, -1, "data set: inputs of %llu x %llu are out of range",
                         (unsigned long long)samples, (unsigned long long)features);
    if (length_of(blob, LAYOUT_LABELS) != samples)
        return error_set(error, -1, "data set: %llu labels for %llu samples",
                         (unsigned long long)length_of(blob, LAYOUT_LABELS),
                         (unsigned long long)samples);
    if (length_of(blob, LAYOUT_PARTS) != 2 || length_of(blob, LAYOUT_STATISTICS) != 2)
        return refuse(error, "parts and statistics are two numbers each");
    memcpy(parts, blob->data[LAYOUT_PARTS], sizeof parts);
    if (parts[0] < 1 || parts[1] < 1 || (uint64_t)parts[0] + parts[1] != samples)
        return error_set(error, -1, "data set: parts of %u and %u do not make %llu samples",
                         parts[0], parts[1], (unsigned long long)samples);
    dataset->type = blob->tensors[LAYOUT_INPUTS].type == SAFETENSORS_F32 ? DATASET_F32 : DATASET_U8;
    dataset->inputs = blob->data[LAYOUT_INPUTS];
    dataset->labels = blob->data[LAYOUT_LABELS];
    dataset->samples = (uint32_t)samples;
    dataset->features = (uint32_t)features;
    dataset->train_count = parts[0];
    dataset->test_count = parts[1];
    return 0;
}

/* ----------------------------------------------------------------------------------- values */

static bool is_printable(uint8_t byte)
{
    return byte >= ' ' && byte != 127; /* names may be UTF-8 */
}

static int take_names(const struct blob *blob, struct dataset *dataset, struct error *error)
{
    const uint8_t *names = blob->data[LAYOUT_CLASSES];
    uint64_t count = length_of(blob, LAYOUT_CLASSES);
    uint32_t classes = 0;
    if (count == 0 || count > NAMES_BYTES_MAX || names[count - 1] != '\n')
        return refuse(error, "the class names do not end in a newline, or are too long");
    for (uint64_t i = 0; i < count; i++) {
        bool ends = names[i] == '\n';
        if (!ends && !is_printable(names[i]))
            return refuse(error, "a class name holds a control character");
        if (ends && (i == 0 || names[i - 1] == '\n'))
            return refuse(error, "a class name is empty");
        classes += ends;
    }
    if (classes < 2 || classes > DATASET_CLASSES_MAX)
        return error_set(error, -1, "data set: it has %u classes, expected 2 to %d", classes,
                         DATASET_CLASSES_MAX);
    dataset->classes = classes;
    dataset->class_names = (const char *)names;
    dataset->class_names_bytes = (uint32_t)count;
    return 0;
}

static int check_source(const struct blob *blob, struct error *error)
{
    uint64_t count = length_of(blob, LAYOUT_SOURCE);
    bool fine = count >= 1 && count <= SOURCE_BYTES_MAX;
    for (uint64_t i = 0; fine && i < count; i++)
        fine = is_printable(blob->data[LAYOUT_SOURCE][i]);
    return fine ? 0 : refuse(error, "its source is not a line of text");
}

static int check_labels(const struct dataset *dataset, struct error *error)
{
    for (uint32_t i = 0; i < dataset->samples; i++)
        if (dataset->labels[i] >= dataset->classes)
            return error_set(error, -1, "data set: label %u is %u, but there are %u classes", i,
                             dataset->labels[i], dataset->classes);
    return 0;
}

static int check_inputs(const struct dataset *dataset, struct error *error)
{
    if (dataset->type != DATASET_F32)
        return 0;
    const uint8_t *at = dataset->inputs;
    uint64_t count = (uint64_t)dataset->samples * dataset->features;
    for (uint64_t i = 0; i < count; i++, at += sizeof(float)) {
        float value;
        memcpy(&value, at, sizeof value);
        if (!isfinite(value))
            return error_set(error, -1, "data set: an input of sample %llu is not finite",
                             (unsigned long long)(i / dataset->features));
    }
    return 0;
}

static int take_statistics(const struct blob *blob, struct dataset *dataset, struct error *error)
{
    double numbers[2];
    memcpy(numbers, blob->data[LAYOUT_STATISTICS], sizeof numbers);
    /* NaN fails every comparison. */
    if (!(fabs(numbers[0]) <= (double)FLT_MAX) || !(numbers[1] >= 0) ||
        !(numbers[1] <= (double)FLT_MAX))
        return error_set(error, -1, "data set: mean %g and deviation %g are out of range",
                         numbers[0], numbers[1]);
    dataset->mean = numbers[0];
    dataset->deviation = numbers[1];
    return 0;
}

int dataset_open(const uint8_t *bytes, size_t count, struct dataset *dataset, struct error *error)
{
    struct blob blob;
    *dataset = (struct dataset){0};
    int code = read_tensors(bytes, count, &blob, error);
    if (code == 0)
        code = take_sizes(&blob, dataset, error);
    if (code == 0)
        code = take_names(&blob, dataset, error);
    if (code == 0)
        code = check_source(&blob, error);
    if (code == 0)
        code = take_statistics(&blob, dataset, error);
    if (code == 0)
        code = check_labels(dataset, error);
    if (code == 0)
        code = check_inputs(dataset, error);
    return code;
}

struct scaling dataset_scaling(const struct dataset *dataset, enum input_scaling inputs)
{
    if (inputs == INPUTS_RAW || (inputs == INPUTS_UNIT && dataset->type == DATASET_F32))
        return (struct scaling){.scale = 1, .shift = 0};
    if (inputs == INPUTS_UNIT)
        return (struct scaling){.scale = (float)(1.0 / 255), .shift = 0};
    float scale = (float)(1 / dataset->deviation);
    float shift = (float)(-dataset->mean / dataset->deviation);
    /* Constant, or so nearly that a float cannot say it. */
    if (dataset->deviation == 0 || !isfinite(scale) || !isfinite(shift))
        return (struct scaling){.scale = 1, .shift = (float)-dataset->mean};
    return (struct scaling){.scale = scale, .shift = shift};
}
