/*
 * experiment_reader.h: entries being turned into an experiment; shared by experiment_read.c
 * (settings, what is missing, what does not fit together), experiment_catalogue.c (strategy and
 * operators), experiment_data.c (the data set) and experiment_controls.c (the learning rate).
 */
#ifndef RATCHET_COORDINATOR_EXPERIMENT_READER_H
#define RATCHET_COORDINATOR_EXPERIMENT_READER_H

#include "coordinator/experiment/experiment_state.h"
#include "coordinator/experiment/experiment_words.h"

struct reader {
    const struct entries *entries;
    struct error *error;
    struct experiment *experiment;
    bool given[SETTINGS_MAX]; /* by index of the row */
    /* By index of the list; NULL while the name is missing. */
    const struct operator_info *operators[OPERATORS_MAX];
    uint32_t operator_count;
};

/* Whether the file or an override has this setting. */
bool is_given(const struct reader *reader, const char *key);

/* All functions below return 0, or -1 with the reason in *reader->error. */

/* Refuses a list or mapping where a single value stands: "expected 0 .. 1, got a list". */
int require_value(const struct reader *reader, const struct entry *entry, const char *range);
/* Refuses anything but a mapping, naming its keys. */
int require_map(const struct reader *reader, const struct entry *entry, const struct words *words);
/* "unknown key; did you mean 'size'? known: name, size". */
int refuse_key(const struct reader *reader, const struct entry *entry, const char *key,
               const struct words *words);
/* "strategy.name: missing, and has no default; available: ratchet, random". */
int refuse_missing(const struct reader *reader, const char *key, const char *label,
                   const char *allowed);

/* Find what the names mean: before any other key of theirs, and after the evaluator. */
int resolve_strategy(struct reader *reader);
int resolve_operators(struct reader *reader);
/* Take an entry at or below "strategy", or at or below "operators". */
int read_strategy(const struct reader *reader, const struct entry *entry);
int read_operators(const struct reader *reader, const struct entry *entry);
/* Refuses a data set without its folder, inputs that its samples are not made for, and slices that
 * a known data set is too small for. */
int check_data(const struct reader *reader);
/* Refuses a course of the learning rate that the job is too short for, or that would climb. */
int check_controls(const struct reader *reader);
/* Refuses when strategy or operators are missing, or one has no name. */
int require_names(const struct reader *reader);

#endif
