/*
 * lines.c: lines from their opening to their end: the creation rule, stops and poison.
 *
 * Limits (budget, fitness, stagnation, hours) may be raised when a run is resumed, and the line
 * must then be what it would have been under the higher ones from the start. So creation does not
 * stop at a limit: jobs past it are created at the same moments and hold their parents' bytes, but
 * no worker hears of them (BEYOND).
 *
 * Creation rule: after each commit of a line, and once when it opens, and at no other moment, the
 * strategy is asked for jobs until `lookahead` of them are in flight or it says WAIT. A free worker
 * never causes an ask. Together with commits in job order this makes a line's history a function of
 * (experiment, seed).
 */
#include "coordinator/core/core_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

enum job_standing lines_standing(const struct core *core, struct job_key job, uint32_t *slot)
{
    *slot = fixed_map_find(core->by_job, slot_key(job));
    if (*slot != FIXED_MAP_NONE)
        return core->slots[*slot].state == SLOT_BEYOND ? JOB_NOT_YET : JOB_IN_FLIGHT;
    if (job.line >= core->config.line_count)
        return JOB_OVER;
    const struct line *line = &core->lines[job.line];
    if (line->state == LINE_CLOSED || line->state == LINE_STALLED)
        return JOB_OVER;
    if (line->state == LINE_UNOPENED || job.job == JOB_NUMBER_FINAL)
        return JOB_NOT_YET;
    return job.job < line->created ? JOB_OVER : JOB_NOT_YET;
}

/* --------------------------------------------------------------------------------------- creation
 */

static struct operator_call call_of(const struct search_config *search, uint32_t operator_index)
{
    if (operator_index != OPERATOR_INIT)
        return search->operators[operator_index].call;
    if (search->founder.name[0] == '\0')
        return (struct operator_call){.name = "init"};
    return search->founder;
}

static void create_job(struct core *core, uint32_t place_index, const struct proposal *proposal)
{
    struct place *place = &core->places[place_index];
    const struct search_config *search = &place->config.search;
    uint32_t index;
    struct slot *slot = slot_open(core, place_index, place->next_job++, &index);
    core->lines[place->line].created = place->next_job;
    slot->job.kind = JOB_MUTATE;
    slot->job.slices = SLICE_SELECT;
    slot->job.stream = proposal->stream;
    slot->operator_index = proposal->operator_index;
    slot->job.call = call_of(search, proposal->operator_index);
    slot->job.parent_count = proposal->parent_count;
    for (uint32_t i = 0; i < proposal->parent_count; i++) {
        slot->job.parents[i] = proposal->parents[i].checkpoint;
        slot->parent_ids[i] = (struct job_key){place->line, proposal->parents[i].job};
    }
    slot->depth = proposal->parent_count > 0 ? proposal->parents[0].depth + 1 : 0;
    if (place->ended || slot->job.key.job >= place->config.jobs)
        slot_publish_beyond(core, index);
    else
        slot_publish(core, index);
}

static void create_final_job(struct core *core, uint32_t place_index)
{
    struct place *place = &core->places[place_index];
    const struct line *line = &core->lines[place->line];
    uint32_t index;
    struct slot *slot = slot_open(core, place_index, JOB_NUMBER_FINAL, &index);
    slot->job.kind = JOB_EVALUATE;
    slot->job.slices = SLICE_SELECT | SLICE_CONFIRM | SLICE_TEST;
    slot->operator_index = OPERATOR_INIT;
    slot->job.parent_count = 1;
    slot->job.parents[0] = line->champion.checkpoint;
    slot->parent_ids[0] = (struct job_key){place->line, line->champion.job};
    slot->depth = line->champion.depth;
    place->finalising = true;
    slot_publish(core, index);
}

/* Fitness or stagnation, by what the line has committed so far. */
static bool has_ended(const struct core *core, const struct place *place)
{
    const struct line *line = &core->lines[place->line];
    const struct line_config *config = &place->config;
    if (config->stop_stagnation > 0 && place->stagnation >= config->stop_stagnation)
        return true;
    return line->has_champion && line->champion.fitness >= config->stop_fitness;
}

static void close_line(struct core *core, uint32_t place_index)
{
    struct place *place = &core->places[place_index];
    struct line *line = &core->lines[place->line];
    struct job_key key = {.line = place->line, .job = JOB_NUMBER_FINAL};
    effect_note(core, (struct note){.kind = NOTE_LINE_CLOSED, .job = &key},
                "line %" PRIu32 ": closed after %" PRIu64 " commits", place->line, line->commits);
    while (place->slots.head != NONE)
        slot_abandon(core, place->slots.head);
    line->state = LINE_CLOSED;
    kind_close(core, place->kind);
    place->used = false;
    core->open_count--;
    core->closed_count++;
}

static void ask_for_jobs(struct core *core, uint32_t place_index)
{
    struct place *place = &core->places[place_index];
    const struct strategy *strategy = place->config.search.strategy;
    struct proposal proposal;
    while (place->in_flight < place->config.lookahead) {
        if (strategy->ask(place->strategy, place->next_job, &proposal) == ASK_WAIT)
            return;
        create_job(core, place_index, &proposal);
    }
}

