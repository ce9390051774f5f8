/*
 * class_names.h: what the classes of a data set are called, where they have names.
 */
#ifndef RATCHET_COORDINATOR_REPORT_CLASS_NAMES_H
#define RATCHET_COORDINATOR_REPORT_CLASS_NAMES_H

#include <stdint.h>

/* The names by class and how many there are; NULL and 0 for a set whose classes are numbers, and
 * for one that is not known. */
const char *const *class_names_of(const char *set, uint32_t *classes);

#endif
