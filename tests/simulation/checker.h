/*
 * checker.h: what must hold, looked at from outside the cores.
 *
 * The checker sees every record before it is written, every message before it is sent, every job
 * before it runs. It keeps its own account of what was committed, rebuilds it from the disk after a
 * crash, and believes no core: chains are extended anew, each committed result is computed again
 * from its description.
 *
 * In ordered mode every commit is also held, field by field, against the reference: a run of the
 * same trial by one worker with one slot and without any fault.
 */
#ifndef RATCHET_TESTS_SIMULATION_CHECKER_H
#define RATCHET_TESTS_SIMULATION_CHECKER_H

#include "coordinator/core/core.h"
#include "proto/codec.h"
#include "tests/simulation/history.h"
#include "tests/simulation/network.h"
#include "tests/simulation/trial.h"

struct simulation;
struct worker_node;

struct reference {
    const struct history *history;
};

struct checker_line {
    uint64_t next_job;
    struct digest chain;
    bool final_committed;
    bool stopped; /* by an input: from then on only the reference's order of jobs holds */
};

/* What the simulator did to a job. */
struct checker_job {
    uint8_t counted_deaths, failures; /* it must not look like poison when it is none */
    uint32_t carried_out;             /* how often; second opinions not counted */
    uint32_t twins;                   /* leases that were sent because an earlier one was late */
    size_t detail;                    /* its latest one on the disk, plus one; 0: none */
    struct lease_key handed_under;    /* of the last hand-over, */
    struct digest handed;             /* and its state */
};

enum { CHECKER_RELEASED_MAX = 256 };

struct checker {
    struct simulation *simulation;
    const struct reference *reference; /* or NULL */
    struct history history;
    struct checker_line lines[TRIAL_LINES_MAX];
    uint64_t sequence;
    struct checker_job *jobs;       /* by history_place */
    struct worker_summary *workers; /* room for what the core says of all of them */
    uint64_t leases, turns;
    /* States that the messages of this batch let go of. */
    struct digest released[CHECKER_RELEASED_MAX];
    uint32_t released_count;
};

void checker_init(struct checker *checker, struct simulation *simulation,
                  const struct reference *reference);
void checker_fini(struct checker *checker);

struct checker_job *checker_job(struct checker *checker, struct job_key job);

/* The coordinator starts again: the account is that of the records on its disk. */
void checker_rewind(struct checker *checker);
/* The disk has got one more detail, staged. */
void checker_on_detail(struct checker *checker);
void checker_on_commit(struct checker *checker, const struct commit_record *record);
void checker_on_input(struct checker *checker, const struct input_record *record);
/* The coordinator is about to hear this message of a worker. */
void checker_on_heard(struct checker *checker, const struct packet *packet,
                      const struct message *message);
/* Between two turns of the coordinator: nothing has grown beyond its bound. */
void checker_on_turn(struct checker *checker);
void checker_on_send(struct checker *checker, const struct instance_id *to,
                     const struct message *message);
void checker_on_drop(struct checker *checker, const struct digest *digest);
void checker_blobs_needed_are_there(struct checker *checker);
/* The coordinator says that the run has ended, and that is committed. */
void checker_on_finished(struct checker *checker);

/* A batch's datagrams leave: whatever they say has to be on disk, as deep as the mode demands. */
void checker_before_send(struct checker *checker);
/* The packet's bytes up to `end` were taken for messages: they must be as they were sent. */
void checker_on_decoded(struct checker *checker, const struct packet *packet, size_t end);
/* Decoding of the packet ended: only of a damaged one anything may be left. */
void checker_on_undecoded(struct checker *checker, const struct packet *packet,
                          enum codec_result result, const struct error *error);

/* A worker hands a job to a slot: it must have everything in its cache, and pinned. */
void checker_on_run(struct checker *checker, const struct worker_node *worker,
                    const struct lease *lease);

/* A worker offers the state of a job. */
void checker_on_handover(struct checker *checker, const struct handover *handover);

/* The detail that a worker sends with this job's result. */
uint32_t checker_detail(const struct job *job, uint8_t detail[64]);

#endif
