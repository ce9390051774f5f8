/*
 * checker.c: the account of what was committed, and the checks on messages and blobs. What a commit
 * must satisfy is in checker_commit.c. See checker.h.
 */
#include "tests/simulation/checker_commit.h"
#include "tests/simulation/inputs.h"
#include "tests/simulation/recovery.h"
#include "tests/simulation/simulation.h"
#include "tests/simulation/skips.h"

#include "common/philox.h"
#include "coordinator/core/chain.h"
#include "coordinator/core/explain.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Of a crowd only some leases are held against what the core says of its workers: each time it
 * says it of all. */
enum { CROWD_MIN = 64, LEASES_PER_LOOK = 512 };
/* Bounds are looked at now and then: what grows beyond them does not come back. */
enum { TURNS_PER_LOOK = 64 };

/* The draw of the audits, made here once more. */
static bool is_audited(const struct checker *checker, struct job_key job)
{
    const struct trial *trial = checker->simulation->trial;
    struct random random =
        random_open(trial->lines[0].search.seed, job.line, job.job, RANDOM_AUDIT);
    return random_unit(&random) < trial->config.audit;
}

static void fail(struct checker *checker, const char *text, struct job_key job)
{
    world_fail(&checker->simulation->world, FAILURE_INVARIANT,
               "line %" PRIu32 " job %" PRIu64 ": %s", job.line, job.job, text);
}

void checker_init(struct checker *checker, struct simulation *simulation,
                  const struct reference *reference)
{
    *checker = (struct checker){.simulation = simulation, .reference = reference};
    history_init(&checker->history, simulation->trial);
    size_t jobs = (size_t)checker->history.lines * checker->history.places;
    checker->jobs = calloc(jobs, sizeof checker->jobs[0]);
    checker->workers = calloc(simulation->trial->config.sessions_max, sizeof checker->workers[0]);
    assert(checker->jobs != NULL && checker->workers != NULL);
}

void checker_fini(struct checker *checker)
{
    history_fini(&checker->history);
    free(checker->jobs);
    free(checker->workers);
}

struct checker_job *checker_job(struct checker *checker, struct job_key job)
{
    return &checker->jobs[history_place(&checker->history, job)];
}

static bool job_exists(const struct checker *checker, struct job_key job)
{
    const struct trial *trial = checker->simulation->trial;
    if (job.line >= trial->config.line_count)
        return false;
    return job.job < trial->lines[job.line].jobs ||
           (job.job == JOB_NUMBER_FINAL && trial->config.final_evaluation);
}

uint32_t checker_detail(const struct job *job, uint8_t detail[64])
{
    struct digest digest = job_digest(job);
    uint32_t bytes = digest.bytes[0] % 65;
    for (uint32_t i = 0; i < bytes; i++)
        detail[i] = digest.bytes[i % DIGEST_BYTES];
    return bytes;
}

/* ---------------------------------------------------------------------------------- the account */

static void enter(struct checker *checker, const struct commit_record *record)
{
    struct checker_line *line = &checker->lines[record->job.key.line];
    history_enter(&checker->history, record);
    line->chain = record->chain;
    checker->sequence = record->sequence;
    if (record->job.key.job == JOB_NUMBER_FINAL)
        line->final_committed = true;
    else
        line->next_job = record->job.key.job + 1;
}

static void take_input(struct checker *checker, const struct input_record *record)
{
    const struct job_key key = {record->line, record->job};
    struct history *history = &checker->history;
    if (record->kind == INPUT_SKIP)
        history->skipped[history_place(history, key)] = true;
    else
        checker->lines[record->line].stopped = true;
    checker->sequence = record->sequence;
}

static void find_details(struct checker *checker)
{
    const struct disk *disk = &checker->simulation->coordinator.disk;
    size_t jobs = (size_t)checker->history.lines * checker->history.places;
    for (size_t i = 0; i < jobs; i++)
        checker->jobs[i].detail = 0;
    for (size_t i = 0; i < disk->detail_count; i++)
        checker_job(checker, disk->details[i].job)->detail = i + 1;
}

void checker_on_detail(struct checker *checker)
{
    const struct disk *disk = &checker->simulation->coordinator.disk;
    checker_job(checker, disk->details[disk->detail_count - 1].job)->detail = disk->detail_count;
}

