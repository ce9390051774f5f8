/* test_safetensors.c: headers written to the byte, read strictly. */
#include "common/safetensors.h"

#include "common/philox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TENSORS_MAX = 8, HEADER_MAX = 4096 };

/* What came of reading a text as header of a file with `data` bytes behind it. */
struct reading {
    int code;
    struct safetensors_header header;
    struct safetensors_tensor tensors[TENSORS_MAX];
    struct error error;
};

static struct reading *reading_make(void)
{
    struct reading *reading = calloc(1, sizeof *reading);
    assert_non_null(reading);
    reading->header.tensors = reading->tensors;
    return reading;
}

/* The bytes lie at the end of their own allocation, so that a sanitizer sees a step beyond. */
static void read_text(struct reading *reading, const char *text, size_t length, uint64_t data)
{
    uint8_t *bytes = malloc(8 + length);
    assert_non_null(bytes);
    for (uint32_t i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)length >> 8 * i);
    memcpy(bytes + 8, text, length);
    reading->code = safetensors_read(bytes, 8 + length, 8 + length + data, &reading->header,
                                     TENSORS_MAX, &reading->error);
    free(bytes);
}

static void expect_tensor(const struct safetensors_tensor *tensor, const char *name,
                          enum safetensors_type type, uint64_t begin, uint64_t end)
{
    assert_string_equal(tensor->name, name);
    assert_int_equal(tensor->type, type);
    assert_int_equal(tensor->begin, begin);
    assert_int_equal(tensor->end, end);
}

/* --------------------------------------------------------------------------------- writing */

static void test_headers_are_written_to_the_byte(void **state)
{
    (void)state;
    struct safetensors_tensor tensors[] = {
        {.name = "w", .type = SAFETENSORS_F32, .rank = 2, .shape = {3, 2}},
        {.name = "a\"b\\c\n", .type = SAFETENSORS_U8, .rank = 0},
        {.name = "empty", .type = SAFETENSORS_F64, .rank = 1, .shape = {0}},
    };
    static const char expected[] =
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[0,24]},"
        "\"a\\\"b\\\\c\\u000a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[24,25]},"
        "\"empty\":{\"dtype\":\"F64\",\"shape\":[0],\"data_offsets\":[25,25]}}";
    uint8_t buffer[HEADER_MAX];
    memset(buffer, 0xa5, sizeof buffer);
    size_t size = safetensors_write(tensors, 3, buffer, sizeof buffer);
    size_t length = sizeof expected - 1;
    assert_int_equal(size, (8 + length + 7) / 8 * 8);
    assert_int_equal(buffer[0] | buffer[1] << 8, size - 8);
    for (uint32_t i = 2; i < 8; i++)
        assert_int_equal(buffer[i], 0);
    assert_memory_equal(buffer + 8, expected, length);
    for (size_t i = 8 + length; i < size; i++)
        assert_int_equal(buffer[i], ' ');
    assert_int_equal(buffer[size], 0xa5);
    assert_int_equal(tensors[1].begin, 24);
    assert_int_equal(tensors[2].end, 25);
    /* One byte less does not fit, and nothing is written beyond. */
    memset(buffer, 0xa5, sizeof buffer);
    assert_int_equal(safetensors_write(tensors, 3, buffer, size - 1), 0);
    assert_int_equal(buffer[size - 1], 0xa5);
}

