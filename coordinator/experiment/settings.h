/*
 * settings.h: every setting of an experiment that is one value, as one table.
 *
 * A row has the dotted key, the kind and range of the value, the default, the line of help, where
 * the value is stored and what depends on it (scope). The reader of experiment files, `--set`, the
 * canonical text, the spec and the help all go through these rows, so a new setting is one more
 * row. Two keys are rows only for their place in lists and in the help: what they hold is checked
 * against catalogues (experiment_read.c).
 *
 * Pure: knows no YAML and no file.
 */
#ifndef RATCHET_COORDINATOR_SETTINGS_H
#define RATCHET_COORDINATOR_SETTINGS_H

#include "common/limits.h"
#include "common/model_text.h"
#include "common/param.h"

#include <stdbool.h>
#include <stddef.h>

/* A folder as a setting, with its NUL. */
enum { SETTING_FOLDER_BYTES_MAX = 256 };

/* The values of all rows. Numbers and choices (by index) are doubles, as struct param has them. */
struct settings {
    char name[NAME_BYTES_MAX];
    uint64_t seed;
    uint64_t disk_max; /* bytes; UINT64_MAX: no limit */
    double numeric, evaluator;
    double null_dim, null_heal, null_work_ms, null_crash_per_million;
    double commit, lookahead, lines, open_lines, stream;
    double jobs, stop_fitness, stop_stagnation, stop_hours; /* NaN: never; stagnation 0: never */
    double promising, audit, final_evaluation, poison, keep;
    char model_spec[MODEL_TEXT_BYTES_MAX]; /* canonical; "": not given */
    double model_activation, model_init;
    char data_dir[SETTING_FOLDER_BYTES_MAX]; /* "": the set's usual place */
    double data_set, data_samples, data_seed, data_shuffle_positions;
    double data_train, data_select, data_confirm, data_test, data_split_seed, data_inputs;
    double train_optimizer, train_lr, train_beta1, train_beta2, train_eps, train_momentum;
    double train_weight_decay, train_l2, train_dropout, train_batch, train_epochs, train_steps;
    double train_optimizer_state, train_fitness;
    double train_schedule, train_warmup, train_lr_final, train_restart_steps, train_restart_factor;
    double train_decay_rate, train_decay_steps;
    double train_label_smoothing, train_clip_norm, train_clamp_norm;
    double train_precision, train_order;
};

/* The words of the choices, in the order of their indices. */
enum numeric_choice {
    NUMERIC_CHOICE_PORTABLE = 0,
    NUMERIC_CHOICE_NATIVE = 1,
    NUMERIC_CHOICE_AVX512_BF16 = 2,
    NUMERIC_CHOICE_AMX_BF16 = 3,
};
enum precision_choice { PRECISION_CHOICE_FP32 = 0 }; /* the others round to bfloat16 */
enum evaluator_choice { EVALUATOR_NULL = 0, EVALUATOR_TRAIN = 1 };
enum optimizer_choice { OPTIMIZER_ADAMW = 0, OPTIMIZER_SGD = 1 };
enum schedule_choice {
    SCHEDULE_CHOICE_CONSTANT = 0,
    SCHEDULE_CHOICE_COSINE = 1,
    SCHEDULE_CHOICE_SGDR = 2,
    SCHEDULE_CHOICE_GEOMETRIC = 3,
};
enum inputs_choice { INPUTS_STANDARDISED = 0, INPUTS_UNIT = 1, INPUTS_RAW = 2 };
enum data_set_choice { DATA_SET_FASHION_MNIST = 0, DATA_SET_IDX = 1, DATA_SET_MNIST1D = 2 };
enum commit_choice { COMMIT_CHOICE_ORDERED = 0, COMMIT_CHOICE_ARRIVAL = 1 };
enum stream_choice { STREAM_CHOICE_LINE = 0, STREAM_CHOICE_SHARED = 1 };
enum poison_choice { POISON_STOPS = 0, POISON_FAILS = 1 };
enum keep_choice { KEEP_CHOICE_LIVE = 0, KEEP_CHOICE_ALL = 1 };

