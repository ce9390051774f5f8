/*
 * ledger.h: the coordinator's durable record of a run: RUN/ledger.sqlite.
 *
 * The ledger is written in batches: begin, any number of puts, then commit. A committed batch
 * survives kill -9 of the process; a synced one survives a power cut. What the cores refer to as
 * "the ledger's records" are the rows of commits and inputs by their common sequence; everything
 * else in the file is there for people and their queries (schema in coordinator/README.md and in
 * the file itself).
 *
 * One writer: the process that holds RUN/lock. Readers (status, report, digest) may open it at any
 * time. Only ledger_sqlite*.c includes sqlite3.h.
 */
#ifndef RATCHET_COORDINATOR_SHELL_LEDGER_H
#define RATCHET_COORDINATOR_SHELL_LEDGER_H

#include "common/error.h"
#include "coordinator/core/core.h"

struct ledger;

enum ledger_result {
    LEDGER_OK = 0,
    LEDGER_END,     /* no further row */
    LEDGER_FAILED,  /* I/O error, damaged file: the sentence is in *error */
    LEDGER_FULL,    /* the disk is full */
    LEDGER_FOREIGN, /* not a ledger, or of another schema version */
};

/* What is fixed when a run is created. */
struct ledger_header {
    struct run_id run;
    char engine_version[VERSION_BYTES_MAX];
    char name[NAME_BYTES_MAX];
    struct digest experiment_digest;
    const char *canonical; /* experiment_canonical's text; given: borrowed, read: owned by the
                              ledger */
    const char *yaml;      /* the file as the user wrote it */
};

enum ledger_access {
    LEDGER_CREATE = 1,
    LEDGER_WRITE,
    LEDGER_READ,
    LEDGER_SALVAGE, /* as LEDGER_READ, of a file that is damaged: for ledger_salvage alone */
};

/*
 * LEDGER_CREATE needs *header and a path where nothing is; the others fill *header. A ledger is
 * made whole or not at all. LEDGER_READ works in folders that may not be written to, if the last
 * writer closed the ledger.
 */
enum ledger_result ledger_open(const char *path, enum ledger_access access,
                               struct ledger_header *header, struct ledger **ledger,
                               struct error *error);
void ledger_close(struct ledger **ledger);

/*
 * The write-ahead log as a writer found it, before anything was written to it. Pages that are torn
 * or damaged, and those behind them, are lost: the ledger is at the last commit before them. After
 * a power cut that is to be expected; what was synced is only lost to damage.
 */
struct ledger_log {
    uint64_t pages, pages_lost;
    bool is_void; /* not even its beginning can be read: all of it is lost */
};
const struct ledger_log *ledger_log_found(const struct ledger *ledger);

/* Of the last record, commit or input; 0: there is none. */
uint64_t ledger_last_sequence(const struct ledger *ledger);

/*
 * What can be kept of a damaged ledger: its records from the first up to the one before the first
 * that is damaged or that `fits` refuses (0, or -1 with the reason), their details, the facts but
 * for those of the end, and the epoch. They go into a new ledger at `fresh`, whole or not at all;
 * what lies there is replaced. `from` was opened with LEDGER_SALVAGE.
 *
 * Or of one that is in order, when a run is to go on from an earlier moment: `before` says which
 * record is the first that is dropped. Nothing else may be lost then: `from` was opened with
 * LEDGER_READ, and the result is LEDGER_FAILED when it is damaged.
 */
struct ledger_salvage_plan {
    const char *fresh;
    uint64_t before; /* 0: keep all that can be kept */
    int (*fits)(void *context, const struct ledger_record *record, struct error *error);
    void *context;
};
struct ledger_salvaged {
    uint64_t commits, inputs;                 /* kept */
    uint64_t commits_dropped, inputs_dropped; /* for `before` alone, */
    struct job_key first_dropped;             /* and the first of those commits */
    uint64_t details_lost;                    /* of commits that were kept */
    uint64_t facts_lost;
    bool is_sound;       /* nothing at all is wrong with the ledger as it is */
    struct error reason; /* why it ends there; "" when all records were kept */
};
enum ledger_result ledger_salvage(struct ledger *from, const struct ledger_salvage_plan *plan,
                                  struct ledger_salvaged *salvaged, struct error *error);

/* How long the file at `path` says that it is; 0 when it does not. One that was cut is shorter, and
 * can be read only when it is made as long again. */
uint64_t ledger_told_bytes(const char *path);

/* Raises the stored epoch by one and returns it: once per life of a coordinator. Synced. */
enum ledger_result ledger_next_epoch(struct ledger *ledger, uint64_t *epoch, struct error *error);

/*
 * Batches. A failed put or commit leaves the file at the last committed batch: what is put after it
 * fails as well, until the next begin. After LEDGER_FULL the ledger goes on once there is room.
 * When a commit fails at syncing alone, the batch is there, but only as LEDGER_SURVIVES_KILL.
 */
enum ledger_result ledger_begin(struct ledger *ledger, struct error *error);
/*
 * Sequences rise from record to record, commits and inputs together. A second commit of a job
 * fails, except of a line's final job: it replaces the first.
 */
enum ledger_result ledger_put_commit(struct ledger *ledger, const struct commit_record *record,
                                     struct error *error);
