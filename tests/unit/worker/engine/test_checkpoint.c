/* test_checkpoint.c: a network as bytes, and what is said of bytes that are none. */
#include "common/safetensors.h"
#include "tests/unit/worker/engine/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

/* A file in memory of exactly its size, so that the address sanitizer sees a byte too many. */
struct file {
    uint8_t *bytes;
    size_t count;
};

static struct file write_file(const struct network *network)
{
    struct file file = {.count = network_checkpoint_bytes(network)};
    file.bytes = malloc(file.count);
    assert_non_null(file.bytes);
    memset(file.bytes, 0xEE, file.count);
    network_checkpoint_write(network, file.bytes);
    return file;
}

/* A network whose every number is set. */
static struct network *filled(const struct model *model, enum optimizer_state state)
{
    struct network *network = fixture_network(model, state, 1);
    struct random random = random_open(2, 0, 0, RANDOM_INIT);
    model_draw(model, &random, network->m);
    random.key[0]++;
    model_draw(model, &random, network->v);
    for (uint64_t i = 0; i < model->unit_count; i++)
        network->damage[i] = (uint8_t)(i % (DAMAGE_ALL + 1));
    network->optimizer_step = UINT64_C(0x123456789abcdef0);
    return network;
}

static void a_round_trip_keeps_every_bit(void **state)
{
    (void)state;
    static const char *const topologies[] = {"mlp:1x1", "mlp:[2x5,1x7]", "mlp:12x3"};
    for (uint32_t i = 0; i < 3; i++) {
        struct model *model = fixture_model(topologies[i], ACTIVATION_RELU, 3, 4);
        for (uint32_t kept = OPTIMIZER_STATE_NONE; kept <= OPTIMIZER_STATE_MOMENTS; kept++) {
            struct network *network = filled(model, kept);
            struct network *again = filled(model, kept);
            memset(again->parameters, 0xFF, model->parameter_count * sizeof(float));
            network->parameters[0] = NAN;
            network->parameters[1] = -0.0F;
            struct file file = write_file(network);
            assert_int_equal(network_checkpoint_read(again, file.bytes, file.count, NULL), 0);
            if (kept == OPTIMIZER_STATE_NONE)
                memset(network->m, 0, model->parameter_count * sizeof(float));
            if (kept != OPTIMIZER_STATE_MOMENTS)
                memset(network->v, 0, model->parameter_count * sizeof(float));
            if (kept == OPTIMIZER_STATE_NONE)
                network->optimizer_step = 0;
            fixture_assert_equal(again, network);
            free(file.bytes);
            network_destroy(&network);
            network_destroy(&again);
        }
        model_destroy(&model);
    }
}

static void the_file_is_the_documented_safetensors(void **state)
{
    (void)state;
    struct model *model = fixture_model("mlp:1x2", ACTIVATION_RELU, 3, 2);
    struct network *network = filled(model, OPTIMIZER_STATE_MOMENTS);
    struct file file = write_file(network);
    struct safetensors_tensor tensors[16];
    struct safetensors_header header = {.tensors = tensors};
    static const char *const names[] = {"layers.0.weight", "layers.0.bias", "layers.1.weight",
                                        "layers.1.bias",   "damage",        "optimizer.step",
                                        "optimizer.m",     "optimizer.v"};
    assert_int_equal(safetensors_read(file.bytes, file.count, file.count, &header, 16, NULL), 0);
    assert_int_equal(header.count, 8);
    assert_int_equal(header.bytes % 8, 0);
    for (uint32_t i = 0; i < 8; i++)
        assert_string_equal(tensors[i].name, names[i]);
    assert_true(tensors[0].rank == 2 && tensors[0].shape[0] == 2 && tensors[0].shape[1] == 3);
    assert_true(tensors[4].type == SAFETENSORS_U8 && tensors[4].shape[0] == 4);
    const uint8_t *data = file.bytes + header.bytes;
    assert_memory_equal(data + tensors[2].begin, network->parameters + 8, 4 * sizeof(float));
    assert_memory_equal(data + tensors[4].begin, network->damage, 4);
    assert_memory_equal(data + tensors[5].begin, &network->optimizer_step, 8);
    assert_memory_equal(data + tensors[7].begin, network->v, 14 * sizeof(float));
    free(file.bytes);
    network_destroy(&network);
    model_destroy(&model);
}

