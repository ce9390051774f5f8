/*
 * os_file.h: the few things that programs here do to files and folders.
 *
 * Each helper does one thing whole: a file is written entirely or not at all, a folder is removed
 * with all that is in it and nothing outside it, a lock says who holds it. Nothing here knows runs
 * or caches. For shells only: cores touch no files.
 *
 * Unless told otherwise, functions return 0, or -1 with a sentence naming the path in *error. Linux
 * only.
 */
#ifndef RATCHET_COMMON_OS_FILE_H
#define RATCHET_COMMON_OS_FILE_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Longest path that these helpers take, with its NUL. */
enum { OS_PATH_BYTES_MAX = 4096 };

/* "folder/name" into path[size]; an empty folder means the current one. */
int os_path_join(char *path, size_t size, const char *folder, const char *name, struct error *error)
    __attribute__((warn_unused_result));

/* Makes `path` and every missing folder above it; one that is there already is left as it is. */
int os_make_directories(const char *path, mode_t mode, struct error *error)
    __attribute__((warn_unused_result));

/*
 * Replaces or makes the file `path` with these bytes. After a crash or a power cut the file holds
 * either the old bytes or all of the new ones; on return it holds the new ones for good. A crash
 * may leave ".NAME.tmp-XXXX" beside it. Mode is subject to umask.
 */
int os_write_atomic(const char *path, const void *bytes, size_t count, mode_t mode,
                    struct error *error) __attribute__((warn_unused_result));

/*
 * Reads a regular file of at most `max_bytes` (larger: an error). *bytes is the caller's to free
 * and has a NUL after the last byte, which *count does not count. `count` may be NULL.
 */
int os_read_file(const char *path, size_t max_bytes, char **bytes, size_t *count,
                 struct error *error) __attribute__((warn_unused_result));

/* Makes the names in the folder `path` (creations, renames, removals) survive a power cut. */
int os_sync_directory(const char *path, struct error *error) __attribute__((warn_unused_result));

/*
 * Takes the lock `path` (made when missing, never removed) for this process and returns its
 * descriptor, to be closed to let go; the kernel does so when the process ends in any way. -1 when
 * somebody else holds it: the sentence names the process. The descriptor closes on exec; a child
 * that only forks shares the lock.
 */
int os_lock_file(const char *path, struct error *error) __attribute__((warn_unused_result));

/*
 * Whether the file system under `path`, which must exist, is one that other machines write to as
 * well: SQLite's locks and mmap cannot be relied on there. 1 yes, 0 no, -1 cannot say. *name, when
 * asked for: "NFS", or NULL. FUSE and 9p are not counted: containers and virtual machines use them
 * for local disks.
 */
int os_is_network_file_system(const char *path, const char **name, struct error *error)
    __attribute__((warn_unused_result));
/* The table behind it: name of the network file system with this statfs f_type, or NULL. */
const char *os_network_file_system_name(uint32_t magic);

/* Bytes that an ordinary user may still write to the file system under `path`. */
int os_free_bytes(const char *path, uint64_t *bytes, struct error *error)
    __attribute__((warn_unused_result));

/* Fills bytes[count] from the kernel's generator: for names and ids, not for anything replayed. */
int os_random_bytes(void *bytes, size_t count, struct error *error)
    __attribute__((warn_unused_result));

/*
 * Removes `path` and everything in it. Links are removed, never followed, also when somebody swaps
 * a folder for a link meanwhile. A path that is not there is a success. At most 64 levels deep.
 */
int os_remove_tree(const char *path, struct error *error) __attribute__((warn_unused_result));

#endif
