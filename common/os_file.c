/*
 * os_file.c: see os_file.h.
 *
 * Everything goes through descriptors that are opened without following links, and every write is
 * carried on after an interruption: a signal in the middle is not an error.
 */
#include "common/os_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { TREE_DEPTH_MAX = 64 };

static int fail(struct error *error, const char *what, const char *path)
{
    return error_set(error, -1, "%s: %s: %s", path, what, strerror(errno));
}

int os_path_join(char *path, size_t size, const char *folder, const char *name, struct error *error)
{
    size_t length = strlen(folder);
    const char *slash = length > 0 && folder[length - 1] != '/' ? "/" : "";
    int written = snprintf(path, size, "%s%s%s", folder, slash, name);
    if (written < 0 || (size_t)written >= size)
        return error_set(error, -1, "%.200s/%.200s: the path is longer than %zu bytes", folder,
                         name, size - 1);
    return 0;
}

/* Splits off the folder part of `path`: "." when it has none. */
static int folder_of(const char *path, char folder[OS_PATH_BYTES_MAX], struct error *error)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - path);
    if (strlen(path) >= OS_PATH_BYTES_MAX)
        return error_set(error, -1, "%.200s...: the path is longer than %d bytes", path,
                         OS_PATH_BYTES_MAX - 1);
    if (slash == path)
        length = 1;
    memcpy(folder, length > 0 ? path : ".", length > 0 ? length : 1);
    folder[length > 0 ? length : 1] = '\0';
    return 0;
}

/* ------------------------------------------------------------------------------------ folders */

static int make_directory(const char *path, mode_t mode, struct error *error)
{
    if (mkdir(path, mode) == 0)
        return 0;
    int reason = errno;
    struct stat status;
    if (stat(path, &status) == 0) {
        if (S_ISDIR(status.st_mode))
            return 0;
        return error_set(error, -1, "%s: is there and is not a folder", path);
    }
    errno = reason;
    return fail(error, "cannot make the folder", path);
}

int os_make_directories(const char *path, mode_t mode, struct error *error)
{
    char part[OS_PATH_BYTES_MAX];
    size_t length = strlen(path);
    if (length == 0)
        return error_set(error, -1, "cannot make a folder without a name");
    if (length >= sizeof part)
        return error_set(error, -1, "%.200s...: the path is longer than %zu bytes", path,
                         sizeof part - 1);
    memcpy(part, path, length + 1);
    for (size_t i = 1; i < length; i++) {
        if (part[i] != '/' || part[i - 1] == '/')
            continue;
        part[i] = '\0';
        if (make_directory(part, mode, error) != 0)
            return -1;
        part[i] = '/';
    }
    return make_directory(part, mode, error);
}

int os_sync_directory(const char *path, struct error *error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail(error, "cannot open the folder", path);
    int failed = fsync(fd);
    if (failed)
        failed = fail(error, "cannot sync the folder", path);
    close(fd);
    return failed;
}

/* -------------------------------------------------------------------------------------- files */

