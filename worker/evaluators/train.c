/*
 * train.c: the train evaluator as a slot process uses it; see train.h.
 *
 * Jobs that share data set and stream form a cohort: prepared one by one, trained in lockstep,
 * completed one by one. A job that cannot be prepared fails alone.
 */
#include "worker/evaluators/train.h"

#include "common/os_clock.h"
#include "worker/evaluators/stopping.h"
#include "worker/evaluators/train_progress.h"
#include "worker/evaluators/train_state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void train_close(void **handle)
{
    struct train_state *state = *handle;
    *handle = NULL;
    if (state == NULL)
        return;
    train_data_close(state);
    free(state->detail);
    free(state->evaluation);
    free(state);
}

static void *train_open(const char *spec, struct error *error)
{
    void *handle = calloc(1, sizeof(struct train_state));
    struct train_state *state = handle;
    if (state == NULL) {
        error_set(error, -1, "train evaluator: out of memory");
        return NULL;
    }
    state->detail = calloc(1, sizeof *state->detail);
    state->evaluation = calloc(1, sizeof *state->evaluation);
    int failed = train_spec_parse(spec, &state->spec, error);
    if (!failed && (state->detail == NULL || state->evaluation == NULL))
        failed = error_set(error, -1, "train evaluator: out of memory");
    if (failed)
        train_close(&handle);
    return handle;
}

/* ------------------------------------------------------------------------------------- a cohort */

/* What one call of run works with. */
struct train_run {
    struct train_state *state;
    const struct evaluator_environment *environment;
    struct train_job cohort[COHORT_MAX];
    struct cohort_member members[COHORT_MAX];
    uint32_t count;
};

/* What a cohort trains on, and for how long. */
struct cohort_training {
    struct sample_slice slice;
    struct data_order order;
    uint64_t steps;
    uint32_t count;               /* members that train, */
    uint32_t trained[COHORT_MAX]; /* and which jobs of the cohort they are */
};

static void give_up(const struct train_run *run, uint32_t index, const struct error *error)
{
    struct result result;
    train_job_fail(&result, error);
    run->environment->finish(run->environment->context, index, &result);
}

static void prepare(struct train_run *run, const struct job *job, uint32_t index)
{
    struct error error;
    struct train_job *next = &run->cohort[run->count];
    *next = (struct train_job){.job = job, .index = index};
    if (train_job_prepare(run->state, run->environment, next, &error) == 0)
        run->count++;
    else
        give_up(run, index, &error);
}

/* Steps for which a cohort trains before it asks whether it should stop: some milliseconds. */
static uint64_t next_stretch(uint64_t stretch, uint64_t took_ms)
{
    enum { SHORT_MS = 5, LONG_MS = 20 };
    if (took_ms < SHORT_MS)
        return 2 * stretch;
    return took_ms > LONG_MS && stretch > 1 ? stretch / 2 : stretch;
}

/* Hands over one member that was trained up to `step`. */
static bool hand_over_one(const struct train_run *run, const struct train_job *job,
                          const struct cohort_member *member, uint64_t step)
{
    size_t count = train_progress_bytes(member);
    uint8_t *bytes = malloc(count);
    if (bytes == NULL)
        return false;
    train_progress_write(member, bytes);
    const struct job_progress progress = {.steps = step, .content = {bytes, count}};
    bool done = job_hand_over(run->environment, job->index, &progress);
    free(bytes);
    return done;
}

/* Hands over all members that can be; the others train on. */
static void hand_over(struct train_run *run, struct cohort_training *training, uint64_t step)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < training->count; i++) {
        uint32_t index = training->trained[i];
        run->cohort[index].handed_over =
            hand_over_one(run, &run->cohort[index], &run->members[i], step);
        if (run->cohort[index].handed_over)
            continue;
        run->members[left] = run->members[i];
        training->trained[left++] = index;
    }
    training->count = left;
}

/* Where the cohort's one member goes on; 0: at the beginning. */
static uint64_t first_step(struct train_run *run, uint64_t steps)
{
    struct job_progress progress;
    struct error error;
    if (run->count != 1 || !job_resume(run->environment, run->cohort[0].index, &progress))
        return 0;
    if (progress.steps > steps)
        (void)error_set(&error, -1, "a training of more steps");
    else if (train_progress_read(progress.content.data, progress.content.count, &run->members[0],
                                 &error) == 0) {
        fprintf(stderr, "goes on behind step %" PRIu64 " of %" PRIu64 "\n", progress.steps, steps);
        return progress.steps;
    }
    fprintf(stderr, "starts from the beginning: what was handed over is %s\n", error.text);
    return 0;
}

