/*
 * samples_idx.c: a data set of four IDX files in one folder, under their usual names.
 *
 * Each file is held against its own header (idx.h); here they are held against one another.
 */
#include "worker/data/samples.h"

#include "common/os_file.h"
#include "worker/data/idx.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char fashion_dir[] = "/usr/share/datasets/fashion-mnist";
static const char fashion_names[] = "T-shirt/top\nTrouser\nPullover\nDress\nCoat\nSandal\nShirt\n"
                                    "Sneaker\nBag\nAnkle boot\n";
enum { FASHION_CLASSES = 10, FILES = 4, NAMES = 4 };

enum { TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS };

/* The dotted names are those that some unpackers leave behind. */
static const char *const names[FILES][NAMES] = {
    {"train-images-idx3-ubyte", "train-images-idx3-ubyte.gz", "train-images.idx3-ubyte",
     "train-images.idx3-ubyte.gz"},
    {"train-labels-idx1-ubyte", "train-labels-idx1-ubyte.gz", "train-labels.idx1-ubyte",
     "train-labels.idx1-ubyte.gz"},
    {"t10k-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz", "t10k-images.idx3-ubyte",
     "t10k-images.idx3-ubyte.gz"},
    {"t10k-labels-idx1-ubyte", "t10k-labels-idx1-ubyte.gz", "t10k-labels.idx1-ubyte",
     "t10k-labels.idx1-ubyte.gz"},
};

static const struct idx_expectation images = {.what = "images", .rank_min = 2, .rank_max = 3};
static const struct idx_expectation labels = {.what = "labels", .rank_min = 1, .rank_max = 1};

struct file {
    char path[OS_PATH_BYTES_MAX];
    struct idx idx;
};

/* ------------------------------------------------------------------------------------ files */

static bool is_images(int which)
{
    return which == TRAIN_IMAGES || which == TEST_IMAGES;
}

/* The first of the names that is there. */
static int find_file(const char *dir, int which, struct file *file, struct error *error)
{
    struct stat status;
    bool found = stat(dir, &status) == 0;
    if (!found && errno != ENOENT)
        return error_set(error, -1, "%s: cannot be looked at: %s", dir, strerror(errno));
    if (!found || !S_ISDIR(status.st_mode))
        return error_set(error, -1, "%s: there is no such folder", dir);
    for (int i = 0; i < NAMES; i++) {
        if (os_path_join(file->path, sizeof file->path, dir, names[which][i], error) != 0)
            return -1;
        if (lstat(file->path, &status) == 0)
            return 0;
        if (errno != ENOENT)
            return error_set(error, -1, "%s: cannot be looked at: %s", file->path, strerror(errno));
    }
    return error_set(error, -1, "%s: has none of %s, %s, %s, %s", dir, names[which][0],
                     names[which][1], names[which][2], names[which][3]);
}

static int read_file(struct file *file, int which, struct error *error)
{
    char *bytes;
    size_t count;
    struct error why = {""};
    if (os_read_file(file->path, IDX_BYTES_MAX, &bytes, &count, error) != 0)
        return -1;
    if (idx_read((uint8_t *)bytes, count, is_images(which) ? &images : &labels, &file->idx, &why) ==
        0)
        return 0;
    return error_set(error, -1, "%s: %s", file->path, why.text);
}

static int read_all(const char *dir, struct file files[FILES], struct error *error)
{
    for (int i = 0; i < FILES; i++)
        if (find_file(dir, i, &files[i], error) != 0)
            return -1;
    for (int i = 0; i < FILES; i++)
        if (read_file(&files[i], i, error) != 0)
            return -1;
    return 0;
}

/* --------------------------------------------------------------------------------- agreement */

static int check_counts(const struct file *image_file, const struct file *label_file,
                        struct error *error)
{
    uint32_t found = label_file->idx.shape[0], expected = image_file->idx.shape[0];
    if (found == expected)
        return 0;
    return error_set(error, -1, "%s: has %u labels, expected %u: one for each image of %s",
                     label_file->path, found, expected, image_file->path);
}

/* "28 x 28", or "784" of a file without rows. */
static void format_size(const struct idx *idx, char text[32])
{
    if (idx->rank == 3)
        snprintf(text, 32, "%u x %u", idx->shape[1], idx->shape[2]);
    else
        snprintf(text, 32, "%u", idx->shape[1]);
}

