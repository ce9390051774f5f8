/* choice.c: see choice.h. */
#include "coordinator/search/choice.h"

#include "common/operator_catalog.h"
#include "common/philox.h"

#include <assert.h>
#include <string.h>

uint32_t choice_weighted(const struct search_config *config, uint64_t job)
{
    assert(config->operator_count > 0);
    double sum = 0;
    for (uint32_t i = 0; i < config->operator_count; i++)
        sum += config->operators[i].weight;
    struct random random = random_open(config->seed, config->line, job, RANDOM_OPERATOR);
    double mark = random_unit(&random) * sum;
    for (uint32_t i = 0; i + 1 < config->operator_count; i++) {
        mark -= config->operators[i].weight;
        if (mark < 0)
            return i;
    }
    return config->operator_count - 1;
}

struct operator_call choice_founder(const struct search_config *config)
{
    struct operator_call founder = {.name = "init"};
    if (config->operator_count != 1)
        return founder;
    const struct operator_call *only = &config->operators[0].call;
    const struct operator_info *info = operator_find(only->name);
    if (info == NULL || info->founder == NULL)
        return founder;
    founder = *only;
    size_t length = strlen(info->founder);
    assert(length < sizeof founder.name);
    memset(founder.name, 0, sizeof founder.name);
    memcpy(founder.name, info->founder, length);
    return founder;
}

uint32_t choice_parents_max(const struct search_config *config)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < config->operator_count; i++)
        if (config->operators[i].parents > most)
            most = config->operators[i].parents;
    return most;
}

uint64_t choice_stream(const struct search_config *config, uint64_t job)
{
    assert(job < UINT64_C(1) << 40);
    return config->stream == STREAM_SHARED ? job : (uint64_t)config->line << 40 | job;
}