enum ledger_result ledger_put_input(struct ledger *ledger, const struct input_record *record,
                                    struct error *error);
/*
 * Takes back all stops and cancels: the limit that caused them was raised. What was committed
 * behind them stays as it is, since a stop changes which jobs are created later and no job that
 * was.
 */
enum ledger_result ledger_lift_stops(struct ledger *ledger, struct error *error);
/* At most DETAIL_BYTES_MAX; replaces what the job had. 0 bytes: it has none. */
enum ledger_result ledger_put_detail(struct ledger *ledger, struct job_key job,
                                     const uint8_t *detail, uint32_t bytes, struct error *error);
/* A line of the run's log: wall-clock time, kind, job or worker it concerns, sentence, log tail. */
struct ledger_note {
    uint64_t wall_ms;
    const char *kind;          /* "worker_lost" */
    const char *worker;        /* or NULL */
    const struct job_key *job; /* or NULL */
    const char *text;
    const char *log_tail; /* or NULL */
};
enum ledger_result ledger_put_note(struct ledger *ledger, const struct ledger_note *note,
                                   struct error *error);
enum ledger_sync { LEDGER_SURVIVES_KILL = 1, LEDGER_SURVIVES_POWER_CUT };
/* Synced: this batch and all before it. Sync the blobs that they name first. */
enum ledger_result ledger_commit(struct ledger *ledger, enum ledger_sync sync, struct error *error);

/*
 * All records in sequence order, from the first: for replay. Each is checked: types, lengths,
 * ranges; what the file cannot know, core_replay does. A reader sees the run as it was at the first
 * ledger_next after a rewind until LEDGER_END, and should get there: the writer's log grows
 * meanwhile.
 */
enum ledger_result ledger_rewind(struct ledger *ledger, struct error *error);
enum ledger_result ledger_next(struct ledger *ledger, struct ledger_record *record,
                               struct error *error);
/* When the commit that was read last was committed: wall clock, ms since 1970, for people. */
uint64_t ledger_committed_wall_ms(const struct ledger *ledger);

/*
 * One commit by its job; the detail that came with it, in detail[DETAIL_BYTES_MAX]. LEDGER_END when
 * there is none.
 */
enum ledger_result ledger_get_commit(struct ledger *ledger, struct job_key job,
                                     struct commit_record *record, struct error *error);
enum ledger_result ledger_get_detail(struct ledger *ledger, struct job_key job, uint8_t *detail,
                                     uint32_t *bytes, struct error *error);

/* An admitted child: enough to look for its file. */
struct ledger_child {
    struct job_key job;
    struct digest digest;
    uint64_t bytes;
};

/*
 * Calls `take` for every admitted child in the order of their commits, until it returns other than
 * 0: then LEDGER_FAILED, with take's reason. `take` may get commits meanwhile. An order of
 * magnitude faster than reading all records, because it does not hold the rows against their
 * checksums: for whoever has just done so.
 */
struct ledger_children {
    int (*take)(void *context, const struct ledger_child *child, struct error *error);
    void *context;
};
enum ledger_result ledger_each_child(struct ledger *ledger, const struct ledger_children *children,
                                     struct error *error);

/*
 * Small facts under a name: "finished", "digest", ... At most 64 bytes and 4 KiB. A put belongs to
 * the open batch, or is a synced batch of its own. LEDGER_END when there is none of that name.
 */
enum ledger_result ledger_put_fact(struct ledger *ledger, const char *name, const char *value,
                                   struct error *error);
enum ledger_result ledger_get_fact(struct ledger *ledger, const char *name, char *value,
                                   size_t size, struct error *error);

/*
 * The last note of a kind: its text, cut to `size`, and its job, 0/0 when it concerns none.
 * LEDGER_END when there is none.
 */
enum ledger_result ledger_get_note(struct ledger *ledger, const char *kind, struct job_key *job,
                                   char *text, size_t size, struct error *error);

/* A note as it was kept; texts that are longer are cut. */
struct kept_note {
    uint64_t wall_ms;
    char kind[32];
    char worker[2 * sizeof(struct instance_id) + 1]; /* in hexadecimal; "": it concerns none */
    bool has_job;
    struct job_key job;
    char text[REASON_BYTES_MAX + NAME_BYTES_MAX];
    char log_tail[LOG_TAIL_BYTES_MAX];
};

enum note_subject {
    NOTES_OF_RUN = 1, /* all, but for lines that closed as they should */
    NOTES_OF_JOB,
    NOTES_OF_WORKER,
};

struct note_query {
    enum note_subject subject;
    struct job_key job; /* of NOTES_OF_JOB */
    const char *worker; /* of NOTES_OF_WORKER: its name, or how its instance begins (four digits) */
};

/* The last `max` notes of that query, the latest first; *count says how many there are. */
enum ledger_result ledger_find_notes(struct ledger *ledger, const struct note_query *query,
                                     struct kept_note *notes, uint32_t max, uint32_t *count,
                                     struct error *error);

/* How long the last jobs took that were committed: their compute_ms, the latest first. */
enum ledger_result ledger_last_compute_ms(struct ledger *ledger, uint64_t *times, uint32_t max,
                                          uint32_t *count, struct error *error);

#endif
