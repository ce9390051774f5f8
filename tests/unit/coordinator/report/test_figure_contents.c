/* test_figure_contents.c: what stands in the scripts of figures, of reports made by hand. */
#include "coordinator/report/figures.h"

#include "figure_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The script of one figure, or "" when it is not drawn; the caller's to free. */
static char *script_of(const struct report *report,
                       bool (*make)(const struct report *report, struct script *script))
{
    struct script script = {0};
    bool made = make(report, &script);
    assert_false(script.failed);
    char *text = strdup(made ? script.text : "");
    script_free(&script);
    return text;
}

static void test_fitness(void **state)
{
    (void)state;
    struct report *report = report_make(&report_usual_size);
    report->points[30].fitness = (double)NAN;
    report->points[31].fitness = (double)INFINITY;
    report->points[32].fitness = 0.625;
    report->points[32].operator_row = 1;
    report->points[32].admitted = true;
    report->points[33].operator_row = 99;
    char *script = script_of(report, figure_fitness);
    assert_has(script, "set ylabel 'accuracy on select (%)'");
    assert_has(script, "\n33 62.5\n");
    assert_has(script, "$p1_1 with points pt 7 ps 0.60 lc rgb '#48d55e00' notitle");
    assert_has(script, "$p5_"); /* whose operator is not in the table */
    assert_has(script, "title 'other lines'");
    assert_has_not(script, "nan\n");
    assert_has_not(script, "inf\n");
    assert_has_not(script, "lie below");
    free(script);
    report_unmake(&report);
}

/* The stair has a corner where the best changes, and none elsewhere. */
static void test_the_stair(void **state)
{
    (void)state;
    struct report *report =
        report_make(&(struct report_size){.jobs = 5, .lines = 1, .operators = 1, .generations = 1});
    static const double best[] = {-4, -4, -2, -2, -2};
    for (size_t i = 0; i < 5; i++) {
        report->points[i].fitness = report->points[i].best = best[i];
        report->points[i].line = 0;
    }
    char *script = script_of(report, figure_fitness);
    assert_has(script, "$stair << EOD\n1 -4\n3 -4\n3 -2\n5 -2\n\nEOD\n");
    assert_has(script, "set ylabel 'fitness'");
    free(script);
    report_unmake(&report);
}

static void test_few_values_far_below_do_not_squash_the_rest(void **state)
{
    (void)state;
    struct report *report = report_make(&report_usual_size);
    for (size_t i = 0; i < report->point_count; i++)
        report->points[i].fitness = i < 7 ? -50 : 0.8 + 0.0001 * (double)i;
    char *script = script_of(report, figure_fitness);
    assert_has(script, "7 of 400 jobs lie below 80 and are not drawn");
    assert_has_not(script, " -5000");
    free(script);
    report_unmake(&report);
}

/* Shares and Wilson's intervals as the formula's report_usual_size form gives them. */
static void test_operators(void **state)
{
    (void)state;
    struct report *report = report_make(&report_usual_size);
    report->operators[0].compared = 162;
    report->operators[0].improved = 50;
    report->operators[1].compared = 0;
    report->operators[2].compared = 10;
    report->operators[2].improved = 0;
    char *script = script_of(report, figure_operators);
    assert_has(script, "\n0 30.8641975 24.2630813 38.3518158 50 162 29362\n");
    assert_has(script, "\n1 0 0 27.75328 0 10 40563\n");
    assert_has(script, "set label 'noise scale=0.1' at graph 0, first 1 right");
    assert_has_not(script, "psa.hidden");
    free(script);
    for (uint32_t row = 0; row < report->operator_count; row++)
        report->operators[row].compared = 0;
    script = script_of(report, figure_operators);
    assert_string_equal(script, "");
    free(script);
    report_unmake(&report);
}

static void test_lineage(void **state)
{
    (void)state;
    struct report *report = report_make(&report_usual_size);
    report->lineage[38].fitness = (double)NAN;
    report->lineage[39].fitness = 0.25;
    report->lineage_cut = true;
    char *script = script_of(report, figure_lineage);
    assert_has(script, "$line << EOD\n0 25 9211020 7\n2 "); /* the founder, and none without value
                                                             */
    assert_has(script, "the 40 nearest generations");
    free(script);
    report_unmake(&report);
}

static void test_damage(void **state)
{
    (void)state;
    struct report *report = report_make(&report_usual_size);
    struct damage_list *list = &report->detail->damage;
    list->count = 2;
    list->runs[0] = (struct damage_run){.layer = 1, .unit = 2, .count = 1, .parts = 7};
    list->runs[1] = (struct damage_run){.layer = 18, .unit = 8, .count = 2, .parts = 11};
    char *script = script_of(report, figure_damage);
    assert_has(script, "\n 0.56 1.44 1.56 2.44 13983232\n"); /* vermilion */
    assert_has(script, "\n 17.56 18.44 8.56 9.44 29362\n");
    assert_has(script, "'3 of 334 units hit'");
    assert_has(script, "'output' 18");
    assert_has(script, "title 'incoming + bias + outgoing'");
    assert_has(script, "title 'incoming + bias + reinitialised'");
    free(script);
    list->count = 0;
    script = script_of(report, figure_damage);
    assert_has(script, "'0 of 334 units hit'");
    assert_has(script, "title 'untouched: nothing was hit'");
    free(script);
    report_unmake(&report);
}

