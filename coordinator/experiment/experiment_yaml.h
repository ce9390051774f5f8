/*
 * experiment_yaml.h: YAML text into entries.
 *
 * The border where an experiment file is held against bounds: size, nesting, number of nodes,
 * length of keys and values, one document, no key twice, UTF-8, no anchors (which could make a
 * small file huge) and no tags.
 */
#ifndef RATCHET_COORDINATOR_EXPERIMENT_YAML_H
#define RATCHET_COORDINATOR_EXPERIMENT_YAML_H

#include "coordinator/experiment/experiment_entries.h"

/* Largest experiment file. */
enum { EXPERIMENT_FILE_BYTES_MAX = 1048576 };

/* Adds what the text says to *entries, whose `file` is set. 0, or -1 with file, line, column,
 * reason. */
int experiment_yaml_read(const char *text, struct entries *entries, struct error *error)
    __attribute__((warn_unused_result));

#endif
