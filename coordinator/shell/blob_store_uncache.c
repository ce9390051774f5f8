/*
 * blob_store_uncache.c: a thread that frees the memory of blobs which came in a flood. See
 * blob_store_private.h.
 *
 * What is written fills pages of the kernel's cache. A flood fills ever new ones, and finding them
 * costs the writer more than all his copying, most of all in a virtual machine, whose host has to
 * find them too. So the thread has the disk take each blob at once and gives its pages back, for
 * the next blob to be written into. All this is a hint to the kernel: what fails, or is one too
 * many, stays in the cache as it would have. Nothing survives a power cut by it; that is
 * blob_store_sync.c's business, which then finds little left to do.
 */
#include "coordinator/shell/blob_store_private.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    WAITING_MAX = 256, /* blobs */
    UNDER_WAY = 8,     /* blobs that the disk is given at once */
};

struct blob_uncache {
    const struct blob_store *store;
    pthread_t thread;
    pthread_mutex_t lock; /* of everything below */
    pthread_cond_t changed;
    bool stopped;
    uint32_t first, count; /* a ring */
    struct digest waiting[WAITING_MAX];
};

/* The thread's own: descriptors of what the disk is about to have. */
struct under_way {
    uint32_t first, count; /* a ring */
    int fds[UNDER_WAY];
};

static void begin(const struct blob_store *store, const struct digest *digest,
                  struct under_way *under_way)
{
    int fd = blob_open(store, digest);
    if (fd < 0) /* removed since, or descriptors are short */
        return;
    (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    under_way->fds[(under_way->first + under_way->count++) % UNDER_WAY] = fd;
}

static int take_first(struct under_way *under_way)
{
    int fd = under_way->fds[under_way->first];
    under_way->first = (under_way->first + 1) % UNDER_WAY;
    under_way->count--;
    return fd;
}

/* Only pages that the disk has are given back. */
static void end_first(struct under_way *under_way)
{
    int fd = take_first(under_way);
    (void)sync_file_range(
        fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
}

/* With the lock held, which is let go of meanwhile. */
static void work_once(struct blob_uncache *uncache, struct under_way *under_way)
{
    bool more = uncache->count > 0;
    struct digest digest;
    if (more) {
        digest = uncache->waiting[uncache->first];
        uncache->first = (uncache->first + 1) % WAITING_MAX;
        uncache->count--;
    }
    pthread_mutex_unlock(&uncache->lock);
    if (!more || under_way->count == UNDER_WAY)
        end_first(under_way);
    if (more)
        begin(uncache->store, &digest, under_way);
    pthread_mutex_lock(&uncache->lock);
}

static void *work(void *context)
{
    struct blob_uncache *uncache = context;
    struct under_way under_way = {.count = 0};
    pthread_mutex_lock(&uncache->lock);
    while (!uncache->stopped) {
        if (uncache->count > 0 || under_way.count > 0)
            work_once(uncache, &under_way);
        else
            pthread_cond_wait(&uncache->changed, &uncache->lock);
    }
    pthread_mutex_unlock(&uncache->lock);
    while (under_way.count > 0) /* nobody waits for the disk when the store is closed */
        close(take_first(&under_way));
    return NULL;
}

static struct blob_uncache *create(const struct blob_store *store)
{
    struct blob_uncache *uncache = calloc(1, sizeof *uncache);
    sigset_t all, before;
    if (uncache == NULL)
        return NULL;
    uncache->store = store;
    pthread_mutex_init(&uncache->lock, NULL);
    pthread_cond_init(&uncache->changed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&uncache->thread, NULL, work, uncache);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed == 0)
        return uncache;
    pthread_cond_destroy(&uncache->changed);
    pthread_mutex_destroy(&uncache->lock);
    free(uncache);
    return NULL;
}

void blob_uncache_soon(struct blob_store *store, const struct digest *digest)
{
    if (store->uncache == NULL)
        store->uncache = create(store);
    struct blob_uncache *uncache = store->uncache;
    if (uncache == NULL)
        return;
    pthread_mutex_lock(&uncache->lock);
    if (uncache->count < WAITING_MAX)
        uncache->waiting[(uncache->first + uncache->count++) % WAITING_MAX] = *digest;
    pthread_cond_signal(&uncache->changed);
    pthread_mutex_unlock(&uncache->lock);
}

void blob_uncache_stop(struct blob_store *store)
{
    struct blob_uncache *uncache = store->uncache;
    if (uncache == NULL)
        return;
    pthread_mutex_lock(&uncache->lock);
    uncache->stopped = true;
    pthread_cond_signal(&uncache->changed);
    pthread_mutex_unlock(&uncache->lock);
    pthread_join(uncache->thread, NULL);
    pthread_cond_destroy(&uncache->changed);
    pthread_mutex_destroy(&uncache->lock);
    free(uncache);
    store->uncache = NULL;
}
