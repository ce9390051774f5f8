/*
 * test_os_file.c: files are written whole, trees are removed and nothing outside them, locks hold.
 */
#include "common/os_clock.h"
#include "common/os_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[256];

/* "FOLDER/NAME" in one of a few buffers in turn. */
static const char *in_folder(const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    const char *where = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/ratchet-test-XXXXXX", where == NULL ? "/tmp" : where);
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    struct error error;
    return os_remove_tree(folder, &error);
}

static int count_names(const char *path)
{
    DIR *opened = opendir(path);
    assert_non_null(opened);
    int count = -2; /* "." and ".." */
    while (readdir(opened) != NULL)
        count++;
    closedir(opened);
    return count;
}

static void paths_are_joined_within_bounds(void **state)
{
    (void)state;
    char path[8];
    struct error error = {""};
    assert_int_equal(os_path_join(path, sizeof path, "abc", "def", &error), 0);
    assert_string_equal(path, "abc/def");
    assert_int_equal(os_path_join(path, sizeof path, "abc/", "def", &error), 0);
    assert_string_equal(path, "abc/def");
    assert_int_equal(os_path_join(path, sizeof path, "", "def", &error), 0);
    assert_string_equal(path, "def");
    assert_int_equal(os_path_join(path, sizeof path, "/", "d", &error), 0);
    assert_string_equal(path, "/d");
    assert_int_equal(os_path_join(path, sizeof path, "abcd", "def", &error), -1);
    assert_non_null(strstr(error.text, "longer than 7 bytes"));
}

static void folders_are_made_with_all_above(void **state)
{
    (void)state;
    struct stat status;
    struct error error = {""};
    assert_int_equal(os_make_directories(in_folder("a//b/c/"), 0755, &error), 0);
    assert_int_equal(os_make_directories(in_folder("a/b/c"), 0755, &error), 0);
    assert_int_equal(stat(in_folder("a/b/c"), &status), 0);
    assert_true(S_ISDIR(status.st_mode));
    assert_int_equal(os_make_directories("/", 0755, &error), 0);
    assert_int_equal(os_make_directories("", 0755, &error), -1);
    assert_int_equal(os_write_atomic(in_folder("file"), "", 0, 0644, &error), 0);
    assert_int_equal(os_make_directories(in_folder("file"), 0755, &error), -1);
    assert_non_null(strstr(error.text, "not a folder"));
    assert_int_equal(os_make_directories(in_folder("file/below"), 0755, &error), -1);
    assert_non_null(strstr(error.text, in_folder("file")));
}

