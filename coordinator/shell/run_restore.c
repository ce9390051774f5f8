/* run_restore.c: see run_restore.h. */
#include "coordinator/shell/run_restore.h"

#include "coordinator/shell/blob_store.h"
#include "coordinator/shell/run_directory.h"

static int put(struct blob_store *store, const struct checkpoint_bytes *checkpoint,
               struct error *error)
{
    struct digest digest = digest_of(checkpoint->bytes, checkpoint->count);
    if (!digest_equal(&digest, &checkpoint->digest))
        return error_set(error, -1, "the bytes to be restored have another digest");
    if (blob_store_has(store, &digest) && blob_store_remove(store, &digest, error) != BLOB_OK)
        return -1;
    if (blob_store_put(store, checkpoint->bytes, checkpoint->count, &digest, error) != BLOB_OK)
        return -1;
    return blob_store_sync(store, error) == BLOB_OK ? 0 : -1;
}

int run_restore(const char *run, const struct checkpoint_bytes *checkpoint, struct error *error)
{
    struct run_directory directory;
    struct blob_store *store = NULL;
    char path[OS_PATH_BYTES_MAX];
    if (run_directory_open_run(&directory, run, error) != 0)
        return -1;
    run_directory_file(&directory, "blobs", path);
    int rc = blob_store_open(path, UINT64_MAX, &store, error) == BLOB_OK
                 ? put(store, checkpoint, error)
                 : -1;
    if (store != NULL)
        blob_store_close(&store);
    run_directory_close(&directory);
    return rc;
}
