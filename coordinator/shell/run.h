/*
 * run.h: a run brought to life: its folder, ledger, blobs, and the core replayed to where it
 * stopped.
 *
 * run_open() makes a new run or resumes one, and refuses what must not be resumed: another
 * experiment, another engine version, a ledger whose checkpoints are missing. What it gives has
 * replayed everything and may be started. Reading commands do not come here: they open the ledger
 * only (commands/reader.h).
 */
#ifndef RATCHET_COORDINATOR_SHELL_RUN_H
#define RATCHET_COORDINATOR_SHELL_RUN_H

#include "coordinator/experiment/experiment.h"
#include "coordinator/shell/blob_store.h"
#include "coordinator/shell/ledger.h"
#include "coordinator/shell/run_directory.h"

/* Every 50th generation along the first parent: `keep: live` keeps these, so that any other
   ancestor can be rebuilt in at most 49 steps. The core marks them in its drops by the same number.
 */
enum { ANCHOR_STRIDE = 50 };

struct run {
    const struct experiment *experiment; /* borrowed */
    struct run_directory directory;
    struct ledger *ledger;
    struct blob_store *store;
    struct core *core;
    struct run_id id;
    struct digest spec; /* the blob that every worker fetches; never dropped */
    enum commit_mode mode;
    bool final_evaluation;
    uint32_t lines;
    uint64_t epoch;
    uint64_t served_ms; /* of all earlier lives together */
    uint64_t replayed;  /* commits found in the ledger */
};

enum run_result {
    RUN_OPENED = 0,
    RUN_REFUSED = 1,          /* cannot be opened: in use, damaged, read-only, another version */
    RUN_OTHER_EXPERIMENT = 2, /* holds an experiment that differs in more than limits */
};

struct run_options {
    const struct experiment *experiment; /* outlives the run */
    const char *directory;
    /* Called for each commit of the ledger, in order, perhaps twice over; may be NULL. */
    void (*replayed)(void *context, const struct commit_record *record);
    void *context;
};

/* On failure nothing is left open. */
enum run_result run_open(struct run *run, const struct run_options *options, struct error *error)
    __attribute__((warn_unused_result));
void run_close(struct run *run);

/* True when `keep: live` keeps the child of this commit for ever. */
bool run_is_anchor(const struct commit_record *record);

#endif
