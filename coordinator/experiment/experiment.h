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
 *   evaluator: null               # null (no training); train comes with the engine
 *   null: {dim: 16, work_ms: 0, heal: 0.1}
 *   operators:                    # what mutates; weight 1 when not given
 *     - {name: noise, scale: 0.1, weight: 2}
 *     - {name: crossover}
 *   strategy: {name: tournament, population: 16, size: 3, replace: worst}
 *   search: {commit: ordered, lookahead: 8, lines: 1, open_lines: 1}
 *   budget: {jobs: 200}           # per line
 *   stop: {fitness: 0.99, stagnation: 100, hours: 2}
 *   final_evaluation: true        # champion on the test slice, as the last job
 *   opinions: {promising: true}
 *   poison: stop                  # stop | fail
 *   storage: {keep: live, disk_max: 10GiB}
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

/*
 * Sentence listing the SEARCH keys in which two canonical texts differ: "seed: was 7, now 8; ...".
 * "" when they do not; cut when it does not fit.
 */
void experiment_differences(const char *old_canonical, const char *new_canonical, char *text,
                            size_t size);

/*
 * Fills what the experiment decides in a config that came from core_config_default(): all but run,
 * epoch, sessions_max and the timings. The config borrows: the experiment outlives its core.
 */
void experiment_fill_core(const struct experiment *experiment, struct core_config *config);

#endif
