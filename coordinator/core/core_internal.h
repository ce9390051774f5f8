/*
 * core_internal.h: what the files of the coordinator's core ask of one another, and of nobody else.
 * core_tables.h has what they work on. Who changes what:
 *
 *   sessions.c  hello, heartbeat, liveness, goodbye
 *   numeric.c   which numeric class is welcome
 *   leases.c    hand-out and take-back of jobs
 *   results.c   results, second opinions on would-be champions
 *   deaths.c    slot processes that died
 *   relief.c    making room when all caches are full
 *   audits.c    jobs that are carried out a second time before their commit
 *   groups.c    how many workers there are of each numeric class
 *   speeds.c    how fast workers are
 *   credit.c    who may get work, and who first
 *   waiting.c   jobs that wait for a worker
 *   window.c    which of them goes to whom
 *   twins.c     second leases of late jobs
 *   lines.c     creation rule, stops, poison
 *   skips.c     jobs that a user gives up
 *   blobs.c     who refers to which checkpoint
 *   commits.c   results enter their line's state
 *   orders.c    what users order, and the answers
 *   drain.c     workers that are to leave
 *   handover.c  jobs given back partly trained
 *   slots.c     the table of jobs in flight
 *   receipts.c  telling workers that a result is here
 *   replay.c    the ledger's records, applied anew
 *   core.c      create, step, deadline, views
 *   explain.c   views that answer "why?"
 *   effects.c   appending effects; index lists
 */
#ifndef RATCHET_COORDINATOR_CORE_CORE_INTERNAL_H
#define RATCHET_COORDINATOR_CORE_CORE_INTERNAL_H

#include "coordinator/core/core_tables.h"

/* ------------------------------------------------------------------------------- effects.c, list.c
 */

/* The next effect of this kind, its union unset. NULL during replay: nothing leaves then. */
struct core_effect *effect_add(struct core *core, enum core_effect_kind kind);
/* A message to `to` with kind and epoch set, its body unset; NULL during replay. */
struct message *effect_send(struct core *core, const struct instance_id *to,
                            enum message_kind kind);
void effect_verdict(struct core *core, const struct instance_id *to, const struct lease_key *lease,
                    enum verdict_kind verdict);