void checker_rewind(struct checker *checker)
{
    find_details(checker);
    const struct simulation *simulation = checker->simulation;
    const struct core_config *config = &simulation->trial->config;
    history_clear(&checker->history);
    checker->sequence = 0;
    for (uint32_t i = 0; i < config->line_count; i++)
        checker->lines[i] =
            (struct checker_line){.chain = chain_start(&config->experiment_digest, i)};
    for (size_t i = 0; i < simulation->coordinator.disk.record_count; i++) {
        const struct ledger_record *record = &simulation->coordinator.disk.records[i];
        bool passed_over = i < simulation->coordinator.first_records &&
                           record->commit.job.key.job == JOB_NUMBER_FINAL;
        if (record->kind == RECORD_COMMIT && passed_over) {
            checker->sequence = record->commit.sequence;
        } else if (record->kind == RECORD_COMMIT) {
            enter(checker, &record->commit);
        } else {
            take_input(checker, &record->input);
        }
    }
}

void checker_on_commit(struct checker *checker, const struct commit_record *record)
{
    struct job_key key = record->job.key;
    if (!job_exists(checker, key)) {
        fail(checker, "there is no such job", key);
        return;
    }
    if (record->sequence != checker->sequence + 1)
        fail(checker, "the ledger's sequence has a gap", key);
    struct checker_line *line = &checker->lines[key.line];
    if (history_has(&checker->history, key))
        fail(checker, "committed twice", key);
    bool ordered = checker->simulation->trial->config.mode == COMMIT_ORDERED;
    if (ordered && key.job != JOB_NUMBER_FINAL && key.job != line->next_job)
        fail(checker, "committed out of order", key);
    if (line->final_committed)
        fail(checker, "committed after the final job", key);
    if (record->outcome != OUTCOME_FAILED && is_audited(checker, key) &&
        checker_job(checker, key)->carried_out < 2)
        fail(checker, "committed without its audit", key);
    const char *wrong = commit_fault(checker, record, &line->chain);
    if (wrong != NULL)
        fail(checker, wrong, key);
    wrong = commit_difference(checker, record);
    if (wrong != NULL)
        world_fail(&checker->simulation->world, FAILURE_DIGEST,
                   "line %" PRIu32 " job %" PRIu64 ": %s", key.line, key.job, wrong);
    enter(checker, record);
}

void checker_on_input(struct checker *checker, const struct input_record *record)
{
    struct job_key key = {record->line, record->job};
    if (record->sequence != checker->sequence + 1)
        fail(checker, "the ledger's sequence has a gap at an input", key);
    assert(record->line < checker->simulation->trial->config.line_count);
    if (record->kind == INPUT_SKIP && history_has(&checker->history, key))
        fail(checker, "skipped although it is committed", key);
    take_input(checker, record);
}

/* -------------------------------------------------------------------------------------- messages
 */

/* No worker is given more than it said it can take. */
static void check_capacity(struct checker *checker, const struct instance_id *to,
                           struct job_key job)
{
    const struct coordinator_node *node = &checker->simulation->coordinator;
    uint32_t sessions_max = checker->simulation->trial->config.sessions_max;
    if (sessions_max > CROWD_MIN && ++checker->leases % LEASES_PER_LOOK != 0)
        return;
    struct worker_summary *workers = checker->workers;
    uint32_t count = core_workers(node->core, coordinator_now(node), workers, sessions_max);
    for (uint32_t i = 0; i < count; i++) {
        if (memcmp(&workers[i].instance, to, sizeof *to) != 0)
            continue;
        if (workers[i].leases > workers[i].capacity)
            fail(checker, "leased to a worker beyond its capacity", job);
        uint32_t seat = simulation_seat_of(checker->simulation, to);
        const struct worker_node *worker = &checker->simulation->workers[seat];
        bool heard = memcmp(&worker->heard_instance, to, sizeof *to) == 0;
        if (heard && workers[i].leases > worker->heard_capacity)
            fail(checker, "leased to a worker beyond what it asked for", job);
        return;
    }
    fail(checker, "leased to a worker that has not joined", job);
}

/* What a job goes on from can be fetched, and a second opinion starts from the beginning. */
static void check_partial(struct checker *checker, const struct lease *lease)
{
    const struct shelf *blobs = &checker->simulation->coordinator.disk.blobs;
    if (lease->partial.bytes == 0)
        return;
    if (lease->job.kind != JOB_MUTATE || lease->reason == LEASE_AUDIT)
        fail(checker, "leased for a second opinion that would not start anew", lease->key.job);
    if (shelf_find(blobs, &lease->partial.state) == NULL)
        fail(checker, "leased although its state is not in the blob store", lease->key.job);
}

