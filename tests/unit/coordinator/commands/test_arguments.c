/* test_arguments.c: what each command takes, and that every mistake is a usage error. */
#include "coordinator/commands/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS_MAX = 160 };

/* Parses "run a.yaml --seed 3" as main would. */
static int parse(const char *line, struct arguments *arguments)
{
    static char text[4096];
    char *words[WORDS_MAX + 1];
    int count = 0;
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
        words[count++] = word;
    words[count] = NULL;
    const struct command *command = command_find(words[0]);
    assert_non_null(command);
    return command_parse(command, count, words, arguments);
}

static void test_values_and_positions(void **state)
{
    (void)state;
    struct arguments arguments;
    assert_int_equal(
        parse("run --seed=7 a.yaml --set budget.jobs=5 --workers 3 --set seed=9 --json",
              &arguments),
        -1);
    assert_int_equal(arguments.positional_count, 1);
    assert_string_equal(arguments.positional[0], "a.yaml");
    assert_string_equal(arguments.value[OPTION_SEED], "7");
    assert_int_equal(arguments.override_count, 2);
    assert_string_equal(arguments.overrides[0], "budget.jobs=5");
    assert_string_equal(arguments.overrides[1], "seed=9");
    assert_true(arguments.given[OPTION_JSON]);
    assert_false(arguments.given[OPTION_DIR]);
    assert_null(arguments.value[OPTION_DIR]);
    uint64_t workers = 0;
    struct error error;
    assert_int_equal(parse_count(&arguments, OPTION_WORKERS, 512, &workers, &error), 0);
    assert_int_equal(workers, 3);
}

static void test_words_behind_two_dashes_are_no_options(void **state)
{
    (void)state;
    struct arguments arguments;
    assert_int_equal(parse("digest -- --at", &arguments), -1);
    assert_string_equal(arguments.positional[0], "--at");
}

static void test_short_names(void **state)
{
    (void)state;
    static const char *const lines[] = {"report run -o page.html", "report run -opage.html",
                                        "report run --output page.html",
                                        "report --out=page.html r"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct arguments arguments;
        assert_int_equal(parse(lines[i], &arguments), -1);
        assert_string_equal(arguments.value[OPTION_OUTPUT], "page.html");
    }
}

static void test_mistakes(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "run",
        "run a.yaml b.yaml",
        "run a.yaml --nonsense",
        "run a.yaml --listen tcp://127.0.0.1:5", /* of another command */
        "run a.yaml --workers",
        "run a.yaml --seed 1 --seed 2",
        "run a.yaml --json=yes",
        "run a.yaml -x",
        "diff one",
        "operators one",
        "show run",
        "replay run 0/1 -o",
        "replay run 0/1 -o a --output b",
        "export run 0/1 -j",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct arguments arguments;
        if (parse(lines[i], &arguments) != EXIT_USAGE)
            fail_msg("'%s' is no mistake", lines[i]);
    }
}

static void test_too_many_overrides(void **state)
{
    (void)state;
    char line[4096] = "run a.yaml";
    struct arguments arguments;
    for (int i = 0; i < OVERRIDES_MAX; i++)
        strcat(line, " --set x=1");
    assert_int_equal(parse(line, &arguments), -1);
    assert_int_equal(arguments.override_count, OVERRIDES_MAX);
    strcat(line, " --set x=1");
    assert_int_equal(parse(line, &arguments), EXIT_USAGE);
}

static void test_counts(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "x", "-1", "3x", "", " 3", "513", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct arguments arguments = {.value[OPTION_WORKERS] = texts[i]};
        struct error error = {0};
        uint64_t value = 77;
        assert_int_equal(parse_count(&arguments, OPTION_WORKERS, 512, &value, &error), -1);
        assert_non_null(strstr(error.text, "--workers"));
        assert_int_equal(value, 77);
    }
}

/* The table is what help and parser are made of: no row may be half filled. */
static void test_the_table_is_whole(void **state)
{
    (void)state;
    const struct command *command;
    uint32_t count = 0;
    for (; (command = command_at(count)) != NULL; count++) {
        assert_ptr_equal(command_find(command->name), command);
        assert_non_null(command->summary);
        assert_non_null(command->usage);
        assert_non_null(command->run);
        assert_true(command->positional_least <= command->positional_most);
        assert_true(command->positional_most <= POSITIONAL_MAX);
        assert_int_equal(command->usage[0] == '\0', command->positional_most == 0);
        assert_int_not_equal(command->options & 1 << OPTION_JSON, 0);
    }
    assert_int_equal(count, 21);
    assert_null(command_find("nonsense"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_and_positions),
        cmocka_unit_test(test_words_behind_two_dashes_are_no_options),
        cmocka_unit_test(test_short_names),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_too_many_overrides),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_the_table_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
