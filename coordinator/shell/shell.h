/*
 * shell.h: the coordinator at work: serves one run from opening to the end.
 *
 * shell_serve() is the loop around the core: wait, decode, step, group-commit, carry out. It runs
 * on the calling thread (the main one, because of signals and of the local worker) and returns when
 * the run has ended, was interrupted by SIGINT, SIGTERM or SIGHUP, or cannot go on. It prints
 * nothing: who wants to show something hands over an observer.
 */
#ifndef RATCHET_COORDINATOR_SHELL_SHELL_H
#define RATCHET_COORDINATOR_SHELL_SHELL_H

#include "coordinator/experiment/experiment.h"
#include "coordinator/shell/operator_label.h"
#include "coordinator/shell/run.h"

/* How often one entry of the operator list was tried, and succeeded: progress.h says when. */
struct shell_operator {
    char label[OPERATOR_LABEL_BYTES_MAX];
    uint64_t tried, compared, improved;
};

/* How the run stands, for people. */
struct shell_view {
    uint64_t commits, jobs_total; /* final evaluations counted in */
    double jobs_per_s;            /* NaN: not known yet; likewise below */
    double seconds_left;
    double fitness_best, fitness_median;
    struct job_key champion; /* has fitness_best; means nothing while that is NaN */
    uint32_t workers, slots;
    struct shell_operator operators[OPERATORS_MAX]; /* in the experiment's order */
    uint32_t operator_count;
};

/*
 * "operators" of a status and of a progress event: [{"operator", "tried", "compared", "improved"}].
 * The caller's.
 */
struct json_node;
struct json_node *shell_operators_node(const struct shell_view *view);

struct shell_started {
    const char *directory;
    const char *control, *bulk; /* addresses */
    const char *server_file;    /* the public key that workers need; NULL: in the clear */
    uint64_t replayed;          /* commits of earlier lives */
};

struct shell_noted {
    const char *kind; /* "worker_lost" */
    const char *text;
    const char *log_tail; /* or NULL */
};

/* Called from the loop; must not take long. Members may be NULL. */
struct shell_observer {
    void *context;
    void (*started)(void *context, const struct shell_started *started);
    void (*progressed)(void *context, const struct shell_view *view); /* at most five times a second
                                                                       */
    void (*noted)(void *context, const struct shell_noted *noted);
    /* A signal came and jobs are running: they get so long, a second signal ends them. */
    void (*waiting)(void *context, uint32_t seconds_most);
};

struct shell_options {
    const struct experiment *experiment;
    const char *directory;
    const char *listen;        /* NULL: a private socket */
    const char *bulk;          /* NULL: beside `listen` */
    bool encrypted;            /* CURVE, and only keys that are known */
    const char *keys;          /* the folder of keys; NULL: the usual one */
    const char *local_program; /* of a worker that is started along; NULL: none */
    uint32_t local_slots;      /* of that worker */
    const char *device;        /* what it computes on, as --device takes it; NULL: it chooses */
    struct shell_observer observer;
    struct run_restorer restorer; /* of checkpoints that are missing when a run is resumed */
};

enum shell_result {
    SHELL_DONE = 0,
    SHELL_FAILED,         /* the sentence is in *error; resumable unless it never started */
    SHELL_BAD_EXPERIMENT, /* RUN holds a different one, or its data set is not to be had */
    SHELL_POISONED,       /* nobody can carry out what is left; resumable */
    SHELL_INTERRUPTED,    /* by outcome->signal; resumable, if it had started */
};

struct shell_outcome {
    bool started;       /* false: it failed before anything ran */
    bool local_refused; /* what it failed of: its own worker was not let in */
    int signal;
    uint32_t poisoned_lines;
    uint64_t commits_safe; /* in the ledger, also after a failure */
    struct shell_view view;
    struct digest digest;
};

enum shell_result shell_serve(const struct shell_options *options, struct shell_outcome *outcome,
                              struct error *error) __attribute__((warn_unused_result));

#endif
