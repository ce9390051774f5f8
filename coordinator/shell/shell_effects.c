/*
 * shell_effects.c: what the core wants, carried out. See shell_internal.h.
 *
 * Order is the whole point. Within a turn: PERSIST into the open transaction and SEND into the
 * outbox as they come; at its end commit, then send. A DROP_BLOB waits until a batch after it is on
 * the disk for good: a power cut must not bring back a ledger that still refers to bytes that are
 * gone. For the same reason the blobs are synced before the batch that names them.
 */
#include "coordinator/shell/shell_internal.h"

#include "common/os_clock.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SYNC_MS = 100, /* what a power cut may cost an ordered run; it is computed again */
    /* More than that when checkpoints come in faster than the disk takes them: until it has caught
     * up, or for so long at most. */
    SYNC_MS_MAX = 10000,
    SYNC_AGAIN_MS = 5,
};

/* A switch, so that the compiler misses the name of a new kind. */
static const char *note_name(enum note_kind kind)
{
    switch (kind) {
    case NOTE_WORKER_JOINED:
        return "worker_joined";
    case NOTE_WORKER_REFUSED:
        return "worker_refused";
    case NOTE_WORKER_SUSPECT:
        return "worker_suspect";
    case NOTE_WORKER_LOST:
        return "worker_lost";
    case NOTE_WORKER_LEFT:
        return "worker_left";
    case NOTE_WORKER_BENCHED:
        return "worker_benched";
    case NOTE_LEASE_UNCLAIMED:
        return "lease_unclaimed";
    case NOTE_RESULT_DROPPED:
        return "result_dropped";
    case NOTE_STUCK:
        return "stuck";
    case NOTE_WORKER_DRAINING:
        return "worker_draining";
    case NOTE_JOB_HANDED_OVER:
        return "job_handed_over";
    case NOTE_SLOT_DIED:
        return "slot_died";
    case NOTE_ATTEMPT_FAILED:
        return "attempt_failed";
    case NOTE_JOB_QUARANTINED:
        return "job_quarantined";
    case NOTE_JOB_SKIPPED:
        return "job_skipped";
    case NOTE_OPINION_DIFFERS:
        return "opinion_differs";
    case NOTE_LINE_CLOSED:
        return "line_closed";
    }
    abort();
}

/* ------------------------------------------------------------------------------------ batches */

static int open_batch(struct shell *shell, struct error *error)
{
    if (shell->batch_open)
        return 0;
    if (ledger_begin(shell->run.ledger, error) != LEDGER_OK)
        return -1;
    shell->batch_open = true;
    return 0;
}

int shell_put_fact(struct shell *shell, const char *name, const char *value, struct error *error)
{
    if (open_batch(shell, error) != 0)
        return -1;
    return ledger_put_fact(shell->run.ledger, name, value, error) == LEDGER_OK ? 0 : -1;
}

int shell_note(struct shell *shell, const struct ledger_note *note, struct error *error)
{
    if (open_batch(shell, error) != 0 ||
        ledger_put_note(shell->run.ledger, note, error) != LEDGER_OK)
        return -1;
    const struct shell_observer *observer = &shell->options->observer;
    if (observer->noted != NULL) {
        struct shell_noted noted = {note->kind, note->text, note->log_tail};
        observer->noted(observer->context, &noted);
    }
    return 0;
}

int shell_put_served(struct shell *shell, struct error *error)
{
    char text[32];
    uint64_t served = shell->run.served_ms + (shell->now_ms - shell->opened_ms);
    snprintf(text, sizeof text, "%llu", (unsigned long long)served);
    shell->served_written_ms = shell->now_ms;
    return shell_put_fact(shell, "served_ms", text, error);
}

static void drop_blobs(struct shell *shell)
{
    for (size_t i = 0; i < shell->drop_count; i++) {
        const struct digest *digest = &shell->drops[i];
        /* It may have become of use again in the meantime. What cannot be removed is swept next
         * time. */
        if (!core_needs_blob(shell->run.core, digest))
            (void)blob_store_remove(shell->run.store, digest, NULL);
    }
    shell->drop_count = 0;
}