static void test_texts_stand_before_the_tensors(void **state)
{
    (void)state;
    static const struct safetensors_text texts[] = {
        {"", "\x01\x1f"},
        {"a\"", "C:\\ \xc3\xa9 \x7f"},
        {"a\"b", ""},
    };
    static const char expected[] =
        "{\"__metadata__\":{\"\":\"\\u0001\\u001f\",\"a\\\"\":\"C:\\\\ \xc3\xa9 \x7f\","
        "\"a\\\"b\":\"\"},\"w\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}";
    struct safetensors_tensor tensor = {
        .name = "w", .type = SAFETENSORS_U8, .rank = 1, .shape = {2}};
    uint8_t buffer[HEADER_MAX], plain[HEADER_MAX];
    size_t size = safetensors_write_texts(texts, 3, &tensor, 1, buffer, sizeof buffer);
    size_t length = sizeof expected - 1;
    assert_int_equal(size, (8 + length + 7) / 8 * 8);
    assert_memory_equal(buffer + 8, expected, length);
    struct safetensors_tensor found;
    struct safetensors_header header = {.tensors = &found};
    assert_int_equal(safetensors_read(buffer, size, size + 2, &header, 1, NULL), 0);
    expect_tensor(&found, "w", SAFETENSORS_U8, 0, 2);
    assert_int_equal(safetensors_write_texts(texts, 3, &tensor, 1, buffer, size - 1), 0);
    /* Without texts there is no map, and without tensors nothing behind it. */
    size = safetensors_write_texts(NULL, 0, &tensor, 1, buffer, sizeof buffer);
    assert_int_equal(safetensors_write(&tensor, 1, plain, sizeof plain), size);
    assert_memory_equal(buffer, plain, size);
    size = safetensors_write_texts(texts, 1, NULL, 0, buffer, sizeof buffer);
    assert_int_equal(safetensors_read(buffer, size, size, &header, 1, NULL), 0);
    assert_int_equal(header.count, 0);
}

static void test_what_is_written_can_be_read(void **state)
{
    (void)state;
    struct safetensors_tensor tensors[SAFETENSORS_TYPE_LAST];
    struct safetensors_tensor found[SAFETENSORS_TYPE_LAST];
    uint8_t buffer[HEADER_MAX];
    for (uint32_t i = 0; i < SAFETENSORS_TYPE_LAST; i++) {
        tensors[i] = (struct safetensors_tensor){.type = i + 1, .rank = i % 3, .shape = {i + 1, 7}};
        snprintf(tensors[i].name, sizeof tensors[i].name, "layer.%u.\"\\", 20 - i);
    }
    size_t size = safetensors_write(tensors, SAFETENSORS_TYPE_LAST, buffer, sizeof buffer);
    uint64_t data = tensors[SAFETENSORS_TYPE_LAST - 1].end;
    struct safetensors_header header = {.tensors = found};
    struct error error;
    assert_true(size > 0);
    assert_int_equal(
        safetensors_read(buffer, size, size + data, &header, SAFETENSORS_TYPE_LAST, &error), 0);
    assert_int_equal(header.count, SAFETENSORS_TYPE_LAST);
    assert_int_equal(header.bytes, size);
    for (uint32_t i = 0; i < SAFETENSORS_TYPE_LAST; i++) {
        expect_tensor(&found[i], tensors[i].name, tensors[i].type, tensors[i].begin,
                      tensors[i].end);
        assert_int_equal(found[i].rank, tensors[i].rank);
        for (uint32_t k = 0; k < found[i].rank; k++)
            assert_int_equal(found[i].shape[k], tensors[i].shape[k]);
    }
}

static void test_types_have_names_and_sizes(void **state)
{
    (void)state;
    assert_string_equal(safetensors_type_name(SAFETENSORS_BF16), "BF16");
    assert_int_equal(safetensors_type_bytes(SAFETENSORS_BF16), 2);
    assert_int_equal(safetensors_type_bytes(SAFETENSORS_F32), 4);
    assert_null(safetensors_type_name(0));
    assert_null(safetensors_type_name(SAFETENSORS_TYPE_LAST + 1));
}

/* --------------------------------------------------------------------------------- reading */

static void test_headers_of_other_writers_are_read(void **state)
{
    (void)state;
    static const char text[] =
        "{ \"__metadata__\" : {\"format\":\"pt\", \"note\":\"\\u00e9 \xc3\xa9 \\n\"} ,\n"
        "\t\"second\":{\"shape\":[2],\"data_offsets\":[4,8],\"dtype\":\"F16\"},"
        "\"none\":{\"dtype\":\"I64\",\"shape\":[0,5],\"data_offsets\":[4,4]},"
        "\"fi\\u0072st\\/\":{\"dtype\":\"BF16\",\"shape\":[1,2],\"data_offsets\":[0,4]}}  ";
    struct reading *reading = reading_make();
    read_text(reading, text, sizeof text - 1, 8);
    if (reading->code != 0)
        fail_msg("%s", reading->error.text);
    assert_int_equal(reading->header.count, 3);
    assert_int_equal(reading->header.bytes, 8 + sizeof text - 1);
    expect_tensor(&reading->tensors[0], "first/", SAFETENSORS_BF16, 0, 4);
    expect_tensor(&reading->tensors[1], "none", SAFETENSORS_I64, 4, 4);
    expect_tensor(&reading->tensors[2], "second", SAFETENSORS_F16, 4, 8);
    assert_int_equal(reading->tensors[0].rank, 2);
    assert_int_equal(reading->tensors[0].shape[1], 2);
    read_text(reading, "{}", 2, 0);
    assert_int_equal(reading->code, 0);
    assert_int_equal(reading->header.count, 0);
    read_text(reading, "{\"__metadata__\":{}}", 19, 0);
    assert_int_equal(reading->code, 0);
    free(reading);
}

