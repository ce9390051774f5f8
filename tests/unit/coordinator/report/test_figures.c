/*
 * test_figures.c: gnuplot can draw the figures whatever the report is like, and runs nothing of it.
 */
#include "coordinator/report/figures.h"

#include "coordinator/report/figure_style.h"
#include "coordinator/report/gnuplot.h"
#include "figure_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int need_gnuplot(void **state)
{
    struct gnuplot gnuplot;
    struct error error = {""};
    (void)state;
    int found = gnuplot_find(&gnuplot, &error);
    if (found == 1) {
        print_message("skipped: %s\n", error.text);
        skip();
    }
    return found;
}

/* All that is drawn is an SVG of a sensible size; returns the set of what is. */
static unsigned draw_all(const struct report *report, struct figure figures[FIGURE_COUNT])
{
    struct error error = {""};
    unsigned drawn = 0;
    if (report_figures(report, figures, &error) != FIGURES_DRAWN)
        fail_msg("%s", error.text);
    for (int name = 0; name < FIGURE_COUNT; name++) {
        if (figures[name].svg == NULL)
            continue;
        drawn |= 1u << name;
        assert_int_equal(strlen(figures[name].svg), figures[name].bytes);
        assert_in_range(figures[name].bytes, 2000, 4 << 20);
        assert_has(figures[name].svg, "<svg");
        assert_has_not(figures[name].svg, "<script");
        assert_has_not(figures[name].svg, "http-equiv");
    }
    return drawn;
}

static unsigned draw_and_free(const struct report *report)
{
    struct figure figures[FIGURE_COUNT];
    unsigned drawn = draw_all(report, figures);
    figures_free(figures);
    return drawn;
}

enum { ALL = (1 << FIGURE_COUNT) - 1 };

/* ----------------------------------------------------------------------------- drawn by gnuplot */

static void test_nothing_to_draw(void **state)
{
    need_gnuplot(state);
    struct report *report = calloc(1, sizeof *report);
    assert_int_equal(draw_and_free(report), 0);
    free(report);
}

static void test_everything_and_always_the_same(void **state)
{
    need_gnuplot(state);
    struct figure first[FIGURE_COUNT], second[FIGURE_COUNT];
    struct report *report = report_make(&report_usual_size);
    report_damage(report, (struct damage_pattern){.layers = 19, .width = 10, .every = 7});
    assert_int_equal(draw_all(report, first), ALL);
    assert_int_equal(draw_all(report, second), ALL);
    for (int name = 0; name < FIGURE_COUNT; name++)
        assert_string_equal(first[name].svg, second[name].svg);
    assert_has(first[FIGURE_FITNESS].svg, ">psa.output<");
    assert_has(first[FIGURE_OPERATORS].svg, ">noise scale=0.1<");
    figures_free(first);
    figures_free(second);
    assert_null(first[0].svg);
    report_unmake(&report);
}

static void test_one_point(void **state)
{
    need_gnuplot(state);
    struct report_size size = report_usual_size;
    size.jobs = size.generations = size.lines = 1;
    struct report *report = report_make(&size);
    assert_int_equal(draw_and_free(report), ALL & ~(1 << FIGURE_OPERATORS));
    report->points[0].fitness = report->points[0].best = report->lineage[0].fitness = 0;
    assert_int_equal(draw_and_free(report), ALL & ~(1 << FIGURE_OPERATORS));
    report->points[0].fitness = report->points[0].best = report->lineage[0].fitness = (double)NAN;
    assert_int_equal(draw_and_free(report), 1 << FIGURE_DAMAGE | 1 << FIGURE_CONFUSION);
    report_unmake(&report);
}

static void test_the_null_evaluator(void **state)
{
    need_gnuplot(state);
    struct report_size size = report_usual_size;
    size.model = NULL;
    struct report *report = report_make(&size);
    assert_int_equal(draw_and_free(report), ALL & ~(1 << FIGURE_DAMAGE | 1 << FIGURE_CONFUSION));
    report->points[5].fitness = report->points[5].best = 1e299;
    report->points[6].fitness = -1e299;
    assert_int_equal(draw_and_free(report), ALL & ~(1 << FIGURE_DAMAGE | 1 << FIGURE_CONFUSION));
    report_unmake(&report);
}

/* Values that are nearly equal get an axis on which tics have different names, and all are on it.
 */
