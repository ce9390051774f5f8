/* test_pages.c: memory of every size is aligned, whole and the caller's. */
#include "worker/engine/pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void memory_is_aligned_and_whole(void **state)
{
    (void)state;
    const size_t mebibyte = (size_t)1 << 20;
    const size_t sizes[] = {1, 63, 64, 65, 4096, mebibyte - 1, mebibyte, 2 * mebibyte + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned char *memory = pages_take(sizes[i]);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % 64, 0);
        memset(memory, 0xa5, sizes[i]);
        assert_int_equal(memory[sizes[i] - 1], 0xa5);
        free(memory);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_aligned_and_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