/* Deeper than any other limit lets it be: the header fits and is read, also by the parser. */
static void the_deepest_network_has_a_checkpoint(void **state)
{
    (void)state;
    struct model *model = fixture_model("mlp:4000x1", ACTIVATION_RELU, 1000, 256);
    struct network *network = filled(model, OPTIMIZER_STATE_MOMENTS);
    struct network *again = network_create(model, OPTIMIZER_STATE_MOMENTS);
    assert_non_null(again);
    struct file file = write_file(network);
    assert_int_equal(network_checkpoint_read(again, file.bytes, file.count, NULL), 0);
    fixture_assert_equal(again, network);
    /* The same tensors behind another header: a blank more, at the front. */
    size_t header = model->checkpoint_headers[OPTIMIZER_STATE_MOMENTS].count;
    size_t text = header - 8;
    while (file.bytes[8 + text - 1] == ' ')
        text--;
    assert_true(text < header - 8); /* there is padding to move */
    memmove(file.bytes + header - text, file.bytes + 8, text);
    memset(file.bytes + 8, ' ', header - 8 - text);
    memset(again->parameters, 0, model->parameter_count * sizeof(float));
    assert_int_equal(network_checkpoint_read(again, file.bytes, file.count, NULL), 0);
    fixture_assert_equal(again, network);
    free(file.bytes);
    network_destroy(&network);
    network_destroy(&again);
    model_destroy(&model);
}

/* The longest header: the most digits in shapes and offsets. No numbers are taken. */
static void the_longest_header_fits(void **state)
{
    (void)state;
    struct model *model = fixture_model("mlp:4000x731", ACTIVATION_RELU, 784, 256);
    size_t longest = model->checkpoint_headers[OPTIMIZER_STATE_MOMENTS].count;
    assert_in_range(longest, 700000, SAFETENSORS_HEADER_BYTES_MAX);
    model_destroy(&model);
}

/* ------------------------------------------------------------------------ files of other tools */

/* Tensors to make a file of: bytes come from `number` on, one float each time. */
struct part {
    const char *name;
    enum safetensors_type type;
    uint32_t rank;
    uint64_t shape[2];
};

/* The float at place i of the whole data is i, so what went where can be seen. */
static struct file foreign_file(const struct part *parts, uint32_t count)
{
    struct safetensors_tensor tensors[16];
    uint8_t header[4096];
    assert_true(count <= 16);
    for (uint32_t i = 0; i < count; i++) {
        tensors[i] = (struct safetensors_tensor){.type = parts[i].type, .rank = parts[i].rank};
        snprintf(tensors[i].name, sizeof tensors[i].name, "%s", parts[i].name);
        memcpy(tensors[i].shape, parts[i].shape, sizeof parts[i].shape);
    }
    size_t size = safetensors_write(tensors, count, header, sizeof header);
    assert_true(size > 0);
    struct file file = {.count = size + tensors[count - 1].end};
    file.bytes = malloc(file.count);
    assert_non_null(file.bytes);
    memcpy(file.bytes, header, size);
    memset(file.bytes + size, 0, file.count - size);
    for (size_t i = 0; (i + 1) * sizeof(float) <= file.count - size; i++) {
        float number = (float)i;
        memcpy(file.bytes + size + i * sizeof number, &number, sizeof number);
    }
    return file;
}

