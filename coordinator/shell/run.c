/*
 * run.c: see run.h.
 *
 * The order matters. The lock comes first, so that nothing is read that somebody else is writing.
 * The spec is stored before the first worker can ask for it. The data set comes before the ledger,
 * so that one which is missing leaves no run behind. The epoch is raised only for the right
 * experiment and version. Checkpoints are swept last, when the core knows what it refers to.
 */
#include "coordinator/shell/run.h"

#include "common/version.h"
#include "coordinator/shell/run_data.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Digests of anchors, sorted before use. */
struct digest_set {
    struct digest *items;
    size_t count, capacity;
};

static int compare_digests(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct digest));
}

static int digest_set_add(struct digest_set *set, const struct digest *digest, struct error *error)
{
    if (set->count == set->capacity) {
        size_t capacity = set->capacity == 0 ? 64 : 2 * set->capacity;
        struct digest *items = realloc(set->items, capacity * sizeof *items);
        if (items == NULL)
            return error_set(error, -1, "no memory for the list of anchors");
        set->items = items;
        set->capacity = capacity;
    }
    set->items[set->count++] = *digest;
    return 0;
}

bool run_is_anchor(const struct commit_record *record)
{
    return record->admitted && record->depth > 0 && record->depth % ANCHOR_STRIDE == 0;
}

/* What a ledger that cannot be read may come to. */
static int advise_salvage(const struct run *run, const struct error *reason, struct error *error)
{
    return error_set(error, -1,
                     "%.350s; should it be damaged, `ratchet salvage %.100s` goes back to its last "
                     "good commit",
                     reason->text, run->directory.path);
}

static enum ledger_result open_ledger(struct run *run, struct ledger_header *header,
                                      struct error *error)
{
    char path[OS_PATH_BYTES_MAX];
    run_directory_file(&run->directory, "ledger.sqlite", path);
    enum ledger_access access = run->directory.has_ledger ? LEDGER_WRITE : LEDGER_CREATE;
    struct error reason = {0};
    enum ledger_result result = ledger_open(path, access, header, &run->ledger, &reason);
    if (result == LEDGER_FAILED && run->directory.has_ledger)
        advise_salvage(run, &reason, error);
    else if (result != LEDGER_OK)
        error_set(error, (int)result, "%s", reason.text);
    return result;
}

/* Writes the ledger's first page: what this run is and will remain. */
static enum run_result create_run(struct run *run, struct error *error)
{
    if (os_random_bytes(run->id.bytes, sizeof run->id.bytes, error) != 0)
        return RUN_REFUSED;
    struct ledger_header header = {
        .run = run->id,
        .experiment_digest = experiment_digest(run->experiment),
        .canonical = experiment_canonical(run->experiment),
        .yaml = experiment_yaml(run->experiment),
    };
    snprintf(header.engine_version, sizeof header.engine_version, "%s", RATCHET_VERSION);
    snprintf(header.name, sizeof header.name, "%s", experiment_name(run->experiment));
    if (open_ledger(run, &header, error) != LEDGER_OK)
        return RUN_REFUSED;
    return RUN_OPENED;
}

static enum run_result reopen_run(struct run *run, struct error *error)
{
    struct ledger_header header = {0};
    if (open_ledger(run, &header, error) != LEDGER_OK)
        return RUN_REFUSED;
    run->id = header.run;
    if (strcmp(header.engine_version, RATCHET_VERSION) != 0)
        return (enum run_result)error_set(
            error, RUN_REFUSED,
            "run directory %s was made by ratchet %s and this is %s, whose results may differ: "
            "resume it with that version, or give another --dir",
            run->directory.path, header.engine_version, RATCHET_VERSION);
    struct digest ours = experiment_digest(run->experiment);
    if (digest_equal(&header.experiment_digest, &ours))
        return RUN_OPENED;
    char differences[384];
    experiment_differences(header.canonical, experiment_canonical(run->experiment), differences,
                           sizeof differences);
    return (enum run_result)error_set(error, RUN_OTHER_EXPERIMENT,
                                      "run directory %.100s holds another experiment: %s",
                                      run->directory.path, differences);
}

/* A copy for people; the ledger's own is what counts. */
static int write_yaml(const struct run *run, struct error *error)
{
    char path[OS_PATH_BYTES_MAX];
    const char *yaml = experiment_yaml(run->experiment);
    run_directory_file(&run->directory, "experiment.yaml", path);
    return os_write_atomic(path, yaml, strlen(yaml), 0644, error);
}

static int open_store(struct run *run, struct error *error)
{
    char path[OS_PATH_BYTES_MAX];
    run_directory_file(&run->directory, "blobs", path);
    if (blob_store_open(path, experiment_disk_max(run->experiment), &run->store, error) != BLOB_OK)
        return -1;
    const char *spec = experiment_spec(run->experiment);
    struct digest digest = digest_of(spec, strlen(spec));
    /* We have the text, so a damaged file of it is no loss. */
    if (blob_store_has(run->store, &digest) &&
        blob_store_verify(run->store, &digest, NULL) == BLOB_CORRUPT &&
        blob_store_remove(run->store, &digest, error) != BLOB_OK)
        return -1;
    if (blob_store_put(run->store, spec, strlen(spec), &run->spec, error) != BLOB_OK)
        return -1;
    return 0;
}