static void send_datagram(void *context, const struct instance_id *to, const uint8_t *bytes,
                          size_t count)
{
    struct shell *shell = context;
    struct socket_peer peer = socket_peer_of_worker(to);
    sockets_send(shell->sockets, SOCKET_CONTROL, &peer, bytes, count);
}

uint64_t shell_sync_deadline(const struct shell *shell)
{
    if (!shell->unsynced)
        return UINT64_MAX;
    uint64_t due_ms = shell->synced_ms + SYNC_MS;
    return shell->blobs_lag && due_ms < shell->now_ms + SYNC_AGAIN_MS
               ? shell->now_ms + SYNC_AGAIN_MS
               : due_ms;
}

/*
 * The blobs that this batch and those before it name survive a power cut from now on: 1. In an
 * ordered run nobody waits for a disk that is slow: 0, and the batch is not synced either.
 */
static int sync_blobs(struct shell *shell, enum settle how, struct error *error)
{
    bool patient = how == SETTLE_TURN && shell->run.mode == COMMIT_ORDERED &&
                   shell->now_ms - shell->synced_ms < SYNC_MS_MAX;
    enum blob_result result = patient ? blob_store_sync_soon(shell->run.store, error)
                                      : blob_store_sync(shell->run.store, error);
    shell->blobs_lag = result == BLOB_BUSY;
    return result == BLOB_OK ? 1 : result == BLOB_BUSY ? 0 : -1;
}

/* Commits the batch, durably when it is time; an empty one carries the sync of those before it. */
static int commit_batch(struct shell *shell, enum settle how, struct error *error)
{
    bool durable =
        how == SETTLE_DURABLY || (shell->batch_open && shell->run.mode == COMMIT_ARRIVAL) ||
        ((shell->batch_open || shell->unsynced) && shell->now_ms - shell->synced_ms >= SYNC_MS);
    int synced = durable ? sync_blobs(shell, how, error) : 0;
    if (synced < 0)
        return -1;
    durable = synced > 0;
    if (!shell->batch_open && !durable)
        return 0;
    if (durable && shell_put_served(shell, error) != 0)
        return -1;
    shell->batch_open = false;
    enum ledger_sync sync = durable ? LEDGER_SURVIVES_POWER_CUT : LEDGER_SURVIVES_KILL;
    if (ledger_commit(shell->run.ledger, sync, error) != LEDGER_OK)
        return -1;
    shell->commits_safe += shell->batch_commits;
    shell->batch_commits = 0;
    shell->unsynced = !durable;
    if (durable) {
        shell->synced_ms = shell->now_ms;
        drop_blobs(shell);
    }
    return 0;
}

void shell_flush(struct shell *shell)
{
    const struct outbox_sink sink = {shell, send_datagram};
    outbox_flush(shell->outbox, &sink);
    shell_send_answers(shell);
}

int shell_settle(struct shell *shell, enum settle how, struct error *error)
{
    if (commit_batch(shell, how, error) != 0)
        return -1;
    shell_flush(shell);
    bulk_tick(shell->bulk, shell->now_ms);
    return 0;
}

/* ------------------------------------------------------------------------------------ effects */

static int add_drop(struct shell *shell, const struct digest *digest, struct error *error)
{
    if (shell->drop_count == shell->drop_capacity) {
        size_t capacity = shell->drop_capacity == 0 ? 256 : 2 * shell->drop_capacity;
        struct digest *drops = realloc(shell->drops, capacity * sizeof *drops);
        if (drops == NULL)
            return error_set(error, -1, "no memory for the list of blobs to drop");
        shell->drops = drops;
        shell->drop_capacity = capacity;
    }
    shell->drops[shell->drop_count++] = *digest;
    return 0;
}

static int take_drop(struct shell *shell, const struct core_effect *effect, struct error *error)
{
    if (experiment_keep(shell->run.experiment) == KEEP_ALL || effect->drop.anchor ||
        digest_equal(&effect->drop.digest, &shell->run.spec) ||
        digest_equal(&effect->drop.digest, &shell->run.data))
        return 0;
    return add_drop(shell, &effect->drop.digest, error);
}

