/*
 * test_lists.c: what `ratchet operators` and `strategies` print, held against the catalogues.
 *
 * Standard output is led into a file without a name while a command runs.
 */
#include "common/operator_catalog.h"
#include "coordinator/commands/command.h"
#include "coordinator/search/strategy.h"
#include "coordinator/shell/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { OUTPUT_BYTES_MAX = 65536, COLUMNS_MAX = 100 };

static char *read_all(FILE *file)
{
    char *text = calloc(1, OUTPUT_BYTES_MAX);
    assert_non_null(text);
    rewind(file);
    size_t count = fread(text, 1, OUTPUT_BYTES_MAX - 1, file);
    assert_true(count < OUTPUT_BYTES_MAX - 1);
    return text;
}

/* The command's output; the caller's to free. */
static char *output_of(int (*command)(const struct arguments *arguments), bool json)
{
    struct arguments arguments = {0};
    arguments.given[OPTION_JSON] = json;
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    assert_true(kept >= 0 && dup2(fileno(file), STDOUT_FILENO) >= 0);
    int code = command(&arguments);
    fflush(stdout);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    close(kept);
    assert_int_equal(code, EXIT_DONE);
    char *text = read_all(file);
    fclose(file);
    return text;
}

static struct json_node *json_of(int (*command)(const struct arguments *arguments))
{
    char *text = output_of(command, true);
    struct error error = {""};
    struct json_node *root = json_parse(text, strlen(text), &error);
    if (root == NULL)
        fail_msg("%s in %s", error.text, text);
    free(text);
    return root;
}

static void expect_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no '%s' in:\n%s", part, text);
}

/* Every line fits a terminal, none ends in a blank. */
static void expect_tidy(const char *text)
{
    while (*text != '\0') {
        size_t bytes = strcspn(text, "\n");
        if (bytes == 0 || bytes > COLUMNS_MAX || text[bytes - 1] == ' ' || text[bytes] != '\n')
            fail_msg("not tidy: '%.*s'", (int)bytes, text);
        text += bytes + 1;
    }
}

static void test_operators_for_people(void **state)
{
    (void)state;
    char *text = output_of(command_operators, false);
    expect_tidy(text);
    expect_contains(text, "\nnone           the no-op: the control arm\n"
                          "    for null, train; 1 parent\n");
    expect_contains(text, "\n    for null; 2 parents\n    rate ");
    expect_contains(text, "\npsa.hidden     zeroes what enters and leaves one random hidden unit "
                          "(Cotten 2025)\n    for train; 1 parent\n");
    expect_contains(text, "\n    for train; 1 parent; founder init.decay\n"
                          "    weight_decay   decoupled");
    expect_contains(text, " (0 .. 0.9; default 0.1)\n");
    const struct operator_info *info;
    for (uint32_t i = 0; (info = operator_at(i)) != NULL; i++)
        expect_contains(text, info->summary);
    free(text);
}

static bool lists_evaluator(const struct json_node *operator_node, const char *name)
{
    const struct json_node *list = json_get_node(operator_node, "evaluators");
    for (size_t i = 0; i < json_array_count(list); i++) {
        /* An array of texts alone cannot be asked by key: its JSON is the text in quotes. */
        char *text = json_print(json_array_at(list, i), JSON_ONE_LINE);
        bool same = strlen(text) == strlen(name) + 2 && strstr(text, name) != NULL;
        free(text);
        if (same)
            return true;
    }
    return false;
}

static void expect_operator(const struct json_node *node, const struct operator_info *info)
{
    assert_string_equal(json_get_text(node, "name", ""), info->name);
    assert_string_equal(json_get_text(node, "summary", ""), info->summary);
    assert_int_equal(json_get_u64(node, "parents", 9), info->parents);
    assert_int_equal(lists_evaluator(node, "null"), (info->evaluators & FOR_NULL) != 0);
    assert_int_equal(lists_evaluator(node, "train"), (info->evaluators & FOR_TRAIN) != 0);
    const char *founder = info->founder != NULL ? info->founder : "none";
    assert_string_equal(json_get_text(node, "founder", "none"), founder);
    const struct json_node *params = json_get_node(node, "params");
    assert_int_equal(json_array_count(params), info->param_count);
    for (uint32_t i = 0; i < info->param_count; i++) {
        char range[128];
        param_range(&info->params[i], range, sizeof range);
        const struct json_node *param = json_array_at(params, i);
        assert_string_equal(json_get_text(param, "name", ""), info->params[i].name);
        assert_string_equal(json_get_text(param, "range", ""), range);
        assert_string_equal(json_get_text(param, "help", ""), info->params[i].help);
    }
}

static void test_operators_as_json(void **state)
{
    (void)state;
    struct json_node *root = json_of(command_operators);
    const struct operator_info *info;
    uint32_t count = 0;
    for (; (info = operator_at(count)) != NULL; count++)
        expect_operator(json_array_at(root, count), info);
    assert_int_equal(json_array_count(root), count);
    json_node_free(&root);
}

static void test_strategies(void **state)
{
    (void)state;
    char *text = output_of(command_strategies, false);
    struct json_node *root = json_of(command_strategies);
    const struct strategy *strategy;
    uint32_t count = 0;
    for (; (strategy = strategy_at(count)) != NULL; count++) {
        expect_contains(text, strategy->summary);
        const struct json_node *node = json_array_at(root, count);
        assert_string_equal(json_get_text(node, "name", ""), strategy->name);
        assert_int_equal(json_array_count(json_get_node(node, "params")), strategy->param_count);
    }
    assert_int_equal(json_array_count(root), count);
    free(text);
    json_node_free(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operators_for_people),
        cmocka_unit_test(test_operators_as_json),
        cmocka_unit_test(test_strategies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
