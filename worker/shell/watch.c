/* watch.c: see watch.h. */
#include "worker/shell/watch.h"

#include "worker/engine/engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PATIENCE_MS = 5000 }; /* before the first welcome: silence that is worth a line */

void watch_init(struct watch *watch, struct log *log, const char *endpoint)
{
    *watch = (struct watch){.log = log, .endpoint = endpoint, .lost_ms = PATIENCE_MS};
}

static void see_welcome(struct watch *watch, const struct welcome *welcome)
{
    bool again = watch->welcomed && memcmp(&watch->run, &welcome->run, sizeof watch->run) == 0;
    watch->welcomed = true;
    watch->run = welcome->run;
    watch->lost_ms = welcome->lost_ms;
    watch->refusal[0] = '\0';
    if (!again)
        log_line(watch->log, "joined \"%s\" at %s; computes %s with %s kernels",
                 welcome->experiment, watch->endpoint,
                 welcome->numeric[0] != '\0' ? welcome->numeric : "any class", engine_cpu());
}

static void see_refusal(struct watch *watch, const struct refused *refused)
{
    watch->lacks_class = refused->code == REFUSED_NUMERIC;
    if (strcmp(watch->refusal, refused->reason) == 0)
        return;
    memcpy(watch->refusal, refused->reason, sizeof watch->refusal);
    log_line(watch->log, "%s does not let us in: %s", watch->endpoint, refused->reason);
}

void watch_message(struct watch *watch, const struct message *message)
{
    switch (message->kind) {
    case MESSAGE_WELCOME:
        see_welcome(watch, &message->welcome);
        break;
    case MESSAGE_REFUSED:
        see_refusal(watch, &message->refused);
        break;
    case MESSAGE_STOP:
        log_line(watch->log, "the coordinator %s: %s",
                 message->stop.code == STOP_RUN_DONE ? "has ended the run" : "pauses",
                 message->stop.reason);
        break;
    case MESSAGE_DRAIN:
        if (strcmp(watch->state, "leaving") != 0)
            log_line(watch->log, "the coordinator tells us to leave: %s", message->drain.reason);
        break;
    default:
        break;
    }
}

void watch_handover(struct watch *watch, const struct handover *handover)
{
    const struct job_key *job = &handover->lease.job;
    if (handover->partial.bytes > 0)
        log_line(watch->log,
                 "hands over job %" PRIu32 "/%" PRIu64 " behind step %" PRIu64 ", %" PRIu64
                 " bytes",
                 job->line, job->job, handover->partial.steps, handover->partial.bytes);
    else
        log_line(watch->log, "gives up job %" PRIu32 "/%" PRIu64, job->line, job->job);
}

/* Whoever started us reads the last line: it says what a machine without a native class lacks. */
void watch_leave(struct watch *watch, const char *reason)
{
    char native[VERSION_BYTES_MAX];
    struct error error;
    if (watch->cohorts > 0)
        log_line(watch->log,
                 "has trained %" PRIu64 " jobs together with others of their data stream, %.1f at "
                 "a time",
                 watch->cohort_jobs, (double)watch->cohort_jobs / (double)watch->cohorts);
    if (strcmp(reason, watch->refusal) != 0) /* which was told */
        log_line(watch->log, "leaves: %s", reason);
    if (watch->lacks_class && engine_native_class(native, sizeof native, &error) != 0)
        log_line(watch->log, "offers no native class: %s", error.text);
}

static void see_silence(struct watch *watch, const struct worker_view *view)
{
    bool silent = view->silent_ms > watch->lost_ms;
    if (silent == watch->silent)
        return;
    watch->silent = silent;
    if (!silent && watch->welcomed)
        log_line(watch->log, "hears the coordinator again");
    else if (silent && watch->welcomed)
        log_line(watch->log,
                 "lost the coordinator: not heard for %" PRIu64
                 " s; goes on with what it has (%" PRIu32 " running, %" PRIu32 " queued)",
                 view->silent_ms / 1000, view->running, view->queued);
    else if (silent)
        log_line(watch->log, "nobody answers at %s; keeps trying", watch->endpoint);
}

void watch_view(struct watch *watch, const struct worker_view *view)
{
    see_silence(watch, view);
    watch->cohorts = view->cohorts;
    watch->cohort_jobs = view->cohort_jobs;
    if (strcmp(watch->state, view->state) == 0)
        return;
    snprintf(watch->state, sizeof watch->state, "%s", view->state);
    if (strcmp(view->state, "leaving") != 0)
        return;
    if (view->running > 0 && view->handing_over)
        log_line(watch->log, "leaves when %" PRIu32 " running job%s handed over or done",
                 view->running, view->running == 1 ? " is" : "s are");
    else if (view->running > 0)
        log_line(watch->log, "leaves when %" PRIu32 " running job%s done", view->running,
                 view->running == 1 ? " is" : "s are");
    else
        log_line(watch->log, "leaves as soon as nobody waits for its results, in a few seconds");
}
