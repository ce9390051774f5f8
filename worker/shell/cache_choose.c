/* cache_choose.c: see cache_choose.h. */
#include "worker/shell/cache_choose.h"

#include "common/os_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS_MAX = 64 }; /* beside one another without a --cache of their own */

/* "~/.cache/ratchet", made if it was missing. */
static int find_base(char base[OS_PATH_BYTES_MAX], struct error *error)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int failed;
    if (cache != NULL && cache[0] == '/')
        failed = os_path_join(base, OS_PATH_BYTES_MAX, cache, "ratchet", error);
    else if (home != NULL && home[0] == '/')
        failed = os_path_join(base, OS_PATH_BYTES_MAX, home, ".cache/ratchet", error);
    else
        return error_set(error, -1, "there is no home directory for a cache: use --cache");
    return failed ? failed : os_make_directories(base, 0700, error);
}

/* Adds the machine's name where other machines write as well. */
static int keep_machines_apart(char base[OS_PATH_BYTES_MAX], const char *host, struct error *error)
{
    char shared[OS_PATH_BYTES_MAX];
    if (os_is_network_file_system(base, NULL, NULL) != 1)
        return 0;
    memcpy(shared, base, sizeof shared);
    return os_path_join(base, OS_PATH_BYTES_MAX, shared, host, error);
}

int cache_open_chosen(const struct cache_options *options, const char *host, struct cache **cache,
                      struct error *error)
{
    if (options->folder != NULL)
        return cache_open(options, cache, error);
    char base[OS_PATH_BYTES_MAX], folder[OS_PATH_BYTES_MAX], number[16];
    struct cache_options chosen = *options;
    chosen.folder = folder;
    *cache = NULL;
    if (find_base(base, error) != 0 || keep_machines_apart(base, host, error) != 0)
        return -1;
    for (int i = 1; i <= WORKERS_MAX; i++) {
        snprintf(number, sizeof number, "%d", i);
        if (os_path_join(folder, sizeof folder, base, number, error) != 0)
            return -1;
        /* The first refusal is the one worth telling. */
        if (cache_open(&chosen, cache, i == 1 ? error : NULL) == 0)
            return 0;
    }
    return -1;
}