static void take_send(struct shell *shell, const struct core_effect *effect)
{
    const struct message *message = &effect->send.message;
    size_t bytes = outbox_add(shell->outbox, &effect->send.to, message);
    if (message->kind != MESSAGE_LEASE)
        return;
    struct lease_traffic *traffic = &shell->lease_traffic;
    traffic->count++;
    traffic->bytes += bytes;
    if (bytes > traffic->largest)
        traffic->largest = bytes;
}

static int take_commit(struct shell *shell, const struct core_effect *effect, struct error *error)
{
    if (open_batch(shell, error) != 0 ||
        ledger_put_commit(shell->run.ledger, &effect->commit, error) != LEDGER_OK)
        return -1;
    shell->batch_commits++;
    progress_add_commit(&shell->progress, &effect->commit);
    return 0;
}

static int take_input(struct shell *shell, const struct core_effect *effect, struct error *error)
{
    if (open_batch(shell, error) != 0 ||
        ledger_put_input(shell->run.ledger, &effect->input, error) != LEDGER_OK)
        return -1;
    return 0;
}

static int take_detail(struct shell *shell, const struct core_effect *effect, struct error *error)
{
    if (open_batch(shell, error) != 0 ||
        ledger_put_detail(shell->run.ledger, effect->detail.job, effect->detail.detail,
                          effect->detail.bytes, error) != LEDGER_OK)
        return -1;
    return 0;
}

static int take_note(struct shell *shell, const struct core_effect *effect, struct error *error)
{
    char instance[2 * sizeof effect->note.instance.bytes + 1] = "";
    for (size_t i = 0; i < sizeof effect->note.instance.bytes; i++)
        snprintf(instance + 2 * i, 3, "%02x", effect->note.instance.bytes[i]);
    const struct ledger_note note = {
        .wall_ms = clock_wall_ms(),
        .kind = note_name(effect->note.kind),
        .worker = effect->note.has_instance ? instance : NULL,
        .job = effect->note.has_job ? &effect->note.job : NULL,
        .text = effect->note.text,
        .log_tail = effect->note.log_tail,
    };
    if (shell_note(shell, &note, error) != 0)
        return -1;
    if (effect->note.kind == NOTE_STUCK && shell->local != NULL) /* nobody else will come */
        return error_set(error, -1,
                         "%s/worker has no room for another checkpoint (disk full?): no job can be "
                         "computed",
                         shell->run.directory.path);
    return 0;
}

static int take_effect(struct shell *shell, const struct core_effect *effect, struct error *error)
{
    switch (effect->kind) {
    case CORE_SEND:
        take_send(shell, effect);
        return 0;
    case CORE_PERSIST_COMMIT:
        return take_commit(shell, effect, error);
    case CORE_PERSIST_INPUT:
        return take_input(shell, effect, error);
    case CORE_PERSIST_DETAIL:
        return take_detail(shell, effect, error);
    case CORE_PULL_BLOB: {
        const struct bulk_want want = {effect->pull.from, effect->pull.digest, effect->pull.bytes};
        return bulk_add_want(shell->bulk, &want, error);
    }
    case CORE_CANCEL_PULL:
        bulk_cancel(shell->bulk, &effect->cancel);
        return 0;
    case CORE_DROP_BLOB:
        return take_drop(shell, effect, error);
    case CORE_NOTE:
        return take_note(shell, effect, error);
    case CORE_ANSWER:
        shell_keep_answer(shell, &effect->answer);
        return 0;
    case CORE_FINISH:
        shell->finished = true;
        shell->finish = effect->finish.code;
        return 0;
    }
    abort(); /* an effect that no case names is a bug */
}

int shell_step(struct shell *shell, const struct core_event *event, struct error *error)
{
    core_step(shell->run.core, event, shell->effects);
    for (uint32_t i = 0; i < shell->effects->count; i++) {
        if (take_effect(shell, &shell->effects->items[i], error) != 0)
            return -1;
    }
    return 0;
}
