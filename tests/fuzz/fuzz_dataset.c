/*
 * fuzz_dataset.c: any bytes as the blob of a data set.
 *
 * A refusal comes with a sentence. Of what is taken, every byte that the contract promises is read,
 * and slices are cut from it: the sanitizers see a step beyond.
 */
#include "worker/data/dataset.h"

#include <assert.h>
#include <math.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_values(const struct dataset *dataset)
{
    uint64_t count = (uint64_t)dataset->samples * dataset->features;
    const uint8_t *inputs = dataset->inputs;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        float value = 0;
        if (dataset->type == DATASET_F32)
            memcpy(&value, inputs + i * sizeof value, sizeof value);
        else
            sum += inputs[i];
        assert(isfinite(value));
    }
    assert(sum <= 255 * count);
    for (uint32_t i = 0; i < dataset->samples; i++)
        assert(dataset->labels[i] < dataset->classes);
    uint32_t names = 0;
    for (uint32_t i = 0; i < dataset->class_names_bytes; i++)
        names += dataset->class_names[i] == '\n' ? 1 : 0;
    assert(names == dataset->classes && names <= DATASET_CLASSES_MAX);
}

static void check_slices(const struct dataset *dataset)
{
    struct slices slices;
    struct error error = {""};
    const struct slice_sizes sizes = {.train = 1, .select = dataset->train_count - 1};
    assert((uint64_t)dataset->train_count + dataset->test_count == dataset->samples);
    int failed = slices_create(dataset, &sizes, &slices, &error);
    assert(!failed);
    for (uint32_t i = 0; i < dataset->samples; i++)
        assert(slices.index[i] < dataset->samples);
    slices_destroy(&slices);
}

static void check_scaling(const struct dataset *dataset)
{
    for (enum input_scaling inputs = INPUTS_STANDARDISE; inputs <= INPUTS_RAW; inputs++) {
        const struct scaling scaling = dataset_scaling(dataset, inputs);
        assert(isfinite(scaling.scale) && isfinite(scaling.shift));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dataset dataset;
    struct error error = {""};
    if (dataset_open(data, size, &dataset, &error) != 0) {
        assert(error.text[0] != '\0');
        return 0;
    }
    check_values(&dataset);
    check_slices(&dataset);
    check_scaling(&dataset);
    return 0;
}
