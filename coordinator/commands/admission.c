/* admission.c: see admission.h. */
#include "coordinator/commands/admission.h"

#include "coordinator/reading/settings_text.h"
#include "coordinator/search/population.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *admission_rule_name(enum admission_rule rule)
{
    switch (rule) {
    case ADMISSION_UNTOLD:
        return "untold";
    case ADMISSION_EVALUATION:
        return "evaluation";
    case ADMISSION_FAILED:
        return "failed";
    case ADMISSION_DIVERGED:
        return "diverged";
    case ADMISSION_ROOM:
        return "room";
    case ADMISSION_STRICT:
        return "strict";
    case ADMISSION_EPSILON:
        return "epsilon";
    case ADMISSION_WORST:
        return "worst";
    case ADMISSION_PARENT:
        return "parent";
    case ADMISSION_PARENT_GONE:
        return "parent_gone";
    case ADMISSION_OLDEST:
        return "oldest";
    }
    abort();
}

/* ------------------------------------------------------------------------------- the strategy */

/* No strategy takes more; a ledger may claim anything. */
enum { POPULATION_MOST = 100000 };

/* Whom a newcomer meets once the population is full. */
enum replacement { REPLACES_THE_ONE = 1, REPLACES_WORST, REPLACES_PARENT, REPLACES_OLDEST };

struct rule {
    bool known;
    uint32_t capacity;
    enum replacement replacement;
    bool lenient; /* accept: epsilon */
    double epsilon;
};

static struct rule rule_of(const char *canonical)
{
    char strategy[64], value[64];
    struct rule rule = {.known = true, .capacity = 1, .replacement = REPLACES_THE_ONE};
    settings_find(canonical, "strategy.name", strategy, sizeof strategy);
    if (strcmp(strategy, "ratchet") == 0) {
        settings_find(canonical, "strategy.accept", value, sizeof value);
        rule.lenient = strcmp(value, "epsilon") == 0;
        settings_find(canonical, "strategy.epsilon", value, sizeof value);
        rule.epsilon = strtod(value, NULL);
    } else if (strcmp(strategy, "tournament") == 0) {
        settings_find(canonical, "strategy.population", value, sizeof value);
        unsigned long capacity = strtoul(value, NULL, 10);
        settings_find(canonical, "strategy.replace", value, sizeof value);
        rule.known = capacity >= 1 && capacity <= POPULATION_MOST;
        rule.capacity = rule.known ? (uint32_t)capacity : 1;
        rule.replacement = strcmp(value, "parent") == 0   ? REPLACES_PARENT
                           : strcmp(value, "oldest") == 0 ? REPLACES_OLDEST
                                                          : REPLACES_WORST;
    } else {
        rule.known = strcmp(strategy, "random") == 0;
    }
    return rule;
}

/* -------------------------------------------------------------------- the line before the job */

struct past {
    struct rule rule;
    struct population population;
    void *memory;
    uint32_t oldest; /* as in coordinator/search/tournament.c */
    bool has_champion;
    struct job_key champion;
    double champion_fitness;
};

/* Whose place the job would take in a full population, or POPULATION_NONE. */
static uint32_t met_by(const struct past *past, const struct commit_record *record)
{
    switch (past->rule.replacement) {
    case REPLACES_PARENT:
        return record->job.parent_count > 0
                   ? population_find(&past->population, record->parent_ids[0].job)
                   : POPULATION_NONE;
    case REPLACES_OLDEST:
        return past->oldest;
    case REPLACES_WORST:
        return population_worst(&past->population);
    case REPLACES_THE_ONE:
        break;
    }
    return 0;
}

static void remember(struct past *past, const struct commit_record *record)
{
    if (record->champion) {
        past->has_champion = true;
        past->champion = record->job.key;
        past->champion_fitness = record->fitness;
    }
    if (!past->rule.known || !record->admitted)
        return;
    const struct individual individual = {.job = record->job.key.job, .fitness = record->fitness};
    struct population *population = &past->population;
    if (population_find(population, individual.job) != POPULATION_NONE) {
        past->rule.known = false; /* no ledger of ours admits one job twice */
        return;
    }
    if (population->count < population->capacity) {
        population_add(population, &individual);
        return;
    }
    uint32_t slot = met_by(past, record);
    if (slot == POPULATION_NONE) {
        past->rule.known = false;
        return;
    }
    if (slot == past->oldest)
        past->oldest = (past->oldest + 1) % population->capacity;
    population_replace(population, slot, &individual);
}

