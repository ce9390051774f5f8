/* test_detail_output.c: damage, scores and numbers as people read them, and details as JSON. */
#include "coordinator/commands/detail_output.h"
#include "coordinator/commands/record_output.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect_run(struct damage_run run, const char *expected)
{
    char text[DAMAGE_RUN_BYTES_MAX];
    format_damage_run(NULL, &run, text);
    assert_string_equal(text, expected);
}

static void test_damage_runs(void **state)
{
    (void)state;
    expect_run((struct damage_run){3, 7, 1, 3}, "layer 3 unit 7: incoming, bias");
    expect_run((struct damage_run){0, 7, 3, 4}, "layer 0 units 7-9: outgoing");
    expect_run((struct damage_run){UINT32_MAX, UINT32_MAX - 1, UINT32_MAX, 15},
               "layer 4294967295 units 4294967294-8589934588: incoming, bias, outgoing, "
               "reinitialised");
    struct damage_list list = {.complete = true};
    assert_true(damage_units(&list) == 0);
    list.count = 2;
    list.runs[0].count = UINT32_MAX;
    list.runs[1].count = 2;
    assert_true(damage_units(&list) == UINT64_C(4294967297));
}

static void test_numbers_are_short_and_exact(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.821, "0.821"},
                 {-0.056020530806577505, "-0.056020530806577505"},
                 {0, "0"},
                 {1e-300, "1e-300"},
                 {-INFINITY, "-inf"},
                 {NAN, "nan"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[NUMBER_BYTES_MAX];
        format_number(cases[i].value, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void expect_scores(const struct commit_record *champion, const struct commit_record *final,
                          enum score score, const char *expected)
{
    char text[SCORES_BYTES_MAX];
    format_scores(champion, final, score, text);
    assert_string_equal(text, expected);
}

static void test_scores(void **state)
{
    (void)state;
    static const struct commit_record none;
    static const struct commit_record champion = {
        .metric_count = 3,
        .metrics = {{METRIC_SELECT_LOSS, 0.5}, {METRIC_SELECT_ACCURACY, 0.8}, {999, 1}}};
    static const struct commit_record final = {.metric_count = 3,
                                               .metrics = {{METRIC_TEST_LOSS, 0.625},
                                                           {METRIC_TEST_ACCURACY, 0.81559},
                                                           {METRIC_SELECT_LOSS, 0.75}}};
    expect_scores(&none, NULL, SCORE_ACCURACY, "");
    expect_scores(&champion, NULL, SCORE_ACCURACY, "select 80.00 %");
    expect_scores(&champion, &final, SCORE_ACCURACY, "select 80.00 %   test 81.56 %");
    expect_scores(&champion, &final, SCORE_LOSS, "select 0.75000   test 0.62500");
    static const struct commit_record wild = {
        .metric_count = 2, .metrics = {{METRIC_SELECT_LOSS, 1e300}, {METRIC_TEST_LOSS, 1}}};
    char text[SCORES_BYTES_MAX];
    format_scores(&wild, NULL, SCORE_LOSS, text);
    assert_true(strlen(text) < sizeof text);
}

static void test_details_as_json(void **state)
{
    (void)state;
    struct detail *detail = calloc(1, sizeof *detail);
    assert_non_null(detail);
    damage_list_clear(&detail->hits);
    damage_list_clear(&detail->damage);
    damage_list_add(&detail->hits, 1, 2, 3);
    damage_list_add(&detail->damage, 1, 2, 3);
    damage_list_add(&detail->damage, 1, 3, 3);
    detail->damage.complete = false;
    detail->matrix_count = 1;
    detail->matrices[0] = (struct confusion_matrix){
        .slice = SLICE_TEST, .classes = 2, .counts = {5, 1, 0, 4294967295}};
    struct json_node *node = detail_node(detail);
    char *text = json_print(node, JSON_ONE_LINE);
    assert_string_equal(text, "{\"hits\":{\"complete\":true,\"units\":1,\"runs\":[{\"layer\":1,"
                              "\"unit\":2,\"count\":1,\"parts\":[\"incoming\",\"bias\"]}]},"
                              "\"damage\":{\"complete\":false,\"units\":2,\"runs\":[{\"layer\":1,"
                              "\"unit\":2,\"count\":2,\"parts\":[\"incoming\",\"bias\"]}]},"
                              "\"confusion\":[{\"slice\":\"test\",\"classes\":2,"
                              "\"counts\":[[5,1],[0,4294967295]]}]}");
    free(text);
    json_node_free(&node);
    free(detail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damage_runs),
        cmocka_unit_test(test_numbers_are_short_and_exact),
        cmocka_unit_test(test_scores),
        cmocka_unit_test(test_details_as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