/* A late job runs at two workers at most, and it was late at one of them. */
static void check_twin(struct checker *checker, struct job_key job)
{
    struct job_explanation explained;
    core_explain_job(checker->simulation->coordinator.core, job, &explained);
    checker_job(checker, job)->twins++;
    if (explained.stage != JOB_IS_LEASED || explained.lease_count != 2 ||
        instance_equal(&explained.leases[0].worker.instance, &explained.leases[1].worker.instance))
        fail(checker, "is not with two workers after its twin was sent", job);
}

static void check_lease(struct checker *checker, const struct instance_id *to,
                        const struct lease *lease)
{
    struct job_key key = lease->key.job;
    if (!job_exists(checker, key) || !job_key_equal(key, lease->job.key)) {
        fail(checker, "leased although there is no such job", key);
        return;
    }
    if (history_has(&checker->history, key))
        fail(checker, "leased although it is committed", key);
    if (history_skipped(&checker->history, key))
        fail(checker, "leased although the user gave it up", key);
    if (lease->key.epoch != checker->simulation->coordinator.disk.epoch)
        fail(checker, "leased under another epoch", key);
    const struct trial *trial = checker->simulation->trial;
    if (!digest_equal(&lease->job.spec, &trial->spec_digest) ||
        !digest_equal(&lease->job.data, &trial->data_digest))
        fail(checker, "leased with another spec or data set than the trial's", key);
    const struct shelf *blobs = &checker->simulation->coordinator.disk.blobs;
    if (!digest_is_zero(&lease->job.data) && shelf_find(blobs, &lease->job.data) == NULL)
        fail(checker, "leased although its data set is not in the blob store", key);
    for (uint32_t i = 0; i < lease->job.parent_count; i++)
        if (shelf_find(blobs, &lease->job.parents[i]) == NULL)
            fail(checker, "leased although its parent is not in the blob store", key);
    check_partial(checker, lease);
    check_capacity(checker, to, key);
    if (lease->reason == LEASE_LATE)
        check_twin(checker, key);
}

void checker_on_heard(struct checker *checker, const struct packet *packet,
                      const struct message *message)
{
    struct worker_node *worker = &checker->simulation->workers[packet->header.seat];
    bool beats = message->kind == MESSAGE_HEARTBEAT &&
                 message->epoch == checker->simulation->coordinator.disk.epoch;
    if (message->kind != MESSAGE_HELLO && !beats)
        return; /* what was said to an earlier life is not listened to */
    const struct heartbeat *beat =
        message->kind == MESSAGE_HELLO ? &message->hello.beat : &message->heartbeat;
    worker->heard_instance = packet->header.worker;
    worker->heard_capacity = beat->capacity;
}

void checker_on_turn(struct checker *checker)
{
    if (++checker->turns % TURNS_PER_LOOK != 0)
        return;
    const struct simulation *simulation = checker->simulation;
    const struct trial *trial = simulation->trial;
    struct core_summary summary = core_summary(simulation->coordinator.core);
    uint64_t most = 0;
    for (uint32_t i = 0; i < trial->config.line_count; i++)
        most += trial->lines[i].lookahead + 1;
    if (summary.waiting + summary.leased + summary.held + summary.quarantined > most)
        world_fail(&checker->simulation->world, FAILURE_INVARIANT,
                   "more jobs are in flight than the lookahead allows");
    if (summary.workers > trial->config.sessions_max)
        world_fail(&checker->simulation->world, FAILURE_INVARIANT,
                   "more workers have joined than there is room for");
}

void checker_on_handover(struct checker *checker, const struct handover *handover)
{
    struct checker_job *job = checker_job(checker, handover->lease.job);
    job->handed_under = handover->lease;
    job->handed = handover->partial.state;
}

/* A worker that is told so forgets the state: whoever wants it has it by then. */
static void note_release(struct checker *checker, const struct verdict *verdict)
{
    if (verdict->kind != VERDICT_RELEASED || !job_exists(checker, verdict->lease.job))
        return;
    const struct checker_job *job = checker_job(checker, verdict->lease.job);
    if (lease_key_equal(job->handed_under, verdict->lease) &&
        checker->released_count < CHECKER_RELEASED_MAX)
        checker->released[checker->released_count++] = job->handed;
}

static void check_releases(struct checker *checker)
{
    const struct coordinator_node *node = &checker->simulation->coordinator;
    for (uint32_t i = 0; i < checker->released_count; i++) {
        const struct digest *state = &checker->released[i];
        if (coordinator_is_pulling(node, state))
            world_fail(&checker->simulation->world, FAILURE_INVARIANT,
                       "a worker is told to forget a state whose bytes are under way");
    }
    checker->released_count = 0;
}

