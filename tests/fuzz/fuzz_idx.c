/*
 * fuzz_idx.c: any bytes as an IDX file of images and as one of labels, plain or compressed.
 *
 * A refusal comes with a sentence; of what is taken, shape and values agree.
 */
#include "worker/data/idx.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const uint8_t *data, size_t size, const struct idx_expectation *expectation)
{
    struct idx idx;
    struct error error = {""};
    uint8_t *file = malloc(size > 0 ? size : 1);
    assert(file != NULL);
    if (size > 0)
        memcpy(file, data, size);
    if (idx_read(file, size, expectation, &idx, &error) != 0) {
        assert(error.text[0] != '\0' && idx.memory == NULL);
        return;
    }
    uint64_t product = 1, sum = 0;
    assert(idx.rank >= expectation->rank_min && idx.rank <= expectation->rank_max);
    for (uint32_t i = 0; i < idx.rank; i++)
        product *= idx.shape[i];
    assert(product == idx.count && product > 0);
    for (size_t i = 0; i < idx.count; i++)
        sum += idx.values[i];
    assert(sum <= 255 * product);
    idx_destroy(&idx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct idx_expectation images = {.what = "images", .rank_min = 2, .rank_max = 3};
    static const struct idx_expectation labels = {.what = "labels", .rank_min = 1, .rank_max = 1};
    check(data, size, &images);
    check(data, size, &labels);
    return 0;
}
