/* inputs.c: see inputs.h. */
#include "tests/simulation/inputs.h"

#include <assert.h>
#include <stdlib.h>

void inputs_note(struct history *history, const struct ledger_record *records, size_t count)
{
    uint64_t commits[TRIAL_LINES_MAX] = {0};
    history->input_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct ledger_record *record = &records[i];
        if (record->kind == RECORD_COMMIT) {
            commits[record->commit.job.key.line] += record->commit.job.key.job != JOB_NUMBER_FINAL;
            continue;
        }
        if (record->input.kind == INPUT_SKIP)
            continue;
        assert(history->input_count < TRIAL_LINES_MAX && record->input.line < TRIAL_LINES_MAX);
        history->inputs[history->input_count++] = (struct history_input){
            .kind = record->input.kind,
            .line = record->input.line,
            .after = commits[record->input.line],
        };
    }
}

static void add(struct beginning *beginning, const struct ledger_record *record)
{
    struct ledger_record *added = &beginning->records[beginning->count++];
    *added = *record;
    if (record->kind == RECORD_COMMIT)
        added->commit.sequence = beginning->count;
    else
        added->input.sequence = beginning->count;
}

static const char *add_input(struct beginning *beginning, const struct history *reference,
                             const struct history_input *input)
{
    struct ledger_record record = {.kind = RECORD_COMMIT};
    for (uint64_t job = 0; job < input->after; job++) {
        struct job_key key = {input->line, job};
        if (!history_has(reference, key))
            return "a line was stopped behind a commit that the reference has not got";
        record.commit = *history_of(reference, key);
        add(beginning, &record);
    }
    record.kind = RECORD_INPUT;
    record.input = (struct input_record){.kind = input->kind, .line = input->line};
    add(beginning, &record);
    return NULL;
}

const char *inputs_make_beginning(struct beginning *beginning, const struct history *reference,
                                  const struct history *run)
{
    size_t most = 0;
    for (uint32_t i = 0; i < run->input_count; i++)
        most += (size_t)run->inputs[i].after + 1;
    *beginning = (struct beginning){.records = calloc(most, sizeof beginning->records[0])};
    assert(beginning->records != NULL);
    const char *wrong = NULL;
    for (uint32_t i = 0; i < run->input_count && wrong == NULL; i++)
        wrong = add_input(beginning, reference, &run->inputs[i]);
    return wrong;
}

void inputs_free_beginning(struct beginning *beginning)
{
    free(beginning->records);
    *beginning = (struct beginning){0};
}