static void test_least_axis(void **state)
{
    (void)state;
    enum { VALUES = 100 };
    struct report *report = calloc(1, sizeof *report);
    struct fitness_axis axis;
    double values[VALUES];
    for (int i = 0; i < VALUES; i++)
        values[i] = i < 5 ? 0.5 - 1e-10 : 0.5 + i * 1e-13;
    fitness_axis_init(&axis, report, values, VALUES);
    assert_int_equal(axis.below, 0);
    assert_true(axis.low < 0.5 - 1e-10 && axis.high > 0.5 + 1e-11);
    assert_true(axis.high - axis.low > 1e-4 * 0.5 && axis.high - axis.low < 2e-4 * 0.5);
    values[0] = values[1] = 1e-310;
    values[1] *= 3;
    fitness_axis_init(&axis, report, values, 2);
    assert_true(axis.high - axis.low > 1e-31);
    free(report);
}

/* Whatever the fitnesses are that a run may have, there is an axis for them. */
static void test_nearly_equal_fitnesses(void **state)
{
    need_gnuplot(state);
    static const double pairs[][2] = {
        {0.5, 0.5 + 1e-10},     {0.5, 0.5 + 1e-16},        {1, 1 + 1e-12},
        {-1e300, -1e300},       {1e-310, 3e-310},          {0, 5e-324},
        {-5e-324, 5e-324},      {1e299, -1e299},           {123456.789, 123456.789 + 1e-9},
        {-0.35, -0.35 + 4e-11}, {1e-300, 1.00000001e-300}, {1e15, 1e15 + 1},
    };
    struct report_size size = report_usual_size;
    size.model = NULL;
    struct report *report = report_make(&size);
    for (size_t pair = 0; pair < sizeof pairs / sizeof pairs[0]; pair++) {
        for (size_t i = 0; i < report->point_count; i++) {
            report->points[i].fitness = pairs[pair][i % 2];
            report->points[i].best = pairs[pair][i > 100];
        }
        for (size_t i = 0; i < report->lineage_count; i++)
            report->lineage[i].fitness = pairs[pair][i < 10];
        unsigned drawn = draw_and_free(report);
        unsigned all = ALL & ~(1u << FIGURE_DAMAGE | 1u << FIGURE_CONFUSION);
        /* 1e300 is no number that can be drawn. */
        assert_int_equal(drawn, pairs[pair][0] > -1e300 ? all : 1u << FIGURE_OPERATORS);
    }
    report_unmake(&report);
}

static void test_the_largest(void **state)
{
    need_gnuplot(state);
    struct report *report = report_make(&(struct report_size){.model = "mlp:4x2048",
                                                              .jobs = REPORT_POINTS_MAX,
                                                              .generations = REPORT_LINEAGE_MAX,
                                                              .lines = 250,
                                                              .operators = REPORT_OPERATORS_MAX - 1,
                                                              .classes = DETAIL_CLASSES_MAX});
    report_damage(report, (struct damage_pattern){.layers = 4, .width = 2048, .every = 9});
    assert_int_equal(draw_and_free(report), ALL);
    report_unmake(&report);
}

static void test_the_deepest(void **state)
{
    need_gnuplot(state);
    struct report_size size = report_usual_size;
    size.model = "mlp:[1x1048576,3999x1]";
    struct report *report = report_make(&size);
    report_damage(report, (struct damage_pattern){.layers = 4000, .width = 1, .every = 4});
    report->detail->damage.runs[0].count = 1048576;
    assert_int_equal(draw_and_free(report), ALL);
    report_unmake(&report);
}

/* Each would leave a file if gnuplot, or a shell, were to run it. */
static void test_labels_are_never_executed(void **state)
{
    need_gnuplot(state);
    static const char *const hostile[] = {
        "`touch F`",
        "\"`touch F`\"",
        "'`touch F`'",
        "'; system('touch F'); '",
        "'\nsystem('touch F')\n'",
        "x\n!touch F\n",
        "\\'; !touch F",
        "x' , `touch F`, '",
        "@F {/Bold x} %s%n \\ <b>&amp;",
        "EOD\n!touch F",
        "$(touch F)\xff\xed\xa0\x80",
    };
    char folder[] = "/tmp/ratchet-figures-XXXXXX", before[4096];
    assert_non_null(mkdtemp(folder));
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    struct report *report = report_make(&report_usual_size);
    report->operator_count = sizeof hostile / sizeof *hostile;
    const char *names[10];
    for (uint32_t i = 0; i < report->operator_count; i++) {
        snprintf(report->operators[i].label, REPORT_LABEL_BYTES, "%s", hostile[i]);
        report->operators[i].compared = report->operators[i].tried = 2;
        report->operators[i].compute_s = 1;
        report->points[50 + i].operator_row = i;
        names[i % 10] = hostile[i];
    }
    report->class_names = names;
    report->classes = 10;
    struct figure figures[FIGURE_COUNT];
    assert_int_equal(draw_all(report, figures), ALL);
    for (int name = 0; name < FIGURE_COUNT; name++)
        if (name != FIGURE_DAMAGE && name != FIGURE_LINEAGE)
            assert_has(figures[name].svg, "`touch F`");
    assert_has(figures[FIGURE_OPERATORS].svg, ">@F {/Bold x} %s%n \\ &lt;b\u203a&amp;amp;<");
    assert_int_equal(access("F", F_OK), -1);
    figures_free(figures);
    assert_int_equal(chdir(before), 0);
    assert_int_equal(rmdir(folder), 0); /* it is empty */
    report_unmake(&report);
}

