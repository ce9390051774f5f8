/* test_topology.c: the text that names a network's shape. */
#include "common/topology.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct topology parse(const char *text)
{
    struct topology topology;
    struct error error;
    if (topology_parse(text, &topology, &error) != 0)
        fail_msg("%s", error.text);
    return topology;
}

static void expect_refusal(const char *text, const char *words)
{
    struct topology topology;
    struct error error = {""};
    assert_int_equal(topology_parse(text, &topology, &error), -1);
    if (strstr(error.text, words) == NULL)
        fail_msg("%s: \"%s\" does not say \"%s\"", text, error.text, words);
}

static void one_group_is_depth_times_width(void **state)
{
    (void)state;
    struct topology topology = parse("mlp:18x17");
    assert_int_equal(topology.group_count, 1);
    assert_int_equal(topology.groups[0].depth, 18);
    assert_int_equal(topology.groups[0].width, 17);
    assert_int_equal(topology.depth, 18);
}

static void groups_follow_from_input_to_output(void **state)
{
    (void)state;
    struct topology topology = parse("mlp:[2x5 ,1x17,  3x4]");
    assert_int_equal(topology.group_count, 3);
    assert_int_equal(topology.groups[1].width, 17);
    assert_int_equal(topology.groups[2].depth, 3);
    assert_int_equal(topology.depth, 6);
}

static void there_is_one_way_to_write_it(void **state)
{
    (void)state;
    static const struct {
        const char *text, *canonical;
    } cases[] = {
        {"mlp:18x18", "mlp:18x18"},          {"mlp:[18x18]", "mlp:18x18"},
        {"mlp:[4x4, 2x8]", "mlp:[4x4,2x8]"}, {"mlp:[4x4,1x4 , 2x8,2x8]", "mlp:[5x4,4x8]"},
        {"mlp:[1x3,1x3]", "mlp:2x3"},        {"mlp:4000x1", "mlp:4000x1"},
        {"mlp:1x1048576", "mlp:1x1048576"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[TOPOLOGY_TEXT_BYTES_MAX];
        struct topology topology = parse(cases[i].text);
        topology_format(&topology, text);
        assert_string_equal(text, cases[i].canonical);
        struct topology again = parse(text);
        assert_memory_equal(&again, &topology, sizeof topology);
    }
}

/* Also for a struct that was filled by hand. */
static void formatting_merges_neighbours_of_one_width(void **state)
{
    (void)state;
    struct topology topology = {.group_count = 3, .depth = 6};
    char text[TOPOLOGY_TEXT_BYTES_MAX];
    for (uint32_t i = 0; i < 3; i++) {
        topology.groups[i].depth = i + 1;
        topology.groups[i].width = 7;
    }
    topology_format(&topology, text);
    assert_string_equal(text, "mlp:6x7");
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    expect_refusal("", "does not start with mlp:");
    expect_refusal("cnn:3x3", "does not start with mlp:");
    expect_refusal("MLP:3x3", "does not start with mlp:");
    expect_refusal(" mlp:3x3", "does not start with mlp:");
    expect_refusal("mlp:", "the number of layers is a whole number from 1 to 4000");
    expect_refusal("mlp:x5", "the number of layers");
    expect_refusal("mlp:-1x5", "the number of layers");
    expect_refusal("mlp:0x5", "the number of layers");
    expect_refusal("mlp:05x5", "the number of layers");
    expect_refusal("mlp:4001x5", "the number of layers");
    expect_refusal("mlp:5", "'x' is missing");
    expect_refusal("mlp:5*5", "'x' is missing");
    expect_refusal("mlp:5 x5", "'x' is missing");
    expect_refusal("mlp:5x", "the number of units is a whole number from 1 to 1048576");
    expect_refusal("mlp:5x 5", "the number of units");
    expect_refusal("mlp:5x0", "the number of units");
    expect_refusal("mlp:5x1048577", "the number of units");
    expect_refusal("mlp:5x18446744073709551617", "the number of units");
    expect_refusal("mlp:5x5 ", "something follows");
    expect_refusal("mlp:5x5,3x3", "something follows");
    expect_refusal("mlp:5x5]", "something follows");
    expect_refusal("mlp:[]", "the number of layers");
    expect_refusal("mlp:[ 5x5]", "the number of layers");
    expect_refusal("mlp:[5x5", "']' is missing");
    expect_refusal("mlp:[5x5 ]", "']' is missing");
    expect_refusal("mlp:[5x5,]", "the number of layers");
    expect_refusal("mlp:[5x5,,5x5]", "the number of layers");
    expect_refusal("mlp:[5x5]x", "something follows");
    expect_refusal("mlp:[3999x5,2x6]", "at most 4000 layers");
    expect_refusal("mlp:5x5\x1b[2J", "mlp:5x5?[2J");
}

static void limits_hold(void **state)
{
    (void)state;
    char text[2 * TOPOLOGY_TEXT_BYTES_MAX] = "mlp:[1x1";
    struct topology topology;
    for (uint32_t i = 1; i < TOPOLOGY_GROUPS_MAX; i++)
        strcat(text, i % 2 ? ",1x2" : ",1x1");
    char *end = text + strlen(text);
    strcpy(end, "]");
    topology = parse(text);
    assert_int_equal(topology.group_count, TOPOLOGY_GROUPS_MAX);
    strcpy(end, ",1x2]"); /* joins the last */
    topology = parse(text);
    assert_int_equal(topology.group_count, TOPOLOGY_GROUPS_MAX);
    strcpy(end, ",1x3]");
    expect_refusal(text, "at most 32 groups");
    memset(text, '1', sizeof text);
    memcpy(text, "mlp:", 4);
    text[TOPOLOGY_TEXT_BYTES_MAX] = '\0';
    expect_refusal(text, "at most 255 characters");
    assert_int_equal(topology_parse("mlp:", &topology, NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_group_is_depth_times_width),
        cmocka_unit_test(groups_follow_from_input_to_output),
        cmocka_unit_test(there_is_one_way_to_write_it),
        cmocka_unit_test(formatting_merges_neighbours_of_one_width),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(limits_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
