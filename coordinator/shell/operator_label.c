/* operator_label.c: see operator_label.h. */
#include "coordinator/shell/operator_label.h"

#include "common/operator_catalog.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static bool is_namesake(const struct search_config *search, uint32_t one, uint32_t other)
{
    return one != other &&
           strcmp(search->operators[one].call.name, search->operators[other].call.name) == 0;
}

static bool has_namesake(const struct search_config *search, uint32_t index)
{
    for (uint32_t i = 0; i < search->operator_count; i++)
        if (is_namesake(search, index, i))
            return true;
    return false;
}

static bool differs(const struct search_config *search, uint32_t index, uint32_t param)
{
    double value = search->operators[index].call.params[param];
    for (uint32_t i = 0; i < search->operator_count; i++)
        if (is_namesake(search, index, i) && search->operators[i].call.params[param] != value)
            return true;
    return false;
}

void format_operator_label(const struct search_config *search, uint32_t index,
                           char label[OPERATOR_LABEL_BYTES_MAX])
{
    assert(index < search->operator_count);
    const struct operator_call *call = &search->operators[index].call;
    const struct operator_info *info = operator_find(call->name);
    size_t used = (size_t)snprintf(label, OPERATOR_LABEL_BYTES_MAX, "%s", call->name);
    if (!has_namesake(search, index))
        return;
    size_t name_bytes = used;
    for (uint32_t i = 0; info != NULL && i < call->param_count && i < info->param_count; i++) {
        char value[48];
        if (!differs(search, index, i) || used >= OPERATOR_LABEL_BYTES_MAX)
            continue;
        param_format(&info->params[i], call->params[i], value, sizeof value);
        used += (size_t)snprintf(label + used, OPERATOR_LABEL_BYTES_MAX - used, " %s=%s",
                                 info->params[i].name, value);
    }
    if (used == name_bytes)
        snprintf(label + used, OPERATOR_LABEL_BYTES_MAX - used, " #%u", index);
}
