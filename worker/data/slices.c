/* slices.c: which samples an experiment trains on, selects by, confirms with and tests; see
 * dataset.h. */
#include "worker/data/dataset.h"

#include "common/philox.h"

#include <stdlib.h>
#include <string.h>

static void draw_permutation(uint32_t *values, uint32_t count, uint64_t seed)
{
    struct random random = random_open(seed, 0, 0, RANDOM_DATA_ORDER);
    for (uint32_t i = 0; i < count; i++)
        values[i] = i;
    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = random_below(&random, i), moved = values[i - 1];
        values[i - 1] = values[other];
        values[other] = moved;
    }
}

static int check_sizes(const struct dataset *dataset, const struct slice_sizes *sizes,
                       struct error *error)
{
    uint64_t sum = (uint64_t)sizes->train + sizes->select + sizes->confirm;
    if (sum > dataset->train_count)
        return error_set(error, -1,
                         "the slices train %u + select %u + confirm %u = %llu need more than the "
                         "%u training samples of the data set",
                         sizes->train, sizes->select, sizes->confirm, (unsigned long long)sum,
                         dataset->train_count);
    if (sizes->test > dataset->test_count)
        return error_set(error, -1,
                         "the slice test %u needs more than the %u test samples of the data set",
                         sizes->test, dataset->test_count);
    return 0;
}

int slices_create(const struct dataset *dataset, const struct slice_sizes *sizes,
                  struct slices *slices, struct error *error)
{
    *slices = (struct slices){.sizes = *sizes};
    if (check_sizes(dataset, sizes, error) != 0)
        return -1;
    const uint32_t trained = sizes->train + sizes->select + sizes->confirm;
    if (sizes->test == 0)
        slices->sizes.test = dataset->test_count;
    const size_t total = (size_t)trained + slices->sizes.test;
    uint32_t *drawn = malloc(dataset->train_count * sizeof *drawn);
    slices->index = malloc(total * sizeof *slices->index);
    if (drawn == NULL || slices->index == NULL) {
        free(drawn);
        slices_destroy(slices);
        return error_set(error, -1, "no memory for slices of %zu samples", total);
    }
    draw_permutation(drawn, dataset->train_count, sizes->split_seed);
    memcpy(slices->index, drawn, trained * sizeof *drawn);
    for (uint32_t i = 0; i < slices->sizes.test; i++)
        slices->index[trained + i] = dataset->train_count + i;
    free(drawn);
    return 0;
}

void slices_destroy(struct slices *slices)
{
    free(slices->index);
    slices->index = NULL;
}