static int write_all(int fd, const void *bytes, size_t count)
{
    const char *next = bytes;
    while (count > 0) {
        ssize_t written = write(fd, next, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        next += written;
        count -= (size_t)written;
    }
    return 0;
}

/* Opens a file beside `path` under a name that nobody has; errors tell of `path`. */
static int open_beside(const char *path, mode_t mode, char name[OS_PATH_BYTES_MAX],
                       struct error *error)
{
    uint64_t random;
    char folder[OS_PATH_BYTES_MAX];
    if (folder_of(path, folder, error) != 0 || os_random_bytes(&random, sizeof random, error) != 0)
        return -1;
    const char *slash = strrchr(path, '/');
    char base[OS_PATH_BYTES_MAX];
    int length = snprintf(base, sizeof base, ".%s.tmp-%016llx", slash == NULL ? path : slash + 1,
                          (unsigned long long)random);
    if (length < 0 || (size_t)length >= sizeof base ||
        os_path_join(name, OS_PATH_BYTES_MAX, folder, base, NULL) != 0)
        return error_set(error, -1, "%.200s...: the path is too long", path);
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return fail(error, "cannot write", path);
    return fd;
}

int os_write_atomic(const char *path, const void *bytes, size_t count, mode_t mode,
                    struct error *error)
{
    char name[OS_PATH_BYTES_MAX];
    char folder[OS_PATH_BYTES_MAX];
    if (folder_of(path, folder, error) != 0)
        return -1;
    int fd = open_beside(path, mode, name, error);
    if (fd < 0)
        return -1;
    if (write_all(fd, bytes, count) != 0 || fsync(fd) != 0) {
        fail(error, "cannot write", path);
        close(fd);
        goto discard;
    }
    if (close(fd) != 0 || rename(name, path) != 0) {
        fail(error, "cannot write", path);
        goto discard;
    }
    return os_sync_directory(folder, error);
discard:
    unlink(name);
    return -1;
}

/* Reads until the end, or until `room` is used up, and says how much that was: -1 for an I/O error.
 */
static ssize_t read_up_to(int fd, char *bytes, size_t room)
{
    size_t count = 0;
    while (count < room) {
        ssize_t got = read(fd, bytes + count, room - count);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        count += (size_t)got;
    }
    return (ssize_t)count;
}

static int read_open_file(int fd, const char *path, size_t max_bytes, char **bytes, size_t *count,
                          struct error *error)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return fail(error, "cannot read", path);
    if (!S_ISREG(status.st_mode))
        return error_set(error, -1, "%s: is not a regular file", path);
    if ((uintmax_t)status.st_size > max_bytes)
        return error_set(error, -1, "%s: has %jd bytes, at most %zu are allowed", path,
                         (intmax_t)status.st_size, max_bytes);
    /* One byte more than expected is asked for: a file that grows meanwhile is noticed. */
    size_t size = (size_t)status.st_size;
    char *memory = malloc(size + 2);
    if (memory == NULL)
        return error_set(error, -1, "%s: no memory for %zu bytes", path, size);
    ssize_t got = read_up_to(fd, memory, size + 1);
    if (got < 0 || (size_t)got > size) {
        if (got < 0)
            fail(error, "cannot read", path);
        else
            error_set(error, -1, "%s: grew while it was read", path);
        free(memory);
        return -1;
    }
    memory[got] = '\0';
    *bytes = memory;
    if (count != NULL)
        *count = (size_t)got;
    return 0;
}

int os_read_file(const char *path, size_t max_bytes, char **bytes, size_t *count,
                 struct error *error)
{
    /* Not blocking: opening a pipe by mistake must not hang. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail(error, "cannot read", path);
    int failed = read_open_file(fd, path, max_bytes, bytes, count, error);
    close(fd);
    return failed;
}

/* --------------------------------------------------------------------------------------- lock */

static int report_holder(int fd, const char *path, struct error *error)
{
    char text[32];
    ssize_t count = pread(fd, text, sizeof text - 1, 0);
    text[count > 0 ? count : 0] = '\0';
    char *end;
    long pid = strtol(text, &end, 10);
    if (end == text || pid <= 0)
        return error_set(error, -1, "%s: is locked by another process", path);
    return error_set(error, -1, "%s: is locked by process %ld", path, pid);
}

int os_lock_file(const char *path, struct error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return fail(error, "cannot open the lock", path);
    char text[32];
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            report_holder(fd, path, error);
        else
            fail(error, "cannot lock", path);
        goto out;
    }
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)length, 0) != length) {
        fail(error, "cannot write into the lock", path);
        goto out;
    }
    return fd;
out:
    close(fd);
    return -1;
}

/* -------------------------------------------------------------------------------- file system */

