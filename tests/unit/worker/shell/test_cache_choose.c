/* test_cache_choose.c: the folder that a worker takes when nobody names one. */
#include "shell_fixture.h"
#include "worker/shell/cache_choose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint64_t PLENTY = UINT64_C(1) << 30;

static void test_default_folders_are_numbered(void **state)
{
    const struct fixture *fixture = *state;
    struct error error = {""};
    struct cache *first, *second;
    const struct cache_options options = {.folder = NULL, .bytes_max = PLENTY, .slots = 1};
    setenv("XDG_CACHE_HOME", fixture->folder, 1);
    assert_int_equal(cache_open_chosen(&options, "host", &first, &error), 0);
    assert_int_equal(cache_open_chosen(&options, "host", &second, &error), 0);
    assert_string_equal(cache_folder(first), fixture_path(fixture, "ratchet/1"));
    assert_string_equal(cache_folder(second), fixture_path(fixture, "ratchet/2"));
    cache_close(&first);
    assert_int_equal(cache_open_chosen(&options, "host", &first, &error), 0);
    assert_string_equal(cache_folder(first), fixture_path(fixture, "ratchet/1"));
    cache_close(&first);
    cache_close(&second);
    unsetenv("XDG_CACHE_HOME");

    char *home = getenv("HOME");
    char *kept = home != NULL ? strdup(home) : NULL;
    unsetenv("HOME");
    assert_int_equal(cache_open_chosen(&options, "host", &first, &error), -1);
    assert_non_null(strstr(error.text, "--cache"));
    if (kept != NULL)
        setenv("HOME", kept, 1);
    free(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_default_folders_are_numbered, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
