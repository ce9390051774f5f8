/*
 * test_experiment.c: experiment files that are right: what they become, what their digests depend
 * on, and what the core is given. Files that are wrong are in test_experiment_errors.c.
 */
#include "coordinator/experiment/experiment.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char full[] =
    "# Everything that there is.\n"
    "name: full_1\n"
    "seed: 18446744073709551615\n"
    "numeric: portable\n"
    "evaluator: null\n"
    "null: {dim: 8, work_ms: 2, heal: 0.25, crash_per_million: 10}\n"
    "operators:\n"
    "  - {name: noise, scale: 0.3, weight: 2}\n"
    "  - name: crossover\n"
    "    rate: 1e-3\n"
    "  - {name: none, weight: 0.5}\n"
    "strategy: {name: tournament, population: 20, size: 4, replace: oldest}\n"
    "search: {commit: arrival, lookahead: 12, lines: 3, open_lines: 2}\n"
    "budget: {jobs: 200}\n"
    "stop: {fitness: 0.99, stagnation: 100, hours: 2.5}\n"
    "final_evaluation: false\n"
    "opinions: {promising: false}\n"
    "poison: fail\n"
    "storage: {keep: all, disk_max: 10GiB}\n";

static const char small[] = "name: small\n"
                            "evaluator: null\n"
                            "operators: [{name: noise}]\n"
                            "strategy: {name: tournament}\n"
                            "budget: {jobs: 10}\n";

static const char small_canonical[] = "evaluator = null\n"
                                      "final_evaluation = true\n"
                                      "null.crash_per_million = 0\n"
                                      "null.dim = 16\n"
                                      "null.heal = 0.1\n"
                                      "null.work_ms = 0\n"
                                      "numeric = portable\n"
                                      "operators.0.name = noise\n"
                                      "operators.0.scale = 0.1\n"
                                      "operators.0.weight = 1\n"
                                      "search.commit = ordered\n"
                                      "search.lines = 1\n"
                                      "search.lookahead = 8\n"
                                      "search.open_lines = 16\n"
                                      "seed = 1\n"
                                      "strategy.name = tournament\n"
                                      "strategy.population = 16\n"
                                      "strategy.replace = worst\n"
                                      "strategy.size = 3\n";

static struct experiment *parse_with(const char *text, const char *const *overrides, uint32_t count)
{
    struct error error = {""};
    struct experiment *experiment = experiment_parse(text, "x.yaml", overrides, count, &error);
    if (experiment == NULL)
        fail_msg("%s", error.text);
    return experiment;
}

static struct experiment *parse(const char *text)
{
    return parse_with(text, NULL, 0);
}

static struct experiment *parse_set(const char *text, const char *override)
{
    return parse_with(text, &override, 1);
}

static void check_same_digest(const char *text, const char *other)
{
    struct experiment *one = parse(text), *two = parse(other);
    struct digest first = experiment_digest(one), second = experiment_digest(two);
    assert_memory_equal(first.bytes, second.bytes, DIGEST_BYTES);
    experiment_destroy(&one);
    experiment_destroy(&two);
}

/* -------------------------------------------------------------------------- what a file says */

static void answers_what_the_file_says(void **state)
{
    (void)state;
    struct experiment *experiment = parse(full);
    assert_string_equal(experiment_name(experiment), "full_1");
    assert_string_equal(experiment_yaml(experiment), full);
    assert_true(experiment_seed(experiment) == UINT64_MAX);
    assert_true(experiment_jobs(experiment) == 600);
    assert_true(experiment_stop_hours(experiment) == 2.5);
    assert_int_equal(experiment_keep(experiment), KEEP_ALL);
    assert_true(experiment_disk_max(experiment) == UINT64_C(10737418240));
    experiment_destroy(&experiment);
    assert_null(experiment);
    experiment_destroy(&experiment);
}

