/* replay_fixture.c: see replay_fixture.h. */
#include "replay_fixture.h"

#include "common/os_file.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

int replay_fixture_setup(void **state)
{
    struct replay_fixture *fixture = calloc(1, sizeof *fixture);
    const char *temporary = getenv("TMPDIR");
    assert_non_null(fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "%.200s/ratchet-test-XXXXXX",
             temporary != NULL ? temporary : "/tmp");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->run, sizeof fixture->run, "%s/run", fixture->folder);
    assert_int_equal(os_make_directories(fixture->run, 0700, NULL), 0);
    setenv("TMPDIR", fixture->folder, 1);
    *state = fixture;
    return 0;
}

int replay_fixture_teardown(void **state)
{
    struct replay_fixture *fixture = *state;
    char *end = strrchr(fixture->folder, '/');
    assert_int_equal(os_remove_tree(fixture->folder, NULL), 0);
    *end = '\0';
    setenv("TMPDIR", fixture->folder, 1);
    free(fixture);
    return 0;
}

static void write_blob(const struct replay_fixture *fixture, const struct digest *digest,
                       const char *text)
{
    char hex[DIGEST_HEX_BYTES], path[512];
    digest_to_hex(digest, hex);
    snprintf(path, sizeof path, "%s/blobs/%.2s", fixture->run, hex);
    assert_int_equal(os_make_directories(path, 0700, NULL), 0);
    snprintf(path, sizeof path, "%s/blobs/%.2s/%s", fixture->run, hex, hex + 2);
    assert_int_equal(os_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

struct digest replay_fixture_blob(const struct replay_fixture *fixture, const char *text)
{
    struct digest digest = digest_of(text, strlen(text));
    write_blob(fixture, &digest, text);
    return digest;
}

void replay_fixture_damage(const struct replay_fixture *fixture, const struct digest *digest,
                           const char *text)
{
    write_blob(fixture, digest, text);
}

size_t replay_fixture_count(const char *folder)
{
    DIR *directory = opendir(folder);
    size_t count = 0;
    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(directory);
    return count;
}
