/* report_ledger.c: see report_ledger.h. */
#include "report_ledger.h"

#include "common/os_file.h"
#include "coordinator/core/chain.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct made_run *run_make(const struct made_header *made)
{
    struct made_run *run = calloc(1, sizeof *run);
    const char *where = getenv("TMPDIR");
    struct error error = {""};
    char path[512];
    assert_non_null(run);
    snprintf(run->folder, sizeof run->folder, "%s/ratchet-report-XXXXXX",
             where == NULL ? "/tmp" : where);
    assert_non_null(mkdtemp(run->folder));
    struct ledger_header header = {
        .engine_version = "0.1.0",
        .experiment_digest = digest_of("experiment", 10),
        .canonical = made->canonical,
        .yaml = made->yaml,
    };
    snprintf(header.name, sizeof header.name, "%s", made->name);
    memset(header.run.bytes, 0xa5, sizeof header.run.bytes);
    snprintf(path, sizeof path, "%s/ledger.sqlite", run->folder);
    if (ledger_open(path, LEDGER_CREATE, &header, &run->ledger, &error) != LEDGER_OK)
        fail_msg("%s", error.text);
    return run;
}

void run_unmake(struct made_run **run)
{
    ledger_close(&(*run)->ledger);
    assert_int_equal(os_remove_tree((*run)->folder, NULL), 0);
    free(*run);
    *run = NULL;
}

static void fill(const struct made_commit *commit, uint64_t sequence, struct commit_record *record)
{
    memset(record, 0, sizeof *record);
    record->sequence = sequence;
    record->job.key = (struct job_key){.line = commit->line, .job = commit->job};
    record->job.kind = commit->made_by == NULL ? JOB_EVALUATE : JOB_MUTATE;
    record->job.seed = 7;
    if (commit->made_by != NULL)
        snprintf(record->job.call.name, sizeof record->job.call.name, "%s", commit->made_by);
    record->operator_index = commit->operator_index;
    if (commit->has_parent) {
        record->job.parent_count = 1;
        record->parent_ids[0] = (struct job_key){.line = commit->line, .job = commit->parent};
    }
    record->outcome = commit->outcome == 0 ? OUTCOME_OK : commit->outcome;
    bool has_fitness = record->outcome == OUTCOME_OK || commit->fitness != 0;
    record->fitness = has_fitness ? commit->fitness : (double)NAN;
    record->admitted = commit->admitted;
    record->champion = commit->champion;
    record->attempts = 2;
    record->opinions = 1;
    record->compute_ms = 500;
    record->steps = 10;
    snprintf(record->worker, sizeof record->worker, "%s",
             commit->worker == NULL ? "local" : commit->worker);
    strcpy(record->host, "host");
    strcpy(record->numeric, "portable");
}

/* As a core would: readers hold each commit against those before it. */
static void chain_record(struct made_run *run, struct commit_record *record)
{
    uint32_t line = record->job.key.line;
    assert_true(line < MADE_LINES_MAX);
    const struct digest experiment = digest_of("experiment", 10);
    struct digest *chain = &run->chains[line];
    if (digest_is_zero(chain))
        *chain = chain_start(&experiment, line);
    record->description = job_digest(&record->job);
    record->chain = chain_extend(chain, record);
    if (record->job.key.job != JOB_NUMBER_FINAL)
        *chain = record->chain;
}

void run_begin(struct made_run *run)
{
    assert_int_equal(ledger_begin(run->ledger, NULL), LEDGER_OK);
}

void run_put(struct made_run *run, const struct made_commit *commit)
{
    struct commit_record record;
    struct error error = {""};
    fill(commit, ++run->sequence, &record);
    chain_record(run, &record);
    if (ledger_put_commit(run->ledger, &record, &error) != LEDGER_OK)
        fail_msg("%s", error.text);
}

void run_end(struct made_run *run)
{
    assert_int_equal(ledger_commit(run->ledger, LEDGER_SURVIVES_KILL, NULL), LEDGER_OK);
}

void run_commit(struct made_run *run, const struct made_commit *commit)
{
    run_begin(run);
    run_put(run, commit);
    run_end(run);
}

int run_reopen(struct made_run *run, struct error *error)
{
    struct ledger_header header;
    char path[512];
    snprintf(path, sizeof path, "%s/ledger.sqlite", run->folder);
    return ledger_open(path, LEDGER_WRITE, &header, &run->ledger, error) == LEDGER_OK ? 0 : -1;
}

int run_report(struct made_run *run, struct report *report, struct error *error)
{
    struct reader reader;
    ledger_close(&run->ledger);
    if (reader_open(&reader, run->folder, error) != 0)
        return -1;
    int rc = report_read(&reader, report, error);
    reader_close(&reader);
    return rc;
}
