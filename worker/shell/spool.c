/* spool.c: see spool.h. */
#include "worker/shell/spool.h"

#include "common/canonical.h"
#include "common/os_clock.h"
#include "common/os_file.h"
#include "proto/codec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    RUN_HEX_BYTES = 33, /* with its NUL */
    NAME_BYTES = 96,    /* "<run>/<line>-<job>.result" */
    FILE_BYTES_MAX = RESULT_BYTES_MAX + DIGEST_BYTES,
};

struct spool {
    int fd;
    struct log *log;
    struct codec *codec;
    uint8_t buffer[FILE_BYTES_MAX + 1]; /* one more than any file of ours has */
};

static const char TEMPORARY[] = "unfinished";

/* ------------------------------------------------------------------------------ open and close */

static int open_folder(struct spool *spool, const char *folder, struct error *error)
{
    char path[OS_PATH_BYTES_MAX];
    if (os_path_join(path, sizeof path, folder, "spool", error) != 0 ||
        os_make_directories(path, 0700, error) != 0)
        return -1;
    spool->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (spool->fd < 0)
        return error_set(error, -1, "%s: cannot open the folder: %s", path, strerror(errno));
    unlinkat(spool->fd, TEMPORARY, 0);
    return 0;
}

struct spool *spool_open(const char *folder, struct log *log, struct error *error)
{
    struct spool *spool = malloc(sizeof *spool);
    if (spool == NULL) {
        error_set(error, -1, "no memory for the spool");
        return NULL;
    }
    spool->fd = -1;
    spool->log = log;
    spool->codec = codec_create();
    int failed = -1;
    if (spool->codec == NULL)
        error_set(error, -1, "no memory for the spool");
    else
        failed = open_folder(spool, folder, error);
    if (failed)
        spool_close(&spool);
    return spool;
}

void spool_close(struct spool **spool)
{
    if (*spool == NULL)
        return;
    if ((*spool)->fd >= 0)
        close((*spool)->fd);
    codec_destroy(&(*spool)->codec);
    free(*spool);
    *spool = NULL;
}

/* --------------------------------------------------------------------------------------- names */

static void run_to_hex(const struct run_id *run, char hex[RUN_HEX_BYTES])
{
    for (size_t i = 0; i < sizeof run->bytes; i++)
        snprintf(hex + 2 * i, 3, "%02x", run->bytes[i]);
}

