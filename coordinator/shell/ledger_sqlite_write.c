/*
 * ledger_sqlite_write.c: see ledger.h. Records into rows.
 *
 * What arrives here was checked when it came in (codec) or made by the core, so a record that does
 * not fit its own limits is a bug. Whatever fails on the way takes the whole batch back.
 *
 * Numbers that must come back bit for bit are stored as bits; the columns for people beside them
 * (params_text, fitness, select_accuracy, ...) are never read back.
 */
#include "common/operator_catalog.h"
#include "common/os_clock.h"
#include "coordinator/shell/ledger_sqlite.h"
#include "coordinator/shell/ledger_sqlite_bind.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------------------------- executing */

static enum ledger_result execute_bound(struct ledger *ledger, enum ledger_statement statement,
                                        const struct binder *binder, const char *what,
                                        struct error *error)
{
    enum ledger_result result;
    if (binder->code != SQLITE_OK)
        result = ledger_explain(ledger, what, error);
    else
        result = ledger_execute(ledger, statement, what, error);
    return result == LEDGER_OK ? result : ledger_fail_batch(ledger, result);
}

/* The same for a commit, of which there are many: its words are made when they are needed. */
static enum ledger_result execute_commit(struct ledger *ledger, const struct binder *binder,
                                         const struct commit_record *record, struct error *error)
{
    enum ledger_result result = LEDGER_OK;
    errno = 0;
    if (binder->code != SQLITE_OK || sqlite3_step(binder->statement) != SQLITE_DONE) {
        char what[80];
        snprintf(what, sizeof what, "commit %" PRIu64 " (line %u, job %" PRIu64 ")",
                 record->sequence, record->job.key.line, record->job.key.job);
        result = ledger_explain(ledger, what, error);
    }
    ledger_reset(ledger, STATEMENT_PUT_COMMIT);
    return result == LEDGER_OK ? result : ledger_fail_batch(ledger, result);
}

/* ------------------------------------------------------------------------------------ packing */

static uint8_t *pack(uint8_t *bytes, uint64_t value, int count)
{
    for (int i = 0; i < count; i++)
        *bytes++ = (uint8_t)(value >> (8 * i));
    return bytes;
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static uint32_t pack_params(const struct operator_call *call, uint8_t *bytes)
{
    uint8_t *end = bytes;
    for (uint32_t i = 0; i < call->param_count; i++)
        end = pack(end, bits_of(call->params[i]), 8);
    return (uint32_t)(end - bytes);
}

static uint32_t pack_metrics(const struct commit_record *record, uint8_t *bytes)
{
    uint8_t *end = bytes;
    for (uint32_t i = 0; i < record->metric_count; i++) {
        end = pack(end, record->metrics[i].id, 4);
        end = pack(end, bits_of(record->metrics[i].value), 8);
    }
    return (uint32_t)(end - bytes);
}

/* "scale=0.1 rate=0.5"; values alone for an operator that the catalogue does not know. */
static void format_params(const struct operator_call *call, char *text, size_t size)
{
    const struct operator_info *info = operator_find(call->name);
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < call->param_count && used < size; i++) {
        bool known = info != NULL && i < info->param_count;
        char value[64];
        if (known)
            param_format(&info->params[i], call->params[i], value, sizeof value);
        else
            snprintf(value, sizeof value, "%.17g", call->params[i]);
        used += (size_t)snprintf(text + used, size - used, "%s%s%s%s", i > 0 ? " " : "",
                                 known ? info->params[i].name : "", known ? "=" : "", value);
    }
}

/* ------------------------------------------------------------------------------------ commits */

/* What a row borrows while it is written. */
struct scratch {
    uint8_t params[8 * OPERATOR_PARAMS_MAX];
    uint8_t metrics[METRIC_PACKED_BYTES * METRICS_MAX];
    char params_text[96 * OPERATOR_PARAMS_MAX];
};

static void bind_parents(struct binder *binder, const struct commit_record *record)
{
    for (uint32_t i = 0; i < JOB_PARENTS_MAX; i++) {
        int column = COMMIT_PARENT0 + (int)i * COMMIT_PARENT_STRIDE;
        if (i < record->job.parent_count) {
            bind_usual_digest(binder, column, &record->job.parents[i]);
            bind_u64(binder, column + 1, record->parent_ids[i].line);
            bind_u64(binder, column + 2, record->parent_ids[i].job);
            continue;
        }
        for (int k = 0; k < COMMIT_PARENT_STRIDE; k++)
            bind_null(binder, column + k);
    }
}