static int read_past(struct reader *reader, const struct commit_record *record, struct past *past,
                     struct error *error)
{
    *past = (struct past){.rule = rule_of(reader->header.canonical)};
    past->memory = aligned_alloc(64, population_bytes(past->rule.capacity));
    if (past->memory == NULL)
        return error_set(error, -1, "no memory for a population of %u", past->rule.capacity);
    population_init(&past->population, past->rule.capacity, past->memory);
    if (reader_rewind(reader, error) != 0)
        return -1;
    struct commit_record each;
    int rc;
    /* To the end, as a reader has to: see ledger_rewind. */
    while ((rc = reader_next_commit(reader, &each, error)) > 0)
        if (each.job.key.line == record->job.key.line && each.sequence < record->sequence)
            remember(past, &each);
    return rc;
}

/* -------------------------------------------------------------------------------- the meeting */

static enum admission_rule rule_met(const struct past *past)
{
    switch (past->rule.replacement) {
    case REPLACES_PARENT:
        return ADMISSION_PARENT;
    case REPLACES_OLDEST:
        return ADMISSION_OLDEST;
    case REPLACES_WORST:
        return ADMISSION_WORST;
    case REPLACES_THE_ONE:
        break;
    }
    return past->rule.lenient ? ADMISSION_EPSILON : ADMISSION_STRICT;
}

static void meet(const struct past *past, const struct commit_record *record,
                 struct admission *admission)
{
    uint32_t slot = met_by(past, record);
    if (slot == POPULATION_NONE) {
        admission->rule = ADMISSION_PARENT_GONE;
        return;
    }
    const struct individual *rival = &past->population.individuals[slot];
    admission->rule = rule_met(past);
    admission->has_rival = true;
    admission->rival = (struct job_key){record->job.key.line, rival->job};
    admission->rival_fitness = rival->fitness;
}

/* What the rule says, to be held against what was committed. */
static bool would_admit(const struct admission *admission, double fitness)
{
    bool fitter = fitness_better(fitness, admission->rival_fitness);
    switch (admission->rule) {
    case ADMISSION_ROOM:
    case ADMISSION_OLDEST:
        return true;
    case ADMISSION_STRICT:
    case ADMISSION_WORST:
    case ADMISSION_PARENT:
        return fitter;
    case ADMISSION_EPSILON:
        return fitter || fitness >= admission->rival_fitness - admission->epsilon;
    default:
        return false;
    }
}

/* Of a job that came out well. */
static void explain_meeting(const struct past *past, const struct commit_record *record,
                            struct admission *admission)
{
    admission->kept = past->population.count;
    admission->capacity = past->rule.capacity;
    admission->epsilon = past->rule.epsilon;
    if (!past->rule.known)
        return;
    if (past->population.count < past->population.capacity)
        admission->rule = ADMISSION_ROOM;
    else
        meet(past, record, admission);
    if (would_admit(admission, record->fitness) != record->admitted)
        admission->rule = ADMISSION_UNTOLD;
}

int admission_explain(struct reader *reader, const struct commit_record *record,
                      struct admission *admission, struct error *error)
{
    struct past past;
    int rc = read_past(reader, record, &past, error);
    *admission = (struct admission){
        .rule = ADMISSION_UNTOLD,
        .has_champion = past.has_champion,
        .champion = past.champion,
        .champion_fitness = past.champion_fitness,
    };
    if (record->job.kind == JOB_EVALUATE)
        admission->rule = ADMISSION_EVALUATION;
    else if (record->outcome == OUTCOME_FAILED)
        admission->rule = ADMISSION_FAILED;
    else if (record->outcome == OUTCOME_DIVERGED)
        admission->rule = ADMISSION_DIVERGED;
    else if (rc == 0)
        explain_meeting(&past, record, admission);
    free(past.memory);
    return rc;
}