/* mlp:1x2 of 3 inputs and 2 classes: 14 parameters, 4 units. */
static const struct part whole[] = {
    {"layers.0.weight", SAFETENSORS_F32, 2, {2, 3}},
    {"layers.0.bias", SAFETENSORS_F32, 1, {2}},
    {"layers.1.weight", SAFETENSORS_F32, 2, {2, 2}},
    {"layers.1.bias", SAFETENSORS_F32, 1, {2}},
};
enum { WHOLE = sizeof whole / sizeof whole[0] };

static struct network *small(struct model **model, enum optimizer_state state)
{
    *model = fixture_model("mlp:1x2", ACTIVATION_RELU, 3, 2);
    return filled(*model, state);
}

static void another_order_without_damage_is_read(void **state)
{
    (void)state;
    struct model *model;
    struct network *network = small(&model, OPTIMIZER_STATE_MOMENTS);
    const struct part parts[] = {whole[3], whole[0], whole[2], whole[1]};
    static const float expected[] = {2, 3, 4, 5, 6, 7, 12, 13, 8, 9, 10, 11, 0, 1};
    struct file file = foreign_file(parts, WHOLE);
    assert_int_equal(network_checkpoint_read(network, file.bytes, file.count, NULL), 0);
    assert_memory_equal(network->parameters, expected, sizeof expected);
    for (uint32_t i = 0; i < 14; i++)
        assert_true(network->m[i] == 0 && network->v[i] == 0);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(network->damage[i], 0);
    assert_int_equal(network->optimizer_step, 0);
    free(file.bytes);
    network_destroy(&network);
    model_destroy(&model);
}

/* A file with all of the optimiser's state, for a network that keeps less of it. */
static void what_is_not_kept_is_passed_over(void **state)
{
    (void)state;
    struct model *model;
    struct network *moments = small(&model, OPTIMIZER_STATE_MOMENTS);
    struct file file = write_file(moments);
    for (uint32_t kept = OPTIMIZER_STATE_NONE; kept <= OPTIMIZER_STATE_VELOCITY; kept++) {
        struct network *network = filled(model, kept);
        assert_int_equal(network_checkpoint_read(network, file.bytes, file.count, NULL), 0);
        for (uint32_t i = 0; i < 14; i++) {
            assert_true(network->m[i] == (kept == OPTIMIZER_STATE_NONE ? 0 : moments->m[i]));
            assert_true(network->v[i] == 0);
        }
        assert_memory_equal(network->damage, moments->damage, 4);
        assert_int_equal(network->state, kept);
        network_destroy(&network);
    }
    free(file.bytes);
    network_destroy(&moments);
    model_destroy(&model);
}