struct note {
    enum note_kind kind;
    const struct job_key *job;          /* or NULL */
    const struct instance_id *instance; /* or NULL */
    const char *log_tail;               /* or NULL */
};
void effect_note(struct core *core, struct note note, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* `links` is the table's first link, `stride` the size of a table entry. */
void list_init(struct list *list);
void list_append(struct list *list, struct link *links, size_t stride, uint32_t index);
void list_remove(struct list *list, struct link *links, size_t stride, uint32_t index);

/* ---------------------------------------------------------------------------------------- blobs.c
 */

/* Finds or makes the entry and adds a reference. */
uint32_t blob_reference(struct core *core, const struct digest *digest);
void blob_release(struct core *core, uint32_t blob);
uint32_t blob_find(const struct core *core, const struct digest *digest);
/* A table keyed by the first half of a digest cannot hold two that share it. Honest digests never
 * do. */
bool blob_conflicts(const struct core *core, const struct digest *digest);
/* Notes that the session has the bytes in its cache. */
void blob_add_holder(struct core *core, uint32_t blob, uint32_t session);
/* Makes the slot wait for its child's bytes and asks for them where nobody has yet. */
void blob_want(struct core *core, uint32_t slot);
void blob_stop_waiting(struct core *core, uint32_t slot);
/* Refers to a state that is handed over and asks for its bytes. The core must not know it yet. */
uint32_t blob_want_state(struct core *core, uint32_t slot, const struct partial *state,
                         const struct instance_id *from);
void blob_on_stored(struct core *core, const struct digest *digest);
void blob_on_unavailable(struct core *core, const struct digest *digest,
                         const struct instance_id *from);

/* ------------------------------------------------------------------------------------- sessions.c
 */

uint32_t session_find(const struct core *core, const struct instance_id *instance);
void sessions_on_message(struct core *core, const struct instance_id *from,
                         const struct message *message);
/* Marks suspects, drops the lost; at most LOSSES_PER_STEP. */
void sessions_watch(struct core *core);
/* To be called whenever capacity, leases or state of the session changed. */
void session_update_credit(struct core *core, uint32_t session);
void session_bench(struct core *core, const struct instance_id *instance);
/* Two others agree against it: also if nobody else is left, and for as long as it stays. */
void session_bench_proven(struct core *core, uint32_t session);
/* "ready", "suspect", "draining", "benched" */
const char *session_state_name(const struct session *session);
/* The worker with this cache and spool, under whatever instance, or NONE. */
uint32_t session_find_home(const struct core *core, const struct home_id *home);

/* -------------------------------------------------------------------------------------- numeric.c
 */

/* The class in which the worker would compute, or NULL when it has none that this run accepts. */
const char *numeric_choose(const struct core *core, const struct hello *hello);
/* A worker of this class joins: a run that has not got its one class yet has it from now on. */
void numeric_settle(struct core *core, const char *numeric);
/* There is a result of that class. */
void numeric_keep(struct core *core);
/* A worker has gone. */
void numeric_release(struct core *core);
/* Why numeric_choose() said NULL: names what is needed. */
void numeric_explain(const struct core *core, char reason[REASON_BYTES_MAX]);
/* The class of a commit of the ledger; -1 when the run has another one. */
int numeric_replay(struct core *core, const struct commit_record *record, struct error *error);

/* --------------------------------------------------------------------------------------- audits.c
 */

/* Whether the job is to be carried out a second time: a function of the experiment alone. */
bool audit_is_drawn(const struct core *core, const struct slot *slot);
/* The result that the slot holds has just come from this session. */
void audit_on_first(struct core *core, uint32_t slot, uint32_t session,
                    const struct result *result);
/* True when the held result needs no audit, or has passed it; asks for one otherwise. */
bool audit_prepare(struct core *core, uint32_t slot);
/* Whether a result of the slot's job by this session, beside the one that is held, is a vote. */
bool audit_welcomes(const struct core *core, const struct slot *slot, uint32_t session);
/* Votes that are not for the result that is held. */
uint32_t audit_contradictions(const struct slot *slot);
/* A worker lists a task of this job: is it an earlier execution than the one that the lease asks
 * for? */
bool audit_is_past(const struct core *core, uint32_t lease, const struct lease_key *listed);
/* A result of a job that is held. False, with nothing done, when no audit has a use for it. */
bool audit_on_result(struct core *core, uint32_t slot, uint32_t session,
                     const struct result *result);
/* The auditor could not carry it out, or its slot process died of it. */
void audit_on_failure(struct core *core, uint32_t slot);
/* To whom a waiting audit would go now: as leases_choose(). */
uint32_t audit_choose(const struct core *core, const struct slot *slot);
/* Nobody is left who could confirm the held result: it has to be made anew. */
bool audit_is_orphan(const struct core *core, const struct slot *slot);

/* --------------------------------------------------------------------------------------- groups.c
 */

/* A worker of the class joins: its group. */
uint32_t group_join(struct core *core, const char *numeric);
void group_leave(struct core *core, const struct session *session);
/* The workers of the class, or NULL: there is none. */
const struct group *group_of(const struct core *core, const char *numeric);

/* --------------------------------------------------------------------------------------- leases.c
 */

void leases_dispatch(struct core *core);
/* Hands the slot's job, or the opinion on it, to the session. */
void lease_give(struct core *core, uint32_t slot, uint32_t session, enum lease_reason reason);
/* To whom a waiting job (or opinion) would go now: a session; NONE: somebody who is busy now is
 * waited for, or nobody is there. */
uint32_t leases_choose(const struct core *core, const struct slot *slot);
/* A worker runs a job (or an audit) that nobody was given in this epoch: it is its lease from now
 * on. */
void lease_adopt(struct core *core, uint32_t slot, uint32_t session, const struct lease_key *key);
void lease_free(struct core *core, uint32_t lease);
/* Takes a lease back: the job (or opinion) waits again. */
void lease_lost(struct core *core, uint32_t lease);
/* The job died, failed or got lost there: it goes elsewhere while there is anybody else. A twin's
 * end is no trouble. */
void slot_note_trouble(struct core *core, uint32_t slot, uint32_t session);
bool slot_had_trouble_at(const struct slot *slot, const struct instance_id *instance);
/* Ends all leases of a job that needs them no longer; tells the workers to stop, except `except`.
 */
void leases_end(struct core *core, uint32_t slot, uint32_t except_session);
/* The slot's lease with this very key at this session, or NONE. */
uint32_t lease_find_key(const struct core *core, uint32_t slot, uint32_t session,
                        const struct lease_key *key);
/* The slot's lease at this session for the description with this prefix, or NONE. */
uint32_t lease_find(const struct core *core, uint32_t slot, uint32_t session, uint64_t prefix);

/* ------------------------------------------------------------- credit.c, waiting.c, window.c,
 * twins.c
 */

/* Puts the session into its list, or into none, by its state, leases and speed. */
void credit_place(struct core *core, uint32_t session);
/* Sees to it that the first session is where it belongs: time makes late ones slower. */
void credit_settle(struct core *core);
/* In the order of predicted finish, those of unknown speed last; NONE at the end. */
uint32_t credit_first(const struct core *core);
uint32_t credit_next(const struct core *core, uint32_t session);
/* The same, but only a few of each list, which take turns at its head. `seen` is 0 at first. */
uint32_t credit_next_of_few(const struct core *core, uint32_t session, uint32_t *seen);
uint32_t credit_first_known(const struct core *core);
uint32_t credit_first_unknown(const struct core *core);

/* Puts the slot among those to be leased (its job, or an opinion on its child). */
void waiting_add(struct core *core, uint32_t slot);
void waiting_remove(struct core *core, uint32_t slot);
/* A job that waits and that anybody may have. */
bool slot_is_plain(const struct slot *slot);

struct match {
    uint32_t slot, session; /* or NONE */
};
/* The next plain job that is to be leased, and to whom. */
struct match window_match(const struct core *core);
/* Whatever job the session got, faster ones would wait for it. */
bool window_is_closed_to(const struct core *core, uint32_t session);

/* Gives late jobs a second lease where workers have room and nothing else to do. */
void twins_dispatch(struct core *core);

/* -------------------------------------------------------------------------------------- results.c
 */

void results_on_result(struct core *core, uint32_t session, const struct result *result);
/* Sentence on what is wrong with a result of this job, or NULL. */
const char *result_fault(const struct core *core, const struct slot *slot,
                         const struct result *result);
/* The result as it is kept and compared: one NaN for all, diverged when its fitness is no number.
 */
struct result result_clean(const struct slot *slot, const struct result *result);
/* The slot holds this result from now on; whatever it held before is forgotten. */
void result_keep(struct core *core, uint32_t slot, const struct session *session,
                 const struct result *result);
/* The slot's result is void (bytes gone, disproved): the job waits again. */
void result_drop(struct core *core, uint32_t slot);
/* Bytes and opinions that a commit needs under the present state: true when all are there. */
bool result_prepare(struct core *core, uint32_t slot);
/* The description of the second opinion on the slot's child. */
struct job opinion_job(const struct slot *slot);
/* Takes back the detail of an earlier result. */
void result_forget_detail(struct core *core, uint32_t slot);

/* ---------------------------------------------------------------------------------------- deaths.c
 */

void deaths_on_death(struct core *core, uint32_t session, const struct death *death);

/* ---------------------------------------------------------------------------------------- relief.c
 */

/*
 * When every worker's cache is full of results whose turn has not come, the job whose turn it is
 * finds no worker: gives up the newest of those results, so that there is room again.
 */
void relief_advance(struct core *core);

/* ------------------------------------------------------------------------------------- receipts.c
 */

/* The slot has a result: its worker will hear of it, unless it is decided soon. */
void receipt_owe(struct core *core, uint32_t slot);
/* The worker needs no receipt any more: it was told, or hears the decision. */
void receipt_settle(struct core *core, uint32_t slot);
/* Gives those that are due, at most RECEIPTS_PER_STEP. */
void receipts_give(struct core *core);
/* When the next one is due, on the clock of events; UINT64_MAX: none is owed. */
uint64_t receipts_deadline(const struct core *core);

/* ---------------------------------------------------------------------------------------- orders.c
 */

/* Carries out what a user orders, and answers. */
void orders_on_command(struct core *core, const struct user_command *command);
/* The answer of an order's handler, a sentence. */
void order_done(struct command_answer *answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void order_refused(struct command_answer *answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* -------------------------------------------------------------------------------------- handover.c
 */

/* A worker gives a job back that is trained up to some step. */
void handover_on_message(struct core *core, uint32_t session, const struct handover *handover);
/* What the slot's job goes on from at this worker; no bytes: from the beginning. */
struct partial handover_for(const struct core *core, uint32_t slot, uint32_t session);
/* The bytes are there, or cannot be had. */
void handover_on_stored(struct core *core, uint32_t slot);
void handover_on_unavailable(struct core *core, uint32_t slot);
/* The lease ends: what was handed over under it is not waited for any more. */
void handover_on_lease_end(struct core *core, uint32_t lease);
/* What is carried out already is of no use any more. */
void handover_forget(struct core *core, uint32_t slot);

/* ----------------------------------------------------------------------------------------- drain.c
 */

/* COMMAND_DRAIN: the worker gets no more work and is told to leave, */
void drain_order(struct core *core, const struct user_command *command,
                 struct command_answer *answer);
/* and is told again with every heartbeat. */
void drain_remind(struct core *core, uint32_t session);

/* ---------------------------------------------------------------------------------------- slots.c
 */

struct map_key slot_key(struct job_key job);
/* A slot for job `number` of the place's line: key, seed, spec and data are filled in. */
struct slot *slot_open(struct core *core, uint32_t place, uint64_t number, uint32_t *index);
/* The job's description is complete: it waits for a worker from now on. */
void slot_publish(struct core *core, uint32_t index);
struct candidate slot_candidate(const struct core *core, uint32_t index);
void slot_unmark_ready(struct core *core, uint32_t index);
/* The same for a job past the limits: it holds its parents, and no worker hears of it. */
void slot_publish_beyond(struct core *core, uint32_t index);
/* Ends whatever concerns the job, gives up its references and frees the slot. */
void slot_close(struct core *core, uint32_t index);
/* Frees the slot; what the job refers to stays referred to. */
void slot_abandon(struct core *core, uint32_t index);

/* -------------------------------------------------------------------------------------- commits.c
 */

/* Whether the job is the one that its line may commit next. */
bool slot_is_next(const struct core *core, const struct slot *slot);
/* The slot's result may be due for commit. */
void slot_mark_ready(struct core *core, uint32_t index);
/* The result enters the line's state. `*record` is what the ledger keeps of it. */
void slot_commit(struct core *core, uint32_t index, struct commit_record *record);
/* A job was committed: the next one's result may be due now. */
void slot_mark_successor(struct core *core, struct job_key job);
/* Commits what is due, at most COMMITS_PER_STEP. */
void commits_advance(struct core *core);

/* ---------------------------------------------------------------------------------------- lines.c
 */

/* What the job key names in this core. */
enum job_standing { JOB_IN_FLIGHT, JOB_OVER, JOB_NOT_YET };
enum job_standing lines_standing(const struct core *core, struct job_key job, uint32_t *slot);

/* The creation rule, and what follows it at the end of a line. */
void lines_create_jobs(struct core *core, uint32_t place);
/* A place for one more line, or NONE. */
uint32_t lines_free_place(const struct core *core);
void lines_open_one(struct core *core, uint32_t place);
/* Opens lines while there is room, at most OPENINGS_PER_STEP. */
void lines_open(struct core *core);
bool lines_can_open(const struct core *core);
/* Every line is closed or stalled. */
bool lines_all_over(const struct core *core);
/* The job killed its worker too often: its line will stop there, or it is committed as failed. */
void lines_poison(struct core *core, uint32_t slot, const char *evidence);
/* Its line will stop there in any case. */
void lines_quarantine(struct core *core, uint32_t slot, const char *evidence);
/* Whatever is held or under way for the job is void: it is committed as failed in its turn. */
void lines_fail(struct core *core, uint32_t slot);
/* The line of this quarantined job, whose turn it is, stops; resumable by another life. */
void lines_stall(struct core *core, uint32_t slot);
void lines_request_stop(struct core *core);
/* INPUTs of a stop request, at most INPUTS_PER_STEP. */
void lines_stop_some(struct core *core);

/* ---------------------------------------------------------------------------------------- skips.c
 */

void skip_order(struct core *core, const struct user_command *command,
                struct command_answer *answer);
/* The same as the ledger has it: for a job in flight, by its slot. */
void skip_apply(struct core *core, uint32_t slot);

/* --------------------------------------------------------------------------------------- replay.c
 */

int replay_commit(struct core *core, const struct commit_record *record, struct error *error);
int replay_input(struct core *core, const struct input_record *record, struct error *error);

#endif
