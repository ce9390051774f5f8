/*
 * run_rewind.h: a run that goes back to before one of its commits.
 *
 * The new ledger has the records before it and nothing of the end; the old one is kept beside it,
 * with all that is dropped, as RUN/ledger.sqlite.before-rewind-1 (-2, ...). Results of the dropped
 * jobs that workers still hold do no harm: those of the same description are the same results, any
 * other is refused. Checkpoints that are needed again are made again when the run is opened.
 * Touches files; the caller knows what fits.
 */
#ifndef RATCHET_COORDINATOR_SHELL_RUN_REWIND_H
#define RATCHET_COORDINATOR_SHELL_RUN_REWIND_H

#include "common/os_file.h"
#include "coordinator/shell/ledger.h"

struct run_rewind_options {
    const char *directory;
    uint64_t before; /* record that is the first to go; not 0 */
    /* As in run_salvage.h. */
    int (*begin)(void *context, const struct ledger_header *header, struct error *error);
    int (*fits)(void *context, const struct ledger_record *record, struct error *error);
    void *context;
};

struct run_rewound {
    struct ledger_salvaged records;
    char kept[OS_PATH_BYTES_MAX]; /* where the old ledger is */
};

/*
 * Holds the run's lock meanwhile. 0, or -1 with the reason, and then nothing was changed: a
 * coordinator serves the run, its ledger is damaged, it has no such record.
 */
int run_rewind(const struct run_rewind_options *options, struct run_rewound *rewound,
               struct error *error) __attribute__((warn_unused_result));

#endif
