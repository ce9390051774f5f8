/* record_text.c: see record_text.h. */
#include "coordinator/reading/record_text.h"

#include "common/operator_catalog.h"
#include "common/param.h"

#include <stdio.h>

void format_number(double value, char text[NUMBER_BYTES_MAX])
{
    static const struct param real = {.kind = PARAM_REAL};
    if (value != value)
        snprintf(text, NUMBER_BYTES_MAX, "nan");
    else
        param_format(&real, value, text, NUMBER_BYTES_MAX);
}

const char *operator_of(const struct commit_record *record)
{
    return record->job.kind == JOB_EVALUATE ? "evaluate" : record->job.call.name;
}

void format_operator_call(const struct operator_call *call, char *text, size_t size)
{
    const struct operator_info *info = operator_find(call->name);
    size_t used = (size_t)snprintf(text, size, "%s", call->name);
    for (uint32_t i = 0; i < call->param_count && used < size; i++) {
        char value[NUMBER_BYTES_MAX];
        bool known = info != NULL && i < info->param_count;
        if (known)
            param_format(&info->params[i], call->params[i], value, sizeof value);
        else
            format_number(call->params[i], value);
        used += (size_t)snprintf(text + used, size - used, " %s%s%s",
                                 known ? info->params[i].name : "", known ? "=" : "", value);
    }
}

void format_parents(const struct commit_record *record, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < record->job.parent_count && used < size; i++) {
        char id[ID_BYTES_MAX];
        format_id(record->parent_ids[i], id);
        used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? " " : "", id);
    }
}

const double *record_metric(const struct commit_record *record, uint32_t id)
{
    for (uint32_t i = 0; record != NULL && i < record->metric_count; i++)
        if (record->metrics[i].id == id)
            return &record->metrics[i].value;
    return NULL;
}

void format_scores(const struct commit_record *champion, const struct commit_record *final,
                   enum score score, char text[SCORES_BYTES_MAX])
{
    static const struct {
        const char *slice;
        uint32_t ids[2]; /* by enum score */
    } rows[] = {{"train", {METRIC_TRAIN_LOSS, METRIC_TRAIN_ACCURACY}},
                {"select", {METRIC_SELECT_LOSS, METRIC_SELECT_ACCURACY}},
                {"confirm", {METRIC_CONFIRM_LOSS, METRIC_CONFIRM_ACCURACY}},
                {"test", {METRIC_TEST_LOSS, METRIC_TEST_ACCURACY}}};
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const double *value = record_metric(final, rows[i].ids[score]);
        if (value == NULL)
            value = record_metric(champion, rows[i].ids[score]);
        if (value == NULL)
            continue;
        bool percent = score == SCORE_ACCURACY;
        used += (size_t)snprintf(text + used, SCORES_BYTES_MAX - used,
                                 percent ? "%s%s %.2f %%" : "%s%s %.5f", used > 0 ? "   " : "",
                                 rows[i].slice, percent ? 100 * *value : *value);
        if (used >= SCORES_BYTES_MAX) /* a loss beyond all measure */
            return;
    }
}
