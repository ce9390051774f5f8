/* skips.c: see skips.h. */
#include "tests/simulation/skips.h"

#include <inttypes.h>

static struct job_key key_at(const struct history *history, size_t place)
{
    struct job_key key = {.line = (uint32_t)(place / history->places)};
    uint32_t job = (uint32_t)(place % history->places);
    key.job = job + 1 == history->places ? JOB_NUMBER_FINAL : job;
    return key;
}

/* Of the tables. */
static size_t end_of(const struct history *history)
{
    return (size_t)history->lines * history->places;
}

/* Somewhere in the window; now and then the line's last job. */
static struct job_key draw(struct simulation *simulation)
{
    struct dice *dice = &simulation->world.dice;
    const struct trial *trial = simulation->trial;
    uint32_t line = dice_below(dice, trial->config.line_count);
    uint64_t next = simulation->checker.lines[line].next_job;
    uint32_t ahead = dice_below(dice, trial->lines[line].lookahead);
    bool last = dice_chance(dice, 0.05);
    /* The final job of a first budget is none under the full one. */
    if (last && !trial->extended)
        return (struct job_key){line, JOB_NUMBER_FINAL};
    /* In arrival mode older jobs may be in flight as well. */
    if (trial->config.mode == COMMIT_ARRIVAL && dice_chance(dice, 0.5))
        return (struct job_key){line, next > ahead ? next - ahead : 0};
    return (struct job_key){line, next + ahead};
}

uint32_t skips_strike(struct simulation *simulation)
{
    struct coordinator_node *node = &simulation->coordinator;
    struct job_key job = draw(simulation);
    if (!node->alive || node->finishing || job.job > JOB_NUMBER_FINAL ||
        core_may_skip(node->core, job, NULL) != SKIP_ALLOWED)
        return 0;
    world_trace(&simulation->world, "the user gives up job %" PRIu32 "/%" PRIu64, job.line,
                job.job);
    coordinator_skip(node, job);
    return 1;
}

void skips_repeat(struct simulation *simulation)
{
    struct coordinator_node *node = &simulation->coordinator;
    const struct history *given = simulation->skips;
    for (size_t place = 0; given != NULL && place < end_of(given); place++)
        if (given->skipped[place] && !simulation->checker.history.skipped[place] &&
            core_may_skip(node->core, key_at(given, place), NULL) == SKIP_ALLOWED)
            coordinator_skip(node, key_at(given, place));
}

/* Those behind a job at which the line stalled, and which nobody gave up, do not count. */
static bool is_due(const struct simulation *simulation, struct job_key job)
{
    return simulation->trial->config.mode == COMMIT_ARRIVAL || job.job == JOB_NUMBER_FINAL ||
           job.job == simulation->checker.lines[job.line].next_job;
}

bool skips_wait(const struct simulation *simulation)
{
    const struct history *history = &simulation->checker.history;
    for (size_t place = 0; place < end_of(history); place++)
        if (history->skipped[place] && !history->there[place] &&
            is_due(simulation, key_at(history, place)))
            return true;
    return false;
}
