/* test_blob_store_behind.c: blobs that are synced by a thread while others come in. */
#include "coordinator/shell/blob_store.h"
#include "ledger_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct blob_store *open_store(const struct fixture *fixture)
{
    struct blob_store *store;
    struct error error = {""};
    if (blob_store_open(fixture_path(fixture, "blobs"), UINT64_MAX, &store, &error) != BLOB_OK)
        fail_msg("%s", error.text);
    return store;
}

static void put_number(struct blob_store *store, uint32_t number, size_t bytes)
{
    static uint8_t block[1 << 20];
    struct digest digest;
    struct error error = {""};
    assert_true(bytes <= sizeof block);
    memcpy(block, &number, sizeof number);
    if (blob_store_put(store, block, bytes, &digest, &error) != BLOB_OK)
        fail_msg("%s", error.text);
}

static void syncs_behind_while_more_comes_in(void **state)
{
    struct error error = {""};
    struct blob_store *store = open_store(*state);
    assert_int_equal(blob_store_sync_soon(store, &error), BLOB_OK); /* nothing */
    put_number(store, 0, 100);
    assert_int_equal(blob_store_sync_soon(store, &error), BLOB_OK); /* little: at once */
    for (uint32_t i = 1; i < 50; i++)
        put_number(store, i, 1 << 16);
    assert_int_equal(blob_store_sync_soon(store, &error), BLOB_BUSY);
    put_number(store, 50, 1 << 20);
    put_number(store, 51, 1 << 20); /* not in the list that is being synced */
    enum blob_result result;
    uint32_t busy = 0;
    while ((result = blob_store_sync_soon(store, &error)) == BLOB_BUSY)
        busy++;
    assert_int_equal(result, BLOB_OK);
    assert_true(busy > 0); /* for the second list at least */
    put_number(store, 52, 1 << 20);
    put_number(store, 53, 1 << 20);
    assert_int_equal(blob_store_sync_soon(store, &error), BLOB_BUSY);
    assert_int_equal(blob_store_sync(store, &error), BLOB_OK); /* waits for it */
    assert_int_equal(blob_store_sync_soon(store, &error), BLOB_OK);
    put_number(store, 54, 1 << 20);
    put_number(store, 55, 1 << 20);
    assert_int_equal(blob_store_sync_soon(store, &error), BLOB_BUSY);
    blob_store_close(&store); /* likewise */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(syncs_behind_while_more_comes_in, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