/* Trains in stretches and looks up between them. */
static int train_in_stretches(struct train_run *run, struct cohort_training *training,
                              struct error *error)
{
    const struct train_data *data = &run->state->data;
    struct step_range range = {first_step(run, training->steps), 0};
    struct job_pace pace = {.started_ms = clock_monotonic_ms()};
    bool asks = run->environment->is_stopping != NULL;
    for (uint64_t stretch = 1; range.first < training->steps; range.first = range.end) {
        uint64_t left = training->steps - range.first, before_ms = clock_monotonic_ms();
        range.end = range.first + (asks && stretch < left ? stretch : left);
        if (engine_train(data->engine, &data->samples, &training->slice, &training->order, range,
                         run->members, training->count, error) != 0)
            return -1;
        stretch = next_stretch(stretch, clock_monotonic_ms() - before_ms);
        pace.done += range.end - range.first;
        pace.left = training->steps - range.end;
        if (!asks || !job_should_stop(run->environment, &pace))
            continue;
        hand_over(run, training, range.end);
        if (training->count == 0)
            return 0;
        asks = false;
    }
    return 0;
}

/* Evaluations train for no step, so they may stand in any cohort. */
static int train_members(struct train_run *run, struct error *error)
{
    const struct train_state *state = run->state;
    const struct train_data *data = &state->data;
    const struct sample_slice slice = train_slice(data, SLICE_TRAIN);
    const uint64_t steps = train_spec_steps(&state->spec, slice.count);
    struct cohort_training training = {
        .slice = slice,
        .order = {run->cohort[0].job->seed, run->cohort[0].job->stream},
        .steps = steps,
    };
    for (uint32_t i = 0; i < run->count; i++) {
        if (run->cohort[i].job->kind != JOB_MUTATE)
            continue;
        run->cohort[i].steps = steps;
        training.trained[training.count] = i;
        run->members[training.count++] = run->cohort[i].member;
    }
    if (training.count == 0) /* an engine would still prepare every mini-batch */
        return 0;
    if (train_in_stretches(run, &training, error) != 0)
        return -1;
    for (uint32_t i = 0; i < training.count; i++)
        run->cohort[training.trained[i]].member = run->members[i];
    return 0;
}

static void complete(struct train_run *run)
{
    struct error error;
    if (run->count == 0) /* none could be prepared */
        return;
    int failed = train_members(run, &error);
    for (uint32_t i = 0; i < run->count; i++) {
        struct train_job *job = &run->cohort[i];
        struct result result;
        if (job->handed_over) {
            train_job_fini(job);
            continue;
        }
        if (failed)
            train_job_fail(&result, &error);
        else
            train_job_complete(run->state, run->environment, job, &result);
        train_job_fini(job);
        run->environment->finish(run->environment->context, job->index, &result);
    }
    run->count = 0;
}

static bool same_cohort(const struct job *a, const struct job *b)
{
    return a->seed == b->seed && a->stream == b->stream && digest_equal(&a->data, &b->data);
}

/* The cohort of the first job that is not done, and marks its members as done. */
static void run_cohort(struct train_run *run, const struct job *jobs, uint32_t count, bool *done)
{
    uint32_t first = 0;
    struct error error;
    while (done[first])
        first++;
    int failed = train_data_open(run->state, run->environment, &jobs[first].data, &error);
    for (uint32_t i = first; i < count; i++) {
        if (done[i] || !same_cohort(&jobs[first], &jobs[i]))
            continue;
        done[i] = true;
        if (failed)
            give_up(run, i, &error);
        else
            prepare(run, &jobs[i], i);
    }
    complete(run);
}

static bool all_done(const bool *done, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!done[i])
            return false;
    return true;
}

static void train_run(void *handle, const struct evaluator_environment *environment,
                      const struct job *jobs, uint32_t count)
{
    struct train_run run = {.state = handle, .environment = environment};
    bool done[COHORT_MAX] = {false};
    assert(count <= COHORT_MAX);
    while (!all_done(done, count))
        run_cohort(&run, jobs, count, done);
}

/* As many as the engine likes; but four gain nearly all that there is, and jobs that are not given
 * to this slot may be another's. */
static uint32_t train_cohort(const void *handle)
{
    enum { ENOUGH = 4 };
    const struct train_state *state = handle;
    if (!state->data.is_open)
        return 0;
    const uint32_t best = engine_cohort_best(state->data.model);
    return best < ENOUGH ? best : ENOUGH;
}

const struct evaluator train_evaluator = {
    .name = "train",
    .open = train_open,
    .close = train_close,
    .run = train_run,
    .cohort = train_cohort,
};
