/*
 * fitness_table.h: how fit the individuals are that may become parents, by the job that made them.
 *
 * A commit names its parents and not how fit they were; whoever wants to compare a child with its
 * parent while the run goes on asks here. The table is bounded: of more individuals than it has
 * room for it forgets those that were entered first and not looked up since. It is for people:
 * nothing that the search does depends on it. All memory is taken at creation.
 */
#ifndef RATCHET_COORDINATOR_SHELL_FITNESS_TABLE_H
#define RATCHET_COORDINATOR_SHELL_FITNESS_TABLE_H

#include "proto/job.h"

struct fitness_table;

/* NULL when memory is out. */
struct fitness_table *fitness_table_create(uint32_t capacity);
void fitness_table_destroy(struct fitness_table **table);
void fitness_table_clear(struct fitness_table *table);

/* A second entry of a job replaces the first. */
void fitness_table_put(struct fitness_table *table, struct job_key job, double fitness);
/* False when the table does not know the job, or no longer. */
bool fitness_table_get(struct fitness_table *table, struct job_key job, double *fitness);

#endif
