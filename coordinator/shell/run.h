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
    struct digest spec;  /* the blob that every worker fetches; never dropped */
    struct digest data;  /* the data set's blob, never dropped either; zero: none */
    uint64_t data_bytes; /* its size */
    enum commit_mode mode;
    bool final_evaluation;
    uint32_t lines;
    uint64_t epoch;
    uint64_t served_ms; /* of all earlier lives together */
    uint64_t replayed;  /* commits found in the ledger */
    /* The experiment's lines, which know no data digest: the core gets them through the run's. */
    void (*line)(const void *context, uint32_t line, struct line_config *config);
    const void *line_context;
};

enum run_result {
    RUN_OPENED = 0,
    RUN_REFUSED = 1,          /* cannot be opened: in use, damaged, read-only, another version */
    RUN_OTHER_EXPERIMENT = 2, /* holds an experiment that differs in more than limits */
    RUN_BAD_DATA = 3, /* the data set is missing, damaged, another one, or too small for the slices
                       */
    RUN_STOPPED = 4,  /* by a signal, while the data set was being packed */
};

/*
 * Makes a checkpoint again that the search goes on from and the store lacks, and gives it to
 * run_keep_checkpoint. 0, or -1 with the reason. `make` NULL: such a run is refused.
 */
struct run_restorer {
    int (*make)(void *context, struct run *run, const struct commit_record *record,
                struct error *error);
    void *context;
};

struct run_options {
    const struct experiment *experiment; /* outlives the run */
    const char *directory;
    struct run_restorer restorer;
    const char *packer; /* ratchet-worker, which packs data sets; NULL: looked for when needed */
    /* Both may be NULL. The ledger is read from its start, perhaps for a second time: what was told
     * before is void. Then each of its commits, in order. */
    void (*rewound)(void *context);
    void (*replayed)(void *context, const struct commit_record *record);
    void *context;
};

/* On failure nothing is left open. The run stays where it is: its core refers to it. */
enum run_result run_open(struct run *run, const struct run_options *options, struct error *error)
    __attribute__((warn_unused_result));
/*
 * Makes run->core and applies the ledger's records to it; run->ledger, experiment, directory, id
 * and data are set. A part of run_open(), and for commands that look at a run which nobody serves.
 */
int run_replay(struct run *run, struct error *error) __attribute__((warn_unused_result));
/*
 * How long the run goes on, as the experiment now says it: `key = value` lines of budget and stop.
 * It is in no canonical text, since it may change. 0, or -1 when memory is out.
 */
enum { RUN_LIMITS_BYTES_MAX = 1024 };
int run_limits(const struct run *run, char text[RUN_LIMITS_BYTES_MAX], struct error *error)
    __attribute__((warn_unused_result));
void run_close(struct run *run);
int run_keep_checkpoint(struct run *run, const void *bytes, size_t count, struct error *error)
    __attribute__((warn_unused_result));

/* True when `keep: live` keeps the child of this commit for ever. */
bool run_is_anchor(const struct commit_record *record);

#endif