static bool run_from_hex(const char *hex, struct run_id *run)
{
    static const char digits[] = "0123456789abcdef";
    if (strlen(hex) != RUN_HEX_BYTES - 1 || strspn(hex, digits) != RUN_HEX_BYTES - 1)
        return false;
    for (size_t i = 0; i < sizeof run->bytes; i++) {
        size_t high = (size_t)(strchr(digits, hex[2 * i]) - digits);
        size_t low = (size_t)(strchr(digits, hex[2 * i + 1]) - digits);
        run->bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static void result_name(struct job_key job, char name[NAME_BYTES])
{
    snprintf(name, NAME_BYTES, "%" PRIu32 "-%" PRIu64 ".result", job.line, job.job);
}

static void result_path(const struct run_id *run, struct job_key job, char path[NAME_BYTES])
{
    char hex[RUN_HEX_BYTES], name[NAME_BYTES];
    run_to_hex(run, hex);
    result_name(job, name);
    snprintf(path, NAME_BYTES, "%.32s/%.60s", hex, name);
}

static struct digest trailer_of(const struct run_id *run, const uint8_t *bytes, size_t count)
{
    struct digest_state state;
    digest_init(&state);
    canonical_text(&state, "ratchet spool 1");
    canonical_bytes(&state, run->bytes, sizeof run->bytes);
    canonical_bytes(&state, bytes, (uint32_t)count);
    return digest_final(&state);
}

/* ----------------------------------------------------------------------------------- put, remove
 */

/* One write: a file of a few kilobytes comes out whole, or the disk is full. */
static int write_file(int folder, const char *name, const uint8_t *bytes, size_t count)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    ssize_t written = write(fd, bytes, count);
    int reason = written < 0 ? errno : ENOSPC;
    close(fd);
    if (written == (ssize_t)count)
        return 0;
    unlinkat(folder, name, 0);
    errno = reason;
    return -1;
}

int spool_put(struct spool *spool, const struct run_id *run, const struct result *result,
              struct error *error)
{
    size_t room = RESULT_BYTES_MAX;
    size_t count = codec_pack_result(spool->codec, result, spool->buffer, room);
    if (count == 0)
        return error_set(error, -1, "spool: a result is larger than %zu bytes", room);
    struct digest trailer = trailer_of(run, spool->buffer, count);
    memcpy(spool->buffer + count, trailer.bytes, DIGEST_BYTES);

    char path[NAME_BYTES], folder[RUN_HEX_BYTES];
    result_path(run, result->lease.job, path);
    run_to_hex(run, folder);
    if ((mkdirat(spool->fd, folder, 0700) != 0 && errno != EEXIST) ||
        write_file(spool->fd, TEMPORARY, spool->buffer, count + DIGEST_BYTES) != 0 ||
        renameat(spool->fd, TEMPORARY, spool->fd, path) != 0)
        return error_set(error, -1, "spool/%s: cannot write: %s", path, strerror(errno));
    return 0;
}

void spool_remove(struct spool *spool, const struct run_id *run, struct job_key job)
{
    char path[NAME_BYTES];
    result_path(run, job, path);
    unlinkat(spool->fd, path, 0);
}

/* ------------------------------------------------------------------------------------- recover */

struct recovery {
    struct spool *spool;
    struct run_id run;
    char folder[RUN_HEX_BYTES];
    bool (*take)(void *context, const struct run_id *run, const struct result *result);
    void *context;
    uint32_t taken, left;
};

static bool is_too_old(int fd)
{
    struct stat status;
    int64_t now = (int64_t)(clock_wall_ms() / 1000);
    return fstat(fd, &status) == 0 &&
           now - (int64_t)status.st_mtim.tv_sec > (int64_t)SPOOL_DAYS_MAX * 24 * 3600;
}

/* Reads and checks one file; `result` borrows from the spool. */
static bool read_result_file(struct recovery *recovery, int fd, const char *name,
                             struct result *result, struct error *error)
{
    struct spool *spool = recovery->spool;
    ssize_t size = pread(fd, spool->buffer, sizeof spool->buffer, 0);
    if (size <= DIGEST_BYTES || (size_t)size == sizeof spool->buffer) {
        error_set(error, -1, "it has the wrong size");
        return false;
    }
    size_t count = (size_t)size - DIGEST_BYTES;
    struct digest trailer = trailer_of(&recovery->run, spool->buffer, count);
    if (memcmp(trailer.bytes, spool->buffer + count, DIGEST_BYTES) != 0) {
        error_set(error, -1, "its bytes are damaged");
        return false;
    }
    if (codec_unpack_result(spool->codec, spool->buffer, count, result, error) != CODEC_OK)
        return false;
    char expected[NAME_BYTES];
    result_name(result->lease.job, expected);
    if (strcmp(expected, name) == 0)
        return true;
    error_set(error, -1, "it holds the result of another job");
    return false;
}

/* Whether the file is to stay. */
static bool recover_file(struct recovery *recovery, int fd, const char *name)
{
    struct log *log = recovery->spool->log;
    struct result result;
    struct error error;
    if (!read_result_file(recovery, fd, name, &result, &error)) {
        log_line(log, "spooled result %s/%s is removed: %s", recovery->folder, name, error.text);
        return false;
    }
    if (is_too_old(fd)) {
        log_line(log, "spooled result %s/%s is removed: nobody asked for it in %d days",
                 recovery->folder, name, SPOOL_DAYS_MAX);
        return false;
    }
    if (recovery->taken == SPOOL_RECOVERED_MAX) {
        recovery->left++;
        return true;
    }
    if (!recovery->take(recovery->context, &recovery->run, &result))
        return false;
    recovery->taken++;
    return true;
}

static void recover_entry(struct recovery *recovery, int folder, const char *name)
{
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    if (!recover_file(recovery, fd, name))
        unlinkat(folder, name, 0);
    close(fd);
}

static void recover_run(struct recovery *recovery)
{
    int fd = openat(recovery->spool->fd, recovery->folder,
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.')
            recover_entry(recovery, dirfd(folder), entry->d_name);
    closedir(folder);
    unlinkat(recovery->spool->fd, recovery->folder, AT_REMOVEDIR); /* if nothing is left in it */
}

uint32_t spool_recover(struct spool *spool,
                       bool (*take)(void *context, const struct run_id *run,
                                    const struct result *result),
                       void *context)
{
    struct recovery recovery = {.spool = spool, .take = take, .context = context};
    int fd = openat(spool->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        if (!run_from_hex(entry->d_name, &recovery.run))
            continue;
        run_to_hex(&recovery.run, recovery.folder);
        recover_run(&recovery);
    }
    closedir(folder);
    if (recovery.left > 0)
        log_line(spool->log, "%" PRIu32 " more spooled results wait for the next start",
                 recovery.left);
    return recovery.taken;
}
