/*
 * test_dataset_open.c: blobs that break one promise each are refused with its name.
 */
#include "worker/data/dataset.h"

#include "common/safetensors.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TENSORS = 6, TEXT_MAX = 4096, DATA_MAX = 65536 + 256 };
enum { INPUTS, LABELS, PARTS, STATISTICS, CLASSES, SOURCE };

/* A blob in pieces, so that a test can spoil one. */
struct draft {
    struct safetensors_tensor tensors[TENSORS];
    uint32_t count;
    const void *data[TENSORS];
};

static const uint8_t inputs[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255};
static const float reals[12] = {0, -1, FLT_MAX, 3, 4, 5, 6, 7, 8, 9, 10, 0.5F};
static const uint8_t labels[4] = {0, 1, 1, 0};
static const uint32_t parts[2] = {3, 1};
static const double statistics[2] = {4.5, 2.5};

static struct draft good(void)
{
    return (struct draft){
        .tensors = {{"inputs", SAFETENSORS_U8, 2, {4, 3}, 0, 0},
                    {"labels", SAFETENSORS_U8, 1, {4}, 0, 0},
                    {"parts", SAFETENSORS_U32, 1, {2}, 0, 0},
                    {"statistics", SAFETENSORS_F64, 1, {2}, 0, 0},
                    {"classes", SAFETENSORS_U8, 1, {8}, 0, 0},
                    {"source", SAFETENSORS_U8, 1, {3}, 0, 0}},
        .count = TENSORS,
        .data = {inputs, labels, parts, statistics, "cat\ndog\n", "idx"},
    };
}

/* The bytes, in memory of exactly their size. */
static uint8_t *assemble(struct draft *draft, size_t *count)
{
    uint8_t header[TEXT_MAX];
    size_t used = safetensors_write(draft->tensors, draft->count, header, sizeof header);
    assert_true(used > 0);
    *count = used + (draft->count > 0 ? draft->tensors[draft->count - 1].end : 0);
    uint8_t *bytes = malloc(*count);
    assert_non_null(bytes);
    memcpy(bytes, header, used);
    for (uint32_t i = 0; i < draft->count; i++) {
        const struct safetensors_tensor *tensor = &draft->tensors[i];
        if (tensor->end > tensor->begin)
            memcpy(bytes + used + tensor->begin, draft->data[i], tensor->end - tensor->begin);
    }
    return bytes;
}