/* The creation rule; also what follows it at the end of a line. */
void lines_create_jobs(struct core *core, uint32_t place_index)
{
    struct place *place = &core->places[place_index];
    const struct line *line = &core->lines[place->line];
    place->ended = place->ended || line->stopped || has_ended(core, place);
    if (!place->finalising)
        ask_for_jobs(core, place_index);
    if (place->due > 0)
        return;
    /* A strategy that waits for nothing is a bug. */
    assert(place->ended || place->next_job >= place->config.jobs);
    if (core->config.final_evaluation && line->has_champion && !place->finalising)
        create_final_job(core, place_index);
    else
        close_line(core, place_index);
}

/* ---------------------------------------------------------------------------------------- opening
 */

uint32_t lines_free_place(const struct core *core)
{
    for (uint32_t i = 0; i < core->place_count; i++)
        if (!core->places[i].used)
            return i;
    return NONE;
}

void lines_open_one(struct core *core, uint32_t place_index)
{
    uint32_t number = core->next_line++;
    struct line *line = &core->lines[number];
    struct place *place = &core->places[place_index];
    void *strategy = place->strategy;
    *place = (struct place){
        .used = true,
        .line = number,
        .strategy = strategy,
        .champion_blob = NONE,
    };
    list_init(&place->slots);
    core->config.line(core->config.line_context, number, &place->config);
    place->kind = kind_open(core, &place->config.spec);
    line->state = LINE_OPEN;
    line->place = place_index;
    core->open_count++;
    place->config.search.strategy->open(place->strategy, &place->config.search);
    lines_create_jobs(core, place_index);
}

bool lines_can_open(const struct core *core)
{
    return core->open_count < core->config.open_lines &&
           core->next_line < core->config.line_count && lines_free_place(core) != NONE;
}

void lines_open(struct core *core)
{
    for (uint32_t i = 0; i < OPENINGS_PER_STEP && lines_can_open(core); i++)
        lines_open_one(core, lines_free_place(core));
}

bool lines_all_over(const struct core *core)
{
    return core->closed_count + core->stalled_count == core->config.line_count;
}

/* ------------------------------------------------------------------------------- poison and stops
 */

/*
 * The line's jobs are forgotten without a word to the store: a later life of the coordinator
 * re-creates them by replay and finds their parents' bytes. Workers hear of it through their
 * heartbeats.
 */
void lines_stall(struct core *core, uint32_t slot)
{
    struct place *place = &core->places[core->slots[slot].place];
    struct line *line = &core->lines[place->line];
    struct core_effects *effects = core->effects;
    line->stalled_job = core->slots[slot].job.key.job;
    core->effects = NULL;
    while (place->slots.head != NONE)
        slot_close(core, place->slots.head);
    core->effects = effects;
    line->state = LINE_STALLED;
    kind_close(core, place->kind);
    place->used = false;
    core->open_count--;
    core->stalled_count++;
}

/* Whatever is held or under way for the job is void. */
static void call_off(struct core *core, uint32_t index)
{
    if (core->slots[index].state == SLOT_HELD)
        result_drop(core, index);
    leases_end(core, index, NONE);
    waiting_remove(core, index);
}

void lines_quarantine(struct core *core, uint32_t index, const char *evidence)
{
    struct slot *slot = &core->slots[index];
    effect_note(core, (struct note){.kind = NOTE_JOB_QUARANTINED, .job = &slot->job.key},
                "%s; its line stops", evidence);
    call_off(core, index);
    /* In an ordered run the line stalls where it would have committed, whatever was quicker. */
    slot->state = SLOT_QUARANTINED;
    slot_mark_ready(core, index);
}

void lines_fail(struct core *core, uint32_t index)
{
    struct slot *slot = &core->slots[index];
    call_off(core, index);
    handover_forget(core, index);
    slot->state = SLOT_HELD;
    slot->outcome = OUTCOME_FAILED;
    slot->fitness = (double)NAN;
    slot->metric_count = 0;
    slot->child = (struct digest){{0}};
    slot->child_bytes = slot->steps = 0;
    slot->compute_ms = 0;
    slot->worker[0] = slot->host[0] = slot->numeric[0] = '\0';
    slot->holder = (struct instance_id){{0}}; /* whoever still has a result may let go of it */
    slot->held_under.attempt = 0;
    result_forget_detail(core, index);
    slot_mark_ready(core, index);
}

void lines_poison(struct core *core, uint32_t index, const char *evidence)
{
    if (!core->config.poison_fails) {
        lines_quarantine(core, index, evidence);
        return;
    }
    effect_note(core,
                (struct note){.kind = NOTE_JOB_QUARANTINED, .job = &core->slots[index].job.key},
                "%s; committed as failed", evidence);
    lines_fail(core, index);
}

void lines_request_stop(struct core *core)
{
    if (core->stop_cursor == NONE)
        core->stop_cursor = 0;
}

void lines_stop_some(struct core *core)
{
    for (uint32_t i = 0; i < INPUTS_PER_STEP && core->stop_cursor < core->config.line_count; i++) {
        uint32_t number = core->stop_cursor++;
        struct line *line = &core->lines[number];
        if (line->stopped || line->state == LINE_CLOSED || line->state == LINE_STALLED)
            continue;
        struct core_effect *effect = effect_add(core, CORE_PERSIST_INPUT);
        effect->input = (struct input_record){
            .sequence = ++core->sequence,
            .kind = line->state == LINE_OPEN ? INPUT_STOP : INPUT_CANCEL,
            .line = number,
        };
        line->stopped = true;
    }
}