#define TENSOR(name, begin, end)                                                                   \
    "\"" name "\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[" begin "," end "]}"

static void test_what_breaks_a_rule_is_refused_with_the_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"", "'{' was expected"},
        {"[]", "'{' was expected"},
        {"{", "'\"' was expected"},
        {"{}x", "something follows"},
        {"{} {}", "something follows"},
        {"{\"a\"}", "':' was expected"},
        {"{\"a\":1}", "'{' was expected"},
        {"{\"a\":{}}", "'\"' was expected"},
        {"{" TENSOR("a", "0", "2") ",}", "'\"' was expected"},
        {"{" TENSOR("a", "0", "2"), "'}' was expected"},
        {"{" TENSOR("a", "0", "2") " " TENSOR("b", "2", "2") "}", "'}' was expected"},
        {"{" TENSOR("a", "0", "1") "}", "do not fit"},
        {"{" TENSOR("a", "2", "0") "}", "do not fit"},
        {"{" TENSOR("a", "1", "3") "}", "does not start"},
        {"{" TENSOR("a", "0", "2") "," TENSOR("b", "3", "5") "}", "does not start"},
        {"{" TENSOR("a", "0", "2") "," TENSOR("b", "1", "3") "}", "does not start"},
        {"{" TENSOR("a", "0", "2") "," TENSOR("b", "0", "2") "}", "does not start"},
        {"{" TENSOR("a", "0", "2") "," TENSOR("a", "2", "4") "}", "tensor a is there twice"},
        {"{" TENSOR("a", "0", "2") "}", "have 2 bytes, the file has 4"},
        {"{" TENSOR("a", "0", "18446744073709551616") "}", "too large"},
        {"{" TENSOR("a", "00", "2") "}", "starts with 0"},
        {"{" TENSOR("a", "-0", "2") "}", "whole number"},
        {"{" TENSOR("a", "0.0", "2") "}", "']' was expected"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}",
         "do not fit"},
        {"{\"a\":{\"dtype\":\"F8\",\"shape\":[],\"data_offsets\":[0,1]}}", "F8 is not known"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}",
         "more than 8 numbers"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", "two numbers"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,1]}}", "more than 2"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", "is missing"},
        {"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1]}}", "dtype is there twice"},
        {"{\"a\":{\"dtype\":\"U8\",\"strides\":[1]}}", "strides is not known"},
        {"{\"a\\u0000\":{}}", "not printable ASCII"},
        {"{\"\xc3\xa9\":{}}", "not printable ASCII"},
        {"{\"a\n\":{}}", "control character"},
        {"{\"\\x\":{}}", "no such escape"},
        {"{\"\\u12g4\":{}}", "hexadecimal"},
        {"{\"\\", "does not end"},
        {"{\"\\u12", "hexadecimal"},
        {"{\"a", "does not end"},
        {"{\"__metadata__\":{\"a\":1}}", "'\"' was expected"},
        {"{\"__metadata__\":{\"a\":\"b\"", "'}' was expected"},
    };
    struct reading *reading = reading_make();
    for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        read_text(reading, rows[i].text, strlen(rows[i].text), 4);
        if (reading->code != -1 || strstr(reading->error.text, rows[i].words) == NULL)
            fail_msg("row %u: %d, \"%s\" does not say \"%s\"", i, reading->code,
                     reading->error.text, rows[i].words);
    }
    free(reading);
}