static void expect_refusal(struct draft draft, const char *word)
{
    size_t count;
    struct dataset dataset;
    struct error error = {""};
    uint8_t *bytes = assemble(&draft, &count);
    assert_int_equal(dataset_open(bytes, count, &dataset, &error), -1);
    if (strstr(error.text, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.text, word);
    free(bytes);
}

/* Frees the bytes only after the checks that the caller makes; *held is for that. */
static struct dataset expect_good(struct draft draft, uint8_t **held)
{
    size_t count;
    struct dataset dataset;
    struct error error = {""};
    *held = assemble(&draft, &count);
    if (dataset_open(*held, count, &dataset, &error) != 0)
        fail_msg("%s", error.text);
    return dataset;
}

static void good_blobs_are_taken(void **state)
{
    (void)state;
    uint8_t *held;
    struct dataset dataset = expect_good(good(), &held);
    assert_int_equal(dataset.type, DATASET_U8);
    assert_memory_equal(dataset.inputs, inputs, sizeof inputs);
    assert_memory_equal(dataset.labels, labels, sizeof labels);
    assert_int_equal(dataset.samples, 4);
    assert_int_equal(dataset.features, 3);
    assert_int_equal(dataset.classes, 2);
    assert_int_equal(dataset.train_count, 3);
    assert_int_equal(dataset.test_count, 1);
    assert_true(dataset.mean == 4.5 && dataset.deviation == 2.5);
    assert_int_equal(dataset.class_names_bytes, 8);
    assert_memory_equal(dataset.class_names, "cat\ndog\n", 8);
    free(held);
    struct draft draft = good();
    draft.tensors[INPUTS].type = SAFETENSORS_F32;
    draft.data[INPUTS] = reals;
    dataset = expect_good(draft, &held);
    assert_int_equal(dataset.type, DATASET_F32);
    assert_memory_equal(dataset.inputs, reals, sizeof reals);
    free(held);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    size_t count;
    struct draft draft = good();
    uint8_t *bytes = assemble(&draft, &count);
    for (size_t i = 0; i < count; i++) {
        struct dataset dataset;
        struct error error = {""};
        uint8_t *cut = malloc(i > 0 ? i : 1);
        assert_non_null(cut);
        memcpy(cut, bytes, i);
        assert_int_equal(dataset_open(cut, i, &dataset, &error), -1);
        assert_non_null(strstr(error.text, "not a data set of Ratchet"));
        free(cut);
    }
    free(bytes);
}

/* A checkpoint, say, is a safetensors file too. */
static void foreign_tensors_are_refused(void **state)
{
    (void)state;
    struct draft draft = good();
    draft.count = 0;
    expect_refusal(draft, "it has 0 tensors, expected 6");
    draft.count = 5;
    expect_refusal(draft, "it has 5 tensors, expected 6");
    for (int i = 0; i < TENSORS; i++) {
        draft = good();
        draft.tensors[i].name[0] = 'x';
        expect_refusal(draft, "expected");
        draft = good();
        draft.tensors[i].type = SAFETENSORS_I8;
        if (i == PARTS || i == STATISTICS)
            draft.tensors[i].type = i == PARTS ? SAFETENSORS_I32 : SAFETENSORS_I64;
        expect_refusal(draft, draft.tensors[i].name);
        draft = good();
        draft.tensors[i].shape[draft.tensors[i].rank++] = 1;
        expect_refusal(draft, "dimensions, expected");
    }
    draft = good();
    struct safetensors_tensor moved = draft.tensors[LABELS];
    draft.tensors[LABELS] = draft.tensors[PARTS];
    draft.tensors[PARTS] = moved;
    draft.data[LABELS] = parts;
    draft.data[PARTS] = labels;
    expect_refusal(draft, "tensor 2 is parts, expected labels");
}

static void sizes_that_disagree_are_refused(void **state)
{
    (void)state;
    static const uint32_t more[2] = {4, 1}, none[2] = {4, 0}, wrapped[2] = {UINT32_MAX, 5};
    static const uint8_t zeros[2 * 1048577];
    struct draft draft = good();
    draft.tensors[LABELS].shape[0] = 3;
    expect_refusal(draft, "3 labels for 4 samples");
    draft = good();
    draft.tensors[PARTS].shape[0] = 1;
    expect_refusal(draft, "two numbers");
    draft = good();
    draft.tensors[STATISTICS].shape[0] = 1;
    expect_refusal(draft, "two numbers");
    draft = good();
    draft.data[PARTS] = more;
    expect_refusal(draft, "parts of 4 and 1 do not make 4 samples");
    draft.data[PARTS] = none;
    expect_refusal(draft, "parts of 4 and 0");
    draft.data[PARTS] = wrapped;
    expect_refusal(draft, "parts of 4294967295 and 5");
    draft = good();
    draft.tensors[INPUTS].shape[1] = 0;
    expect_refusal(draft, "inputs of 4 x 0");
    draft = good();
    draft.data[INPUTS] = zeros;
    draft.tensors[INPUTS].shape[0] = 2;
    draft.tensors[INPUTS].shape[1] = 1048577;
    draft.tensors[LABELS].shape[0] = 2;
    expect_refusal(draft, "inputs of 2 x 1048577");
    draft = good();
    draft.tensors[INPUTS].shape[0] = UINT64_C(1) << 32;
    draft.tensors[INPUTS].shape[1] = 0;
    expect_refusal(draft, "4294967296 x 0");
}

static void bad_values_are_refused(void **state)
{
    (void)state;
    static const uint8_t foreign[4] = {0, 1, 1, 2};
    static const double many[][2] = {{NAN, 1}, {INFINITY, 1}, {1e39, 1},      {0, -1},
                                     {0, NAN}, {0, INFINITY}, {-INFINITY, 1}, {0, 1e39}};
    struct draft draft = good();
    draft.data[LABELS] = foreign;
    expect_refusal(draft, "label 3 is 2, but there are 2 classes");
    for (size_t i = 0; i < sizeof many / sizeof many[0]; i++) {
        draft = good();
        draft.data[STATISTICS] = many[i];
        expect_refusal(draft, "out of range");
    }
    draft = good();
    float spoilt[12];
    draft.tensors[INPUTS].type = SAFETENSORS_F32;
    draft.data[INPUTS] = spoilt;
    for (int i = 0; i < 2; i++) {
        memcpy(spoilt, reals, sizeof spoilt);
        spoilt[11] = i == 0 ? NAN : -INFINITY;
        expect_refusal(draft, "an input of sample 3 is not finite");
    }
}

static void bad_texts_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"cat\ndog",     "cat\n",        "\ncat\ndog\n",
                                        "cat\n\ndog\n", "c\tat\ndog\n", "c\x7f\nd\n"};
    static const char *const words[] = {"newline", "1 classes", "empty",
                                        "empty",   "control",   "control"};
    struct draft draft;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        draft = good();
        draft.data[CLASSES] = names[i];
        draft.tensors[CLASSES].shape[0] = strlen(names[i]);
        expect_refusal(draft, words[i]);
    }
    draft.tensors[CLASSES].shape[0] = 0;
    expect_refusal(draft, "newline");
    static char long_text[65538];
    memset(long_text, 'a', sizeof long_text);
    long_text[65537] = '\n';
    draft.data[CLASSES] = long_text;
    draft.tensors[CLASSES].shape[0] = sizeof long_text;
    expect_refusal(draft, "too long");
    char classes[2 * 257];
    for (size_t i = 0; i < sizeof classes; i++)
        classes[i] = i % 2 == 0 ? 'x' : '\n';
    draft.data[CLASSES] = classes;
    draft.tensors[CLASSES].shape[0] = sizeof classes;
    expect_refusal(draft, "257 classes, expected 2 to 256");
    draft = good();
    draft.data[SOURCE] = "i\nx";
    expect_refusal(draft, "source");
    draft.tensors[SOURCE].shape[0] = 0;
    expect_refusal(draft, "source");
    draft.data[SOURCE] = long_text;
    draft.tensors[SOURCE].shape[0] = 257;
    expect_refusal(draft, "source");
}

