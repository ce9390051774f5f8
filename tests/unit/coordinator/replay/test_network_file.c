/* test_network_file.c: what of a checkpoint is exported, and what is known of its data set. */
#include "coordinator/replay/data_facts.h"
#include "coordinator/replay/network_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FILE_MAX = 4096 };

/* A file with these tensors, whose bytes count up from 1; its size. */
static size_t make_file(uint8_t file[FILE_MAX], struct safetensors_tensor *tensors, uint32_t count)
{
    size_t used = safetensors_write(tensors, count, file, FILE_MAX);
    uint64_t data = tensors[count - 1].end;
    assert_true(used > 0 && used + data <= FILE_MAX);
    for (uint64_t i = 0; i < data; i++)
        file[used++] = (uint8_t)(i + 1);
    return used;
}

static size_t make_checkpoint(uint8_t file[FILE_MAX])
{
    struct safetensors_tensor tensors[] = {
        {.name = "layers.0.weight", .type = SAFETENSORS_F32, .rank = 2, .shape = {2, 3}},
        {.name = "layers.0.bias", .type = SAFETENSORS_F32, .rank = 1, .shape = {2}},
        {.name = "damage", .type = SAFETENSORS_U8, .rank = 1, .shape = {5}},
        {.name = "layers.1.weight", .type = SAFETENSORS_F32, .rank = 2, .shape = {1, 2}},
        {.name = "layers.1.bias", .type = SAFETENSORS_F32, .rank = 1, .shape = {1}},
        {.name = "optimizer.m", .type = SAFETENSORS_F32, .rank = 1, .shape = {11}},
    };
    return make_file(file, tensors, 6);
}

static void open_network(struct network_file *network, const uint8_t *bytes, size_t count,
                         const char *prefix)
{
    const struct network_source source = {.bytes = bytes, .count = count, .prefix = prefix};
    struct error error = {0};
    if (network_file_open(network, &source, &error) != 0)
        fail_msg("%s", error.text);
}

static void test_layers_alone_are_written(void **state)
{
    (void)state;
    static const struct safetensors_text text = {"format", "pt"};
    static const char expected[] =
        "{\"__metadata__\":{\"format\":\"pt\"},"
        "\"layers.0.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
        "\"layers.0.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,32]},"
        "\"layers.1.weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[32,40]},"
        "\"layers.1.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[40,44]}}";
    const struct network_texts texts = {.items = &text, .count = 1};
    uint8_t checkpoint[FILE_MAX], *bytes;
    struct network_file network;
    size_t count;
    open_network(&network, checkpoint, make_checkpoint(checkpoint), "layers.");
    assert_int_equal(network.count, 4);
    assert_int_equal(network_file_write(&network, &texts, &bytes, &count, NULL), 0);
    assert_memory_equal(bytes + 8, expected, sizeof expected - 1);
    const uint8_t *data = bytes + count - 44;
    for (uint8_t i = 0; i < 44; i++)
        assert_int_equal(data[i], i < 32 ? i + 1 : i + 6); /* the damage is left out */
    free(bytes);
    network_file_close(&network);
}

static void test_the_stack_of_layers(void **state)
{
    (void)state;
    uint8_t checkpoint[FILE_MAX];
    struct network_file network;
    open_network(&network, checkpoint, make_checkpoint(checkpoint), "layers.");
    char *layers = network_file_layers(&network);
    assert_string_equal(layers, "[3,2,1]");
    free(layers);
    network.tensors[2].shape[1] = 3; /* it does not take what the first one gives */
    assert_null(network_file_layers(&network));
    network_file_close(&network);
}

static void test_what_is_no_checkpoint_is_refused(void **state)
{
    (void)state;
    uint8_t checkpoint[FILE_MAX];
    struct network_file network;
    struct network_source source = {
        .bytes = checkpoint, .count = make_checkpoint(checkpoint), .prefix = "genome"};
    struct error error = {0};
    assert_int_equal(network_file_open(&network, &source, &error), -1);
    assert_non_null(strstr(error.text, "no tensor called genome"));
    assert_null(network.tensors);
    source.prefix = "";
    for (size_t count = 0, whole = source.count; count < whole; count++) {
        source.count = count;
        assert_int_equal(network_file_open(&network, &source, &error), -1);
    }
}

/* ------------------------------------------------------------------------------- the data set */

static size_t make_data(uint8_t file[FILE_MAX], const char *source)
{
    struct safetensors_tensor tensors[] = {
        {.name = "inputs", .type = SAFETENSORS_F32, .rank = 2, .shape = {1, 2}},
        {.name = "statistics", .type = SAFETENSORS_F64, .rank = 1, .shape = {2}},
        {.name = "classes", .type = SAFETENSORS_U8, .rank = 1, .shape = {9}},
        {.name = "source", .type = SAFETENSORS_U8, .rank = 1, .shape = {strlen(source)}},
    };
    const double statistics[] = {0.1, 2.5};
    size_t count = make_file(file, tensors, 4);
    uint8_t *data = file + count - tensors[3].end;
    memcpy(data + tensors[1].begin, statistics, sizeof statistics);
    memcpy(data + tensors[2].begin, "one\ntwo!\n", 9);
    memcpy(data + tensors[3].begin, source, strlen(source));
    return count;
}

static void test_facts_of_a_data_set(void **state)
{
    (void)state;
    uint8_t file[FILE_MAX];
    size_t count = make_data(file, "mnist1d seed=42");
    struct data_facts *facts = malloc(sizeof *facts);
    struct error error = {0};
    assert_non_null(facts);
    if (data_facts_read(file, count, facts, &error) != 0)
        fail_msg("%s", error.text);
    assert_string_equal(facts->type, "F32");
    assert_true(facts->mean == 0.1 && facts->deviation == 2.5);
    assert_string_equal(facts->classes, "one\ntwo!\n");
    assert_string_equal(facts->source, "mnist1d seed=42");
    for (size_t cut = 0; cut < count; cut++)
        assert_int_equal(data_facts_read(file, cut, facts, &error), -1);
    free(facts);
}

static void test_facts_that_are_none(void **state)
{
    (void)state;
    char source[DATA_SOURCE_BYTES_MAX + 1];
    uint8_t file[FILE_MAX];
    struct data_facts *facts = malloc(sizeof *facts);
    struct error error = {0};
    assert_non_null(facts);
    memset(source, 'a', DATA_SOURCE_BYTES_MAX);
    source[DATA_SOURCE_BYTES_MAX] = '\0';
    assert_int_equal(data_facts_read(file, make_data(file, source), facts, &error), -1);
    assert_non_null(strstr(error.text, "source is no text"));
    source[DATA_SOURCE_BYTES_MAX - 1] = '\0';
    assert_int_equal(data_facts_read(file, make_data(file, source), facts, &error), 0);
    assert_int_equal(data_facts_read(file, make_checkpoint(file), facts, &error), -1);
    assert_non_null(strstr(error.text, "no tensor inputs"));
    free(facts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layers_alone_are_written),
        cmocka_unit_test(test_the_stack_of_layers),
        cmocka_unit_test(test_what_is_no_checkpoint_is_refused),
        cmocka_unit_test(test_facts_of_a_data_set),
        cmocka_unit_test(test_facts_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