static void what_is_not_said_has_a_default(void **state)
{
    (void)state;
    struct experiment *experiment = parse(small);
    assert_true(experiment_seed(experiment) == 1);
    assert_true(experiment_jobs(experiment) == 10);
    assert_true(isnan(experiment_stop_hours(experiment)));
    assert_int_equal(experiment_keep(experiment), KEEP_LIVE);
    assert_true(experiment_disk_max(experiment) == UINT64_MAX);
    experiment_destroy(&experiment);
}

static void the_largest_budget_does_not_overflow(void **state)
{
    (void)state;
    const char *overrides[] = {"budget.jobs=1e12", "search.lines=1000000"};
    struct experiment *experiment = parse_with(small, overrides, 2);
    assert_true(experiment_jobs(experiment) == UINT64_C(1000000000000000000));
    experiment_destroy(&experiment);
}

/* ------------------------------------------------------------------------------ texts, digests */

static void the_canonical_text_is_sorted_and_complete(void **state)
{
    (void)state;
    struct experiment *experiment = parse(full);
    assert_string_equal(experiment_canonical(experiment), "evaluator = null\n"
                                                          "final_evaluation = false\n"
                                                          "null.crash_per_million = 10\n"
                                                          "null.dim = 8\n"
                                                          "null.heal = 0.25\n"
                                                          "null.work_ms = 2\n"
                                                          "numeric = portable\n"
                                                          "operators.0.name = noise\n"
                                                          "operators.0.scale = 0.3\n"
                                                          "operators.0.weight = 2\n"
                                                          "operators.1.name = crossover\n"
                                                          "operators.1.rate = 0.001\n"
                                                          "operators.1.weight = 1\n"
                                                          "operators.2.name = none\n"
                                                          "operators.2.weight = 0.5\n"
                                                          "search.commit = arrival\n"
                                                          "search.lines = 3\n"
                                                          "search.lookahead = 12\n"
                                                          "search.open_lines = 2\n"
                                                          "seed = 18446744073709551615\n"
                                                          "strategy.name = tournament\n"
                                                          "strategy.population = 20\n"
                                                          "strategy.replace = oldest\n"
                                                          "strategy.size = 4\n");
    experiment_destroy(&experiment);
    experiment = parse(small);
    assert_string_equal(experiment_canonical(experiment), small_canonical);
    experiment_destroy(&experiment);
}

static void the_spec_is_what_workers_need(void **state)
{
    (void)state;
    struct experiment *experiment = parse(full);
    assert_string_equal(experiment_spec(experiment), "evaluator = null\n"
                                                     "null.crash_per_million = 10\n"
                                                     "null.dim = 8\n"
                                                     "null.heal = 0.25\n"
                                                     "null.work_ms = 2\n"
                                                     "numeric = portable\n");
    experiment_destroy(&experiment);
}

static void the_digest_is_of_the_canonical_text(void **state)
{
    (void)state;
    struct experiment *experiment = parse(small);
    char text[2048];
    int length = snprintf(text, sizeof text, "ratchet experiment 1\n%s", small_canonical);
    struct digest expected = digest_of(text, (size_t)length);
    struct digest digest = experiment_digest(experiment);
    assert_memory_equal(digest.bytes, expected.bytes, DIGEST_BYTES);
    experiment_destroy(&experiment);
}

static void spelling_and_order_leave_no_trace(void **state)
{
    (void)state;
    check_same_digest(small, "# A comment.\n"
                             "%YAML 1.1\n"
                             "---\n"
                             "budget:\n"
                             "    jobs: 1e1\n"
                             "strategy:\n"
                             "    replace: \"worst\"\n"
                             "    population: 16.0\n"
                             "    name: 'tournament'\n"
                             "operators:\n"
                             "- weight: 1\n"
                             "  scale: 10.0e-2\n"
                             "  name: noise\n"
                             "'evaluator': \"null\"\n"
                             "null: {heal: 0.10, dim: +16}\n"
                             "seed: 01\n"
                             "name: other\n"
                             "...\n");
}