static int read_facts(struct run *run, struct error *error)
{
    char text[32];
    enum ledger_result result = ledger_get_fact(run->ledger, "served_ms", text, sizeof text, error);
    if (result == LEDGER_OK)
        run->served_ms = strtoull(text, NULL, 10);
    return result == LEDGER_OK || result == LEDGER_END ? 0 : -1;
}

/* Hours that were over when the run stopped, and are not under the present limit. */
static int lift_stops(struct run *run, struct error *error)
{
    double hours = experiment_stop_hours(run->experiment);
    if (!run->directory.has_ledger || (double)run->served_ms >= hours * 3600e3)
        return 0;
    if (ledger_begin(run->ledger, error) != LEDGER_OK ||
        ledger_lift_stops(run->ledger, error) != LEDGER_OK ||
        ledger_commit(run->ledger, LEDGER_SURVIVES_POWER_CUT, error) != LEDGER_OK)
        return -1;
    return 0;
}

static void fill_line(const void *context, uint32_t line, struct line_config *config)
{
    const struct run *run = context;
    run->line(run->line_context, line, config);
    config->data = run->data;
}

/* `places`: how many lines may be open during replay; 0: as many as later. */
static int create_core(struct run *run, uint32_t places, struct error *error)
{
    struct core_config config = core_config_default();
    experiment_fill_core(run->experiment, &config);
    run->line = config.line;
    run->line_context = config.line_context;
    config.line = fill_line;
    config.line_context = run;
    config.places = places;
    config.run = run->id;
    config.epoch = run->epoch;
    config.sessions_max = SESSIONS_MAX;
    run->mode = config.mode;
    run->final_evaluation = config.final_evaluation;
    run->lines = config.line_count;
    run->core = core_create(&config, error);
    return run->core != NULL ? 0 : -1;
}

/* 0, -1 with the reason, or CORE_NEEDS_PLACES. */
static int replay_once(struct run *run, const struct run_options *options,
                       struct digest_set *anchors, struct error *error)
{
    run->replayed = 0;
    anchors->count = 0;
    if (ledger_rewind(run->ledger, error) != LEDGER_OK)
        return -1;
    if (options->rewound != NULL)
        options->rewound(options->context);
    struct ledger_record record;
    struct error reason = {0};
    enum ledger_result result;
    while ((result = ledger_next(run->ledger, &record, &reason)) == LEDGER_OK) {
        int rc = core_replay(run->core, &record, &reason);
        if (rc != 0)
            return error_set(error, rc, "%.200s/ledger.sqlite: %.300s", run->directory.path,
                             reason.text);
        if (record.kind != RECORD_COMMIT)
            continue;
        run->replayed++;
        if (run_is_anchor(&record.commit) &&
            digest_set_add(anchors, &record.commit.child, error) != 0)
            return -1;
        if (options->replayed != NULL)
            options->replayed(options->context, &record.commit);
    }
    return result == LEDGER_END ? 0 : advise_salvage(run, &reason, error);
}

/* The usual number of places is tried first: one for every line costs memory that few runs need. */
static int replay(struct run *run, const struct run_options *options, struct digest_set *anchors,
                  struct error *error)
{
    if (create_core(run, 0, error) != 0)
        return -1;
    int rc = replay_once(run, options, anchors, error);
    if (rc != CORE_NEEDS_PLACES)
        return rc;
    core_destroy(&run->core);
    if (create_core(run, run->lines, error) != 0)
        return -1;
    return replay_once(run, options, anchors, error) == 0 ? 0 : -1;
}

int run_replay(struct run *run, struct error *error)
{
    struct digest_set anchors = {0};
    const struct run_options options = {.experiment = run->experiment};
    int rc = replay(run, &options, &anchors, error);
    free(anchors.items);
    return rc;
}

struct keeper {
    const struct run *run;
    const struct digest_set *anchors;
};

static bool keep_blob(const void *context, const struct digest *digest)
{
    const struct keeper *keeper = context;
    if (digest_equal(digest, &keeper->run->spec) || digest_equal(digest, &keeper->run->data) ||
        core_needs_blob(keeper->run->core, digest))
        return true;
    return keeper->anchors->count > 0 &&
           bsearch(digest, keeper->anchors->items, keeper->anchors->count, sizeof *digest,
                   compare_digests) != NULL;
}

int run_keep_checkpoint(struct run *run, const void *bytes, size_t count, struct error *error)
{
    struct digest digest;
    return blob_store_put(run->store, bytes, count, &digest, error) == BLOB_OK ? 0 : -1;
}

