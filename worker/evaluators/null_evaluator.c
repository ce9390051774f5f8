/*
 * null_evaluator.c: the null evaluator as a slot process uses it.
 *
 * Around the pure function: loading parents, storing the child, the sleep that stands for work, and
 * crashes on demand. Runs on the one thread of its slot. Whether an attempt dies is drawn from the
 * kernel and not from the job: a crash must never be part of a result, or the retry would die as
 * well.
 */
#include "worker/evaluators/null.h"

#include "common/os_clock.h"
#include "worker/evaluators/stopping.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { STRETCH_MS = 20 }; /* of sleep between two looks at whether it should stop */

struct null_state {
    struct null_spec spec;
    uint8_t *child; /* room for null_child_bytes_max */
};

static void null_close(void **state)
{
    struct null_state *dead = *state;
    *state = NULL;
    if (dead == NULL)
        return;
    free(dead->child);
    free(dead);
}

static void *null_open(const char *spec, struct error *error)
{
    void *handle = calloc(1, sizeof(struct null_state));
    struct null_state *state = handle;
    if (state == NULL) {
        error_set(error, -1, "null evaluator: out of memory");
        return NULL;
    }
    if (null_spec_parse(spec, &state->spec, error) != 0) {
        null_close(&handle);
        return NULL;
    }
    state->child = malloc(null_child_bytes_max(&state->spec));
    if (state->child == NULL) {
        error_set(error, -1, "null evaluator: out of memory");
        null_close(&handle);
    }
    return handle;
}

static void sleep_ms(uint64_t ms)
{
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000L};
    while (ms > 0 && nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

/* Sleeps, a stretch at a time. True when the rest was handed over: a step is a millisecond. */
static bool pretend_to_work(uint32_t work_ms, const struct evaluator_environment *environment,
                            uint32_t index)
{
    struct job_progress progress = {.steps = 0};
    struct job_pace pace = {.started_ms = clock_monotonic_ms()};
    if (job_resume(environment, index, &progress))
        fprintf(stderr, "goes on behind step %llu\n", (unsigned long long)progress.steps);
    bool asks = true;
    while (progress.steps < work_ms) {
        uint64_t left = work_ms - progress.steps;
        uint64_t stretch = left < STRETCH_MS ? left : STRETCH_MS;
        sleep_ms(stretch);
        progress.steps += stretch;
        pace.done += stretch;
        pace.left = left - stretch;
        progress.content = (struct bytes){0};
        if (!asks || !job_should_stop(environment, &pace))
            continue;
        if (job_hand_over(environment, index, &progress))
            return true;
        asks = false;
    }
    return false;
}

static void crash_perhaps(uint32_t per_million)
{
    uint64_t draw = 0;
    if (per_million == 0)
        return;
    if (getrandom(&draw, sizeof draw, 0) != (ssize_t)sizeof draw)
        return;
    if (draw % 1000000 < per_million)
        abort();
}

/* Parents as bytes. On failure those that were loaded are released again. */
static int load_parents(const struct evaluator_environment *environment, const struct job *job,
                        struct bytes *parents, struct error *error)
{
    for (uint32_t i = 0; i < job->parent_count; i++) {
        if (environment->load(environment->context, &job->parents[i], &parents[i], error) == 0)
            continue;
        while (i > 0)
            environment->release(environment->context, &parents[--i]);
        return -1;
    }
    return 0;
}

static void fail(struct result *result, const struct error *error)
{
    *result = (struct result){.outcome = OUTCOME_FAILED, .fitness = __builtin_nan("")};
    snprintf(result->reason, sizeof result->reason, "%.*s", REASON_BYTES_MAX - 1, error->text);
}

static void run_one(struct null_state *state, const struct evaluator_environment *environment,
                    const struct job *job, struct result *result)
{
    struct bytes parents[JOB_PARENTS_MAX] = {{0}};
    struct error error = {0};
    if (load_parents(environment, job, parents, &error) != 0) {
        fail(result, &error);
        return;
    }
    size_t bytes = null_evaluate(&state->spec, job, parents, state->child, result);
    for (uint32_t i = 0; i < job->parent_count; i++)
        environment->release(environment->context, &parents[i]);
    struct bytes child = {.data = state->child, .count = bytes};
    if (bytes > 0 && environment->store(environment->context, child, &result->child, &error) != 0)
        fail(result, &error);
}

static void null_run(void *handle, const struct evaluator_environment *environment,
                     const struct job *jobs, uint32_t count)
{
    struct null_state *state = handle;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t start = clock_monotonic_ms();
        struct result result = {0};
        if (pretend_to_work(state->spec.work_ms, environment, i))
            continue;
        crash_perhaps(state->spec.crash_per_million);
        run_one(state, environment, &jobs[i], &result);
        uint64_t spent = clock_monotonic_ms() - start;
        result.compute_ms = spent < UINT32_MAX ? (uint32_t)spent : UINT32_MAX;
        environment->finish(environment->context, i, &result);
    }
}

const struct evaluator null_evaluator = {
    .name = "null",
    .open = null_open,
    .close = null_close,
    .run = null_run,
};