static void limits_and_place_are_not_in_the_digest(void **state)
{
    (void)state;
    static const char *const overrides[] = {
        "name=other",           "budget.jobs=11", "stop.fitness=1",           "stop.stagnation=5",
        "stop.hours=1",         "poison=fail",    "opinions.promising=false", "storage.keep=all",
        "storage.disk_max=1GB",
    };
    for (size_t i = 0; i < sizeof overrides / sizeof overrides[0]; i++) {
        struct experiment *experiment = parse_set(small, overrides[i]);
        assert_string_equal(experiment_canonical(experiment), small_canonical);
        experiment_destroy(&experiment);
    }
}

static void everything_else_is(void **state)
{
    (void)state;
    static const char *const overrides[] = {
        "seed=2",
        "null.dim=17",
        "null.heal=0.11",
        "null.work_ms=1",
        "null.crash_per_million=1",
        "operators.0.name=none",
        "operators.0.scale=0.2",
        "operators.0.weight=2",
        "operators.1.name=noise",
        "strategy.name=random",
        "strategy.population=17",
        "strategy.size=2",
        "strategy.replace=oldest",
        "search.commit=arrival",
        "search.lookahead=9",
        "search.lines=2",
        "search.open_lines=15",
        "final_evaluation=false",
    };
    enum { COUNT = sizeof overrides / sizeof overrides[0] };
    struct digest digests[COUNT + 1];
    struct experiment *experiment = parse(small);
    digests[COUNT] = experiment_digest(experiment);
    experiment_destroy(&experiment);
    for (size_t i = 0; i < COUNT; i++) {
        experiment = parse_set(small, overrides[i]);
        digests[i] = experiment_digest(experiment);
        experiment_destroy(&experiment);
    }
    for (size_t i = 0; i <= COUNT; i++)
        for (size_t j = 0; j < i; j++)
            assert_false(digest_equal(&digests[i], &digests[j]));
}

/* The canonical text says all: given back as overrides, it makes the same experiment from nothing.
 */
static void the_canonical_text_makes_the_experiment_again(void **state)
{
    (void)state;
    struct experiment *experiment = parse(full);
    char *text = strdup(experiment_canonical(experiment));
    assert_non_null(text);
    const char *overrides[64] = {"name=again", "budget.jobs=1"};
    char lines[64][128];
    uint32_t count = 2;
    char *rest = text;
    for (char *line = strsep(&rest, "\n"); line[0] != '\0'; line = strsep(&rest, "\n")) {
        char *equals = strstr(line, " = ");
        assert_non_null(equals);
        *equals = '\0';
        snprintf(lines[count], sizeof lines[count], "%s=%s", line, equals + 3);
        overrides[count] = lines[count];
        count++;
    }
    struct experiment *again = parse_with("{}", overrides, count);
    assert_string_equal(experiment_canonical(again), experiment_canonical(experiment));
    assert_string_equal(experiment_spec(again), experiment_spec(experiment));
    experiment_destroy(&again);
    experiment_destroy(&experiment);
    free(text);
}

static void an_override_beats_the_file(void **state)
{
    (void)state;
    const char *overrides[] = {"seed=5", "operators.0.scale=0.5", "seed=6", "stop.hours=3"};
    struct experiment *experiment = parse_with(small, overrides, 4);
    assert_true(experiment_seed(experiment) == 6);
    assert_non_null(strstr(experiment_canonical(experiment), "operators.0.scale = 0.5\n"));
    assert_true(experiment_stop_hours(experiment) == 3);
    experiment_destroy(&experiment);
}

