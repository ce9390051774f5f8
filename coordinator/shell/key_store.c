/* key_store.c: see key_store.h. */
#include "coordinator/shell/key_store.h"

#include "common/os_clock.h"
#include "common/os_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    PATH_ROOM = 64, /* for the names in the folder */
    LOCK_LOOK_MS = 10,
};

struct key_store {
    char folder[OS_PATH_BYTES_MAX];
    char server_file[OS_PATH_BYTES_MAX], known_file[OS_PATH_BYTES_MAX];
    uint32_t lock_wait_ms;
    struct key_file server;
    struct key_registry *registry, *spare; /* spare: to read into */
    struct stat seen;                      /* of `known` when it was read last; all 0: absent */
    bool is_news;                          /* read since key_store_refresh() told of a change */
    bool is_damaged;                       /* as `damaged`, which could not be read: told once */
    struct stat damaged;
};

static int open_folder(struct key_store *store, const char *folder, struct error *error)
{
    struct stat status;
    if (folder == NULL && key_default_path(store->folder, sizeof store->folder, "keys", error) != 0)
        return -1;
    if (folder != NULL)
        snprintf(store->folder, sizeof store->folder, "%s", folder);
    if (store->folder[0] == '\0' || strlen(store->folder) + PATH_ROOM > sizeof store->folder ||
        (folder != NULL && strlen(folder) >= sizeof store->folder))
        return error_set(error, -1, "the path of the folder for keys is empty or too long");
    if (os_make_directories(store->folder, 0700, error) != 0)
        return -1;
    if (stat(store->folder, &status) != 0)
        return error_set(error, -1, "cannot open %.300s: %s", store->folder, strerror(errno));
    if (status.st_uid != geteuid())
        return error_set(error, -1,
                         "%.300s is to hold secret keys and belongs to another user: chown it to "
                         "the one who serves, or name another folder",
                         store->folder);
    if (!S_ISDIR(status.st_mode) || (status.st_mode & 077) != 0)
        return error_set(error, -1,
                         "%.300s is to hold secret keys and is not a folder of its owner's alone: "
                         "chmod 700",
                         store->folder);
    return 0;
}

static int open_server_key(struct key_store *store, struct error *error)
{
    char path[OS_PATH_BYTES_MAX];
    struct key_file public_part, there;
    if (os_path_join(path, sizeof path, store->folder, "server.key", error) != 0 ||
        key_file_own(path, &store->server, error) != 0 ||
        os_path_join(store->server_file, sizeof store->server_file, store->folder, "server.pub",
                     error) != 0)
        return -1;
    public_part = (struct key_file){.own = store->server.own};
    if (key_file_read(store->server_file, &there, NULL) == 0 &&
        public_key_equal(&there.own, &public_part.own))
        return 0;
    return key_file_write(store->server_file, &public_part, error);
}

/* ----------------------------------------------------------------------------------- the registry
 */

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* All 0 when there is no such file. */
static struct stat look(const struct key_store *store)
{
    struct stat status;
    if (stat(store->known_file, &status) != 0)
        memset(&status, 0, sizeof status);
    return status;
}

/* No file is an empty registry: nobody is let in. */
static int read_registry(struct key_store *store, struct error *error)
{
    struct stat before = look(store);
    struct error reason;
    char *text;
    size_t bytes;
    store->spare->key_count = store->spare->token_count = 0;
    if (before.st_ino != 0) {
        if (os_read_file(store->known_file, REGISTRY_BYTES_MAX, &text, &bytes, error) != 0)
            return -1;
        int rc = key_registry_parse(store->spare, text, bytes, &reason);
        free(text);
        if (rc != 0)
            return error_set(error, -1, "%.300s: %.150s", store->known_file, reason.text);
    }
    /* A file that is replaced meanwhile is another one than was looked at, and is read again. */
    struct key_registry *read = store->spare;
    store->spare = store->registry;
    store->registry = read;
    store->is_news = store->is_news || !is_same_file(&before, &store->seen);
    store->seen = before;
    return 0;
}