static void bind_job(struct binder *binder, const struct commit_record *record,
                     struct scratch *scratch)
{
    const struct job *job = &record->job;
    bind_u64(binder, COMMIT_LINE, job->key.line);
    bind_u64(binder, COMMIT_JOB, job->key.job);
    bind_usual_text(binder, COMMIT_KIND, job->kind == JOB_MUTATE ? "mutate" : "evaluate");
    bind_usual_text(binder, COMMIT_OPERATOR, job->call.name);
    bind_u64(binder, COMMIT_OPERATOR_INDEX, record->operator_index);
    bind_blob(binder, COMMIT_PARAMS, scratch->params, pack_params(&job->call, scratch->params));
    format_params(&job->call, scratch->params_text, sizeof scratch->params_text);
    if (job->call.param_count > 0)
        bind_text(binder, COMMIT_PARAMS_TEXT, scratch->params_text);
    else
        bind_null(binder, COMMIT_PARAMS_TEXT);
    bind_u64(binder, COMMIT_SLICES, job->slices);
    bind_u64(binder, COMMIT_SEED, job->seed);
    bind_u64(binder, COMMIT_STREAM, job->stream);
    bind_usual_digest(binder, COMMIT_SPEC, &job->spec);
    if (digest_is_zero(&job->data)) /* none */
        bind_null(binder, COMMIT_DATA);
    else
        bind_usual_digest(binder, COMMIT_DATA, &job->data);
    bind_parents(binder, record);
    bind_u64(binder, COMMIT_DEPTH, record->depth);
    bind_digest(binder, COMMIT_DESCRIPTION, &record->description);
}

static void bind_result(struct binder *binder, const struct commit_record *record,
                        struct scratch *scratch)
{
    bind_usual_text(binder, COMMIT_OUTCOME, outcome_name(record->outcome));
    bind_real(binder, COMMIT_FITNESS, record->fitness);
    bind_u64(binder, COMMIT_FITNESS_BITS, bits_of(record->fitness));
    bind_blob(binder, COMMIT_METRICS, scratch->metrics, pack_metrics(record, scratch->metrics));
    uint64_t given = 0;
    for (uint32_t i = 0; i < record->metric_count; i++) {
        int column = COMMIT_METRIC_FIRST + (int)record->metrics[i].id - 1;
        if (column > COMMIT_METRIC_LAST)
            continue;
        bind_real(binder, column, record->metrics[i].value);
        given |= column_bit(column);
    }
    for (int column = COMMIT_METRIC_FIRST; column <= COMMIT_METRIC_LAST; column++)
        if ((given & column_bit(column)) == 0)
            bind_null(binder, column);
    bind_digest_or_null(binder, COMMIT_CHILD, &record->child);
    bind_u64(binder, COMMIT_CHILD_BYTES, record->child_bytes);
    bind_u64(binder, COMMIT_STEPS, record->steps);
    bind_u64(binder, COMMIT_ADMITTED, record->admitted);
    bind_u64(binder, COMMIT_CHAMPION, record->champion);
    bind_digest(binder, COMMIT_CHAIN, &record->chain);
}

static void bind_circumstances(struct binder *binder, const struct commit_record *record,
                               uint64_t wall_ms)
{
    bind_u64(binder, COMMIT_ATTEMPTS, record->attempts);
    bind_u64(binder, COMMIT_OPINIONS, record->opinions);
    bind_u64(binder, COMMIT_COMPUTE_MS, record->compute_ms);
    bind_u64(binder, COMMIT_WAITED_MS, record->waited_ms);
    bind_usual_text(binder, COMMIT_WORKER, record->worker);
    bind_usual_text(binder, COMMIT_HOST, record->host);
    bind_usual_text(binder, COMMIT_NUMERIC, record->numeric);
    bind_u64(binder, COMMIT_COMMITTED_WALL_MS, wall_ms);
}

static void assert_commit(const struct commit_record *record)
{
    const struct job *job = &record->job;
    assert(job->kind == JOB_MUTATE || job->kind == JOB_EVALUATE);
    assert(job->key.job <= JOB_NUMBER_FINAL && job->parent_count <= JOB_PARENTS_MAX);
    assert(job->call.param_count <= OPERATOR_PARAMS_MAX && record->metric_count <= METRICS_MAX);
    assert(outcome_name(record->outcome) != NULL);
    for (uint32_t i = 0; i < record->metric_count; i++)
        assert(metric_name(record->metrics[i].id) != NULL);
}