/* What depends on a setting: a bit set. */
enum setting_scope {
    SETTING_SEARCH = 1, /* the run's digest: another value is another experiment */
    SETTING_LIMIT = 2,  /* how long the run goes on: may change when it is resumed */
    SETTING_PLACE = 4,  /* nothing that is computed: may change when it is resumed */
    SETTING_SPEC = 8,   /* besides: workers are told */
};

enum setting_form {
    SETTING_PARAM = 1, /* a double, by the rules of param.h */
    SETTING_COUNT64,   /* a uint64_t, all 64 bits of it */
    SETTING_BYTES,     /* a uint64_t with a unit: "500MB", "10GiB"; "0": no limit */
    SETTING_NAME,      /* char[NAME_BYTES_MAX] of letters, digits, - and _ */
    SETTING_MODEL,     /* char[MODEL_TEXT_BYTES_MAX] that model_text.h takes, stored canonical */
    SETTING_FOLDER,    /* char[SETTING_FOLDER_BYTES_MAX], a path without control characters */
    SETTING_CATALOGUE, /* not stored here: checked against the strategies or the operators */
};

struct setting {
    struct param param; /* its name is the dotted key; kind and range count for SETTING_PARAM only
                         */
    enum setting_form form;
    uint32_t scope; /* enum setting_scope */
    size_t offset;  /* into struct settings */
    bool required;  /* where it applies */
    /* Bit sets of 1 << choice: the evaluators, data sets, optimisers and schedules that the row is
     * for; 0: all.
     */
    uint32_t evaluators, data_sets, optimizers, schedules;
    bool without_steps; /* of no use when train.steps is not 0 */
    /* Its default is in no text, so that experiments older than the row keep their digest. Only of
     * SETTING_PARAM. */
    bool default_unwritten;
};

/* At most this many rows. */
enum { SETTINGS_MAX = 96, SETTING_TEXT_BYTES_MAX = 256, SETTING_RANGE_BYTES_MAX = 128 };

/* In the order in which they are listed; NULL past the end. */
const struct setting *setting_at(uint32_t index);
/* Index of the row with this key, or -1. */
int setting_find(const char *key);

/* Whether such a bit set has this choice. */
bool setting_has(uint32_t set, double choice);
/* Whether the other settings leave any use for the row. What does not apply is in no canonical text
 * and may not be given. */
bool setting_applies(const struct setting *setting, const struct settings *settings);
/* Whether it is in the texts behind digests: it applies, and is not a default that stays unwritten.
 */
bool setting_is_written(const struct setting *setting, const struct settings *settings);

/* settings_train.c's part of the table: how a network is built, fed and trained. */
enum { SETTINGS_TRAIN_ROWS = 28 };
extern const struct setting settings_train_rows[SETTINGS_TRAIN_ROWS];

/* settings_controls.c's part: the course of the learning rate, and what holds a training back. */
enum { SETTINGS_CONTROLS_ROWS = 12 };
extern const struct setting settings_controls_rows[SETTINGS_CONTROLS_ROWS];

void settings_set_defaults(struct settings *settings);

/* Stores the value of `text`. 0, or -1 with what is allowed in *error and *settings as it was. */
int setting_parse(const struct setting *setting, const char *text, struct settings *settings,
                  struct error *error) __attribute__((warn_unused_result));

/* The value as text that setting_parse takes back; "never" for a limit that is not set. */
void setting_format(const struct setting *setting, const struct settings *settings,
                    char text[SETTING_TEXT_BYTES_MAX]);

/* What is allowed, as errors and help say it. */
void setting_range(const struct setting *setting, char text[SETTING_RANGE_BYTES_MAX]);

#endif