const char *os_network_file_system_name(uint32_t magic)
{
    /* From linux/magic.h and the file systems' own sources: most are not in that header. */
    static const struct {
        uint32_t magic;
        const char *name;
    } table[] = {
        {0x00006969, "NFS"},    {0x0000517b, "SMB"},    {0xff534d42, "CIFS"},  {0xfe534d42, "SMB2"},
        {0x0bd00bd0, "Lustre"}, {0x47504653, "GPFS"},   {0x5346414f, "AFS"},   {0x6b414653, "AFS"},
        {0x00c36400, "Ceph"},   {0x19830326, "BeeGFS"}, {0x20030528, "PVFS2"}, {0x01161970, "GFS2"},
        {0x7461636f, "OCFS2"},  {0x73757245, "Coda"},   {0x0000564c, "NCP"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].magic == magic)
            return table[i].name;
    return NULL;
}

int os_is_network_file_system(const char *path, const char **name, struct error *error)
{
    struct statfs status;
    if (statfs(path, &status) != 0)
        return fail(error, "cannot tell the file system", path);
    const char *found = os_network_file_system_name((uint32_t)status.f_type);
    if (name != NULL)
        *name = found;
    return found != NULL;
}

int os_free_bytes(const char *path, uint64_t *bytes, struct error *error)
{
    struct statvfs status;
    if (statvfs(path, &status) != 0)
        return fail(error, "cannot tell the free space", path);
    *bytes = (uint64_t)status.f_bavail * status.f_frsize;
    return 0;
}

int os_random_bytes(void *bytes, size_t count, struct error *error)
{
    char *next = bytes;
    while (count > 0) {
        ssize_t got = getrandom(next, count, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set(error, -1, "no random bytes: %s", strerror(errno));
        next += got;
        count -= (size_t)got;
    }
    return 0;
}

/* --------------------------------------------------------------------------------------- tree */

static int remove_entry(int parent, const char *name, const char *path, int depth,
                        struct error *error);

/* Takes `fd`, a folder, and empties it. */
static int remove_entries(int fd, const char *path, int depth, struct error *error)
{
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        close(fd);
        return fail(error, "cannot read the folder", path);
    }
    int failed = 0;
    struct dirent *entry;
    while (failed == 0) {
        errno = 0;
        entry = readdir(folder);
        if (entry == NULL)
            break;
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            failed = remove_entry(dirfd(folder), entry->d_name, path, depth + 1, error);
    }
    if (failed == 0 && errno != 0)
        failed = fail(error, "cannot read the folder", path);
    closedir(folder);
    return failed;
}

/* `path` is the tree's, for errors only. */
static int remove_entry(int parent, const char *name, const char *path, int depth,
                        struct error *error)
{
    if (depth > TREE_DEPTH_MAX)
        return error_set(error, -1, "%s: is deeper than %d folders", path, TREE_DEPTH_MAX);
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return error_set(error, -1, "%s: cannot remove %s: %s", path, name, strerror(errno));
    int reason = errno;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        /* Not a folder after all: what unlinkat said about it is the answer. */
        if (errno == ENOTDIR || errno == ELOOP)
            errno = reason;
        return error_set(error, -1, "%s: cannot remove %s: %s", path, name, strerror(errno));
    }
    if (remove_entries(fd, path, depth, error) != 0)
        return -1;
    if (unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        return error_set(error, -1, "%s: cannot remove %s: %s", path, name, strerror(errno));
    return 0;
}

int os_remove_tree(const char *path, struct error *error)
{
    /* "link/" would be followed where "link" is not. */
    char plain[OS_PATH_BYTES_MAX];
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    if (length >= sizeof plain)
        return error_set(error, -1, "%.200s...: the path is longer than %zu bytes", path,
                         sizeof plain - 1);
    memcpy(plain, path, length);
    plain[length] = '\0';
    return remove_entry(AT_FDCWD, plain, path, 0, error);
}
