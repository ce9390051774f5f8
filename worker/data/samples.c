/* samples.c: see samples.h. Here are MNIST-1D and the end; the files are in samples_idx.c. */
#include "worker/data/samples.h"

#include "worker/data/mnist1d.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static float *round_to_float(const double *values, uint64_t count)
{
    float *rounded = malloc(count * sizeof *rounded);
    for (uint64_t i = 0; rounded != NULL && i < count; i++)
        rounded[i] = (float)values[i];
    return rounded;
}

/* Takes the set's labels. */
static int fill(struct mnist1d *set, struct samples *samples, struct error *error)
{
    const uint32_t train = set->train_count;
    float *inputs = round_to_float(set->inputs, (uint64_t)set->samples * MNIST1D_POINTS);
    if (inputs == NULL)
        return error_set(error, -1, "mnist1d: no memory for %u samples", set->samples);
    samples->owned[0] = inputs;
    samples->owned[1] = set->labels;
    samples->train = (struct samples_part){
        .inputs = inputs,
        .labels = set->labels,
        .count = train,
    };
    samples->test = (struct samples_part){
        .inputs = inputs + (size_t)train * MNIST1D_POINTS,
        .labels = set->labels + train,
        .count = set->samples - train,
    };
    set->labels = NULL;
    return 0;
}

int samples_make_mnist1d(const struct dataset_source *source, struct samples *samples,
                         struct error *error)
{
    struct mnist1d set;
    const struct mnist1d_options options = {
        .samples = source->samples,
        .seed = source->seed,
        .shuffle_positions = source->shuffle_positions,
    };
    *samples = (struct samples){
        .type = DATASET_F32,
        .features = MNIST1D_POINTS,
        .classes = MNIST1D_CLASSES,
    };
    snprintf(samples->source, sizeof samples->source,
             "mnist1d seed=%" PRIu32 " samples=%" PRIu32 " shuffle=%d", source->seed,
             source->samples, source->shuffle_positions != 0);
    if (mnist1d_create(&options, &set, error) != 0)
        return -1;
    int code = fill(&set, samples, error);
    mnist1d_destroy(&set);
    return code;
}

void samples_destroy(struct samples *samples)
{
    for (uint32_t i = 0; i < SAMPLES_OWNED_MAX; i++)
        free(samples->owned[i]);
    *samples = (struct samples){0};
}