static void files_are_replaced_whole(void **state)
{
    (void)state;
    struct stat status;
    struct error error = {""};
    char *bytes;
    size_t count;
    const char *path = in_folder("file");
    assert_int_equal(os_write_atomic(path, "first", 5, 0600, &error), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(os_write_atomic(path, "se\0cond", 7, 0600, &error), 0);
    assert_int_equal(os_read_file(path, 7, &bytes, &count, &error), 0);
    assert_int_equal(count, 7);
    assert_memory_equal(bytes, "se\0cond", 8);
    free(bytes);
    assert_int_equal(count_names(folder), 1);
    /* A name without a folder belongs to the current one. */
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(os_write_atomic("plain", "x", 1, 0644, &error), 0);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(access(in_folder("plain"), F_OK), 0);
    assert_int_equal(os_write_atomic(in_folder("none/file"), "x", 1, 0644, &error), -1);
    /* What is named is the file that is wanted, not one on the way to it. */
    assert_non_null(strstr(error.text, in_folder("none/file: ")));
    assert_null(strstr(error.text, "tmp-"));
}

static void failed_write_leaves_the_old_file(void **state)
{
    (void)state;
    static char large[100000];
    assert_int_equal(os_write_atomic(in_folder("file"), "old", 3, 0644, NULL), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {5000, 5000};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        _exit(os_write_atomic(in_folder("file"), large, sizeof large, 0644, NULL) == -1 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    char *bytes;
    assert_int_equal(os_read_file(in_folder("file"), 100, &bytes, NULL, NULL), 0);
    assert_string_equal(bytes, "old");
    free(bytes);
    assert_int_equal(count_names(folder), 1);
}

static void reading_is_bounded_and_only_of_files(void **state)
{
    (void)state;
    struct error error = {""};
    char *bytes = NULL;
    size_t count;
    assert_int_equal(os_write_atomic(in_folder("file"), "12345", 5, 0644, &error), 0);
    assert_int_equal(os_read_file(in_folder("file"), 4, &bytes, &count, &error), -1);
    assert_non_null(strstr(error.text, "has 5 bytes, at most 4"));
    assert_int_equal(os_read_file(folder, 4, &bytes, &count, &error), -1);
    assert_non_null(strstr(error.text, "not a regular file"));
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    assert_int_equal(os_read_file(in_folder("pipe"), 4, &bytes, &count, &error), -1);
    assert_int_equal(os_read_file(in_folder("none"), 4, &bytes, &count, &error), -1);
    assert_non_null(strstr(error.text, "No such file"));
    /* What the kernel makes up as it is read has size 0 and more bytes than that. */
    assert_int_equal(os_read_file("/proc/self/status", 100, &bytes, &count, &error), -1);
    assert_non_null(strstr(error.text, "grew"));
    assert_null(bytes);
}

/* --------------------------------------------------------------------------------------- lock */

static void lock_names_its_holder_and_ends_with_it(void **state)
{
    (void)state;
    int ends[2];
    char byte, expected[64];
    struct error error = {""};
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        int fd = os_lock_file(in_folder("lock"), NULL);
        if (fd < 0 || write(ends[1], ".", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(os_lock_file(in_folder("lock"), &error), -1);
    snprintf(expected, sizeof expected, "is locked by process %d", (int)child);
    assert_non_null(strstr(error.text, expected));
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    int fd = os_lock_file(in_folder("lock"), &error);
    assert_true(fd >= 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(os_lock_file(in_folder("lock"), &error), -1);
    snprintf(expected, sizeof expected, "is locked by process %d", (int)getpid());
    assert_non_null(strstr(error.text, expected));
    close(fd);
    fd = os_lock_file(in_folder("lock"), &error);
    assert_true(fd >= 0);
    close(fd);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(symlink(in_folder("elsewhere"), in_folder("link")), 0);
    assert_int_equal(os_lock_file(in_folder("link"), &error), -1);
    assert_int_equal(access(in_folder("elsewhere"), F_OK), -1);
}

/* --------------------------------------------------------------------------------------- tree */

static void tree_is_removed_and_nothing_else(void **state)
{
    (void)state;
    struct error error = {""};
    assert_int_equal(os_make_directories(in_folder("tree/a/b"), 0755, &error), 0);
    assert_int_equal(os_make_directories(in_folder("other"), 0755, &error), 0);
    assert_int_equal(os_write_atomic(in_folder("other/file"), "x", 1, 0644, &error), 0);
    assert_int_equal(os_write_atomic(in_folder("tree/a/b/file"), "x", 1, 0400, &error), 0);
    assert_int_equal(symlink(in_folder("other"), in_folder("tree/a/link")), 0);
    assert_int_equal(symlink("..", in_folder("tree/a/b/up")), 0);
    assert_int_equal(mkfifo(in_folder("tree/pipe"), 0600), 0);
    assert_int_equal(os_remove_tree(in_folder("tree/"), &error), 0);
    assert_int_equal(access(in_folder("tree"), F_OK), -1);
    assert_int_equal(os_remove_tree(in_folder("tree"), &error), 0);
    /* A link, also one written with a slash, goes; what it points to stays. */
    assert_int_equal(symlink(in_folder("other"), in_folder("link")), 0);
    assert_int_equal(os_remove_tree(in_folder("link/"), &error), 0);
    assert_int_equal(access(in_folder("link"), F_OK), -1);
    assert_int_equal(access(in_folder("other/file"), F_OK), 0);
    assert_int_equal(os_remove_tree(in_folder("other/file"), &error), 0);
    assert_int_equal(count_names(in_folder("other")), 0);
}

static void a_bottomless_tree_is_refused(void **state)
{
    (void)state;
    struct error error = {""};
    char deep[300] = "deep";
    for (int i = 0; i < 70; i++)
        strcat(deep, "/d");
    char path[600];
    snprintf(path, sizeof path, "%s", in_folder(deep));
    assert_int_equal(os_make_directories(path, 0755, &error), 0);
    assert_int_equal(os_remove_tree(in_folder("deep"), &error), -1);
    assert_non_null(strstr(error.text, "deeper than 64"));
    assert_int_equal(os_remove_tree(in_folder("deep/d/d/d/d/d/d/d/d/d/d"), &error), 0);
    assert_int_equal(os_remove_tree(in_folder("deep"), &error), 0);
}

/* --------------------------------------------------------------------------------- the system */

static void network_file_systems_are_known_by_number(void **state)
{
    (void)state;
    const char *name = "?";
    struct error error = {""};
    assert_string_equal(os_network_file_system_name(0x6969), "NFS");
    assert_string_equal(os_network_file_system_name(0xff534d42), "CIFS");
    assert_string_equal(os_network_file_system_name(0x0bd00bd0), "Lustre");
    assert_null(os_network_file_system_name(0xef53));     /* ext4 */
    assert_null(os_network_file_system_name(0x01021994)); /* tmpfs */
    assert_null(os_network_file_system_name(0x65735546)); /* FUSE */
    assert_int_equal(os_is_network_file_system("/proc", &name, &error), 0);
    assert_null(name);
    assert_int_equal(os_is_network_file_system(in_folder("none"), NULL, &error), -1);
    assert_non_null(strstr(error.text, "none"));
}

static void the_rest_answers(void **state)
{
    (void)state;
    struct error error = {""};
    uint64_t bytes = 0;
    uint8_t random[2][64] = {{0}};
    assert_int_equal(os_free_bytes(folder, &bytes, &error), 0);
    assert_true(bytes > 0);
    assert_int_equal(os_free_bytes(in_folder("none"), &bytes, &error), -1);
    assert_int_equal(os_random_bytes(random[0], 64, &error), 0);
    assert_int_equal(os_random_bytes(random[1], 64, &error), 0);
    assert_memory_not_equal(random[0], random[1], 64);
    assert_int_equal(os_sync_directory(folder, &error), 0);
    assert_int_equal(os_sync_directory(in_folder("none"), &error), -1);
    uint64_t before = clock_monotonic_ms();
    assert_true(clock_monotonic_ms() >= before);
    assert_true(clock_wall_ms() > UINT64_C(1600000000000));
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_joined_within_bounds),
        WITH_FOLDER(folders_are_made_with_all_above),
        WITH_FOLDER(files_are_replaced_whole),
        WITH_FOLDER(failed_write_leaves_the_old_file),
        WITH_FOLDER(reading_is_bounded_and_only_of_files),
        WITH_FOLDER(lock_names_its_holder_and_ends_with_it),
        WITH_FOLDER(tree_is_removed_and_nothing_else),
        WITH_FOLDER(a_bottomless_tree_is_refused),
        WITH_FOLDER(network_file_systems_are_known_by_number),
        WITH_FOLDER(the_rest_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
