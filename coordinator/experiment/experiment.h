/*
 * experiment.h: an experiment as the user wrote it: one YAML file, checked.
 *
 * experiment_load() reads and checks everything at once; what it returns can be trusted. Every
 * error names file, line and column, the key, and what is allowed; a misspelt key is answered with
 * the nearest one. Each setting is a row of one table (settings.c), which serves the reader, `--set
 * key=value`, the canonical text, the differences shown when a run is resumed with another file,
 * and the help.
 *
 *   name: quickstart              # letters, digits, - and _
 *   seed: 7
 *   numeric: portable             # the same bits on any CPU
 *   evaluator: null               # null: a landscape without training; or train
 *   null: {dim: 16, work_ms: 0, heal: 0.1}
 *   operators:                    # what mutates; weight 1 when not given; `random` needs none
 *     - {name: noise, scale: 0.1, weight: 2}
 *     - {name: crossover}
 *   strategy: {name: tournament, population: 16, size: 3, replace: worst}
 *   search: {commit: ordered, lookahead: 8, lines: 1, open_lines: 1}
 *   budget: {jobs: 200}           # per line
 *   stop: {fitness: 0.99, stagnation: 100, hours: 2}
 *   final_evaluation: true        # champion on the test slice, as the last job
 *   opinions: {promising: true, audit: 0.1}
 *   poison: stop                  # stop | fail
 *   storage: {keep: live, disk_max: 10GiB}
 *
 * With training, `null` makes room for three groups, and other operators are there:
 *
 *   evaluator: train
 *   model: {spec: "mlp:18x18", activation: relu, init: pytorch}
 *   data:
 *     set: fashion-mnist          # idx: your own files, with `dir`; mnist1d: made, no files
 *     train: 50000                # samples in each slice; select drives the search, confirm gives
 *     select: 5000                # second opinions, test is for the champion's last job
 *     confirm: 5000
 *   train: {optimizer: adamw, lr: 1e-4, batch: 256, epochs: 1}
 *   operators: [{name: psa.hidden}, {name: none}]
 *
 * What a setting is for must be there: `train.lr` beside `evaluator: null` is a mistake, and what
 * does not apply is in no canonical text.
 *
 * Scopes. SEARCH settings make the run what it is: they enter the canonical text, hence every
 * digest. LIMIT settings (budget, stop) and PLACE settings (name, storage, opinions, poison) may
 * change when a run is resumed.
 */
#ifndef RATCHET_COORDINATOR_EXPERIMENT_H
#define RATCHET_COORDINATOR_EXPERIMENT_H

#include "common/error.h"
#include "coordinator/core/core.h"

struct experiment;

enum keep_policy { KEEP_LIVE = 1, KEEP_ALL = 2 };

/*
 * `overrides` are "key.path=value" texts (from --set); `--seed S` is the override "seed=S". An item
 * of a list is named by its number: "operators.0.scale=0.2". NULL with the reason.
 */
struct experiment *experiment_load(const char *path, const char *const *overrides,
                                   uint32_t override_count, struct error *error);
/* The same from text; `path` is only for errors. */
struct experiment *experiment_parse(const char *text, const char *path,
                                    const char *const *overrides, uint32_t override_count,
                                    struct error *error);
void experiment_destroy(struct experiment **experiment);

const char *experiment_path(const struct experiment *experiment); /* of the file, for errors */
const char *experiment_name(const struct experiment *experiment);
const char *experiment_yaml(const struct experiment *experiment); /* the text as read */
uint64_t experiment_seed(const struct experiment *experiment);
uint64_t experiment_jobs(const struct experiment *experiment);     /* over all lines */
double experiment_stop_hours(const struct experiment *experiment); /* NaN: never */
enum keep_policy experiment_keep(const struct experiment *experiment);
uint64_t experiment_disk_max(const struct experiment *experiment);

/* `key = value` lines, sorted, defaults filled in, SEARCH settings only. */
const char *experiment_canonical(const struct experiment *experiment);
struct digest experiment_digest(const struct experiment *experiment);

/*
 * The evaluator's settings in the same form: the spec blob that workers fetch. Its digest is in
 * every job.
 */
const char *experiment_spec(const struct experiment *experiment);

/* A setting as people see it, operators' and strategies' parameters included. */
enum listed_kind {
    LISTED_TEXT = 1,
    LISTED_WHOLE,
    LISTED_REAL,
    LISTED_BOOLEAN,
    LISTED_NEVER, /* a limit that is not set */
};
struct listed_setting {
    const char *key, *value; /* hold during the visit */
    enum listed_kind kind;
};
struct experiment_visitor {
    void *context;
    void (*visit)(void *context, const struct listed_setting *setting);
};
/* Visits every setting that applies, of any scope, sorted by key, defaults filled in. 0, or -1 when
 * memory is out. */
int experiment_list(const struct experiment *experiment, const struct experiment_visitor *visitor,
                    struct error *error) __attribute__((warn_unused_result));

/* The data set that jobs need, as the packer (`ratchet-worker --pack-data`) takes it. Borrows. */
struct experiment_data {
    const char *set; /* "fashion-mnist" */
    const char *dir; /* of its files; NULL: the set's usual place, or there are no files */
    bool made;       /* from the three numbers below, which otherwise mean nothing */
    uint32_t samples, seed;
    bool shuffle_positions;
};
/* False when the evaluator needs none. */
bool experiment_data(const struct experiment *experiment, struct experiment_data *data);

/* Samples in the two parts of a data set. */
struct data_counts {
    uint32_t train, test;
};
struct data_shape {
    uint32_t features, classes;
};
/* Whether the model fits samples of `features` numbers and so many classes: not too many
 * parameters. 0, or -1 naming key and numbers. */
int experiment_check_model(const struct experiment *experiment, struct data_shape shape,
                           struct error *error) __attribute__((warn_unused_result));
/* Whether there are enough for the slices. 0, or -1 naming keys and numbers. */
int experiment_check_slices(const struct experiment *experiment, struct data_counts counts,
                            struct error *error) __attribute__((warn_unused_result));

/*
 * Sentence listing the SEARCH keys in which two canonical texts differ: "seed: was 7, now 8; ...".
 * "" when they do not. What does not fit is cut behind a word and ends in "...".
 */
void experiment_differences(const char *old_canonical, const char *new_canonical, char *text,
                            size_t size);

/*
 * Fills what the experiment decides in a config that came from core_config_default(): all but run,
 * epoch, sessions_max, the timings, and the lines' data digest, which is known once the data set is
 * packed. The config borrows: the experiment outlives its core.
 */
void experiment_fill_core(const struct experiment *experiment, struct core_config *config);

#endif
