/*
 * ledger_sqlite_row.c: see ledger_sqlite.h. Rows into records, all of them checked.
 *
 * The file may be damaged or edited: nothing of a row is believed before its type, its length and
 * its range have been looked at. What this cannot see, a wrong value within its range, the row's
 * checksum shows, and the chain of digests when the record is replayed.
 */
#include "coordinator/shell/ledger_sqlite.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------------------------ columns */

void row_report(struct row *row, int column, const char *problem)
{
    if (row->damaged)
        return;
    row->damaged = true;
    char number[24] = "";
    if (row->number != ROW_UNNUMBERED)
        snprintf(number, sizeof number, " %" PRIu64, row->number);
    error_set(row->error, LEDGER_FAILED, "%s: %s%s: %s: %s", row->path, row->kind, number,
              sqlite3_column_name(row->statement, column), problem);
}

bool row_is_null(const struct row *row, int column)
{
    return sqlite3_column_type(row->statement, column) == SQLITE_NULL;
}

/* A number of 64 bits, all of which count. */
static uint64_t read_bits(struct row *row, int column)
{
    if (sqlite3_column_type(row->statement, column) != SQLITE_INTEGER) {
        row_report(row, column, "not a whole number");
        return 0;
    }
    return (uint64_t)sqlite3_column_int64(row->statement, column);
}

uint64_t row_at_most(struct row *row, int column, uint64_t most)
{
    uint64_t value = read_bits(row, column);
    if (value <= most)
        return value;
    char problem[80];
    snprintf(problem, sizeof problem, "%" PRId64 ", expected 0 .. %" PRIu64, (int64_t)value, most);
    row_report(row, column, problem);
    return 0;
}

uint32_t row_bytes(struct row *row, int column, void *bytes, uint32_t most)
{
    if (row_is_null(row, column))
        return 0;
    if (sqlite3_column_type(row->statement, column) != SQLITE_BLOB) {
        row_report(row, column, "not a blob");
        return 0;
    }
    const void *blob = sqlite3_column_blob(row->statement, column);
    int count = sqlite3_column_bytes(row->statement, column);
    if (count < 0 || (uint32_t)count > most || (count > 0 && blob == NULL)) {
        char problem[80];
        snprintf(problem, sizeof problem, "%d bytes, expected at most %u", count, most);
        row_report(row, column, problem);
        return 0;
    }
    if (count > 0)
        memcpy(bytes, blob, (size_t)count);
    return (uint32_t)count;
}

void row_bytes_exactly(struct row *row, int column, void *bytes, uint32_t count)
{
    int found = sqlite3_column_bytes(row->statement, column);
    if (sqlite3_column_type(row->statement, column) != SQLITE_BLOB || found != (int)count) {
        char problem[80];
        snprintf(problem, sizeof problem, "%d bytes, expected %u", found, count);
        row_report(row, column, problem);
        return;
    }
    row_bytes(row, column, bytes, count);
}

static void read_digest(struct row *row, int column, struct digest *digest)
{
    row_bytes_exactly(row, column, digest->bytes, DIGEST_BYTES);
}

/* The text as it lies in the row, or NULL after a row_report. Holds until the next step. */
const char *row_borrow_text(struct row *row, int column)
{
    const char *text = NULL;
    if (sqlite3_column_type(row->statement, column) == SQLITE_TEXT)
        text = (const char *)sqlite3_column_text(row->statement, column);
    if (text == NULL) {
        row_report(row, column, "not a text");
        return NULL;
    }
    if (strlen(text) == (size_t)sqlite3_column_bytes(row->statement, column))
        return text;
    row_report(row, column, "a text with a zero byte in it");
    return NULL;
}

void row_text(struct row *row, int column, char *text, size_t size)
{
    const char *found = row_borrow_text(row, column);
    if (found == NULL)
        return;
    size_t length = strlen(found);
    if (length >= size) {
        char problem[80];
        snprintf(problem, sizeof problem, "%zu bytes, expected at most %zu", length, size - 1);
        row_report(row, column, problem);
        return;
    }
    memcpy(text, found, length + 1);
}

