/* run_skip.c: see run_skip.h. */
#include "coordinator/shell/run_skip.h"

#include "common/os_clock.h"
#include "common/version.h"
#include "coordinator/shell/run.h"
#include "coordinator/shell/run_data.h"
#include "coordinator/shell/run_recall.h"

#include <stdlib.h>
#include <string.h>

/* Everything that replay needs. The experiment is the caller's to destroy. */
static int open_quietly(struct run *run, const char *path, struct experiment **experiment,
                        struct error *error)
{
    char file[OS_PATH_BYTES_MAX];
    struct ledger_header header;
    if (run_directory_open_run(&run->directory, path, error) != 0)
        return -1;
    run_directory_file(&run->directory, "ledger.sqlite", file);
    if (ledger_open(file, LEDGER_WRITE, &header, &run->ledger, error) != LEDGER_OK)
        return -1;
    if (strcmp(header.engine_version, RATCHET_VERSION) != 0)
        return error_set(error, -1,
                         "run directory %s was made by ratchet %s and this is %s: use that version",
                         path, header.engine_version, RATCHET_VERSION);
    run->id = header.run;
    run->epoch = 1;
    run->experiment = *experiment = run_recall(run->ledger, &header, error);
    return run->experiment != NULL ? run_data_recall(run, error) : -1;
}

/*
 * The last word on the job is that its line stopped there. Such a line is opened again only in its
 * turn when it has no commit, so replay alone does not know the job.
 */
static bool is_quarantined(struct ledger *ledger, struct job_key job)
{
    enum { NOTES_READ = 8 };
    const struct note_query query = {.subject = NOTES_OF_JOB, .job = job};
    uint32_t count = 0;
    bool found = false, quarantined = false;
    struct kept_note *notes = calloc(NOTES_READ, sizeof *notes);
    if (notes == NULL ||
        ledger_find_notes(ledger, &query, notes, NOTES_READ, &count, NULL) != LEDGER_OK)
        count = 0;
    for (uint32_t i = 0; i < count && !found; i++) {
        quarantined = strcmp(notes[i].kind, "job_quarantined") == 0;
        found = quarantined || strcmp(notes[i].kind, "job_skipped") == 0;
    }
    free(notes);
    return quarantined;
}

static bool is_committed(struct ledger *ledger, struct job_key job)
{
    struct commit_record record;
    return ledger_get_commit(ledger, job, &record, NULL) != LEDGER_END;
}

/* A run that stopped at this job did not come to its end. */
static int put_skip(struct ledger *ledger, struct job_key job, struct error *error)
{
    const struct input_record record = {
        .sequence = ledger_last_sequence(ledger) + 1,
        .kind = INPUT_SKIP,
        .line = job.line,
        .job = job.job,
    };
    const struct ledger_note note = {
        .wall_ms = clock_wall_ms(),
        .kind = "job_skipped",
        .job = &job,
        .text = "skipped: it is committed as failed when the run goes on",
    };
    if (ledger_begin(ledger, error) != LEDGER_OK ||
        ledger_put_input(ledger, &record, error) != LEDGER_OK ||
        ledger_put_note(ledger, &note, error) != LEDGER_OK ||
        ledger_put_fact(ledger, "digest", "", error) != LEDGER_OK ||
        ledger_commit(ledger, LEDGER_SURVIVES_POWER_CUT, error) != LEDGER_OK)
        return -1;
    return 0;
}

/* The core's word; where it does not know the job, the notes'. */
static enum skip_answer may_skip(const struct run *run, struct job_key job, struct error *error)
{
    core_start(run->core, 0); /* opens the lines that the next life begins with */
    enum skip_answer answer = core_may_skip(run->core, job, error);
    if (answer == SKIP_REFUSED && is_quarantined(run->ledger, job) &&
        !is_committed(run->ledger, job))
        return SKIP_ALLOWED;
    return answer;
}

int run_skip(const char *directory, struct job_key job, struct error *error)
{
    struct run run = {.directory = {.lock = -1}};
    struct experiment *experiment = NULL;
    int rc = open_quietly(&run, directory, &experiment, error);
    if (rc == 0)
        rc = run_replay(&run, error);
    if (rc == 0)
        rc = (int)may_skip(&run, job, error);
    if (rc == SKIP_ALLOWED)
        rc = put_skip(run.ledger, job, error);
    run_close(&run);
    experiment_destroy(&experiment);
    return rc;
}
