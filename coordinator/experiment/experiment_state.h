/*
 * experiment_state.h: what an experiment is in memory; shared by the files of this folder and by
 * nobody else.
 *
 *   experiment_yaml.c  text to entries        experiment_read.c  entries to this struct, all checks
 *   experiment_text.c  this struct to text    experiment_data.c  the data set, and its slices
 *   experiment.c       the functions of experiment.h
 *
 * Start at experiment.c.
 */
#ifndef RATCHET_COORDINATOR_EXPERIMENT_STATE_H
#define RATCHET_COORDINATOR_EXPERIMENT_STATE_H

#include "common/operator_catalog.h"
#include "coordinator/experiment/experiment.h"
#include "coordinator/experiment/experiment_entries.h"
#include "coordinator/experiment/settings.h"

/* Jobs in flight over all open lines, and individuals kept in them: what the core has tables for.
 */
enum { IN_FLIGHT_MAX = 4000000, KEPT_MAX = 4000000 };

struct experiment {
    struct settings settings;
    struct search_config search; /* of line 0; the others differ in their number only */
    char *path;                  /* of the file */
    char *yaml;                  /* as read */
    char *canonical, *spec;
    struct digest digest, spec_digest;
};

/* The lines that are open at once: no more than there are. */
uint32_t experiment_open_lines(const struct experiment *experiment);

/* Fills settings and search from checked entries. 0, or -1 with the reason. */
int experiment_read(struct experiment *experiment, const struct entries *entries,
                    struct error *error) __attribute__((warn_unused_result));

/* "operators.0.weight": the row that every operator has besides its own parameters. */
extern const struct param experiment_weight;

/*
 * The settings with this scope as `key = value` lines, sorted by key, defaults filled in. The
 * caller frees; NULL when memory is out.
 */
char *experiment_render(const struct experiment *experiment, enum setting_scope scope);

#endif