void checker_on_send(struct checker *checker, const struct instance_id *to,
                     const struct message *message)
{
    const struct simulation *simulation = checker->simulation;
    if (message->epoch != simulation->coordinator.disk.epoch)
        world_fail(&checker->simulation->world, FAILURE_INVARIANT,
                   "the coordinator says %s under epoch %" PRIu64, message_name(message->kind),
                   message->epoch);
    if (message->kind == MESSAGE_LEASE)
        check_lease(checker, to, &message->lease);
    if (message->kind == MESSAGE_VERDICT)
        note_release(checker, &message->verdict);
    if (message->kind == MESSAGE_STOP && message->stop.code == STOP_RUN_DONE &&
        !simulation->coordinator.finishing)
        world_fail(&checker->simulation->world, FAILURE_INVARIANT,
                   "a worker is told to stop before the run has ended");
}

void checker_before_send(struct checker *checker)
{
    const struct simulation *simulation = checker->simulation;
    const struct disk *disk = &simulation->coordinator.disk;
    bool arrival = simulation->trial->config.mode == COMMIT_ARRIVAL;
    check_releases(checker);
    if (disk_has_staged(disk) || (arrival && !disk_is_synced(disk)))
        world_fail(&checker->simulation->world, FAILURE_INVARIANT,
                   "messages leave before their batch is on disk");
}

void checker_on_decoded(struct checker *checker, const struct packet *packet, size_t end)
{
    if (end > packet->damaged_from)
        world_fail(&checker->simulation->world, FAILURE_INVARIANT,
                   "a damaged message of worker %" PRIu32 "'s link is believed",
                   packet->header.seat);
}

void checker_on_undecoded(struct checker *checker, const struct packet *packet,
                          enum codec_result result, const struct error *error)
{
    /* Of a worker from before the seal only the hello is told from damage: it is to be refused. */
    const struct worker_node *worker = &checker->simulation->workers[packet->header.seat];
    bool unsealed =
        packet->header.direction == TO_COORDINATOR && worker->role->foreign == FOREIGN_OLDER;
    bool harmless = result == CODEC_END ||
                    (result == CODEC_MALFORMED && (packet->damaged_from < SIZE_MAX || unsealed));
    if (!harmless)
        world_fail(&checker->simulation->world, FAILURE_INVARIANT,
                   "a datagram of worker %" PRIu32 "'s link does not decode: %s",
                   packet->header.seat, error->text);
}

void checker_on_run(struct checker *checker, const struct worker_node *worker,
                    const struct lease *lease)
{
    const struct job *job = &lease->job;
    const struct shelf_item *spec = shelf_find(&worker->home.cache, &job->spec);
    if (spec == NULL || spec->pins == 0)
        fail(checker, "run by a worker that has not pinned its spec", job->key);
    if (!digest_is_zero(&job->data)) {
        const struct shelf_item *data = shelf_find(&worker->home.cache, &job->data);
        if (data == NULL || data->pins == 0)
            fail(checker, "run by a worker that has not pinned its data set", job->key);
    }
    for (uint32_t i = 0; i < job->parent_count; i++) {
        const struct shelf_item *parent = shelf_find(&worker->home.cache, &job->parents[i]);
        if (parent == NULL || parent->pins == 0)
            fail(checker, "run by a worker that has not pinned its parent", job->key);
    }
    if (lease->partial.bytes > 0) {
        const struct shelf_item *state = shelf_find(&worker->home.cache, &lease->partial.state);
        if (state == NULL || state->pins == 0)
            fail(checker, "run by a worker that has not pinned its state", job->key);
    }
    if (worker_is_refused(worker))
        fail(checker, "run by a worker that has to be refused", job->key);
}

/* ----------------------------------------------------------------------------------------- blobs
 */

void checker_on_drop(struct checker *checker, const struct digest *digest)
{
    if (core_needs_blob(checker->simulation->coordinator.core, digest))
        world_fail(&checker->simulation->world, FAILURE_INVARIANT,
                   "the core needs a blob that it has dropped");
}

void checker_blobs_needed_are_there(struct checker *checker)
{
    const struct coordinator_node *node = &checker->simulation->coordinator;
    const struct shelf *all = &checker->simulation->archive.all;
    for (uint32_t i = 0; i < all->count; i++) {
        const struct digest *digest = &all->items[i].blob->digest;
        if (core_needs_blob(node->core, digest) && shelf_find(&node->disk.blobs, digest) == NULL)
            world_fail(&checker->simulation->world, FAILURE_INVARIANT,
                       "after recovery the core needs a blob that the store has not got");
    }
}

/* ---------------------------------------------------------------------------------------- the end
 */

