/*
 * test_dataset_pack.c: from files to a blob, and what is said when they are missing or do not fit.
 */
#include "worker/data/dataset.h"

#include "common/digest.h"
#include "tests/unit/worker/data/data_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char fashion_dir[] = "/usr/share/datasets/fashion-mnist";
static const char *const usual[4] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                     "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};

static struct dataset_source idx_source(void)
{
    return (struct dataset_source){.set = "idx", .dir = in_folder("")};
}

static struct bytes pack(const struct dataset_source *source)
{
    struct bytes blob;
    struct error error = {""};
    if (dataset_pack(source, &blob.at, &blob.count, &error) != 0)
        fail_msg("%s", error.text);
    return blob;
}

static struct dataset open_blob(const struct bytes *blob)
{
    struct dataset dataset;
    struct error error = {""};
    if (dataset_open(blob->at, blob->count, &dataset, &error) != 0)
        fail_msg("%s", error.text);
    return dataset;
}

static void expect_names(const struct dataset *dataset, const char *names)
{
    assert_int_equal(dataset->class_names_bytes, strlen(names));
    assert_memory_equal(dataset->class_names, names, strlen(names));
}

/* Each of the words must be in the sentence. */
static void expect_refusal(const struct dataset_source *source, const char *word, const char *other)
{
    struct bytes blob;
    struct error error = {""};
    assert_int_equal(dataset_pack(source, &blob.at, &blob.count, &error), -1);
    assert_null(blob.at);
    if (strstr(error.text, word) == NULL || strstr(error.text, other) == NULL)
        fail_msg("\"%s\" does not say \"%s\" and \"%s\"", error.text, word, other);
}

static void four_files_become_a_blob(void **state)
{
    (void)state;
    folder_fill();
    const struct dataset_source source = idx_source();
    struct bytes blob = pack(&source), again = pack(&source);
    struct dataset dataset = open_blob(&blob);
    assert_int_equal(blob.count, again.count);
    assert_memory_equal(blob.at, again.at, blob.count);
    assert_int_equal(dataset.type, DATASET_U8);
    assert_int_equal(dataset.samples, 10);
    assert_int_equal(dataset.train_count, 6);
    assert_int_equal(dataset.test_count, 4);
    assert_int_equal(dataset.features, 6);
    assert_int_equal(dataset.classes, 3);
    expect_names(&dataset, "0\n1\n2\n");
    const uint8_t *inputs = dataset.inputs;
    for (uint32_t i = 0; i < 36; i++) /* 0 .. 35, then 9 .. 32 */
        assert_int_equal(inputs[i], i);
    for (uint32_t i = 0; i < 24; i++)
        assert_int_equal(inputs[36 + i], 9 + i);
    static const uint8_t labels[10] = {0, 1, 2, 0, 1, 2, 1, 0, 1, 0};
    assert_memory_equal(dataset.labels, labels, 10);
    /* Of 0 .. 35, the training part alone. */
    assert_true(dataset.mean == 17.5);
    assert_true(fabs(dataset.deviation - sqrt((36.0 * 36 - 1) / 12)) < 1e-14);
    bytes_free(&blob);
    bytes_free(&again);
}

/* What the files are called, and whether they are compressed, is no part of the data. */
static void names_and_compression_do_not_count(void **state)
{
    (void)state;
    static const char *const forms[4] = {"train-images.idx3-ubyte", "train-labels.idx1-ubyte.gz",
                                         "t10k-images-idx3-ubyte.gz", "t10k-labels.idx1-ubyte"};
    folder_fill();
    const struct dataset_source source = idx_source();
    struct bytes blob = pack(&source);
    const struct digest digest = digest_of(blob.at, blob.count);
    for (int i = 0; i < 4; i++) {
        char *text;
        struct bytes plain, gz;
        FILE *file = fopen(in_folder(usual[i]), "rb");
        assert_non_null(file);
        plain.at = malloc(4096);
        plain.count = fread(plain.at, 1, 4096, file);
        fclose(file);
        text = strstr(forms[i], ".gz");
        gz = gz_make(&plain);
        /* A compressed file without .gz in its name is known by its bytes. */
        file_write(forms[i], text != NULL || i == 3 ? &gz : &plain);
        assert_int_equal(unlink(in_folder(usual[i])), 0);
        bytes_free(&plain);
        bytes_free(&gz);
    }
    struct bytes other = pack(&source);
    const struct digest again = digest_of(other.at, other.count);
    assert_true(digest_equal(&digest, &again));
    bytes_free(&blob);
    bytes_free(&other);
}