enum key_store_news key_store_refresh(struct key_store *store, struct error *error)
{
    struct stat now = look(store);
    if (!store->is_news && (is_same_file(&now, &store->seen) ||
                            (store->is_damaged && is_same_file(&now, &store->damaged))))
        return KEY_STORE_SAME;
    /* News of others that key_store_change() has read already; what came since is told next. */
    if (store->is_news || read_registry(store, error) == 0) {
        store->is_news = store->is_damaged = false;
        return KEY_STORE_CHANGED;
    }
    store->is_damaged = true;
    store->damaged = now;
    return KEY_STORE_DAMAGED;
}

static int write_registry(struct key_store *store, struct error *error)
{
    size_t bytes;
    char *text = key_registry_print(store->registry, &bytes);
    if (text == NULL)
        return error_set(error, -1, "no memory for the list of keys");
    int rc = os_write_atomic(store->known_file, text, bytes, 0600, error);
    free(text);
    if (rc == 0)
        store->seen = look(store);
    return rc;
}

/* Whoever changes the registry does so for a moment only, unless somebody stopped it. */
static int wait_for_lock(const struct key_store *store, int lock, const char *path,
                         struct error *error)
{
    const struct timespec pause = {.tv_nsec = LOCK_LOOK_MS * 1000L * 1000};
    uint64_t until_ms = clock_monotonic_ms() + store->lock_wait_ms;
    while (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return error_set(error, -1, "cannot lock %.300s: %s", path, strerror(errno));
        if (clock_monotonic_ms() >= until_ms)
            return error_set(error, -1,
                             "%.300s is held by another process that changes the keys; nothing was "
                             "changed here",
                             path);
        nanosleep(&pause, NULL);
    }
    return 0;
}

static int take_lock(const struct key_store *store, struct error *error)
{
    char path[OS_PATH_BYTES_MAX];
    if (os_path_join(path, sizeof path, store->folder, "lock", error) != 0)
        return -1;
    int lock = open(path, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0)
        return error_set(error, -1, "cannot open %.300s: %s", path, strerror(errno));
    if (wait_for_lock(store, lock, path, error) == 0)
        return lock;
    close(lock);
    return -1;
}

int key_store_change(struct key_store *store,
                     int (*change)(void *context, struct key_registry *registry,
                                   struct error *error),
                     void *context, struct error *error)
{
    int lock = take_lock(store, error);
    if (lock < 0)
        return -1;
    int rc = read_registry(store, error);
    if (rc == 0) {
        rc = change(context, store->registry, error);
        if (rc == 0)
            rc = write_registry(store, error);
        if (rc != 0) /* what was half changed is not so */
            (void)read_registry(store, NULL);
    }
    close(lock);
    return rc;
}

/* ------------------------------------------------------------------------------------ open, close
 */

struct key_store *key_store_open(const char *folder, uint32_t lock_wait_ms, struct error *error)
{
    struct key_store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        error_set(error, -1, "no memory for keys");
        return NULL;
    }
    store->lock_wait_ms = lock_wait_ms;
    store->registry = key_registry_create();
    store->spare = key_registry_create();
    if (store->registry == NULL || store->spare == NULL) {
        error_set(error, -1, "no memory for keys");
        key_store_close(&store);
        return NULL;
    }
    if (open_folder(store, folder, error) != 0 || open_server_key(store, error) != 0 ||
        os_path_join(store->known_file, sizeof store->known_file, store->folder, "known", error) !=
            0 ||
        read_registry(store, error) != 0) {
        key_store_close(&store);
        return NULL;
    }
    store->is_news = false;
    return store;
}

void key_store_close(struct key_store **store)
{
    if (*store == NULL)
        return;
    secret_wipe(&(*store)->server, sizeof(*store)->server);
    key_registry_destroy(&(*store)->registry);
    key_registry_destroy(&(*store)->spare);
    free(*store);
    *store = NULL;
}

const char *key_store_folder(const struct key_store *store)
{
    return store->folder;
}

const char *key_store_server_file(const struct key_store *store)
{
    return store->server_file;
}

const struct key_file *key_store_server(const struct key_store *store)
{
    return &store->server;
}

const struct key_registry *key_store_registry(const struct key_store *store)
{
    return store->registry;
}