/* Values of one image; the counts are within 4 GiB, so nothing overflows. */
static uint64_t image_size(const struct idx *idx)
{
    return idx->count / idx->shape[0];
}

static int check_images(const struct file *train, const struct file *test, struct error *error)
{
    char expected[32], found[32];
    format_size(&train->idx, expected);
    format_size(&test->idx, found);
    if (train->idx.rank != test->idx.rank || train->idx.shape[1] != test->idx.shape[1] ||
        train->idx.shape[2] != test->idx.shape[2])
        return error_set(error, -1, "%s: has images of %s, expected %s as in %s", test->path, found,
                         expected, train->path);
    if (image_size(&train->idx) > DATASET_FEATURES_MAX)
        return error_set(error, -1, "%s: has images of %s, at most %d values are allowed",
                         train->path, expected, DATASET_FEATURES_MAX);
    if ((uint64_t)train->idx.shape[0] + test->idx.shape[0] > UINT32_MAX)
        return error_set(error, -1, "%s: has too many images together with %s", test->path,
                         train->path);
    return 0;
}

/* Classes that the labels of a file call for. Above `most`: an error. */
static int count_classes(const struct file *file, uint32_t most, uint32_t *classes,
                         struct error *error)
{
    for (size_t i = 0; i < file->idx.count; i++) {
        uint32_t label = file->idx.values[i];
        if (label >= most)
            return error_set(error, -1, "%s: label %zu is %u, expected one of the %u classes",
                             file->path, i, label, most);
        if (label >= *classes)
            *classes = label + 1;
    }
    return 0;
}

/* Takes the memory of the files. */
static void fill(struct file files[FILES], struct samples *samples)
{
    samples->type = DATASET_U8;
    samples->features = (uint32_t)image_size(&files[TRAIN_IMAGES].idx);
    samples->train = (struct samples_part){
        .inputs = files[TRAIN_IMAGES].idx.values,
        .labels = files[TRAIN_LABELS].idx.values,
        .count = files[TRAIN_IMAGES].idx.shape[0],
    };
    samples->test = (struct samples_part){
        .inputs = files[TEST_IMAGES].idx.values,
        .labels = files[TEST_LABELS].idx.values,
        .count = files[TEST_IMAGES].idx.shape[0],
    };
    for (int i = 0; i < FILES; i++) {
        samples->owned[i] = files[i].idx.memory;
        files[i].idx.memory = NULL;
    }
}

static int read_folder(const char *dir, uint32_t classes_max, struct samples *samples,
                       struct error *error)
{
    uint32_t classes = 2;
    struct file *files = calloc(FILES, sizeof *files);
    if (files == NULL)
        return error_set(error, -1, "%s: no memory", dir);
    int code = read_all(dir, files, error);
    if (code == 0)
        code = check_counts(&files[TRAIN_IMAGES], &files[TRAIN_LABELS], error);
    if (code == 0)
        code = check_counts(&files[TEST_IMAGES], &files[TEST_LABELS], error);
    if (code == 0)
        code = check_images(&files[TRAIN_IMAGES], &files[TEST_IMAGES], error);
    if (code == 0)
        code = count_classes(&files[TRAIN_LABELS], classes_max, &classes, error);
    if (code == 0)
        code = count_classes(&files[TEST_LABELS], classes_max, &classes, error);
    if (code == 0) {
        samples->classes = classes;
        fill(files, samples);
    }
    for (int i = 0; i < FILES; i++)
        idx_destroy(&files[i].idx);
    free(files);
    return code;
}

/* ---------------------------------------------------------------------------------- sources */

int samples_read_idx(const char *dir, struct samples *samples, struct error *error)
{
    *samples = (struct samples){.source = "idx"};
    return read_folder(dir, DATASET_CLASSES_MAX, samples, error);
}

int samples_read_fashion_mnist(const char *dir, struct samples *samples, struct error *error)
{
    struct stat status;
    *samples = (struct samples){.source = "fashion-mnist", .class_names = fashion_names};
    if (dir == NULL && stat(fashion_dir, &status) != 0)
        return error_set(error, -1,
                         "%s: there is no such folder: install the Debian package "
                         "dataset-fashion-mnist, or say where the four IDX files are",
                         fashion_dir);
    if (read_folder(dir != NULL ? dir : fashion_dir, FASHION_CLASSES, samples, error) != 0)
        return -1;
    samples->classes = FASHION_CLASSES;
    return 0;
}
