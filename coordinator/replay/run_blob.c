/* run_blob.c: see run_blob.h. */
#include "coordinator/replay/run_blob.h"

#include "common/limits.h"
#include "common/os_file.h"
#include "common/os_signal.h"
#include "proto/slot_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE_BYTES = 1 << 18 };

/* A blob that is open; its name is for sentences. */
struct source {
    int fd;
    uint64_t bytes;
    char path[OS_PATH_BYTES_MAX];
};

static enum run_blob_result fail(const struct source *source, enum run_blob_result result,
                                 const char *what, struct error *error)
{
    return (enum run_blob_result)error_set(error, (int)result, "%.380s: %s", source->path, what);
}

/* Links are followed: an archive may be made of them, and the digest tells what they lead to. */
static enum run_blob_result open_source(const char *run, const struct digest *digest,
                                        struct source *source, struct error *error)
{
    char name[SLOT_FOLDER_NAME_BYTES]; /* a run's blobs lie as a slot's do */
    slot_folder_blob(digest, name);
    if (os_path_join(source->path, sizeof source->path, run, name, error) != 0)
        return RUN_BLOB_FAILED;
    source->fd = open(source->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (source->fd < 0)
        return fail(source, errno == ENOENT ? RUN_BLOB_ABSENT : RUN_BLOB_FAILED, strerror(errno),
                    error);
    struct stat status;
    enum run_blob_result result = RUN_BLOB_WHOLE;
    if (fstat(source->fd, &status) != 0)
        result = fail(source, RUN_BLOB_FAILED, strerror(errno), error);
    else if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size > BLOB_BYTES_MAX)
        result = fail(source, RUN_BLOB_DAMAGED, "is no blob", error);
    if (result != RUN_BLOB_WHOLE)
        close(source->fd);
    source->bytes = (uint64_t)status.st_size;
    return result;
}

/* The next bytes, 0 at the end, -1 with errno. */
static ssize_t read_piece(int fd, void *bytes, size_t size)
{
    ssize_t got;
    do
        got = read(fd, bytes, size);
    while (got < 0 && errno == EINTR);
    return got;
}

static int write_piece(int fd, const uint8_t *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(fd, bytes, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        bytes += written;
        count -= (size_t)written;
    }
    return 0;
}

static enum run_blob_result judge(const struct source *source, const struct digest *wanted,
                                  const struct digest *is, struct error *error)
{
    if (digest_equal(wanted, is))
        return RUN_BLOB_WHOLE;
    return fail(source, RUN_BLOB_DAMAGED, "is damaged: its bytes do not hash to its name", error);
}

static enum run_blob_result read_all(const struct source *source, uint8_t *bytes,
                                     struct error *error)
{
    for (size_t count = 0; count < source->bytes;) {
        ssize_t got = read_piece(source->fd, bytes + count, (size_t)source->bytes - count);
        if (got <= 0)
            return got == 0 ? fail(source, RUN_BLOB_DAMAGED, "became shorter meanwhile", error)
                            : fail(source, RUN_BLOB_FAILED, strerror(errno), error);
        count += (size_t)got;
    }
    return RUN_BLOB_WHOLE;
}

enum run_blob_result run_blob_read(const char *run, const struct digest *digest, uint8_t **bytes,
                                   size_t *count, struct error *error)
{
    struct source source;
    enum run_blob_result result = open_source(run, digest, &source, error);
    if (result != RUN_BLOB_WHOLE)
        return result;
    uint8_t *memory = malloc((size_t)source.bytes + 1);
    if (memory == NULL)
        result = fail(&source, RUN_BLOB_FAILED, "no memory to read it", error);
    else
        result = read_all(&source, memory, error);
    close(source.fd);
    if (result == RUN_BLOB_WHOLE) {
        struct digest is = digest_of(memory, (size_t)source.bytes);
        result = judge(&source, digest, &is, error);
    }
    if (result != RUN_BLOB_WHOLE) {
        free(memory);
        return result;
    }
    *bytes = memory;
    *count = (size_t)source.bytes;
    return RUN_BLOB_WHOLE;
}

static enum run_blob_result copy_all(const struct source *source, const struct digest *digest,
                                     int to, uint8_t *piece, struct error *error)
{
    struct digest_state state;
    ssize_t got;
    digest_init(&state);
    while ((got = read_piece(source->fd, piece, PIECE_BYTES)) > 0) {
        digest_update(&state, piece, (size_t)got);
        if (write_piece(to, piece, (size_t)got) != 0)
            return (enum run_blob_result)error_set(error, RUN_BLOB_FAILED,
                                                   "%.300s cannot be copied: %s", source->path,
                                                   strerror(errno));
        if (signal_stop_waiting() != 0)
            return fail(source, RUN_BLOB_FAILED, "stopped while it was copied", error);
    }
    if (got < 0)
        return fail(source, RUN_BLOB_FAILED, strerror(errno), error);
    struct digest is = digest_final(&state);
    return judge(source, digest, &is, error);
}

enum run_blob_result run_blob_copy(const char *run, const struct digest *digest, int to,
                                   struct error *error)
{
    struct source source;
    enum run_blob_result result = open_source(run, digest, &source, error);
    if (result != RUN_BLOB_WHOLE)
        return result;
    uint8_t *piece = malloc(PIECE_BYTES);
    if (piece == NULL)
        result = fail(&source, RUN_BLOB_FAILED, "no memory to copy it", error);
    else
        result = copy_all(&source, digest, to, piece, error);
    free(piece);
    close(source.fd);
    return result;
}