/* Sequences only rise. A batch that breaks the rule is taken back. */
static enum ledger_result take_sequence(struct ledger *ledger, uint64_t sequence,
                                        struct error *error)
{
    if (sequence > ledger->last_sequence && sequence <= INT64_MAX) {
        ledger->last_sequence = sequence;
        return LEDGER_OK;
    }
    error_set(error, LEDGER_FAILED, "%s: record %" PRIu64 " cannot follow record %" PRIu64,
              ledger->path, sequence, ledger->last_sequence);
    return ledger_fail_batch(ledger, LEDGER_FAILED);
}

/* A line that went on under a larger budget ends with another final job: the old one makes room. */
static enum ledger_result drop_commit(struct ledger *ledger, struct job_key job,
                                      struct error *error)
{
    struct binder binder = {.statement = ledger->statements[STATEMENT_DROP_COMMIT]};
    bind_u64(&binder, 0, job.line);
    bind_u64(&binder, 1, job.job);
    return execute_bound(ledger, STATEMENT_DROP_COMMIT, &binder, "the final job cannot be replaced",
                         error);
}

enum ledger_result ledger_put_commit(struct ledger *ledger, const struct commit_record *record,
                                     struct error *error)
{
    assert_commit(record);
    enum ledger_result result = ledger_check_batch(ledger, error);
    if (result == LEDGER_OK)
        result = take_sequence(ledger, record->sequence, error);
    if (result == LEDGER_OK && record->job.key.job == JOB_NUMBER_FINAL)
        result = drop_commit(ledger, record->job.key, error);
    if (result != LEDGER_OK)
        return result;
    struct scratch scratch;
    struct binder binder = {
        .statement = ledger->statements[STATEMENT_PUT_COMMIT],
        .bound = &ledger->bound,
    };
    bind_u64(&binder, COMMIT_SEQUENCE, record->sequence);
    bind_job(&binder, record, &scratch);
    bind_result(&binder, record, &scratch);
    bind_circumstances(&binder, record, ledger->batch_wall_ms);
    bind_sum(&binder, COMMIT_SUM);
    return execute_commit(ledger, &binder, record, error);
}

/* ---------------------------------------------------------------------------- everything else */

static const char *name_of_input(enum input_kind kind)
{
    switch (kind) {
    case INPUT_STOP:
        return "stop";
    case INPUT_CANCEL:
        return "cancel";
    case INPUT_SKIP:
        return "skip";
    }
    return NULL;
}

enum ledger_result ledger_put_input(struct ledger *ledger, const struct input_record *record,
                                    struct error *error)
{
    assert(name_of_input(record->kind) != NULL && record->job <= JOB_NUMBER_FINAL);
    enum ledger_result result = ledger_check_batch(ledger, error);
    if (result == LEDGER_OK)
        result = take_sequence(ledger, record->sequence, error);
    if (result != LEDGER_OK)
        return result;
    struct binder binder = {.statement = ledger->statements[STATEMENT_PUT_INPUT]};
    bind_u64(&binder, INPUT_SEQUENCE, record->sequence);
    bind_text(&binder, INPUT_KIND, name_of_input(record->kind));
    bind_u64(&binder, INPUT_LINE, record->line);
    if (record->kind == INPUT_SKIP)
        bind_u64(&binder, INPUT_JOB, record->job);
    else
        bind_null(&binder, INPUT_JOB);
    bind_u64(&binder, INPUT_ENTERED_WALL_MS, ledger->batch_wall_ms);
    bind_sum(&binder, INPUT_SUM);
    return execute_bound(ledger, STATEMENT_PUT_INPUT, &binder, "an input cannot be written", error);
}

enum ledger_result ledger_lift_stops(struct ledger *ledger, struct error *error)
{
    enum ledger_result result = ledger_check_batch(ledger, error);
    if (result != LEDGER_OK)
        return result;
    struct binder binder = {.statement = ledger->statements[STATEMENT_DROP_STOPS]};
    return execute_bound(ledger, STATEMENT_DROP_STOPS, &binder, "the stops cannot be lifted",
                         error);
}

