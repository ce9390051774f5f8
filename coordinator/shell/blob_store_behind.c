/*
 * blob_store_behind.c: a thread that makes blobs survive a power cut. See blob_store_private.h.
 *
 * A disk takes a second for what comes in within half of one, and nobody's heartbeat may wait that
 * long. The thread gets a copy of a list, syncs what it names, and says what became of it; it knows
 * nothing else of the store. It takes no signals: they have a descriptor of their own.
 */
#include "coordinator/shell/blob_store_private.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

enum behind_state { BEHIND_IDLE, BEHIND_ASKED, BEHIND_DONE, BEHIND_STOPPED };

struct blob_behind {
    const struct blob_store *store;
    pthread_t thread;
    pthread_mutex_t lock; /* of everything below */
    pthread_cond_t changed;
    enum behind_state state;
    struct blob_unsynced list;
    enum blob_result result;
    struct error error;
};

static void *work(void *context)
{
    struct blob_behind *behind = context;
    pthread_mutex_lock(&behind->lock);
    for (;;) {
        while (behind->state != BEHIND_ASKED && behind->state != BEHIND_STOPPED)
            pthread_cond_wait(&behind->changed, &behind->lock);
        if (behind->state == BEHIND_STOPPED)
            break;
        const struct blob_unsynced list = behind->list;
        struct error error = {""};
        pthread_mutex_unlock(&behind->lock);
        enum blob_result result = blob_sync_these(behind->store, &list, &error);
        pthread_mutex_lock(&behind->lock);
        behind->result = result;
        behind->error = error;
        behind->state = BEHIND_DONE;
        pthread_cond_broadcast(&behind->changed);
    }
    pthread_mutex_unlock(&behind->lock);
    return NULL;
}

static struct blob_behind *create(const struct blob_store *store)
{
    struct blob_behind *behind = calloc(1, sizeof *behind);
    sigset_t all, before;
    if (behind == NULL)
        return NULL;
    behind->store = store;
    pthread_mutex_init(&behind->lock, NULL);
    pthread_cond_init(&behind->changed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&behind->thread, NULL, work, behind);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed == 0)
        return behind;
    free(behind);
    return NULL;
}

enum blob_result blob_behind_start(struct blob_store *store, struct error *error)
{
    if (store->behind == NULL)
        store->behind = create(store);
    struct blob_behind *behind = store->behind;
    if (behind == NULL)
        return blob_fail(error, BLOB_FAILED, "%.300s: no thread can be started", store->path);
    pthread_mutex_lock(&behind->lock);
    behind->list = store->unsynced;
    behind->state = BEHIND_ASKED;
    pthread_cond_broadcast(&behind->changed);
    pthread_mutex_unlock(&behind->lock);
    store->bytes_behind = store->unsynced.bytes;
    store->unsynced.count = 0;
    store->unsynced.bytes = 0;
    return BLOB_OK;
}

/* With the lock held. */
static enum blob_result take_outcome(struct blob_store *store, struct error *error)
{
    struct blob_behind *behind = store->behind;
    if (behind->state == BEHIND_ASKED)
        return BLOB_BUSY;
    if (behind->state != BEHIND_DONE)
        return BLOB_OK;
    behind->state = BEHIND_IDLE;
    store->bytes_behind = 0;
    if (behind->result != BLOB_OK && error != NULL)
        *error = behind->error;
    return behind->result;
}

enum blob_result blob_behind_poll(struct blob_store *store, struct error *error)
{
    struct blob_behind *behind = store->behind;
    if (behind == NULL)
        return BLOB_OK;
    pthread_mutex_lock(&behind->lock);
    enum blob_result result = take_outcome(store, error);
    pthread_mutex_unlock(&behind->lock);
    return result;
}

enum blob_result blob_behind_wait(struct blob_store *store, struct error *error)
{
    struct blob_behind *behind = store->behind;
    if (behind == NULL)
        return BLOB_OK;
    pthread_mutex_lock(&behind->lock);
    while (behind->state == BEHIND_ASKED)
        pthread_cond_wait(&behind->changed, &behind->lock);
    enum blob_result result = take_outcome(store, error);
    pthread_mutex_unlock(&behind->lock);
    return result;
}

void blob_behind_stop(struct blob_store *store)
{
    struct blob_behind *behind = store->behind;
    if (behind == NULL)
        return;
    (void)blob_behind_wait(store, NULL);
    pthread_mutex_lock(&behind->lock);
    behind->state = BEHIND_STOPPED;
    pthread_cond_broadcast(&behind->changed);
    pthread_mutex_unlock(&behind->lock);
    pthread_join(behind->thread, NULL);
    pthread_cond_destroy(&behind->changed);
    pthread_mutex_destroy(&behind->lock);
    free(behind);
    store->behind = NULL;
}
