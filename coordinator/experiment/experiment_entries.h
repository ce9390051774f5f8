/*
 * experiment_entries.h: an experiment file, flattened into "key.path = text" with places.
 *
 *   strategy: {size: 3}        strategy         (map)   x.yaml:4:1
 *                              strategy.size    "3"     x.yaml:4:12
 *
 * A flat list makes a file and `--set strategy.size=3` the same thing: an override replaces an
 * entry or adds one, and the checks that follow see no difference but the name in the error.
 * Nothing is interpreted here: which keys there are is for experiment_read.c to know.
 */
#ifndef RATCHET_COORDINATOR_EXPERIMENT_ENTRIES_H
#define RATCHET_COORDINATOR_EXPERIMENT_ENTRIES_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ENTRIES_MAX = 10000,        /* from the file */
    ENTRY_PATH_BYTES_MAX = 128, /* with the NUL */
    ENTRY_TEXT_BYTES_MAX = 256, /* with the NUL */
};

enum entry_kind { ENTRY_VALUE = 1, ENTRY_MAP, ENTRY_LIST };

/* Line and column, both from 1. */
struct place {
    uint32_t line, column;
};

struct entry {
    enum entry_kind kind;
    bool overridden; /* from --set: has no place */
    struct place key, value;
    char path[ENTRY_PATH_BYTES_MAX]; /* "operators.0.scale" */
    char text[ENTRY_TEXT_BYTES_MAX]; /* of a value; otherwise "" */
};

struct entries {
    const char *file; /* for errors; borrowed */
    uint32_t count, capacity;
    struct entry *items;
};

void entries_fini(struct entries *entries);

/* Adds a copy. 0, or -1 when memory is out. */
int entries_add(struct entries *entries, const struct entry *entry, struct error *error)
    __attribute__((warn_unused_result));

/* The entry at `path`, or NULL. */
struct entry *entries_find(const struct entries *entries, const char *path);

/* 0, or -1 naming the first key that stands there twice. Before any override. */
int entries_check_unique(const struct entries *entries, struct error *error)
    __attribute__((warn_unused_result));

/* Turns a list model.layers into a value model.spec (experiment_layers.c). Before any override. */
int entries_fold_layers(struct entries *entries, struct error *error)
    __attribute__((warn_unused_result));

/* Applies "key.path=text". */
int entries_override(struct entries *entries, const char *override, struct error *error)
    __attribute__((warn_unused_result));

/* Letters, digits, - and _: what a key in a file may be made of. */
bool entries_is_key(const char *key);

/*
 * Fails with "x.yaml:12:5: strategy.size: SENTENCE", or "--set strategy.size=0: SENTENCE" for an
 * override; with "x.yaml: SENTENCE" when `entry` is NULL. Returns -1.
 */
enum entry_part { ENTRY_KEY_PART = 1, ENTRY_TEXT_PART };
int entries_fail(const struct entries *entries, const struct entry *entry, enum entry_part part,
                 struct error *error, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

#endif