/* ---------------------------------------------------------------------------------- unpacking */

static uint64_t unpack(const uint8_t *bytes, int count)
{
    uint64_t value = 0;
    for (int i = 0; i < count; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static double value_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void read_params(struct row *row, struct operator_call *call)
{
    uint8_t bytes[8 * OPERATOR_PARAMS_MAX];
    uint32_t count = row_bytes(row, COMMIT_PARAMS, bytes, sizeof bytes);
    if (count % 8 != 0)
        row_report(row, COMMIT_PARAMS, "not a multiple of 8 bytes");
    call->param_count = count / 8;
    for (uint32_t i = 0; i < call->param_count; i++)
        call->params[i] = value_of(unpack(bytes + (size_t)8 * i, 8));
}

static void read_metrics(struct row *row, struct commit_record *record)
{
    uint8_t bytes[METRIC_PACKED_BYTES * METRICS_MAX];
    uint32_t count = row_bytes(row, COMMIT_METRICS, bytes, sizeof bytes);
    if (count % METRIC_PACKED_BYTES != 0)
        row_report(row, COMMIT_METRICS, "not a multiple of 12 bytes");
    record->metric_count = count / METRIC_PACKED_BYTES;
    for (uint32_t i = 0; i < record->metric_count; i++) {
        const uint8_t *packed = bytes + (size_t)METRIC_PACKED_BYTES * i;
        struct metric *metric = &record->metrics[i];
        metric->id = (uint32_t)unpack(packed, 4);
        metric->value = value_of(unpack(packed + 4, 8));
        if (metric_name(metric->id) == NULL)
            row_report(row, COMMIT_METRICS, "a metric of unknown kind");
    }
}

static enum job_kind read_kind(struct row *row)
{
    const char *text = row_borrow_text(row, COMMIT_KIND);
    if (text != NULL && strcmp(text, "mutate") == 0)
        return JOB_MUTATE;
    if (text != NULL && strcmp(text, "evaluate") == 0)
        return JOB_EVALUATE;
    row_report(row, COMMIT_KIND, "neither mutate nor evaluate");
    return JOB_MUTATE;
}

static enum outcome read_outcome(struct row *row)
{
    const char *text = row_borrow_text(row, COMMIT_OUTCOME);
    for (uint32_t outcome = OUTCOME_OK; outcome_name(outcome) != NULL && text != NULL; outcome++)
        if (strcmp(text, outcome_name(outcome)) == 0)
            return (enum outcome)outcome;
    row_report(row, COMMIT_OUTCOME, "not an outcome");
    return OUTCOME_FAILED;
}

static void read_parents(struct row *row, struct commit_record *record)
{
    for (uint32_t i = 0; i < JOB_PARENTS_MAX; i++) {
        int column = COMMIT_PARENT0 + (int)i * COMMIT_PARENT_STRIDE;
        if (row_is_null(row, column))
            continue;
        if (record->job.parent_count != i) {
            row_report(row, column, "a second parent without a first");
            return;
        }
        read_digest(row, column, &record->job.parents[i]);
        record->parent_ids[i].line = (uint32_t)row_at_most(row, column + 1, LINES_MAX - 1);
        record->parent_ids[i].job = row_at_most(row, column + 2, JOB_NUMBER_FINAL);
        record->job.parent_count = i + 1;
    }
}

/* ------------------------------------------------------------------------------------ records */

static void read_job(struct row *row, struct commit_record *record)
{
    struct job *job = &record->job;
    job->key.line = (uint32_t)row_at_most(row, COMMIT_LINE, LINES_MAX - 1);
    job->key.job = row_at_most(row, COMMIT_JOB, JOB_NUMBER_FINAL);
    job->kind = read_kind(row);
    job->slices = (uint32_t)row_at_most(row, COMMIT_SLICES, SLICE_ALL);
    job->seed = read_bits(row, COMMIT_SEED);
    job->stream = read_bits(row, COMMIT_STREAM);
    read_digest(row, COMMIT_SPEC, &job->spec);
    if (!row_is_null(row, COMMIT_DATA))
        read_digest(row, COMMIT_DATA, &job->data);
    row_text(row, COMMIT_OPERATOR, job->call.name, sizeof job->call.name);
    read_params(row, &job->call);
    read_parents(row, record);
    record->operator_index = (uint32_t)row_at_most(row, COMMIT_OPERATOR_INDEX, UINT32_MAX);
    record->depth = (uint32_t)row_at_most(row, COMMIT_DEPTH, UINT32_MAX);
    read_digest(row, COMMIT_DESCRIPTION, &record->description);
}

static void read_result(struct row *row, struct commit_record *record)
{
    record->outcome = read_outcome(row);
    record->fitness = value_of(read_bits(row, COMMIT_FITNESS_BITS));
    read_metrics(row, record);
    if (!row_is_null(row, COMMIT_CHILD))
        read_digest(row, COMMIT_CHILD, &record->child);
    record->child_bytes = read_bits(row, COMMIT_CHILD_BYTES);
    record->steps = read_bits(row, COMMIT_STEPS);
    record->admitted = row_at_most(row, COMMIT_ADMITTED, 1) != 0;
    record->champion = row_at_most(row, COMMIT_CHAMPION, 1) != 0;
    read_digest(row, COMMIT_CHAIN, &record->chain);
    record->attempts = (uint32_t)row_at_most(row, COMMIT_ATTEMPTS, UINT32_MAX);
    record->opinions = (uint32_t)row_at_most(row, COMMIT_OPINIONS, UINT32_MAX);
    record->compute_ms = (uint32_t)row_at_most(row, COMMIT_COMPUTE_MS, UINT32_MAX);
    record->waited_ms = read_bits(row, COMMIT_WAITED_MS);
    row_text(row, COMMIT_WORKER, record->worker, sizeof record->worker);
    row_text(row, COMMIT_HOST, record->host, sizeof record->host);
    row_text(row, COMMIT_NUMERIC, record->numeric, sizeof record->numeric);
}

/* In both tables of records it is the first column; they count from 1. */
static uint64_t read_sequence(struct row *row)
{
    uint64_t sequence = row_at_most(row, 0, INT64_MAX);
    if (sequence == 0)
        row_report(row, 0, "0, expected at least 1");
    return sequence;
}

void row_commit(struct row *row, struct commit_record *record)
{
    memset(record, 0, sizeof *record);
    record->sequence = read_sequence(row);
    read_job(row, record);
    read_result(row, record);
    row_check_sum(row, COMMIT_COLUMNS);
}

static enum input_kind read_input_kind(struct row *row)
{
    const char *kind = row_borrow_text(row, INPUT_KIND);
    if (kind != NULL && strcmp(kind, "stop") == 0)
        return INPUT_STOP;
    if (kind != NULL && strcmp(kind, "cancel") == 0)
        return INPUT_CANCEL;
    if (kind != NULL && strcmp(kind, "skip") == 0)
        return INPUT_SKIP;
    row_report(row, INPUT_KIND, "neither stop nor cancel nor skip");
    return INPUT_STOP;
}

void row_input(struct row *row, struct input_record *record)
{
    *record = (struct input_record){.sequence = read_sequence(row)};
    record->kind = read_input_kind(row);
    record->line = (uint32_t)row_at_most(row, INPUT_LINE, LINES_MAX - 1);
    if (record->kind == INPUT_SKIP)
        record->job = row_at_most(row, INPUT_JOB, JOB_NUMBER_FINAL);
    else if (!row_is_null(row, INPUT_JOB))
        row_report(row, INPUT_JOB, "a stop or cancel of one job");
    row_check_sum(row, INPUT_COLUMNS);
}
