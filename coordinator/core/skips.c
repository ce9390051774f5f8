/*
 * skips.c: jobs that a user gives up.
 *
 * A skip is an input: it is in the ledger before anything follows from it, and from then on the job
 * is one that failed, whatever was known of it: it waits for its turn and is committed as FAILED,
 * as a poisonous one is under `poison: fail`. In an ordered run it does not matter when the skip
 * came, as long as it came before the commit.
 *
 * The jobs of a line that stalled are forgotten. The one where it did may be skipped all the same:
 * that takes effect in the next life, which creates it again.
 */
#include "coordinator/core/core_internal.h"

#include <inttypes.h>
#include <stdio.h>

enum { JOB_WORDS_BYTES = 64 };

static void name_job(struct job_key job, char text[JOB_WORDS_BYTES])
{
    if (job.job == JOB_NUMBER_FINAL)
        snprintf(text, JOB_WORDS_BYTES, "%" PRIu32 "/final", job.line);
    else
        snprintf(text, JOB_WORDS_BYTES, "%" PRIu32 "/%" PRIu64, job.line, job.job);
}

static enum skip_answer refuse(struct error *error, const char *name, const char *reason)
{
    error_set(error, SKIP_REFUSED, "job %s cannot be skipped: %s", name, reason);
    return SKIP_REFUSED;
}

static enum skip_answer is_there(struct error *error, const char *name)
{
    error_set(error, SKIP_IS_THERE, "job %s is skipped already", name);
    return SKIP_IS_THERE;
}

static enum skip_answer look_at_stalled(const struct line *line, struct job_key job,
                                        struct error *error)
{
    char name[JOB_WORDS_BYTES], at[JOB_WORDS_BYTES], reason[2 * JOB_WORDS_BYTES];
    name_job(job, name);
    name_job((struct job_key){job.line, line->stalled_job}, at);
    snprintf(reason, sizeof reason, "its line stopped at job %s, which can", at);
    if (job.job != line->stalled_job)
        return refuse(error, name, reason);
    return line->stall_skipped ? is_there(error, name) : SKIP_ALLOWED;
}

enum skip_answer core_may_skip(const struct core *core, struct job_key job, struct error *error)
{
    char name[JOB_WORDS_BYTES];
    uint32_t index;
    name_job(job, name);
    if (job.line >= core->config.line_count)
        return refuse(error, name, "the run has no such line");
    const struct line *line = &core->lines[job.line];
    if (line->state == LINE_STALLED)
        return look_at_stalled(line, job, error);
    switch (lines_standing(core, job, &index)) {
    case JOB_NOT_YET:
        return refuse(error, name, "it is not created yet");
    case JOB_OVER:
        return refuse(error, name,
                      line->state == LINE_CLOSED ? "its line has ended"
                                                 : "it is committed already");
    case JOB_IN_FLIGHT:
        break;
    }
    return core->slots[index].skipped ? is_there(error, name) : SKIP_ALLOWED;
}

void skip_apply(struct core *core, uint32_t index)
{
    core->slots[index].skipped = true;
    lines_fail(core, index);
}

/* What follows from it is said to the user and to the run's log. */
static void skip(struct core *core, struct job_key job, struct command_answer *answer)
{
    char name[JOB_WORDS_BYTES];
    uint32_t index;
    struct line *line = &core->lines[job.line];
    effect_add(core, CORE_PERSIST_INPUT)->input = (struct input_record){
        .sequence = ++core->sequence,
        .kind = INPUT_SKIP,
        .line = job.line,
        .job = job.job,
    };
    line->stall_skipped = line->state == LINE_STALLED;
    const char *what = line->stall_skipped ? "its line goes on when the run is resumed"
                                           : "it is committed as failed in its turn";
    name_job(job, name);
    effect_note(core, (struct note){.kind = NOTE_JOB_SKIPPED, .job = &job}, "job %s: %s", name,
                what);
    order_done(answer, "job %s is skipped: %s", name, what);
    if (lines_standing(core, job, &index) == JOB_IN_FLIGHT)
        skip_apply(core, index);
}

void skip_order(struct core *core, const struct user_command *command,
                struct command_answer *answer)
{
    struct error reason = {""};
    switch (core_may_skip(core, command->job, &reason)) {
    case SKIP_ALLOWED:
        skip(core, command->job, answer);
        break;
    case SKIP_IS_THERE:
        order_done(answer, "%.*s", REASON_BYTES_MAX - 1, reason.text);
        break;
    case SKIP_REFUSED:
        order_refused(answer, "%.*s", REASON_BYTES_MAX - 1, reason.text);
        break;
    }
}