enum ledger_result ledger_put_detail(struct ledger *ledger, struct job_key job,
                                     const uint8_t *detail, uint32_t bytes, struct error *error)
{
    assert(bytes <= DETAIL_BYTES_MAX && job.job <= JOB_NUMBER_FINAL);
    enum ledger_result result = ledger_check_batch(ledger, error);
    if (result != LEDGER_OK)
        return result;
    struct binder binder = {.statement = ledger->statements[STATEMENT_PUT_DETAIL]};
    bind_u64(&binder, 0, job.line);
    bind_u64(&binder, 1, job.job);
    if (bytes > 0) {
        bind_blob(&binder, 2, detail, bytes);
    } else {
        bind_empty_blob(&binder, 2);
    }
    bind_sum(&binder, 3);
    return execute_bound(ledger, STATEMENT_PUT_DETAIL, &binder, "a detail cannot be written",
                         error);
}

enum ledger_result ledger_put_note(struct ledger *ledger, const struct ledger_note *note,
                                   struct error *error)
{
    enum ledger_result result = ledger_check_batch(ledger, error);
    if (result != LEDGER_OK)
        return result;
    struct binder binder = {.statement = ledger->statements[STATEMENT_PUT_NOTE]};
    bind_u64(&binder, 0, note->wall_ms);
    bind_text(&binder, 1, note->kind);
    bind_text(&binder, 2, note->worker); /* NULL stays NULL, here and below */
    if (note->job != NULL) {
        bind_u64(&binder, 3, note->job->line);
        bind_u64(&binder, 4, note->job->job);
    } else {
        bind_null(&binder, 3);
        bind_null(&binder, 4);
    }
    bind_text(&binder, 5, note->text);
    bind_text(&binder, 6, note->log_tail);
    bind_sum(&binder, 7);
    return execute_bound(ledger, STATEMENT_PUT_NOTE, &binder, "a note cannot be written", error);
}

/* A batch of its own when none is open. */
static enum ledger_result begin_alone(struct ledger *ledger, bool *alone, struct error *error)
{
    *alone = ledger->batch == BATCH_NONE;
    return *alone ? ledger_begin(ledger, error) : ledger_check_batch(ledger, error);
}

/* Ends what begin_alone began, whatever became of it. */
static enum ledger_result end_alone(struct ledger *ledger, bool alone, enum ledger_result result,
                                    struct error *error)
{
    if (alone && result == LEDGER_OK)
        return ledger_commit(ledger, LEDGER_SURVIVES_POWER_CUT, error);
    if (alone)
        ledger->batch = BATCH_NONE;
    return result;
}

enum ledger_result ledger_put_fact(struct ledger *ledger, const char *name, const char *value,
                                   struct error *error)
{
    assert(strlen(name) <= FACT_NAME_BYTES_MAX && strlen(value) <= FACT_VALUE_BYTES_MAX);
    bool alone;
    enum ledger_result result = begin_alone(ledger, &alone, error);
    if (result == LEDGER_OK) {
        struct binder binder = {.statement = ledger->statements[STATEMENT_PUT_FACT]};
        bind_text(&binder, 0, name);
        bind_text(&binder, 1, value);
        bind_sum(&binder, 2);
        result =
            execute_bound(ledger, STATEMENT_PUT_FACT, &binder, "a fact cannot be written", error);
    }
    return end_alone(ledger, alone, result, error);
}

enum ledger_result ledger_put_epoch(struct ledger *ledger, uint64_t epoch, struct error *error)
{
    struct binder binder = {.statement = ledger->statements[STATEMENT_RAISE_EPOCH]};
    bind_text(&binder, 0, "epoch");
    bind_u64(&binder, 1, epoch);
    bind_sum(&binder, 2);
    return execute_bound(ledger, STATEMENT_RAISE_EPOCH, &binder, "the epoch cannot be written",
                         error);
}

enum ledger_result ledger_next_epoch(struct ledger *ledger, uint64_t *epoch, struct error *error)
{
    assert(ledger->batch == BATCH_NONE);
    bool alone;
    uint64_t raised = 0;
    enum ledger_result result = begin_alone(ledger, &alone, error);
    if (result == LEDGER_OK)
        result = ledger_read_epoch(ledger, &raised, error);
    if (result == LEDGER_OK) {
        result = ledger_put_epoch(ledger, ++raised, error);
    } else {
        ledger_fail_batch(ledger, result);
    }
    result = end_alone(ledger, alone, result, error);
    if (result == LEDGER_OK)
        *epoch = raised;
    return result;
}
