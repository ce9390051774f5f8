/*
 * data_fixture.h: IDX files, gzip files and folders that the tests of the data sets make.
 *
 * Gzip is written here by hand (stored blocks), so that zlib stays in one place of the tree.
 */
#ifndef RATCHET_TESTS_UNIT_WORKER_DATA_DATA_FIXTURE_H
#define RATCHET_TESTS_UNIT_WORKER_DATA_DATA_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of a test's own, to be freed. */
struct bytes {
    uint8_t *at;
    size_t count;
};

void bytes_free(struct bytes *bytes);
/* The first `count` of them, in memory of exactly that size. */
struct bytes bytes_cut(const struct bytes *bytes, size_t count);

/* An IDX file of unsigned bytes: value i is (first + i) % modulus. */
struct idx_text {
    uint32_t rank, shape[4];
    uint32_t first, modulus;
};
struct bytes idx_make(const struct idx_text *text);

/* The same bytes as a gzip file. */
struct bytes gz_make(const struct bytes *plain);

/* cmocka's set-up and tear-down: a folder for one test, with all that is in it. */
int folder_make(void **state);
int folder_remove(void **state);
/* "FOLDER/NAME", in one of a few buffers in turn; "" is the folder, in one of its own. */
const char *in_folder(const char *name);
void file_write(const char *name, const struct bytes *bytes);

/* Four files that fit: 6 training and 4 test images of 3 x 2, three classes. */
void folder_fill(void);
void file_write_idx(const char *name, const struct idx_text *text);

#endif
