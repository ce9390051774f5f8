/*
 * groups.c: how many workers of each numeric class are there, and how many of them can work.
 *
 * An audit is for a worker of the same class as the result's, and whether one is there has to be
 * known without asking them all. Classes are few, so they are looked up one by one.
 */
#include "coordinator/core/core_internal.h"

#include <assert.h>
#include <string.h>

uint32_t group_join(struct core *core, const char *numeric)
{
    uint32_t index = core->group_count;
    for (uint32_t i = 0; i < core->group_count; i++) {
        if (core->groups[i].joined > 0 && strcmp(core->groups[i].numeric, numeric) == 0) {
            index = i;
            break;
        }
        if (core->groups[i].joined == 0)
            index = i;
    }
    struct group *group = &core->groups[index];
    if (index == core->group_count) {
        assert(index < core->config.sessions_max);
        core->group_count++;
    }
    if (group->joined == 0) {
        *group = (struct group){.joined = 0};
        memcpy(group->numeric, numeric, sizeof group->numeric);
    }
    group->joined++;
    group->trusted++;
    return index;
}

void group_leave(struct core *core, const struct session *session)
{
    struct group *group = &core->groups[session->group];
    group->joined--;
    group->trusted -= !session->benched;
}

const struct group *group_of(const struct core *core, const char *numeric)
{
    for (uint32_t i = 0; i < core->group_count; i++)
        if (core->groups[i].joined > 0 && strcmp(core->groups[i].numeric, numeric) == 0)
            return &core->groups[i];
    return NULL;
}
