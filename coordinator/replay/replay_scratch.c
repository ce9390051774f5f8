/* replay_scratch.c: see replay_scratch.h. */
#include "coordinator/replay/replay_scratch.h"

#include "common/limits.h"
#include "proto/slot_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A blob on its way; outside the slot's part of incoming/. */
static const char coming[] = SLOT_FOLDER_INCOMING "/blob";

static int fail(const struct replay_scratch *scratch, const char *what, struct error *error)
{
    return error_set(error, -1, "the scratch folder %.300s %s: %s", scratch->path, what,
                     strerror(errno));
}

static int make_folder(const struct replay_scratch *scratch, const char *name, struct error *error)
{
    if (mkdirat(scratch->folder, name, 0700) == 0 || errno == EEXIST)
        return 0;
    return fail(scratch, "cannot be filled", error);
}

static int make_folders(const struct replay_scratch *scratch, struct error *error)
{
    char staging[SLOT_FOLDER_NAME_BYTES];
    slot_folder_staging(0, staging);
    return make_folder(scratch, SLOT_FOLDER_BLOBS, error) == 0 &&
                   make_folder(scratch, SLOT_FOLDER_INCOMING, error) == 0 &&
                   make_folder(scratch, staging, error) == 0
               ? 0
               : -1;
}

int replay_scratch_open(struct replay_scratch *scratch, struct error *error)
{
    const char *place = getenv("TMPDIR");
    if (place == NULL || place[0] != '/')
        place = "/tmp";
    scratch->folder = -1;
    if (os_path_join(scratch->path, sizeof scratch->path, place, "ratchet-replay-XXXXXX", error) !=
        0)
        return -1;
    if (mkdtemp(scratch->path) == NULL)
        return error_set(error, -1, "no scratch folder can be made in %.300s: %s", place,
                         strerror(errno));
    scratch->folder = open(scratch->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int rc = scratch->folder < 0 ? fail(scratch, "cannot be opened", error)
                                 : make_folders(scratch, error);
    if (rc != 0)
        replay_scratch_close(scratch);
    return rc;
}

void replay_scratch_close(struct replay_scratch *scratch)
{
    if (scratch->folder >= 0)
        close(scratch->folder);
    scratch->folder = -1;
    /* What cannot be removed stays; there is nobody to tell at the end of a failure. */
    int rc = os_remove_tree(scratch->path, NULL);
    (void)rc;
}

/* Gives a file of the folder its place among the blobs. */
static int publish(const struct replay_scratch *scratch, const char *from,
                   const struct digest *digest, struct error *error)
{
    char name[SLOT_FOLDER_NAME_BYTES];
    slot_folder_blob_parent(digest, name);
    if (make_folder(scratch, name, error) != 0)
        return -1;
    slot_folder_blob(digest, name);
    if (renameat(scratch->folder, from, scratch->folder, name) == 0)
        return 0;
    return fail(scratch, "cannot be filled", error);
}

enum run_blob_result replay_scratch_bring(const struct replay_scratch *scratch, const char *run,
                                          const struct digest *digest, struct error *error)
{
    char name[SLOT_FOLDER_NAME_BYTES];
    slot_folder_blob(digest, name);
    if (faccessat(scratch->folder, name, F_OK, 0) == 0)
        return RUN_BLOB_WHOLE;
    int fd = openat(scratch->folder, coming, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        fail(scratch, "cannot be filled", error);
        return RUN_BLOB_FAILED;
    }
    enum run_blob_result result = run_blob_copy(run, digest, fd, error);
    if (close(fd) != 0 && result == RUN_BLOB_WHOLE) {
        fail(scratch, "cannot be filled", error);
        result = RUN_BLOB_FAILED;
    }
    if (result == RUN_BLOB_WHOLE && publish(scratch, coming, digest, error) != 0)
        result = RUN_BLOB_FAILED;
    if (result != RUN_BLOB_WHOLE)
        unlinkat(scratch->folder, coming, 0);
    return result;
}

/* A file of the folder, whole. */
static int read_file(const struct replay_scratch *scratch, const char *name, uint8_t **bytes,
                     size_t *count, struct error *error)
{
    char path[OS_PATH_BYTES_MAX], *text;
    if (os_path_join(path, sizeof path, scratch->path, name, error) != 0 ||
        os_read_file(path, (size_t)BLOB_BYTES_MAX, &text, count, error) != 0)
        return -1;
    *bytes = (uint8_t *)text;
    return 0;
}

int replay_scratch_adopt(const struct replay_scratch *scratch, const struct digest *child,
                         uint64_t bytes, struct error *error)
{
    char name[SLOT_FOLDER_NAME_BYTES];
    uint8_t *memory;
    size_t count;
    slot_folder_child(0, child, name);
    if (read_file(scratch, name, &memory, &count, error) != 0)
        return -1;
    struct digest is = digest_of(memory, count);
    free(memory);
    if (count != bytes || !digest_equal(&is, child))
        return error_set(error, -1, "the slot process wrote another checkpoint than it said");
    return publish(scratch, name, child, error);
}

void replay_scratch_drop(const struct replay_scratch *scratch, const struct digest *digest)
{
    char name[SLOT_FOLDER_NAME_BYTES];
    slot_folder_blob(digest, name);
    unlinkat(scratch->folder, name, 0);
}

int replay_scratch_read(const struct replay_scratch *scratch, const struct digest *digest,
                        uint8_t **bytes, size_t *count, struct error *error)
{
    char name[SLOT_FOLDER_NAME_BYTES];
    slot_folder_blob(digest, name);
    return read_file(scratch, name, bytes, count, error);
}
