/* recovery.c: see recovery.h. */
#include "tests/simulation/recovery.h"

#include <assert.h>

static int replay(struct core *core, const struct disk *disk, struct error *error)
{
    size_t count = disk_last_mark(disk)->records;
    for (size_t i = 0; i < count; i++) {
        struct error cause = {""};
        int result = core_replay(core, &disk->records[i], &cause);
        if (result != 0)
            return error_set(error, result, "record %zu of %zu: %.400s", i, count, cause.text);
    }
    return 0;
}

struct core *recovery_run(const struct core_config *config, const struct disk *disk,
                          struct error *error)
{
    struct core *core = core_create(config, error);
    if (core == NULL)
        return NULL;
    int result = replay(core, disk, error);
    if (result == CORE_NEEDS_PLACES) {
        /* A line that had stalled, or closed under a smaller budget, is open beside its successors.
         */
        struct core_config roomy = *config;
        roomy.places = config->line_count;
        core_destroy(&core);
        core = core_create(&roomy, error);
        assert(core != NULL);
        result = replay(core, disk, error);
    }
    if (result != 0)
        core_destroy(&core);
    return core;
}
