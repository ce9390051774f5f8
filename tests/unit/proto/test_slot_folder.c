/* test_slot_folder.c: the names in a slot's folder and its command line: both sides rely on them.
 */
#include "proto/slot_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct digest counting(void)
{
    struct digest digest;
    for (uint32_t i = 0; i < DIGEST_BYTES; i++)
        digest.bytes[i] = (uint8_t)(i + 10);
    return digest;
}

static void test_names_are_made_from_digests_and_numbers(void **state)
{
    (void)state;
    struct digest digest = counting();
    char name[SLOT_FOLDER_NAME_BYTES];
    slot_folder_blob(&digest, name);
    assert_string_equal(name,
                        "blobs/0a/0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223242526272829");
    slot_folder_blob_parent(&digest, name);
    assert_string_equal(name, "blobs/0a");
    slot_folder_staging(UINT32_MAX, name);
    assert_string_equal(name, "incoming/slot-4294967295");
    slot_folder_child(UINT32_MAX, &digest, name);
    assert_string_equal(name, "incoming/slot-4294967295/"
                              "0a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223242526272829");
}

static void expect_arguments(const struct slot_start *start, const char *const *expected)
{
    struct slot_arguments arguments;
    slot_arguments_fill(start, &arguments);
    uint32_t i = 0;
    for (; expected[i] != NULL; i++)
        assert_string_equal(arguments.items[i], expected[i]);
    assert_null(arguments.items[i]);
    assert_true(i < SLOT_ARGUMENTS_MAX);
}

static void test_the_command_line(void **state)
{
    (void)state;
    expect_arguments(&(struct slot_start){.folder = "/a b", .slot = 12, .descriptor = 3},
                     (const char *const[]){"ratchet-worker-slot-12", "--slot-fd", "3",
                                           "--slot-number", "12", "--cache", "/a b", NULL});
    expect_arguments(
        &(struct slot_start){.folder = "f", .device = "cpu:plain", .slot = 0, .descriptor = 7},
        (const char *const[]){"ratchet-worker-slot-0", "--slot-fd", "7", "--slot-number", "0",
                              "--cache", "f", "--device", "cpu:plain", NULL});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_made_from_digests_and_numbers),
        cmocka_unit_test(test_the_command_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
