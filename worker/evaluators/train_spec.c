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
    ROW_SCHEDULE,
    ROW_WARMUP,
    ROW_LR_FINAL,
    ROW_RESTART_STEPS,
    ROW_RESTART_FACTOR,
    ROW_DECAY_RATE,
    ROW_DECAY_STEPS,
    ROW_LABEL_SMOOTHING,
    ROW_CLIP_NORM,
    ROW_CLAMP_NORM,
    ROW_PRECISION,
    ROW_ORDER,
    ROW_COUNT,
};

enum { STATE_RESET, STATE_KEEP };

#define COUNT_MAX 2147483648.0      /* of samples in a slice */
#define SEED_MAX 9007199254740992.0 /* 2^53: whole numbers are doubles here */
#define STEPS_MAX 1099511627776.0

static const struct param rows[ROW_COUNT] = {
    [ROW_NUMERIC] = {"numeric", PARAM_CHOICE, 0, 0, NUMERIC_PORTABLE,
                     "portable|native|avx512_bf16|amx_bf16", ""},
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
    [ROW_STEPS] = {"train.steps", PARAM_WHOLE, 0, STEPS_MAX, 0, NULL, ""},
    [ROW_STATE] = {"train.optimizer_state", PARAM_CHOICE, 0, 0, STATE_RESET, "reset|keep", ""},
    [ROW_FITNESS] = {"train.fitness", PARAM_CHOICE, 0, 0, FITNESS_ACCURACY, "accuracy|loss", ""},
    [ROW_SCHEDULE] = {"train.schedule", PARAM_CHOICE, 0, 0, SCHEDULE_CONSTANT,
                      "constant|cosine|sgdr|geometric", ""},
    [ROW_WARMUP] = {"train.warmup", PARAM_WHOLE, 0, STEPS_MAX, 0, NULL, ""},
    [ROW_LR_FINAL] = {"train.lr_final", PARAM_REAL, 0, 100, 0, NULL, ""},
    [ROW_RESTART_STEPS] = {"train.restart_steps", PARAM_WHOLE, 1, STEPS_MAX, 0, NULL, ""},
    [ROW_RESTART_FACTOR] = {"train.restart_factor", PARAM_WHOLE, 1, 1000, 1, NULL, ""},
    [ROW_DECAY_RATE] = {"train.decay_rate", PARAM_REAL, 1e-6, 1, 0, NULL, ""},
    [ROW_DECAY_STEPS] = {"train.decay_steps", PARAM_WHOLE, 0, STEPS_MAX, 1, NULL, ""},
    [ROW_LABEL_SMOOTHING] = {"train.label_smoothing", PARAM_REAL, 0, 0.999, 0, NULL, ""},
    [ROW_CLIP_NORM] = {"train.clip_norm", PARAM_REAL, 0, 1e9, 0, NULL, ""},
    [ROW_CLAMP_NORM] = {"train.clamp_norm", PARAM_REAL, 0, 1e9, 0, NULL, ""},
    [ROW_PRECISION] = {"train.precision", PARAM_CHOICE, 0, 0, PRECISION_FP32,
                       "fp32|bf16_mixed|bf16_nearest|bf16_stochastic", ""},
    [ROW_ORDER] = {"train.order", PARAM_CHOICE, 0, 0, ORDER_SHUFFLED, "shuffled|sequential", ""},
};

#undef COUNT_MAX
#undef SEED_MAX
#undef STEPS_MAX

static const char *const prefixes[] = {"model.", "data.", "train.", NULL};

static struct schedule schedule_of(const double values[ROW_COUNT])
{
    return (struct schedule){
        .kind = (enum schedule_kind)values[ROW_SCHEDULE],
        .warmup = (uint64_t)values[ROW_WARMUP],
        .restart_steps = (uint64_t)values[ROW_RESTART_STEPS],
        .restart_factor = (uint64_t)values[ROW_RESTART_FACTOR],
        .final = values[ROW_LR_FINAL],
        .decay = values[ROW_DECAY_RATE],
        .decay_steps = (uint64_t)values[ROW_DECAY_STEPS],
    };
}

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
        .schedule = schedule_of(values),
        .label_smoothing = values[ROW_LABEL_SMOOTHING],
        .clip_norm = values[ROW_CLIP_NORM],
        .clamp_norm = values[ROW_CLAMP_NORM],
        .precision = (enum precision)values[ROW_PRECISION],
        .order = (enum sample_order)values[ROW_ORDER],
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

/* What the engine takes for granted. */
static int check_schedule(const struct schedule *schedule, struct error *error)
{
    if (schedule->kind == SCHEDULE_SGDR && schedule->restart_steps == 0)
        return error_set(error, -1, "spec: train.schedule = sgdr without train.restart_steps");
    if (schedule->kind == SCHEDULE_GEOMETRIC && schedule->decay == 0)
        return error_set(error, -1, "spec: train.schedule = geometric without train.decay_rate");
    return 0;
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
    if (check_schedule(&new.training.schedule, error) != 0)
        return -1;
    new.weight_decay = values[ROW_WEIGHT_DECAY];
    new.dropout = values[ROW_DROPOUT];
    new.epochs = (uint64_t)values[ROW_EPOCHS];
    new.steps = (uint64_t)values[ROW_STEPS];
    new.kept = kept_of(values);
    new.fitness = (enum train_fitness)values[ROW_FITNESS];
    *parsed = new;
    return 0;
}

/* ceil(samples / batch) */
static uint64_t steps_per_pass(const struct train_spec *spec, uint32_t samples)
{
    uint64_t batch = spec->training.batch;
    return (samples + batch - 1) / batch;
}

uint64_t train_spec_steps(const struct train_spec *spec, uint32_t samples)
{
    return spec->steps > 0 ? spec->steps : spec->epochs * steps_per_pass(spec, samples);
}

struct training_settings train_spec_training(const struct train_spec *spec, uint32_t samples)
{
    struct training_settings training = spec->training;
    training.schedule.steps = train_spec_steps(spec, samples);
    if (training.schedule.decay_steps == 0)
        training.schedule.decay_steps = steps_per_pass(spec, samples);
    return training;
}