static void missing_files_are_named(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        folder_fill();
        const struct dataset_source source = idx_source();
        assert_int_equal(unlink(in_folder(usual[i])), 0);
        expect_refusal(&source, usual[i], "has none of");
        expect_refusal(&source, in_folder(""), ".gz");
    }
    struct dataset_source nowhere = {.set = "idx", .dir = "/nowhere/at/all"};
    expect_refusal(&nowhere, "/nowhere/at/all", "no such folder");
    nowhere.dir = in_folder(usual[0]);
    expect_refusal(&nowhere, usual[0], "no such folder");
    /* A folder that cannot be looked into for another reason. */
    char longest[400];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    nowhere.dir = longest;
    expect_refusal(&nowhere, "xxx", "cannot be looked at: File name too long");
}

static void damaged_files_are_named(void **state)
{
    (void)state;
    static const struct idx_text text = {.rank = 1, .shape = {5}, .modulus = 2};
    folder_fill();
    const struct dataset_source source = idx_source();
    struct bytes labels = idx_make(&text), cut = bytes_cut(&labels, labels.count - 2);
    file_write(usual[3], &cut);
    expect_refusal(&source, in_folder(usual[3]), "5 labels take 13 bytes, the file has 11");
    struct bytes gz = gz_make(&labels), half = bytes_cut(&gz, gz.count / 2);
    file_write(usual[3], &half);
    expect_refusal(&source, in_folder(usual[3]), "ends too early");
    assert_int_equal(unlink(in_folder(usual[3])), 0);
    assert_int_equal(symlink("nobody", in_folder(usual[3])), 0);
    expect_refusal(&source, in_folder(usual[3]), "cannot read");
    bytes_free(&labels);
    bytes_free(&cut);
    bytes_free(&gz);
    bytes_free(&half);
}

static void files_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const struct idx_text five = {.rank = 1, .shape = {5}, .modulus = 2};
    static const struct idx_text turned = {.rank = 3, .shape = {4, 2, 3}, .modulus = 9};
    static const struct idx_text taller = {.rank = 3, .shape = {4, 4, 2}, .modulus = 9};
    static const struct idx_text flat = {.rank = 2, .shape = {4, 6}, .modulus = 9};
    static const struct idx_text wide = {.rank = 2, .shape = {6, 1048577}, .modulus = 2};
    static const struct idx_text wide_test = {.rank = 2, .shape = {4, 1048577}, .modulus = 2};
    const struct dataset_source source = idx_source();
    folder_fill();
    file_write_idx(usual[1], &five);
    expect_refusal(&source, in_folder(usual[1]), "has 5 labels, expected 6");
    folder_fill();
    file_write_idx(usual[3], &five);
    expect_refusal(&source, in_folder(usual[3]), "has 5 labels, expected 4");
    folder_fill();
    file_write_idx(usual[2], &turned);
    expect_refusal(&source, in_folder(usual[2]), "images of 2 x 3, expected 3 x 2");
    file_write_idx(usual[2], &taller);
    expect_refusal(&source, in_folder(usual[2]), "images of 4 x 2, expected 3 x 2");
    file_write_idx(usual[2], &flat);
    expect_refusal(&source, in_folder(usual[2]), "images of 6, expected 3 x 2");
    file_write_idx(usual[0], &wide);
    file_write_idx(usual[2], &wide_test);
    expect_refusal(&source, in_folder(usual[0]), "1048577, at most 1048576");
}

/* Images without rows, and as many classes as a byte can name or as few as make sense. */
static void other_shapes_are_taken(void **state)
{
    (void)state;
    static const struct idx_text flat = {.rank = 2, .shape = {6, 1}, .modulus = 9};
    static const struct idx_text zeros = {.rank = 1, .shape = {6}, .modulus = 1};
    static const struct idx_text last = {.rank = 1, .shape = {6}, .first = 255, .modulus = 256};
    const struct dataset_source source = idx_source();
    file_write_idx(usual[0], &flat);
    file_write_idx(usual[1], &zeros);
    file_write_idx(usual[2], &flat);
    file_write_idx(usual[3], &zeros);
    struct bytes blob = pack(&source);
    struct dataset dataset = open_blob(&blob);
    assert_int_equal(dataset.features, 1);
    assert_int_equal(dataset.classes, 2);
    bytes_free(&blob);
    file_write_idx(usual[3], &last);
    blob = pack(&source);
    dataset = open_blob(&blob);
    assert_int_equal(dataset.classes, 256);
    assert_memory_equal(dataset.class_names + dataset.class_names_bytes - 8, "254\n255\n", 8);
    bytes_free(&blob);
    /* Fashion-MNIST has ten, whatever the folder. */
    static const struct idx_text eleventh = {.rank = 1, .shape = {6}, .first = 5, .modulus = 11};
    static const struct idx_text tenth = {.rank = 1, .shape = {6}, .first = 4, .modulus = 11};
    const struct dataset_source fashion = {.set = "fashion-mnist", .dir = in_folder("")};
    expect_refusal(&fashion, in_folder(usual[3]), "label 0 is 255, expected one of the 10 classes");
    file_write_idx(usual[3], &eleventh);
    expect_refusal(&fashion, in_folder(usual[3]), "label 5 is 10, expected one of the 10 classes");
    file_write_idx(usual[3], &tenth);
    blob = pack(&fashion);
    assert_int_equal(open_blob(&blob).classes, 10);
    bytes_free(&blob);
}

