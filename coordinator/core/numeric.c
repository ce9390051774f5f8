/*
 * numeric.c: in which numeric class a worker computes, and whether this run accepts it.
 *
 * An ordered run has one class, since the class decides the bits. For `portable` the experiment
 * names it. `native` leaves it open which library and core type that is: the first worker that
 * offers a native class settles it, and from then on nobody else is welcome. No record says so by
 * itself; every commit names the class that its result was computed in, so the class outlives a
 * restart as soon as anything is committed. As long as no result depends on it, it is open again
 * when the last worker has gone.
 */
#include "coordinator/core/core_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char ANY_NATIVE[] = "native";
static const char NATIVE_PREFIX[] = "openblas-";

static bool is_native(const struct core *core)
{
    return strcmp(core->config.numeric, ANY_NATIVE) == 0;
}

static bool settles(const struct core *core)
{
    return is_native(core) && core->config.mode == COMMIT_ORDERED;
}

static bool accepts(const struct core *core, const char *offered)
{
    if (core->config.numeric[0] == '\0')
        return true;
    if (!is_native(core))
        return strcmp(offered, core->config.numeric) == 0;
    if (core->numeric[0] != '\0')
        return strcmp(offered, core->numeric) == 0;
    return strncmp(offered, NATIVE_PREFIX, sizeof NATIVE_PREFIX - 1) == 0;
}

const char *numeric_choose(const struct core *core, const struct hello *hello)
{
    for (uint32_t i = 0; i < hello->numeric_count; i++)
        if (accepts(core, hello->numeric[i]))
            return hello->numeric[i];
    return NULL;
}

void numeric_settle(struct core *core, const char *numeric)
{
    if (settles(core) && core->numeric[0] == '\0')
        snprintf(core->numeric, sizeof core->numeric, "%s", numeric);
}

void numeric_keep(struct core *core)
{
    core->numeric_kept = true;
}

void numeric_release(struct core *core)
{
    if (core->session_count == 0 && !core->numeric_kept)
        core->numeric[0] = '\0';
}

void numeric_explain(const struct core *core, char reason[REASON_BYTES_MAX])
{
    if (core->config.numeric[0] == '\0')
        snprintf(reason, REASON_BYTES_MAX, "offers no numeric class");
    else if (is_native(core) && core->numeric[0] == '\0')
        snprintf(reason, REASON_BYTES_MAX,
                 "offers no native numeric class (%s...), which this run needs", NATIVE_PREFIX);
    else
        snprintf(reason, REASON_BYTES_MAX,
                 "does not offer %s, the numeric class of this run; an ordered run has one",
                 is_native(core) ? core->numeric : core->config.numeric);
}

int numeric_replay(struct core *core, const struct commit_record *record, struct error *error)
{
    if (!settles(core) || record->numeric[0] == '\0') /* poison has no result, so no class */
        return 0;
    numeric_settle(core, record->numeric);
    numeric_keep(core);
    if (strcmp(core->numeric, record->numeric) == 0)
        return 0;
    return error_set(error, -1, "commit %" PRIu64 ": numeric: %s, but the run computes in %s",
                     record->sequence, record->numeric, core->numeric);
}
