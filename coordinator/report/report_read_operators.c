/*
 * report_read_operators.c: see report_read.h. The rows of the table of operators.
 *
 * The experiment's list comes from the canonical text, so that an entry that was never drawn has a
 * row as well. Founders belong to no entry: they are told apart by what their row is called.
 */
#include "common/operator_catalog.h"
#include "coordinator/reading/settings_text.h"
#include "coordinator/report/report_read.h"
#include "coordinator/shell/operator_label.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct report_operator *add_row(struct report *report)
{
    struct report_operator *row = &report->operators[report->operator_count++];
    *row = (struct report_operator){.gain_mean = (double)NAN, .gain_best = (double)NAN};
    return row;
}

/* The entry of the experiment's list as jobs are told it; false past the end. */
static bool read_entry(const char *canonical, uint32_t entry, struct operator_call *call)
{
    char key[64 + OPERATOR_NAME_BYTES_MAX], value[NUMBER_BYTES_MAX];
    snprintf(key, sizeof key, "operators.%u.name", entry);
    *call = (struct operator_call){.param_count = 0};
    if (!settings_find(canonical, key, call->name, sizeof call->name))
        return false;
    const struct operator_info *info = operator_find(call->name);
    for (uint32_t i = 0; info != NULL && i < info->param_count; i++) {
        const struct param *param = &info->params[i];
        snprintf(key, sizeof key, "operators.%u.%s", entry, param->name);
        /* What somebody wrote into a ledger is no reason to have no report. */
        if (!settings_find(canonical, key, value, sizeof value) ||
            param_parse(param, value, &call->params[i], NULL) != 0)
            call->params[i] = param->fallback;
        call->param_count++;
    }
    return true;
}

uint32_t report_list_operators(struct report *report)
{
    struct search_config search = {.operator_count = 0};
    while (search.operator_count < OPERATORS_MAX &&
           read_entry(report->canonical, search.operator_count,
                      &search.operators[search.operator_count].call))
        search.operator_count++;
    for (uint32_t i = 0; i < search.operator_count; i++) {
        struct report_operator *row = add_row(report);
        format_operator_call(&search.operators[i].call, row->label, sizeof row->label);
        format_operator_label(&search, i, row->name);
    }
    return report->operator_count;
}

uint32_t report_operator_row(struct report_pass *pass, const struct commit_record *record)
{
    struct report *report = pass->report;
    if (record->operator_index < pass->listed)
        return record->operator_index;
    char label[REPORT_LABEL_BYTES];
    format_operator_call(&record->job.call, label, sizeof label);
    for (uint32_t i = pass->listed; i < report->operator_count; i++)
        if (strcmp(report->operators[i].label, label) == 0)
            return i;
    /* No run has so many kinds of founders; a ledger that somebody made might. */
    if (report->operator_count == REPORT_OPERATORS_MAX)
        return REPORT_OPERATORS_MAX - 1;
    struct report_operator *row = add_row(report);
    bool others = report->operator_count == REPORT_OPERATORS_MAX;
    snprintf(row->label, sizeof row->label, "%s", others ? "others" : label);
    snprintf(row->name, sizeof row->name, "%s", others ? "others" : record->job.call.name);
    return report->operator_count - 1;
}

int report_count_operator(struct report_pass *pass, uint32_t row,
                          const struct commit_record *record, double parent_fitness)
{
    struct report_operator *counted = &pass->report->operators[row];
    counted->tried++;
    counted->admitted += record->admitted;
    counted->champions += record->champion;
    counted->diverged += record->outcome == OUTCOME_DIVERGED;
    counted->failed += record->outcome == OUTCOME_FAILED;
    counted->steps += record->steps;
    counted->compute_s += record->compute_ms / 1000.0;
    double gain = record->fitness - parent_fitness;
    if (record->outcome != OUTCOME_OK || !isfinite(gain))
        return 0;
    counted->compared++;
    counted->improved += gain > 0;
    pass->gain_sums[row] += gain;
    if (counted->compared == 1 || gain > counted->gain_best)
        counted->gain_best = gain;
    return report_add_comparison(pass, &(struct comparison){parent_fitness, row, gain > 0});
}

void report_end_operators(struct report_pass *pass)
{
    for (uint32_t i = 0; i < pass->report->operator_count; i++) {
        struct report_operator *row = &pass->report->operators[i];
        if (row->compared > 0)
            row->gain_mean = pass->gain_sums[i] / (double)row->compared;
    }
}
