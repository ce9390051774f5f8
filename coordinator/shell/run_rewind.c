/* run_rewind.c: see run_rewind.h. */
#include "coordinator/shell/run_rewind.h"

#include "coordinator/shell/run_exchange.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { REWINDS_MAX = 1000 };

static const char fresh_name[] = "ledger.sqlite.rewound";

/* The first name that is free. */
static int choose_kept(const struct run_directory *directory, char name[NAME_BYTES_MAX],
                       char path[OS_PATH_BYTES_MAX], struct error *error)
{
    for (int i = 1; i <= REWINDS_MAX; i++) {
        snprintf(name, NAME_BYTES_MAX, "ledger.sqlite.before-rewind-%d", i);
        run_directory_file(directory, name, path);
        if (access(path, F_OK) != 0)
            return 0;
    }
    return error_set(error, -1, "%.400s is there already: move the old ledgers away first", path);
}

static int check_place(const struct ledger *ledger, const struct run_rewind_options *options,
                       struct error *error)
{
    uint64_t last = ledger_last_sequence(ledger);
    if (last == 0)
        return error_set(error, -1, "%.300s has no commit yet", options->directory);
    if (options->before >= 1 && options->before <= last)
        return 0;
    return error_set(error, -1,
                     "%.300s has commits 1 to %" PRIu64 ", and none with number %" PRIu64,
                     options->directory, last, options->before);
}

/* Leaves the new ledger at `fresh`. */
static int make_fresh(const struct run_rewind_options *options, const char *path, const char *fresh,
                      struct ledger_salvaged *records, struct error *error)
{
    struct ledger_header header;
    struct ledger *ledger;
    if (ledger_open(path, LEDGER_READ, &header, &ledger, error) != LEDGER_OK)
        return -1;
    const struct ledger_salvage_plan plan = {.fresh = fresh,
                                             .before = options->before,
                                             .fits = options->fits,
                                             .context = options->context};
    int rc = check_place(ledger, options, error);
    if (rc == 0)
        rc = options->begin(options->context, &header, error);
    struct error reason;
    enum ledger_result result = LEDGER_OK;
    if (rc == 0)
        result = ledger_salvage(ledger, &plan, records, &reason);
    if (result == LEDGER_FULL)
        rc = error_set(error, -1, "%.400s; the run is as it was", reason.text);
    else if (result != LEDGER_OK)
        rc = error_set(error, -1, "%.400s; `ratchet salvage` goes back to the last good commit",
                       reason.text);
    ledger_close(&ledger);
    return rc;
}

static int rewind_in(const struct run_directory *directory,
                     const struct run_rewind_options *options, struct run_rewound *rewound,
                     struct error *error)
{
    char path[OS_PATH_BYTES_MAX], fresh[OS_PATH_BYTES_MAX], kept[NAME_BYTES_MAX];
    run_directory_file(directory, "ledger.sqlite", path);
    run_directory_file(directory, fresh_name, fresh);
    if (choose_kept(directory, kept, rewound->kept, error) != 0 ||
        make_fresh(options, path, fresh, &rewound->records, error) != 0)
        return -1;
    const struct run_exchange exchange = {.fresh = fresh_name, .kept = kept};
    return run_exchange_ledger(directory, &exchange, error);
}

int run_rewind(const struct run_rewind_options *options, struct run_rewound *rewound,
               struct error *error)
{
    struct run_directory directory;
    *rewound = (struct run_rewound){0};
    if (run_directory_open_run(&directory, options->directory, error) != 0)
        return -1;
    int rc = rewind_in(&directory, options, rewound, error);
    run_directory_close(&directory);
    return rc;
}
