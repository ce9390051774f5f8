/*
 * experiment_controls.c: whether the course of the learning rate fits the length of a job.
 *
 * How many steps a job trains for is known here: train.steps, or the epochs' mini-batches.
 */
#include "coordinator/experiment/experiment_reader.h"

#include <math.h>

/* Whole numbers below 2^53, as all numbers of steps here. */
static double steps_per_pass(const struct settings *settings)
{
    return ceil(settings->data_train / settings->train_batch);
}

static double steps_of(const struct settings *settings)
{
    if (settings->train_steps > 0)
        return settings->train_steps;
    return settings->train_epochs * steps_per_pass(settings);
}

static int refuse(const struct reader *reader, const char *key, const struct error *why)
{
    return entries_fail(reader->entries, entries_find(reader->entries, key), ENTRY_TEXT_PART,
                        reader->error, "%s", why->text);
}

/* A schedule that a job of so many steps, after the warm-up, never gets to see. */
static int check_length(const struct reader *reader, double steps)
{
    const struct settings *settings = &reader->experiment->settings;
    struct error why;
    double stretch = settings->train_decay_steps;
    if (settings->train_schedule == SCHEDULE_CHOICE_SGDR &&
        settings->train_restart_steps >= steps) {
        error_set(&why, 0,
                  "a job has %.0f steps behind its warm-up, so there would be no restart: expected "
                  "fewer, or train.schedule cosine",
                  steps);
        return refuse(reader, "train.restart_steps", &why);
    }
    if (stretch == 0)
        stretch = steps_per_pass(settings);
    if (settings->train_schedule == SCHEDULE_CHOICE_GEOMETRIC && stretch >= steps) {
        error_set(&why, 0,
                  "a job has %.0f steps behind its warm-up, so a learning rate that decays every "
                  "%.0f steps would stay as it is",
                  steps, stretch);
        return refuse(
            reader, is_given(reader, "train.decay_steps") ? "train.decay_steps" : "train.schedule",
            &why);
    }
    return 0;
}

int check_controls(const struct reader *reader)
{
    const struct settings *settings = &reader->experiment->settings;
    double steps = steps_of(settings), warmup = settings->train_warmup;
    struct error why;
    if (settings->evaluator != EVALUATOR_TRAIN)
        return 0;
    if (warmup > 0 && warmup >= steps) {
        error_set(&why, 0,
                  "a job trains for %.0f steps: a warm-up of %.0f leaves none for the schedule",
                  steps, warmup);
        return refuse(reader, "train.warmup", &why);
    }
    if (settings->train_lr_final > settings->train_lr) {
        error_set(&why, 0,
                  "the learning rate would climb from train.lr = %g to %g: expected at most "
                  "train.lr",
                  settings->train_lr, settings->train_lr_final);
        return refuse(reader, "train.lr_final", &why);
    }
    return check_length(reader, steps - warmup);
}
