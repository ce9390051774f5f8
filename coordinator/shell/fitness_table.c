/*
 * fitness_table.c: see fitness_table.h. A ring of entries and a map from jobs to places in it.
 *
 * What is to be forgotten is chosen by the clock: a hand goes round the ring, spares an entry that
 * was looked up since it came by last, and takes the first that was not. A champion that has
 * children all the time stays however long ago it was entered.
 */
#include "coordinator/shell/fitness_table.h"

#include "common/fixed_map.h"

#include <assert.h>
#include <stdlib.h>

struct fitness_entry {
    struct job_key job;
    double fitness;
    bool used; /* since the hand came by */
};

struct fitness_table {
    struct fixed_map *by_job;
    uint32_t capacity, count, hand;
    struct fitness_entry entries[];
};

struct fitness_table *fitness_table_create(uint32_t capacity)
{
    assert(capacity > 0);
    struct fitness_table *table = calloc(1, sizeof *table + capacity * sizeof table->entries[0]);
    if (table == NULL)
        return NULL;
    table->capacity = capacity;
    table->by_job = fixed_map_create(capacity);
    if (table->by_job == NULL)
        fitness_table_destroy(&table);
    return table;
}

void fitness_table_destroy(struct fitness_table **table)
{
    if (*table == NULL)
        return;
    fixed_map_destroy(&(*table)->by_job);
    free(*table);
    *table = NULL;
}

static struct map_key key_of(struct job_key job)
{
    return (struct map_key){.low = job.job, .high = job.line};
}

void fitness_table_clear(struct fitness_table *table)
{
    for (uint32_t i = 0; i < table->count; i++)
        fixed_map_remove(table->by_job, key_of(table->entries[i].job));
    table->count = table->hand = 0;
}

/* A place for one more entry, which is no longer in the map. */
static uint32_t free_place(struct fitness_table *table)
{
    if (table->count < table->capacity)
        return table->count++;
    while (table->entries[table->hand].used) {
        table->entries[table->hand].used = false;
        table->hand = (table->hand + 1) % table->capacity;
    }
    uint32_t place = table->hand;
    table->hand = (table->hand + 1) % table->capacity;
    fixed_map_remove(table->by_job, key_of(table->entries[place].job));
    return place;
}

void fitness_table_put(struct fitness_table *table, struct job_key job, double fitness)
{
    uint32_t place = fixed_map_find(table->by_job, key_of(job));
    if (place == FIXED_MAP_NONE) {
        place = free_place(table);
        fixed_map_insert(table->by_job, key_of(job), place);
    }
    table->entries[place] = (struct fitness_entry){.job = job, .fitness = fitness};
}

bool fitness_table_get(struct fitness_table *table, struct job_key job, double *fitness)
{
    uint32_t place = fixed_map_find(table->by_job, key_of(job));
    if (place == FIXED_MAP_NONE)
        return false;
    table->entries[place].used = true;
    *fitness = table->entries[place].fitness;
    return true;
}