/* One that was cut is in the way of its better. */
static int restore_blob(struct run *run, const struct run_restorer *restorer,
                        const struct commit_record *commit, struct error *error)
{
    struct error reason = {"nobody is here to make it again"};
    if (blob_store_has(run->store, &commit->child) &&
        blob_store_remove(run->store, &commit->child, error) != BLOB_OK)
        return -1;
    if (restorer->make != NULL && restorer->make(restorer->context, run, commit, &reason) == 0 &&
        blob_store_has(run->store, &commit->child))
        return 0;
    char hex[DIGEST_HEX_BYTES];
    digest_to_hex(&commit->child, hex);
    return error_set(error, -1,
                     "checkpoint %s of individual %u/%llu is missing from %.200s/blobs: %.200s",
                     hex, commit->job.key.line, (unsigned long long)commit->job.key.job,
                     run->directory.path, reason.text);
}

/* What a walk over the admitted children is for. */
struct inspection {
    struct run *run;
    const struct run_restorer *restorer;
};

static int inspect_child(void *context, const struct ledger_child *child, struct error *error)
{
    const struct inspection *inspection = context;
    struct run *run = inspection->run;
    struct commit_record commit;
    if (blob_store_bytes_of(run->store, &child->digest) == child->bytes ||
        !core_needs_blob(run->core, &child->digest))
        return 0;
    if (ledger_get_commit(run->ledger, child->job, &commit, error) != LEDGER_OK)
        return -1;
    return restore_blob(run, inspection->restorer, &commit, error);
}

/*
 * Restores what the search goes on from and is not there, or names the first such individual. The
 * ledger's rows were held against their checksums by the replay.
 */
static int check_blobs(struct run *run, const struct run_restorer *restorer, struct error *error)
{
    struct inspection inspection = {run, restorer};
    const struct ledger_children children = {inspect_child, &inspection};
    return ledger_each_child(run->ledger, &children, error) == LEDGER_OK ? 0 : -1;
}

static int sweep(struct run *run, const struct run_restorer *restorer, struct digest_set *anchors,
                 struct error *error)
{
    if (check_blobs(run, restorer, error) != 0)
        return -1;
    if (experiment_keep(run->experiment) == KEEP_ALL)
        return 0;
    if (anchors->count > 0)
        qsort(anchors->items, anchors->count, sizeof *anchors->items, compare_digests);
    struct keeper keeper = {run, anchors};
    blob_store_sweep(run->store, keep_blob, &keeper);
    return 0;
}

/* Ledger, store and data set. */
static enum run_result prepare(struct run *run, const struct run_options *options,
                               struct error *error)
{
    enum run_result result = RUN_OPENED;
    if (run->directory.has_ledger)
        result = reopen_run(run, error);
    if (result == RUN_OPENED && open_store(run, error) != 0)
        result = RUN_REFUSED;
    if (result == RUN_OPENED)
        result = run_data_obtain(run, options->packer, error);
    if (result == RUN_OPENED && !run->directory.has_ledger)
        result = create_run(run, error);
    if (result == RUN_OPENED && run_data_remember(run, error) != 0)
        result = RUN_REFUSED;
    return result;
}

enum run_result run_open(struct run *run, const struct run_options *options, struct error *error)
{
    *run = (struct run){.experiment = options->experiment, .directory = {.lock = -1}};
    struct digest_set anchors = {0};
    enum run_result result = RUN_REFUSED;
    if (run_directory_open(&run->directory, options->directory, error) != 0)
        goto out;
    result = prepare(run, options, error);
    if (result != RUN_OPENED)
        goto out;
    result = RUN_REFUSED;
    if (read_facts(run, error) != 0 || lift_stops(run, error) != 0 ||
        ledger_next_epoch(run->ledger, &run->epoch, error) != LEDGER_OK ||
        replay(run, options, &anchors, error) != 0 ||
        sweep(run, &options->restorer, &anchors, error) != 0 || write_yaml(run, error) != 0)
        goto out;
    result = RUN_OPENED;
out:
    free(anchors.items);
    if (result != RUN_OPENED)
        run_close(run);
    return result;
}

/* `key = value` lines that grow. */
struct limits {
    size_t used;
    char *text; /* [RUN_LIMITS_BYTES_MAX] */
};

static void add_limit(void *context, const struct listed_setting *setting)
{
    struct limits *limits = context;
    if (strncmp(setting->key, "budget.", strlen("budget.")) != 0 &&
        strncmp(setting->key, "stop.", strlen("stop.")) != 0)
        return;
    limits->used +=
        (size_t)snprintf(limits->text + limits->used, RUN_LIMITS_BYTES_MAX - limits->used,
                         "%s = %s\n", setting->key, setting->value);
    assert(limits->used < RUN_LIMITS_BYTES_MAX);
}

int run_limits(const struct run *run, char text[RUN_LIMITS_BYTES_MAX], struct error *error)
{
    struct limits limits = {.text = text};
    const struct experiment_visitor visitor = {&limits, add_limit};
    text[0] = '\0';
    return experiment_list(run->experiment, &visitor, error);
}

void run_close(struct run *run)
{
    core_destroy(&run->core);
    blob_store_close(&run->store);
    ledger_close(&run->ledger);
    run_directory_close(&run->directory);
}