/* A fresh core comes to the same end by replay alone. */
static void check_replay(struct checker *checker, const struct digest *digest)
{
    const struct simulation *simulation = checker->simulation;
    const struct disk *disk = &simulation->coordinator.disk;
    struct error error = {""};
    struct core_config config =
        trial_core_config(simulation->trial, simulation->coordinator.stage, disk->epoch + 1);
    struct core *core = recovery_run(&config, disk, &error);
    if (core == NULL) {
        world_fail(&checker->simulation->world, FAILURE_INVARIANT,
                   "replay of the finished run fails: %s", error.text);
        return;
    }
    struct digest replayed = core_digest(core);
    if (!digest_equal(&replayed, digest))
        world_fail(&checker->simulation->world, FAILURE_DIGEST,
                   "replay of the finished run gives another digest");
    core_destroy(&core);
}

/* A worker may confirm itself while it is alone, and another one come before it has done so. */
static uint32_t most_executions(const struct checker *checker, struct job_key job)
{
    return is_audited(checker, job) ? 3 : 1;
}

/* While nothing goes wrong, nothing but a late job is computed twice: leases and heartbeats do not
 * misread each other. */
static void check_waste(struct checker *checker)
{
    const struct simulation *simulation = checker->simulation;
    if (!simulation->calm)
        return;
    for (uint32_t line = 0; line < simulation->trial->config.line_count; line++)
        for (uint64_t number = 0; number < simulation->trial->lines[line].jobs; number++) {
            struct job_key job = {line, number};
            const struct checker_job *done = checker_job(checker, job);
            if (done->carried_out > most_executions(checker, job) + done->twins)
                fail(checker, "carried out more often than leased, although nothing went wrong",
                     job);
        }
}

/* In calm weather every audit agrees, and every job that had to be audited was. */
static bool audits_are_wrong(const struct checker *checker, const struct core_summary *summary)
{
    uint64_t due = 0;
    for (uint32_t line = 0; line < checker->simulation->trial->config.line_count; line++)
        for (uint64_t number = 0; number < checker->simulation->trial->lines[line].jobs; number++) {
            struct job_key key = {line, number};
            due += history_has(&checker->history, key) && is_audited(checker, key) &&
                   history_of(&checker->history, key)->outcome != OUTCOME_FAILED;
        }
    return checker->simulation->calm &&
           (summary->audits < due || summary->audits_agreed < due || summary->audits_differed > 0);
}

/* What `status` tells agrees with the ledger. */
static void check_summary(struct checker *checker)
{
    const struct simulation *simulation = checker->simulation;
    struct core_summary summary = core_summary(simulation->coordinator.core);
    uint64_t commits = history_count(&checker->history);
    uint32_t over = summary.lines_closed + summary.lines_stalled;
    if (summary.commits != commits || over != simulation->trial->config.line_count ||
        summary.lines_open != 0 || summary.waiting + summary.leased + summary.held != 0 ||
        audits_are_wrong(checker, &summary))
        world_fail(&checker->simulation->world, FAILURE_INVARIANT,
                   "the summary of the finished run is not that of its ledger");
}

/* What was given up counts as much as what was done. */
static void check_skips(struct checker *checker)
{
    const struct job_key none = {0};
    if (skips_wait(checker->simulation))
        fail(checker, "the run ended and a job that the user gave up was not committed", none);
}

static bool any_stopped(const struct checker *checker)
{
    for (uint32_t i = 0; i < checker->simulation->trial->config.line_count; i++)
        if (checker->lines[i].stopped)
            return true;
    return false;
}

void checker_on_finished(struct checker *checker)
{
    const struct coordinator_node *node = &checker->simulation->coordinator;
    struct world *world = &checker->simulation->world;
    struct history *history = &checker->history;
    history->digest = core_digest(node->core);
    history->finish_code = node->finish_code;
    inputs_note(history, node->disk.records, node->disk.record_count);
    check_replay(checker, &history->digest);
    check_waste(checker);
    check_summary(checker);
    check_skips(checker);
    if (node->finish_code == FINISH_POISONED && checker->simulation->trial->poison_per_million == 0)
        world_fail(world, FAILURE_INVARIANT, "a job was quarantined, but none is poison");
    if (checker->reference == NULL || any_stopped(checker))
        return;
    const struct history *expected = checker->reference->history;
    if (history->finish_code != expected->finish_code)
        world_fail(world, FAILURE_DIGEST, "the run ended otherwise than the reference");
    if (!history_same_jobs(history, expected))
        world_fail(world, FAILURE_DIGEST, "not the same jobs were committed as in the reference");
    if (!digest_equal(&history->digest, &expected->digest))
        world_fail(world, FAILURE_DIGEST, "the digest is not the reference's");
}