/* The reading fails with these words and leaves the network as it was. */
static void expect_refusal(struct file file, const char *words)
{
    struct model *model;
    struct network *network = small(&model, OPTIMIZER_STATE_MOMENTS);
    struct network *before = filled(model, OPTIMIZER_STATE_MOMENTS);
    struct error error = {""};
    assert_int_equal(network_checkpoint_read(network, file.bytes, file.count, &error), -1);
    if (strstr(error.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.text, words);
    fixture_assert_equal(network, before);
    network_destroy(&network);
    network_destroy(&before);
    model_destroy(&model);
    free(file.bytes);
}

/* The whole with one part exchanged for another. */
static struct file exchanged(uint32_t place, struct part part)
{
    struct part parts[WHOLE];
    memcpy(parts, whole, sizeof whole);
    parts[place] = part;
    return foreign_file(parts, WHOLE);
}

static struct file extended(struct part part)
{
    struct part parts[WHOLE + 1];
    memcpy(parts, whole, sizeof whole);
    parts[WHOLE] = part;
    return foreign_file(parts, WHOLE + 1);
}

static void what_does_not_fit_is_named(void **state)
{
    (void)state;
    expect_refusal(foreign_file(whole, WHOLE - 1), "tensor layers.1.bias is missing");
    expect_refusal(foreign_file(whole + 1, WHOLE - 1), "tensor layers.0.weight is missing");
    expect_refusal(exchanged(0, (struct part){"layers.0.weight", SAFETENSORS_F32, 2, {3, 2}}),
                   "layers.0.weight is of shape [3, 2], the model needs [2, 3]");
    expect_refusal(exchanged(0, (struct part){"layers.0.weight", SAFETENSORS_F32, 1, {6}}),
                   "layers.0.weight is of shape [6], the model needs [2, 3]");
    expect_refusal(exchanged(1, (struct part){"layers.0.bias", SAFETENSORS_F32, 0, {0}}),
                   "layers.0.bias is of shape [], the model needs [2]");
    expect_refusal(exchanged(2, (struct part){"layers.1.weight", SAFETENSORS_F64, 2, {2, 2}}),
                   "layers.1.weight is of type F64, the model needs F32");
    expect_refusal(exchanged(3, (struct part){"layers.2.bias", SAFETENSORS_F32, 1, {2}}),
                   "layers.2.bias is none of this model's");
    expect_refusal(exchanged(3, (struct part){"layers.01.bias", SAFETENSORS_F32, 1, {2}}),
                   "layers.01.bias is none of this model's");
    expect_refusal(exchanged(3, (struct part){"layers.1.bias2", SAFETENSORS_F32, 1, {2}}),
                   "layers.1.bias2 is none of this model's");
    expect_refusal(extended((struct part){"running_mean", SAFETENSORS_F32, 1, {2}}),
                   "running_mean is none of this model's");
    expect_refusal(extended((struct part){"damage", SAFETENSORS_U8, 1, {5}}),
                   "damage is of shape [5], the model needs [4]");
    expect_refusal(extended((struct part){"damage", SAFETENSORS_I64, 1, {4}}),
                   "damage is of type I64, the model needs U8");
    expect_refusal(extended((struct part){"optimizer.step", SAFETENSORS_U64, 0, {0}}),
                   "optimizer.step is of shape [], the model needs [1]");
    expect_refusal(extended((struct part){"optimizer.m", SAFETENSORS_F32, 1, {13}}),
                   "optimizer.m is of shape [13], the model needs [14]");
}

static void damage_beyond_the_known_bits_is_refused(void **state)
{
    (void)state;
    struct file file = extended((struct part){"damage", SAFETENSORS_U8, 1, {4}});
    file.bytes[file.count - 2] = 16;
    expect_refusal(file, "damage of unit 2 is 16, at most 15");
}

static void what_is_no_safetensors_says_so(void **state)
{
    (void)state;
    struct model *model;
    struct network *network = small(&model, OPTIMIZER_STATE_NONE);
    struct file file = write_file(network);
    expect_refusal((struct file){calloc(1, 7), 7}, "checkpoint: safetensors header: ");
    expect_refusal((struct file){calloc(1, 100), 100}, "'{' was expected");
    for (size_t cut = 1; cut < file.count; cut += 13) {
        struct file shorter = {malloc(cut), cut};
        assert_non_null(shorter.bytes);
        memcpy(shorter.bytes, file.bytes, cut);
        expect_refusal(shorter, "checkpoint: ");
    }
    struct file longer = {malloc(file.count + 1), file.count + 1};
    assert_non_null(longer.bytes);
    memcpy(longer.bytes, file.bytes, file.count);
    longer.bytes[file.count] = 0;
    expect_refusal(longer, "the tensors have 60 bytes, the file has 61 for them");
    free(file.bytes);
    network_destroy(&network);
    model_destroy(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_round_trip_keeps_every_bit),
        cmocka_unit_test(the_file_is_the_documented_safetensors),
        cmocka_unit_test(the_deepest_network_has_a_checkpoint),
        cmocka_unit_test(the_longest_header_fits),
        cmocka_unit_test(another_order_without_damage_is_read),
        cmocka_unit_test(what_is_not_kept_is_passed_over),
        cmocka_unit_test(what_does_not_fit_is_named),
        cmocka_unit_test(damage_beyond_the_known_bits_is_refused),
        cmocka_unit_test(what_is_no_safetensors_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