static void test_lengths_are_held_against_the_file(void **state)
{
    (void)state;
    struct reading *reading = reading_make();
    uint8_t bytes[16] = {2, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
    struct error error;
    assert_int_equal(safetensors_read(bytes, 10, 10, &reading->header, 8, &error), 0);
    assert_int_equal(safetensors_read(bytes, 7, 10, &reading->header, 8, &error), -1);
    assert_int_equal(safetensors_read(bytes, 9, 10, &reading->header, 8, &error), -1);
    assert_int_equal(safetensors_read(bytes, 10, 9, &reading->header, 8, &error), -1);
    assert_non_null(strstr(error.text, "longer than the file"));
    bytes[2] = 0x10; /* one MiB */
    assert_int_equal(safetensors_read(bytes, 10, UINT64_MAX, &reading->header, 8, &error), -1);
    assert_non_null(strstr(error.text, "more than 1048576 bytes"));
    memset(bytes, 0xff, 8);
    assert_int_equal(safetensors_read(bytes, 10, UINT64_MAX, &reading->header, 8, &error), -1);
    free(reading);
}

static void test_names_and_tensors_are_bounded(void **state)
{
    (void)state;
    struct reading *reading = reading_make();
    char text[HEADER_MAX], name[256];
    for (uint32_t length = SAFETENSORS_NAME_BYTES_MAX - 1; length <= SAFETENSORS_NAME_BYTES_MAX;
         length++) {
        memset(name, 'n', length);
        name[length] = '\0';
        int size =
            snprintf(text, sizeof text,
                     "{\"%s\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}", name);
        read_text(reading, text, (size_t)size, 1);
        assert_int_equal(reading->code, length < SAFETENSORS_NAME_BYTES_MAX ? 0 : -1);
    }
    for (uint32_t count = TENSORS_MAX; count <= TENSORS_MAX + 1; count++) {
        int size = snprintf(text, sizeof text, "{");
        for (uint32_t i = 0; i < count; i++)
            size += snprintf(text + size, sizeof text - (size_t)size,
                             "%s\"%u\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[%u,%u]}",
                             i > 0 ? "," : "", i, i, i + 1);
        size += snprintf(text + size, sizeof text - (size_t)size, "}");
        read_text(reading, text, (size_t)size, count);
        assert_int_equal(reading->code, count == TENSORS_MAX ? 0 : -1);
    }
    assert_non_null(strstr(reading->error.text, "more than 8 tensors"));
    free(reading);
}

/* Cut, and with bytes changed, a good header is refused or read, but never runs over its end. */
static void test_damaged_headers_do_no_harm(void **state)
{
    (void)state;
    static const char good[] = "{\"__metadata__\":{\"k\":\"v\"}," TENSOR("a", "0", "2") "," TENSOR(
        "b\\u0041", "2", "4") "}";
    struct reading *reading = reading_make();
    struct random random = random_open(1, 0, 0, RANDOM_STRATEGY);
    char text[sizeof good];
    read_text(reading, good, sizeof good - 1, 4);
    assert_int_equal(reading->code, 0);
    for (size_t length = 0; length < sizeof good - 1; length++) {
        read_text(reading, good, length, 4);
        assert_int_equal(reading->code, -1);
    }
    for (uint32_t i = 0; i < 20000; i++) {
        memcpy(text, good, sizeof good);
        for (uint32_t k = 0; k <= random_below(&random, 3); k++)
            text[random_below(&random, sizeof good - 1)] = (char)random_below(&random, 256);
        read_text(reading, text, sizeof good - 1, 4);
        for (uint32_t k = 0; reading->code == 0 && k < reading->header.count; k++)
            assert_true(reading->tensors[k].end <= 4);
    }
    free(reading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers_are_written_to_the_byte),
        cmocka_unit_test(test_texts_stand_before_the_tensors),
        cmocka_unit_test(test_what_is_written_can_be_read),
        cmocka_unit_test(test_types_have_names_and_sizes),
        cmocka_unit_test(test_headers_of_other_writers_are_read),
        cmocka_unit_test(test_what_breaks_a_rule_is_refused_with_the_reason),
        cmocka_unit_test(test_lengths_are_held_against_the_file),
        cmocka_unit_test(test_names_and_tensors_are_bounded),
        cmocka_unit_test(test_damaged_headers_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