static void differences_name_keys_and_values(void **state)
{
    (void)state;
    char text[256];
    experiment_differences(small_canonical, small_canonical, text, sizeof text);
    assert_string_equal(text, "");
    experiment_differences("a = 1\nb = 2\nd = 4\n", "a = 1\nb = 3\nc = x y\nd = 4\n", text,
                           sizeof text);
    assert_string_equal(text, "b: was 2, now 3; c: was absent, now x y");
    experiment_differences("a = 1\nc = 3\n", "b = 2\n", text, sizeof text);
    assert_string_equal(text, "a: was 1, now absent; b: was absent, now 2; c: was 3, now absent");
    experiment_differences("", "a = 1", text, sizeof text);
    assert_string_equal(text, "a: was absent, now 1");
    experiment_differences("a = 1", "", text, sizeof text);
    assert_string_equal(text, "a: was 1, now absent");
    /* "a.b" stands behind "a" and "operators.10" before "operators.2", in both texts alike. */
    experiment_differences("a = 1\na.b = 1\noperators.10 = x\noperators.2 = y\n",
                           "a = 1\na.b = 2\noperators.2 = y\n", text, sizeof text);
    assert_string_equal(text, "a.b: was 1, now 2; operators.10: was x, now absent");
}

static void differences_stay_in_their_memory(void **state)
{
    (void)state;
    char text[12];
    experiment_differences("a = 1\nb = 1\n", "a = 2\nb = 2\n", text, sizeof text);
    assert_string_equal(text, "a: was 1...");
    char wide[32];
    experiment_differences("a = 1\nlonger = 1\n", "a = 2\nlonger = 2\n", wide, sizeof wide);
    assert_string_equal(wide, "a: was 1, now 2; longer: was...");
    experiment_differences("a = 1\nb = 1\n", "a = 2\nb = 22\n", wide, 31);
    assert_string_equal(wide, "a: was 1, now 2; b: was 1...");
    experiment_differences("a = 1\nb = 1\n", "a = 2\nb = 2\n", wide, sizeof wide);
    assert_string_equal(wide, "a: was 1, now 2; b: was 1...");
    experiment_differences("abcdefghi = 1\n", "", wide, 8);
    assert_string_equal(wide, "...");
    experiment_differences("no equals sign\n\n\n", "=\n = \n", text, 1);
    assert_string_equal(text, "");
}

/* ------------------------------------------------------------------------------------ the core */

static void the_core_gets_what_the_file_says(void **state)
{
    (void)state;
    struct experiment *experiment = parse(full);
    struct core_config config = {.heartbeat_ms = 77, .epoch = 9};
    experiment_fill_core(experiment, &config);
    struct digest digest = experiment_digest(experiment);
    assert_string_equal(config.experiment, "full_1");
    assert_memory_equal(config.experiment_digest.bytes, digest.bytes, DIGEST_BYTES);
    assert_int_equal(config.mode, COMMIT_ARRIVAL);
    assert_false(config.final_evaluation);
    assert_false(config.opinion_promising);
    assert_true(config.poison_fails);
    assert_string_equal(config.numeric, "");
    assert_int_equal(config.line_count, 3);
    assert_int_equal(config.open_lines, 2);
    assert_int_equal(config.heartbeat_ms, 77);
    assert_int_equal(config.epoch, 9);
    experiment_destroy(&experiment);
    experiment = parse(small);
    experiment_fill_core(experiment, &config);
    assert_int_equal(config.mode, COMMIT_ORDERED);
    assert_true(config.final_evaluation);
    assert_true(config.opinion_promising);
    assert_false(config.poison_fails);
    assert_string_equal(config.numeric, "portable");
    assert_int_equal(config.line_count, 1);
    assert_int_equal(config.open_lines, 1);
    struct line_config line;
    config.line(config.line_context, 0, &line);
    assert_true(isnan(line.stop_fitness));
    assert_true(line.stop_stagnation == 0);
    experiment_destroy(&experiment);
}

static void check_operator(const struct operator_choice *choice, const char *name, uint32_t parents,
                           double weight)
{
    assert_string_equal(choice->call.name, name);
    assert_int_equal(choice->parents, parents);
    assert_true(choice->weight == weight);
}