static void inputs_are_scaled(void **state)
{
    (void)state;
    struct dataset bytes = {.type = DATASET_U8, .mean = 72.5, .deviation = 50};
    struct dataset real = {.type = DATASET_F32, .mean = -3, .deviation = 0.25};
    struct scaling scaling = dataset_scaling(&bytes, INPUTS_STANDARDISE);
    assert_true(scaling.scale == 0.02F && scaling.shift == -1.45F);
    scaling = dataset_scaling(&bytes, INPUTS_UNIT);
    assert_true(scaling.scale == (float)(1.0 / 255) && scaling.shift == 0);
    assert_true(fmaf(255, scaling.scale, scaling.shift) == 1);
    scaling = dataset_scaling(&bytes, INPUTS_RAW);
    assert_true(scaling.scale == 1 && scaling.shift == 0);
    scaling = dataset_scaling(&real, INPUTS_STANDARDISE);
    assert_true(scaling.scale == 4 && scaling.shift == 12);
    scaling = dataset_scaling(&real, INPUTS_UNIT);
    assert_true(scaling.scale == 1 && scaling.shift == 0);
    scaling = dataset_scaling(&real, INPUTS_RAW);
    assert_true(scaling.scale == 1 && scaling.shift == 0);
    static const double tiny[] = {0, 1e-300, 1e-38};
    for (int i = 0; i < 3; i++) { /* constant, or nearly: nothing becomes infinite */
        real.mean = -12;
        real.deviation = tiny[i];
        scaling = dataset_scaling(&real, INPUTS_STANDARDISE);
        assert_true(scaling.scale == 1 && scaling.shift == 12);
        real.mean = 0; /* 0 / 1e-300 is finite, 1 / 1e-300 is not a float */
        scaling = dataset_scaling(&real, INPUTS_STANDARDISE);
        assert_true(isfinite(scaling.scale) && scaling.shift == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_blobs_are_taken),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(foreign_tensors_are_refused),
        cmocka_unit_test(sizes_that_disagree_are_refused),
        cmocka_unit_test(bad_values_are_refused),
        cmocka_unit_test(bad_texts_are_refused),
        cmocka_unit_test(inputs_are_scaled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
