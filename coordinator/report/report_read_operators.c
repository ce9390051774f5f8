/*
 * report_read_operators.c: see report_read.h. The rows of the table of operators.
 *
 * The experiment's list comes from the canonical text, so that an entry that was never drawn has a
 * row as well. Founders belong to no entry: they are told apart by what their row is called.
 */
#include "common/operator_catalog.h"
#include "coordinator/report/report_read.h"
#include "coordinator/report/settings_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct report_operator *add_row(struct report *report)
{
    struct report_operator *row = &report->operators[report->operator_count++];
    *row = (struct report_operator){.gain_mean = (double)NAN, .gain_best = (double)NAN};
    return row;
}

/* "noise scale=0.1": parameters in the order of the catalogue, values as the experiment has them.
 */
static void label_entry(const struct report *report, uint32_t entry, char *label)
{
    char key[64 + OPERATOR_NAME_BYTES_MAX], value[NUMBER_BYTES_MAX];
    int used = snprintf(key, sizeof key, "operators.%u.", entry);
    snprintf(key + used, sizeof key - (size_t)used, "name");
    settings_find(report->canonical, key, label, REPORT_LABEL_BYTES);
    const struct operator_info *info = operator_find(label);
    size_t length = strlen(label);
    for (uint32_t i = 0; info != NULL && i < info->param_count; i++) {
        snprintf(key + used, sizeof key - (size_t)used, "%s", info->params[i].name);
        if (!settings_find(report->canonical, key, value, sizeof value) ||
            length >= REPORT_LABEL_BYTES)
            continue;
        length += (size_t)snprintf(label + length, REPORT_LABEL_BYTES - length, " %s=%s",
                                   info->params[i].name, value);
    }
}

uint32_t report_list_operators(struct report *report)
{
    char key[64], name[OPERATOR_NAME_BYTES_MAX];
    for (uint32_t i = 0; i < OPERATORS_MAX; i++) {
        snprintf(key, sizeof key, "operators.%u.name", i);
        if (!settings_find(report->canonical, key, name, sizeof name))
            break;
        label_entry(report, i, add_row(report)->label);
    }
    return report->operator_count;
}

void report_job_label(const struct commit_record *record, char label[REPORT_LABEL_BYTES])
{
    static const struct param unknown = {.kind = PARAM_REAL};
    const struct operator_call *call = &record->job.call;
    const struct operator_info *info = operator_find(call->name);
    size_t used = (size_t)snprintf(label, REPORT_LABEL_BYTES, "%s", call->name);
    for (uint32_t i = 0; i < call->param_count && used < REPORT_LABEL_BYTES; i++) {
        char value[NUMBER_BYTES_MAX];
        bool known = info != NULL && i < info->param_count;
        param_format(known ? &info->params[i] : &unknown, call->params[i], value, sizeof value);
        used += (size_t)snprintf(label + used, REPORT_LABEL_BYTES - used, " %s%s%s",
                                 known ? info->params[i].name : "", known ? "=" : "", value);
    }
}

uint32_t report_operator_row(struct report_pass *pass, const struct commit_record *record)
{
    struct report *report = pass->report;
    if (record->operator_index < pass->listed)
        return record->operator_index;
    char label[REPORT_LABEL_BYTES];
    report_job_label(record, label);
    for (uint32_t i = pass->listed; i < report->operator_count; i++)
        if (strcmp(report->operators[i].label, label) == 0)
            return i;
    /* No run has so many kinds of founders; a ledger that somebody made might. */
    if (report->operator_count == REPORT_OPERATORS_MAX)
        return REPORT_OPERATORS_MAX - 1;
    if (report->operator_count == REPORT_OPERATORS_MAX - 1)
        snprintf(label, sizeof label, "others");
    snprintf(add_row(report)->label, REPORT_LABEL_BYTES, "%s", label);
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