static void mnist1d_is_packed(void **state)
{
    (void)state;
    struct dataset_source source = {.set = "mnist1d", .samples = 5000, .seed = 42};
    struct bytes blob = pack(&source), again = pack(&source);
    struct dataset dataset = open_blob(&blob);
    assert_int_equal(dataset.type, DATASET_F32);
    assert_int_equal(dataset.train_count, 4000);
    assert_int_equal(dataset.test_count, 1000);
    assert_int_equal(dataset.features, 40);
    expect_names(&dataset, "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    float first;
    memcpy(&first, dataset.inputs, sizeof first);
    assert_true(fabs((double)first + 0.332005667) < 1e-7);
    /* By the sums of the training part that the authors' set has. */
    assert_true(fabs(dataset.mean + 51.787467875 / 160000) < 1e-9);
    assert_true(fabs(dataset.deviation -
                     sqrt(159248.253865 / 160000 - dataset.mean * dataset.mean)) < 1e-8);
    assert_memory_equal(blob.at, again.at, blob.count);
    /* The same on every machine and from every compiler: the digest is its name in every run. */
    char hex[DIGEST_HEX_BYTES];
    const struct digest digest = digest_of(blob.at, blob.count);
    digest_to_hex(&digest, hex);
    assert_string_equal(hex, "e1d01f054461b214ba8de6f9849dbb873e46e24bc7ca441f778d5f8368d41619");
    bytes_free(&again);
    source.shuffle_positions = 1;
    again = pack(&source);
    assert_memory_not_equal(blob.at, again.at, blob.count);
    assert_memory_equal(blob.at + blob.count - 38, "mnist1d seed=42 samples=5000 shuffle=0", 38);
    assert_memory_equal(again.at + again.count - 38, "mnist1d seed=42 samples=5000 shuffle=1", 38);
    bytes_free(&blob);
    bytes_free(&again);
}

static void senseless_sources_are_refused(void **state)
{
    (void)state;
    static const struct dataset_source sources[] = {
        {.set = "mnist", .dir = "."},
        {.set = "idx"},
        {.set = "idx", .dir = ".", .shuffle_positions = 1},
        {.set = "mnist1d", .samples = 0},
        {.set = "mnist1d", .samples = 5001},
        {.set = "mnist1d", .samples = 1000010},
        {.set = "mnist1d", .samples = 5000, .dir = "here"},
    };
    static const char *const words[] = {"\"mnist\"", "folder",      "shuffled", "not 0",
                                        "not 5001",  "not 1000010", "(here)"};
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        struct error error = {""};
        assert_int_equal(dataset_check_source(&sources[i], &error), -1);
        assert_non_null(strstr(error.text, words[i]));
        expect_refusal(&sources[i], words[i], "");
    }
}

/* The real files; without them, the error must say where to get them. */
static void fashion_mnist_is_as_published(void **state)
{
    (void)state;
    static const uint8_t train[8] = {9, 0, 0, 3, 0, 2, 7, 2};
    static const uint8_t test[8] = {9, 2, 1, 1, 6, 1, 4, 6};
    const struct dataset_source source = {.set = "fashion-mnist"};
    if (access(fashion_dir, F_OK) != 0) {
        expect_refusal(&source, fashion_dir, "Debian package dataset-fashion-mnist");
        print_message("skipped: %s is not there (package dataset-fashion-mnist)\n", fashion_dir);
        skip();
    }
    struct bytes blob = pack(&source);
    struct dataset dataset = open_blob(&blob);
    assert_int_equal(dataset.train_count, 60000);
    assert_int_equal(dataset.test_count, 10000);
    assert_int_equal(dataset.features, 784);
    assert_memory_equal(dataset.labels, train, 8);
    assert_memory_equal(dataset.labels + 60000, test, 8);
    expect_names(&dataset, "T-shirt/top\nTrouser\nPullover\nDress\nCoat\nSandal\nShirt\nSneaker\n"
                           "Bag\nAnkle boot\n");
    assert_true(fabs(dataset.mean - 72.94) < 0.01);
    assert_true(fabs(dataset.deviation - 90.02) < 0.01);
    uint32_t counts[10] = {0};
    for (uint32_t i = 0; i < dataset.samples; i++)
        counts[dataset.labels[i]]++;
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(counts[i], 7000);
    bytes_free(&blob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(four_files_become_a_blob, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(names_and_compression_do_not_count, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(missing_files_are_named, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(damaged_files_are_named, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(files_that_do_not_fit_are_refused, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(other_shapes_are_taken, folder_make, folder_remove),
        cmocka_unit_test(mnist1d_is_packed),
        cmocka_unit_test(senseless_sources_are_refused),
        cmocka_unit_test(fashion_mnist_is_as_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