/* A cell of four units, two of which were hit, is paler than one of which all were. */
static void test_damage_of_wide_layers(void **state)
{
    (void)state;
    struct report_size size = report_usual_size;
    size.model = "mlp:1x1000";
    struct report *report = report_make(&size);
    report->detail->damage.count = 1;
    report->detail->damage.runs[0] =
        (struct damage_run){.layer = 0, .unit = 2, .count = 6, .parts = 3};
    char *script = script_of(report, figure_damage);
    assert_has(script, "$cells << EOD\n 0.00024 0.00376 -0.44 0.44 15252051\n");
    assert_has(script, "\n 0.00424 0.00776 -0.44 0.44 15113984\n");
    assert_has(script, "a cell is several units");
    assert_has(script, "'layer 0: 1000 units' 0");
    free(script);
    report_unmake(&report);
}

/* A stranger's detail may name layers and units that the model does not have. */
static void test_damage_beyond_the_model(void **state)
{
    (void)state;
    static const struct damage_run beyond[] = {
        {.layer = 19, .unit = 0, .count = 1, .parts = 3},
        {.layer = UINT32_MAX, .unit = UINT32_MAX, .count = UINT32_MAX, .parts = UINT32_MAX},
        {.layer = 3, .unit = 17, .count = UINT32_MAX, .parts = 3},
        {.layer = 3, .unit = 18, .count = 1, .parts = 3},
    };
    static const char *const said[] = {"", "", "'1 of 334 units hit'", "'0 of 334 units hit'"};
    struct report *report = report_make(&report_usual_size);
    report->detail->damage.count = 1;
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
        report->detail->damage.runs[0] = beyond[i];
        char *script = script_of(report, figure_damage);
        assert_has(script, said[i]);
        assert_true((said[i][0] == '\0') == (script[0] == '\0'));
        free(script);
    }
    report_unmake(&report);
}

/* The layers of another family of models are those that were hit. */
static void test_damage_of_an_unknown_model(void **state)
{
    (void)state;
    struct report_size size = report_usual_size;
    size.model = "cnn:3x3";
    struct report *report = report_make(&size);
    char *script = script_of(report, figure_damage);
    assert_string_equal(script, "");
    free(script);
    report_damage(report, (struct damage_pattern){.layers = 3, .width = 6, .every = 2});
    script = script_of(report, figure_damage);
    assert_has(script, "'layer 2: 5 units' 2");
    assert_has_not(script, "output");
    free(script);
    report_unmake(&report);
}

/* Units of other families are channels and heads. */
static void test_damage_of_channels_and_heads(void **state)
{
    (void)state;
    struct report_size size = report_usual_size;
    size.model = "transformer:1x32h4p7";
    struct report *report = report_make(&size);
    report->detail->damage.count = 1;
    report->detail->damage.runs[0] =
        (struct damage_run){.layer = 1, .unit = 2, .count = 2, .parts = 3};
    char *script = script_of(report, figure_damage);
    assert_has(script, "'layer 0: 32 channels' 0");
    assert_has(script, "'layer 1: 4 heads' 1");
    assert_has(script, "'layer 2: 128 channels' 2");
    assert_has(script, "'output: 10 units' 4");
    assert_has(script, "'2 of 206 units hit'");
    free(script);
    report_unmake(&report);
}

static void test_confusion(void **state)
{
    (void)state;
    static const char *const names[] = {"shirt's", "50 %d", "bag"};
    struct report_size size = report_usual_size;
    size.classes = 3;
    struct report *report = report_make(&size);
    report->class_names = names;
    report->classes = 3;
    char *script = script_of(report, figure_confusion);
    assert_has(script, "\n0 0 400 ");
    assert_has(script, "set label 'shirt\u2019s' at graph 0, first 0 right");
    assert_has(script, "set label '50 %d' at first 1, graph 0");
    assert_has(script, "slice select: ");
    free(script);
    /* That of the last evaluation on test says more. */
    report->final_detail = calloc(1, sizeof *report->final_detail);
    report->final_detail->matrix_count = 1;
    report->final_detail->matrices[0] =
        (struct confusion_matrix){.slice = SLICE_TEST, .classes = 2, .counts = {3, 1, 0, 0}};
    script = script_of(report, figure_confusion);
    assert_has(script, "slice test: 4 samples, 75.00 % right");
    free(script);
    report->class_names = NULL;
    report_unmake(&report);
}

static void test_compute(void **state)
{
    (void)state;
    struct report *report =
        report_make(&(struct report_size){.jobs = 3, .lines = 1, .operators = 1, .generations = 1});
    static const double best[] = {-4, -2, -3}; /* the third is of another line */
    for (size_t i = 0; i < 3; i++) {
        report->points[i].best = best[i];
        report->points[i].compute_s = 7200 * (double)(i + 1);
    }
    char *script = script_of(report, figure_compute);
    assert_has(script, "$curve << EOD\n 2 -4\n 4 -4\n 4 -2\n 6 -2\nEOD\n");
    assert_has(script, "compute spent (hours)");
    free(script);
    report_unmake(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fitness),
        cmocka_unit_test(test_the_stair),
        cmocka_unit_test(test_few_values_far_below_do_not_squash_the_rest),
        cmocka_unit_test(test_operators),
        cmocka_unit_test(test_lineage),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_damage_of_wide_layers),
        cmocka_unit_test(test_damage_beyond_the_model),
        cmocka_unit_test(test_damage_of_an_unknown_model),
        cmocka_unit_test(test_damage_of_channels_and_heads),
        cmocka_unit_test(test_confusion),
        cmocka_unit_test(test_compute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
