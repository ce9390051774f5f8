/*
 * train_run.c: the subject of each measurement of bench-train; see train_run.h.
 */
#include "tests/bench/train_run.h"

int train_run_open(const struct train_run *run, uint32_t model, struct train_subject *subject,
                   struct error *error)
{
    struct train_setting setting = run->setting;
    struct error reason;
    setting.model = run->models[model];
    if (train_subject_init(subject, &setting,
                           run->cohort != 0 ? run->cohort : train_cohorts[TRAIN_COHORTS - 1],
                           &reason) == 0)
        return 0;
    return error_set(error, -1, "--model %.64s: %.400s", setting.model, reason.text);
}

uint32_t train_run_cohort(const struct train_run *run, struct train_subject *subject)
{
    double per_step[TRAIN_COHORTS], ceiling;
    if (run->cohort != 0)
        return run->cohort;
    return train_cohorts[train_subject_best_cohort(subject, run->seconds / 2, per_step, &ceiling)];
}
