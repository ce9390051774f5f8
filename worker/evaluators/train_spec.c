/*
 * train_spec.c: the train evaluator's settings, read from the spec's `key = value` lines.
 *
 * The coordinator writes every key that counts, with its default filled in; the fallbacks here are
 * the same ones. tests/property/test_train_settings.c holds the two tables against each other.
 */
#include "worker/evaluators/spec_reader.h"
#include "worker/evaluators/train.h"

enum {
    ROW_NUMERIC,
    ROW_ACTIVATION,
    ROW_INIT,
    ROW_TRAIN,
    ROW_SELECT,
    ROW_CONFIRM,
    ROW_TEST,
    ROW_SPLIT_SEED,
    ROW_INPUTS,
    ROW_OPTIMIZER,
    ROW_LR,
    ROW_BETA1,
    ROW_BETA2,
    ROW_EPS,
    ROW_MOMENTUM,
    ROW_WEIGHT_DECAY,
    ROW_L2,
    ROW_DROPOUT,
    ROW_BATCH,
    ROW_EPOCHS,
    ROW_STEPS,
    ROW_STATE,
    ROW_FITNESS,
    ROW_COUNT,
};

enum { STATE_RESET, STATE_KEEP };

#define COUNT_MAX 2147483648.0      /* of samples in a slice */
#define SEED_MAX 9007199254740992.0 /* 2^53: whole numbers are doubles here */

static const struct param rows[ROW_COUNT] = {
    [ROW_NUMERIC] = {"numeric", PARAM_CHOICE, 0, 0, NUMERIC_PORTABLE, "portable|native", ""},
    [ROW_ACTIVATION] = {"model.activation", PARAM_CHOICE, 0, 0, 0, "relu|tanh|sigmoid|gelu", ""},
    [ROW_INIT] = {"model.init", PARAM_CHOICE, 0, 0, 0, "pytorch|he", ""},
    [ROW_TRAIN] = {"data.train", PARAM_WHOLE, 1, COUNT_MAX, 50000, NULL, ""},
    [ROW_SELECT] = {"data.select", PARAM_WHOLE, 0, COUNT_MAX, 5000, NULL, ""},
    [ROW_CONFIRM] = {"data.confirm", PARAM_WHOLE, 0, COUNT_MAX, 5000, NULL, ""},
    [ROW_TEST] = {"data.test", PARAM_WHOLE, 0, COUNT_MAX, 0, NULL, ""},
    [ROW_SPLIT_SEED] = {"data.split_seed", PARAM_WHOLE, 0, SEED_MAX, 1337, NULL, ""},
    [ROW_INPUTS] = {"data.inputs", PARAM_CHOICE, 0, 0, 0, "standardise|unit|raw", ""},
    [ROW_OPTIMIZER] = {"train.optimizer", PARAM_CHOICE, 0, 0, 0, "adamw|sgd", ""},
    [ROW_LR] = {"train.lr", PARAM_REAL, 1e-12, 100, 1e-4, NULL, ""},
    [ROW_BETA1] = {"train.beta1", PARAM_REAL, 0, 0.999999, 0.9, NULL, ""},
    [ROW_BETA2] = {"train.beta2", PARAM_REAL, 0, 0.999999, 0.999, NULL, ""},
    [ROW_EPS] = {"train.eps", PARAM_REAL, 1e-30, 1, 1e-8, NULL, ""},
    [ROW_MOMENTUM] = {"train.momentum", PARAM_REAL, 0, 0.999999, 0, NULL, ""},
    [ROW_WEIGHT_DECAY] = {"train.weight_decay", PARAM_REAL, 0, 100, 0, NULL, ""},
    [ROW_L2] = {"train.l2", PARAM_REAL, 0, 100, 0, NULL, ""},
    [ROW_DROPOUT] = {"train.dropout", PARAM_REAL, 0, 0.9, 0, NULL, ""},
    [ROW_BATCH] = {"train.batch", PARAM_WHOLE, 1, 65536, 256, NULL, ""},
    [ROW_EPOCHS] = {"train.epochs", PARAM_WHOLE, 1, 1000000, 1, NULL, ""},
    [ROW_STEPS] = {"train.steps", PARAM_WHOLE, 0, 1099511627776.0, 0, NULL, ""},
    [ROW_STATE] = {"train.optimizer_state", PARAM_CHOICE, 0, 0, STATE_RESET, "reset|keep", ""},
    [ROW_FITNESS] = {"train.fitness", PARAM_CHOICE, 0, 0, FITNESS_ACCURACY, "accuracy|loss", ""},
};

#undef COUNT_MAX
#undef SEED_MAX

static const char *const prefixes[] = {"model.", "data.", "train.", NULL};

static struct training_settings training_of(const double values[ROW_COUNT])
{
    return (struct training_settings){
        .optimizer = (enum optimizer)values[ROW_OPTIMIZER],
        .lr = values[ROW_LR],
        .beta1 = values[ROW_BETA1],
        .beta2 = values[ROW_BETA2],
        .eps = values[ROW_EPS],
        .momentum = values[ROW_MOMENTUM],
        .l2 = values[ROW_L2],
        .batch = (uint32_t)values[ROW_BATCH],
    };
}

static enum optimizer_state kept_of(const double values[ROW_COUNT])
{
    if ((int)values[ROW_STATE] == STATE_RESET)
        return OPTIMIZER_STATE_NONE;
    return (int)values[ROW_OPTIMIZER] == OPTIMIZER_ADAMW ? OPTIMIZER_STATE_MOMENTS
                                                         : OPTIMIZER_STATE_VELOCITY;
}

int train_spec_parse(const char *spec, struct train_spec *parsed, struct error *error)
{
    static const enum activation activations[] = {ACTIVATION_RELU, ACTIVATION_TANH,
                                                  ACTIVATION_SIGMOID, ACTIVATION_GELU};
    static const enum initialisation initialisations[] = {INITIALISATION_PYTORCH,
                                                          INITIALISATION_HE};
    char model[MODEL_TEXT_BYTES_MAX];
    const struct spec_text text = {"model.spec", model, sizeof model};
    double values[ROW_COUNT];
    const struct spec_table table = {
        .evaluator = "train",
        .prefixes = prefixes,
        .rows = rows,
        .row_count = ROW_COUNT,
        .values = values,
        .texts = &text,
        .text_count = 1,
    };
    struct train_spec new = {0};
    if (spec_read(spec, &table, error) != 0)
        return -1;
    if (model_text_parse(model, &new.model, error) != 0)
        return -1;
    new.activation = activations[(int)values[ROW_ACTIVATION]];
    new.initialisation = initialisations[(int)values[ROW_INIT]];
    new.numeric = (enum engine_numeric)values[ROW_NUMERIC];
    new.sizes = (struct slice_sizes){
        .train = (uint32_t)values[ROW_TRAIN],
        .select = (uint32_t)values[ROW_SELECT],
        .confirm = (uint32_t)values[ROW_CONFIRM],
        .test = (uint32_t)values[ROW_TEST],
        .split_seed = (uint64_t)values[ROW_SPLIT_SEED],
    };
    new.inputs = (enum input_scaling)values[ROW_INPUTS];
    new.training = training_of(values);
    new.weight_decay = values[ROW_WEIGHT_DECAY];
    new.dropout = values[ROW_DROPOUT];
    new.epochs = (uint64_t)values[ROW_EPOCHS];
    new.steps = (uint64_t)values[ROW_STEPS];
    new.kept = kept_of(values);
    new.fitness = (enum train_fitness)values[ROW_FITNESS];
    *parsed = new;
    return 0;
}
