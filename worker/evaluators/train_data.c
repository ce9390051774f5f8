/*
 * train_data.c: the data set that the train evaluator works on, and the model that fits it.
 *
 * A run has one data set, so it is opened with the first job and stays: its pages are mapped from
 * the cache and shared by all slots of the machine. A digest that is another one closes it first.
 */
#include "worker/evaluators/train_state.h"

#include <string.h>

static int make_engine(const struct train_spec *spec, struct train_data *data, struct error *error)
{
    const struct model_options shape = {
        .text = spec->model,
        .activation = spec->activation,
        .initialisation = spec->initialisation,
        .inputs = data->dataset.features,
        .classes = data->dataset.classes,
    };
    data->model = model_create(&shape, error);
    if (data->model == NULL)
        return -1;
    const struct engine_options options = {
        .model = data->model,
        .training = train_spec_training(spec, data->slices.sizes.train),
        .numeric = spec->numeric,
    };
    data->engine = engine_create(&options, error);
    return data->engine == NULL ? -1 : 0;
}

static struct samples samples_of(const struct dataset *dataset, enum input_scaling inputs)
{
    struct scaling scaling = dataset_scaling(dataset, inputs);
    return (struct samples){
        .type = dataset->type == DATASET_U8 ? SAMPLE_U8 : SAMPLE_F32,
        .inputs = dataset->inputs,
        .labels = dataset->labels,
        .count = dataset->samples,
        .features = dataset->features,
        .scale = scaling.scale,
        .shift = scaling.shift,
    };
}

/* The bytes are there; the rest of it. */
static int open_bytes(const struct train_spec *spec, struct train_data *data, struct error *error)
{
    if (dataset_open(data->bytes.data, data->bytes.count, &data->dataset, error) != 0)
        return -1;
    if (slices_create(&data->dataset, &spec->sizes, &data->slices, error) != 0)
        return -1;
    data->samples = samples_of(&data->dataset, spec->inputs);
    return make_engine(spec, data, error);
}

void train_data_close(struct train_state *state)
{
    struct train_data *data = &state->data;
    engine_destroy(&data->engine);
    model_destroy(&data->model);
    slices_destroy(&data->slices);
    if (data->is_open)
        state->environment.release(state->environment.context, &data->bytes);
    *data = (struct train_data){0};
}

int train_data_open(struct train_state *state, const struct evaluator_environment *environment,
                    const struct digest *digest, struct error *error)
{
    struct train_data *data = &state->data;
    if (data->is_open && digest_equal(&data->digest, digest))
        return 0;
    train_data_close(state);
    if (digest_is_zero(digest))
        return error_set(error, -1, "the job names no data set");
    if (environment->load(environment->context, digest, &data->bytes, error) != 0)
        return -1;
    state->environment = *environment;
    data->is_open = true;
    data->digest = *digest;
    if (open_bytes(&state->spec, data, error) == 0)
        return 0;
    train_data_close(state);
    return -1;
}

struct sample_slice train_slice(const struct train_data *data, enum slice slice)
{
    const struct slice_sizes *sizes = &data->slices.sizes;
    const uint32_t *index = data->slices.index;
    if (slice == SLICE_TRAIN)
        return (struct sample_slice){index, sizes->train};
    index += sizes->train;
    if (slice == SLICE_SELECT)
        return (struct sample_slice){index, sizes->select};
    index += sizes->select;
    if (slice == SLICE_CONFIRM)
        return (struct sample_slice){index, sizes->confirm};
    return (struct sample_slice){index + sizes->confirm, sizes->test};
}