/* Without gnuplot there are none; with one that fails at the second figure that one is left out;
 * with one that fails at two there are none again. */
static void test_failures(void **state)
{
    (void)state;
    static const char fake[] = "#!/bin/bash\n"
                               "[ \"$1\" != --version ] || { echo 'gnuplot 5.4'; exit; }\n"
                               "while read -r line; do\n"
                               "    [[ $line != *\"name 'operators'\"* ]] || exit 3\n"
                               "    [[ $line != *\"name 'damage'\"* || ! -e $0.worse ]] || exit 4\n"
                               "done\n"
                               "echo '<?xml ><svg></svg>'\n";
    char folder[] = "/tmp/ratchet-figures-XXXXXX", path[64];
    const char *was = getenv("PATH");
    char *before = strdup(was != NULL ? was : "");
    struct error error = {""};
    struct figure figures[FIGURE_COUNT];
    struct report *report = report_make(&report_usual_size);
    assert_non_null(mkdtemp(folder));
    setenv("PATH", folder, 1);
    assert_int_equal(report_figures(report, figures, &error), FIGURES_NO_GNUPLOT);
    assert_has(error.text, "gnuplot-nox");
    assert_null(figures[FIGURE_FITNESS].svg);
    snprintf(path, sizeof path, "%s/gnuplot", folder);
    assert_int_equal(os_write_atomic(path, fake, strlen(fake), 0755, &error), 0);
    assert_int_equal(report_figures(report, figures, &error), FIGURES_ONE_LEFT_OUT);
    assert_string_equal(error.text, "figure operators: gnuplot ended with exit code 3");
    for (int name = 0; name < FIGURE_COUNT; name++)
        assert_int_equal(figures[name].svg != NULL, name != FIGURE_OPERATORS);
    figures_free(figures);
    snprintf(path, sizeof path, "%s/gnuplot.worse", folder);
    assert_int_equal(os_write_atomic(path, "", 0, 0644, &error), 0);
    assert_int_equal(report_figures(report, figures, &error), FIGURES_FAILED);
    assert_string_equal(error.text, "figure operators: gnuplot ended with exit code 3");
    for (int name = 0; name < FIGURE_COUNT; name++)
        assert_null(figures[name].svg);
    setenv("PATH", before, 1);
    free(before);
    assert_int_equal(os_remove_tree(folder, &error), 0);
    report_unmake(&report);
}

/* ---------------------------------------------------------------------------------------- files */

static void test_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/ratchet-figures-XXXXXX", made[64], path[96], *bytes;
    struct error error = {""};
    struct figure figures[FIGURE_COUNT] = {
        [FIGURE_FITNESS] = {(char *)(uintptr_t) "<svg/>", 6},
        [FIGURE_COMPUTE] = {(char *)(uintptr_t) "<svg>", 5},
    };
    assert_non_null(mkdtemp(folder));
    snprintf(made, sizeof made, "%s/a/b", folder);
    assert_int_equal(figures_write(figures, made, &error), 0);
    snprintf(path, sizeof path, "%s/fitness.svg", made);
    assert_int_equal(os_read_file(path, 100, &bytes, NULL, &error), 0);
    assert_string_equal(bytes, "<svg/>");
    free(bytes);
    snprintf(path, sizeof path, "%s/compute.svg", made);
    assert_int_equal(access(path, F_OK), 0);
    snprintf(path, sizeof path, "%s/damage.svg", made);
    assert_int_equal(access(path, F_OK), -1);
    snprintf(path, sizeof path, "%s/compute.svg/x", made);
    assert_int_equal(figures_write(figures, path, &error), -1);
    assert_has(error.text, "/a/b/compute.svg");
    assert_int_equal(os_remove_tree(folder, &error), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_to_draw),
        cmocka_unit_test(test_everything_and_always_the_same),
        cmocka_unit_test(test_one_point),
        cmocka_unit_test(test_the_null_evaluator),
        cmocka_unit_test(test_the_largest),
        cmocka_unit_test(test_the_deepest),
        cmocka_unit_test(test_labels_are_never_executed),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_nearly_equal_fitnesses),
        cmocka_unit_test(test_least_axis),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