static void check_line(const struct line_config *line, uint32_t number)
{
    assert_int_equal(line->search.line, number);
    assert_true(line->search.seed == UINT64_MAX);
    assert_ptr_equal(line->search.strategy, strategy_find("tournament"));
    assert_true(line->search.params[0] == 20 && line->search.params[1] == 4);
    assert_true(line->search.params[2] == 2);
    assert_int_equal(line->search.operator_count, 3);
    check_operator(&line->search.operators[0], "noise", 1, 2);
    check_operator(&line->search.operators[1], "crossover", 2, 1);
    check_operator(&line->search.operators[2], "none", 1, 0.5);
    assert_int_equal(line->search.operators[1].call.param_count, 1);
    assert_true(line->search.operators[1].call.params[0] == 0.001);
    assert_int_equal(line->search.operators[2].call.param_count, 0);
    assert_int_equal(line->lookahead, 12);
    assert_true(line->jobs == 200);
    assert_true(line->stop_fitness == 0.99);
    assert_true(line->stop_stagnation == 100);
}

static void lines_differ_in_their_number_only(void **state)
{
    (void)state;
    struct experiment *experiment = parse(full);
    struct core_config config = {0};
    experiment_fill_core(experiment, &config);
    const char *spec = experiment_spec(experiment);
    struct digest digest = digest_of(spec, strlen(spec));
    for (uint32_t i = 0; i < 3; i++) {
        struct line_config line;
        config.line(config.line_context, i, &line);
        assert_memory_equal(line.spec.bytes, digest.bytes, DIGEST_BYTES);
        check_line(&line, i);
    }
    experiment_destroy(&experiment);
}

/* ------------------------------------------------------------------------ files that we deliver */

/* "deploy/experiments/NAME" in the source tree, which is where this file lies, too. */
static void delivered_path(const char *name, char *path, size_t size)
{
    size_t root = strlen(__FILE__) - strlen("tests/unit/coordinator/experiment/test_experiment.c");
    snprintf(path, size, "%.*sdeploy/experiments/%s.yaml", (int)root, __FILE__, name);
}

static struct experiment *load_delivered(const char *name)
{
    char path[4096];
    delivered_path(name, path, sizeof path);
    struct error error = {""};
    struct experiment *experiment = experiment_load(path, NULL, 0, &error);
    if (experiment == NULL)
        fail_msg("%s", error.text);
    return experiment;
}

static void our_own_experiments_are_valid(void **state)
{
    (void)state;
    static const struct {
        const char *name, *strategy;
        uint64_t jobs;
        uint32_t lines, open_lines;
    } cases[] = {
        {"null-tournament", "tournament", 400, 1, 1},
        {"null-ratchet", "ratchet", 600, 1, 1},
        {"null-lines", "random", 600, 6, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct experiment *experiment = load_delivered(cases[i].name);
        struct core_config config = {0};
        experiment_fill_core(experiment, &config);
        assert_string_equal(experiment_name(experiment), cases[i].name);
        struct line_config line;
        config.line(config.line_context, 0, &line);
        assert_string_equal(line.search.strategy->name, cases[i].strategy);
        assert_true(experiment_jobs(experiment) == cases[i].jobs);
        assert_int_equal(config.line_count, cases[i].lines);
        assert_int_equal(config.open_lines, cases[i].open_lines);
        experiment_destroy(&experiment);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_what_the_file_says),
        cmocka_unit_test(what_is_not_said_has_a_default),
        cmocka_unit_test(the_largest_budget_does_not_overflow),
        cmocka_unit_test(the_canonical_text_is_sorted_and_complete),
        cmocka_unit_test(the_spec_is_what_workers_need),
        cmocka_unit_test(the_digest_is_of_the_canonical_text),
        cmocka_unit_test(spelling_and_order_leave_no_trace),
        cmocka_unit_test(limits_and_place_are_not_in_the_digest),
        cmocka_unit_test(everything_else_is),
        cmocka_unit_test(the_canonical_text_makes_the_experiment_again),
        cmocka_unit_test(an_override_beats_the_file),
        cmocka_unit_test(differences_name_keys_and_values),
        cmocka_unit_test(differences_stay_in_their_memory),
        cmocka_unit_test(the_core_gets_what_the_file_says),
        cmocka_unit_test(lines_differ_in_their_number_only),
        cmocka_unit_test(our_own_experiments_are_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
