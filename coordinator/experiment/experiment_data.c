/*
 * experiment_data.c: the data set of an experiment: what to pack, and whether the slices fit.
 *
 * How many samples a set has is known here for the two that are always the same; of the user's own
 * files it is known once they are packed, and then asked again (experiment_check_slices).
 */
#include "coordinator/experiment/experiment_reader.h"

#include "common/plan.h"

#include <inttypes.h>
#include <string.h>

/* Fashion-MNIST: Xiao, Rasul, Vollgraf 2017. */
enum { FASHION_MNIST_TRAIN = 60000, FASHION_MNIST_TEST = 10000 };

bool experiment_data(const struct experiment *experiment, struct experiment_data *data)
{
    static const char *const sets[] = {"fashion-mnist", "idx", "mnist1d"};
    const struct settings *settings = &experiment->settings;
    if (settings->evaluator != EVALUATOR_TRAIN)
        return false;
    bool made = settings->data_set == DATA_SET_MNIST1D;
    *data = (struct experiment_data){
        .set = sets[(int)settings->data_set],
        .dir = made || settings->data_dir[0] == '\0' ? NULL : settings->data_dir,
        .made = made,
        .samples = (uint32_t)settings->data_samples,
        .seed = (uint32_t)settings->data_seed,
        .shuffle_positions = settings->data_shuffle_positions != 0,
    };
    return true;
}

/* What does not fit: the key to point at, and the sentence. */
struct misfit {
    const char *key;
    struct error why;
};

static bool fits(const struct settings *settings, struct data_counts counts, struct misfit *misfit)
{
    uint64_t train = (uint64_t)settings->data_train, select = (uint64_t)settings->data_select;
    uint64_t confirm = (uint64_t)settings->data_confirm, test = (uint64_t)settings->data_test;
    if (train + select + confirm > counts.train) {
        misfit->key = "data.train";
        error_set(&misfit->why, 0,
                  "data.train + data.select + data.confirm = %" PRIu64 " + %" PRIu64 " + %" PRIu64
                  " = %" PRIu64 ", but the data set has %u samples for training",
                  train, select, confirm, train + select + confirm, counts.train);
        return false;
    }
    if (test > counts.test) {
        misfit->key = "data.test";
        error_set(&misfit->why, 0, "data.test = %" PRIu64 ", but the data set has %u test samples",
                  test, counts.test);
        return false;
    }
    return true;
}

int experiment_check_slices(const struct experiment *experiment, struct data_counts counts,
                            struct error *error)
{
    struct misfit misfit;
    if (fits(&experiment->settings, counts, &misfit))
        return 0;
    return error_set(error, -1, "%s", misfit.why.text);
}

/* 784 pixels and 10 classes; 40 places and 10 classes. */
static const struct data_shape fashion_mnist_shape = {784, 10}, mnist1d_shape = {40, 10};

int experiment_check_model(const struct experiment *experiment, struct data_shape shape,
                           struct error *error)
{
    struct model_text text;
    struct error why;
    if (model_text_parse(experiment->settings.model_spec, &text, error) != 0)
        return -1;
    struct plan *plan = plan_create(&text, shape.features, shape.classes, &why);
    if (plan == NULL)
        return error_set(error, -1, "model.spec %s on %u inputs and %u classes: %.256s",
                         experiment->settings.model_spec, shape.features, shape.classes, why.text);
    plan_destroy(&plan);
    return 0;
}

/* False when only the files tell. */
static bool counts_of(const struct settings *settings, struct data_counts *counts)
{
    uint32_t samples = (uint32_t)settings->data_samples;
    if (settings->data_set == DATA_SET_FASHION_MNIST)
        *counts = (struct data_counts){FASHION_MNIST_TRAIN, FASHION_MNIST_TEST};
    else if (settings->data_set == DATA_SET_MNIST1D)
        *counts = (struct data_counts){samples / 5 * 4, samples / 5};
    else
        return false;
    return true;
}

/* The first of these keys that the file has, to point at; NULL when all are defaults. */
static const struct entry *find_given(const struct reader *reader, const char *key)
{
    const char *const keys[] = {key, "data.select", "data.confirm", "data.samples", "data.set"};
    const struct entry *entry = NULL;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && entry == NULL; i++)
        entry = entries_find(reader->entries, keys[i]);
    return entry;
}

static int check_known_model(const struct reader *reader)
{
    const struct experiment *experiment = reader->experiment;
    bool fashion = experiment->settings.data_set == DATA_SET_FASHION_MNIST;
    struct error why;
    if (experiment_check_model(experiment, fashion ? fashion_mnist_shape : mnist1d_shape, &why) ==
        0)
        return 0;
    return entries_fail(reader->entries, entries_find(reader->entries, "model.spec"),
                        ENTRY_TEXT_PART, reader->error, "%s", why.text);
}

int check_data(const struct reader *reader)
{
    const struct settings *settings = &reader->experiment->settings;
    struct data_counts counts;
    struct misfit misfit;
    if (settings->evaluator != EVALUATOR_TRAIN)
        return 0;
    if (settings->data_set == DATA_SET_IDX && settings->data_dir[0] == '\0')
        return entries_fail(reader->entries, entries_find(reader->entries, "data.set"),
                            ENTRY_TEXT_PART, reader->error,
                            "idx needs data.dir, the folder of its four files");
    if (settings->data_set == DATA_SET_MNIST1D && (uint64_t)settings->data_samples % 10 != 0)
        return entries_fail(reader->entries, entries_find(reader->entries, "data.samples"),
                            ENTRY_TEXT_PART, reader->error, "expected a multiple of 10, got %.0f",
                            settings->data_samples);
    if (settings->data_set == DATA_SET_MNIST1D && settings->data_inputs == INPUTS_UNIT)
        return entries_fail(reader->entries, entries_find(reader->entries, "data.inputs"),
                            ENTRY_TEXT_PART, reader->error,
                            "unit is for bytes, and the samples of mnist1d are numbers: expected "
                            "standardise or raw");
    if (!counts_of(settings, &counts))
        return 0;
    if (check_known_model(reader) != 0)
        return -1;
    if (fits(settings, counts, &misfit))
        return 0;
    return entries_fail(reader->entries, find_given(reader, misfit.key), ENTRY_TEXT_PART,
                        reader->error, "%s", misfit.why.text);
}
