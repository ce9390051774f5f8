/*
 * test_experiment_errors.c: experiment files that are wrong, and the exact sentence that each one
 * gets.
 *
 * The sentences are half of what this part is for: they must name the place, the key and what would
 * have been right. One case for each kind of mistake, then what only a hostile file would hold.
 */
#include "coordinator/experiment/experiment.h"
#include "coordinator/experiment/experiment_entries.h"
#include "coordinator/experiment/experiment_yaml.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define VALID                                                                                      \
    "name: t\n"                                                                                    \
    "evaluator: null\n"                                                                            \
    "operators: [{name: noise}]\n"                                                                 \
    "strategy: {name: tournament}\n"                                                               \
    "budget: {jobs: 10}\n"

#define ROOT_KEYS                                                                                  \
    "known: name, seed, numeric, evaluator, null, model, data, train, operators, strategy, "       \
    "search, budget, stop, final_evaluation, opinions, poison, storage"

struct mistake {
    const char *text, *expected;
    const char *override; /* or NULL */
};

static void check_refused(const char *text, const char *override, const char *expected)
{
    struct error error = {""};
    uint32_t count = override != NULL;
    assert_null(experiment_parse(text, "x.yaml", &override, count, &error));
    assert_string_equal(error.text, expected);
    assert_null(experiment_parse(text, "x.yaml", &override, count, NULL));
}

static void check_all(const struct mistake *mistakes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_refused(mistakes[i].text, mistakes[i].override, mistakes[i].expected);
}

static void the_base_of_these_tests_is_right(void **state)
{
    (void)state;
    struct error error = {""};
    struct experiment *experiment = experiment_parse(VALID, "x.yaml", NULL, 0, &error);
    assert_string_equal(error.text, "");
    assert_non_null(experiment);
    experiment_destroy(&experiment);
}

static void misspelt_keys(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {VALID "sead: 3\n", "x.yaml:6:1: sead: unknown key; did you mean 'seed'? " ROOT_KEYS, NULL},
        {VALID "qqq: 3\n", "x.yaml:6:1: qqq: unknown key; " ROOT_KEYS, NULL},
        {"name: t\nstrategy:\n  name: tournament\n    \n  sise: 3\n",
         "x.yaml:5:3: strategy.sise: unknown key; did you mean 'size'? "
         "known: name, population, size, replace",
         NULL},
        {VALID "search: {lookahed: 3}\n",
         "x.yaml:6:10: search.lookahed: unknown key; did you mean 'lookahead'? "
         "known: commit, lookahead, lines, open_lines, stream",
         NULL},
        {"strategy: {nam: tournament}\n",
         "x.yaml:1:12: strategy.nam: unknown key; did you mean 'name'? known: name", NULL},
        {"operators: [{nam: noise}]\n",
         "x.yaml:1:14: operators.0.nam: unknown key; did you mean 'name'? known: name, weight",
         NULL},
        {"operators:\n- name: noise\n  scal: 3\n",
         "x.yaml:3:3: operators.0.scal: unknown key; did you mean 'scale'? "
         "known: name, weight, scale",
         NULL},
        {"operators: [{name: noise}, {name: none, scale: 3}]\n",
         "x.yaml:1:41: operators.1.scale: unknown key; known: name, weight", NULL},
    };
    check_all(mistakes, sizeof mistakes / sizeof mistakes[0]);
}

static void values_of_the_wrong_type_or_size(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {VALID "seed: seven\n",
         "x.yaml:6:7: seed: expected 0 .. 18446744073709551615 (whole), got 'seven'", NULL},
        {VALID "search: {lines: 2.5}\n",
         "x.yaml:6:17: search.lines: expected 1 .. 1000000 (whole), got '2.5'", NULL},
        {VALID "search: {lines: 0}\n",
         "x.yaml:6:17: search.lines: expected 1 .. 1000000 (whole), got '0'", NULL},
        {VALID "seed: [1]\n",
         "x.yaml:6:7: seed: expected 0 .. 18446744073709551615 (whole), got a list", NULL},
        {VALID "poison: {stop: true}\n", "x.yaml:6:9: poison: expected stop|fail, got a mapping",
         NULL},
        {VALID "poison:\n", "x.yaml:6:8: poison: expected stop|fail, got ''", NULL},
        {"operators: [{name: noise, scale: 11}]\n",
         "x.yaml:1:34: operators.0.scale: expected 0 .. 10, got '11'", NULL},
        {"operators: [{name: noise, scale: [1]}]\n",
         "x.yaml:1:34: operators.0.scale: expected 0 .. 10, got a list", NULL},
        {"operators: [{name: noise, weight: 0}]\n",
         "x.yaml:1:35: operators.0.weight: expected 1e-06 .. 1000000, got '0'", NULL},
        {"strategy: {name: tournament, replace: wurst}\n",
         "x.yaml:1:39: strategy.replace: expected parent|worst|oldest, got 'wurst'; "
         "did you mean 'worst'?",
         NULL},
        {"evaluator: trian\n",
         "x.yaml:1:12: evaluator: expected null|train, got 'trian'; did you mean 'train'?", NULL},
    };
    check_all(mistakes, sizeof mistakes / sizeof mistakes[0]);
}

static void values_where_a_mapping_or_list_should_be(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"operators: [noise]\n", "x.yaml:1:13: operators.0: expected a mapping of name, weight",
         NULL},
        {"operators: {name: noise}\n",
         "x.yaml:1:12: operators: expected a list such as [{name: none}]", NULL},
        {"operators:\n", "x.yaml:1:11: operators: expected a list such as [{name: none}]", NULL},
        {"strategy: tournament\n", "x.yaml:1:11: strategy: expected a mapping of name", NULL},
        {"strategy: {name: [a]}\n",
         "x.yaml:1:18: strategy.name: expected ratchet, tournament, random, got a list", NULL},
        {"search: 3\n",
         "x.yaml:1:9: search: expected a mapping of commit, lookahead, lines, open_lines, stream",
         NULL},
        {"stop: [3]\n", "x.yaml:1:7: stop: expected a mapping of fitness, stagnation, hours", NULL},
    };
    check_all(mistakes, sizeof mistakes / sizeof mistakes[0]);
}

static void unknown_operators_and_strategies(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"operators: [{name: nois}]\n",
         "x.yaml:1:20: operators.0.name: unknown operator 'nois'; did you mean 'noise'? "
         "available: none, noise, crossover",
         NULL},
        {"operators: [{name: init}]\n",
         "x.yaml:1:20: operators.0.name: 'init' makes founders and cannot be listed; "
         "available: none, noise, crossover",
         NULL},
        {"strategy: {name: tournment}\n",
         "x.yaml:1:18: strategy.name: unknown strategy 'tournment'; did you mean 'tournament'? "
         "available: ratchet, tournament, random",
         NULL},
        {"strategy: {name: zebra}\n",
         "x.yaml:1:18: strategy.name: unknown strategy 'zebra'; "
         "available: ratchet, tournament, random",
         NULL},
    };
    check_all(mistakes, sizeof mistakes / sizeof mistakes[0]);
}

static void missing_keys(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"{}",
         "x.yaml: name: missing, and has no default; "
         "allowed: 1 .. 63 letters, digits, - and _",
         NULL},
        {"name: t\nevaluator: null\noperators: [{name: noise}]\nstrategy: {name: tournament}\n",
         "x.yaml: budget.jobs: missing, and has no default; allowed: 1 .. 1000000000000 (whole)",
         NULL},
        {"name: t\nbudget: {jobs: 1}\noperators: [{name: none}]\nstrategy: {name: random}\n",
         "x.yaml: evaluator: missing, and has no default; allowed: null|train", NULL},
        {"name: t\nevaluator: null\nbudget: {jobs: 1}\noperators: [{name: none}]\n",
         "x.yaml: strategy.name: missing, and has no default; "
         "available: ratchet, tournament, random",
         NULL},
        {"name: t\nevaluator: null\nbudget: {jobs: 1}\nstrategy: {name: ratchet}\n",
         "x.yaml: operators: missing, and has no default; available: none, noise, crossover", NULL},
        {"name: t\nevaluator: null\nbudget: {jobs: 1}\nstrategy: {name: ratchet}\noperators: []\n",
         "x.yaml: operators: missing, and has no default; available: none, noise, crossover", NULL},
        {"name: t\nevaluator: null\nbudget: {jobs: 1}\nstrategy: {name: random}\n"
         "operators: [{name: none}, {weight: 2}]\n",
         "x.yaml: operators.1.name: missing, and has no default; "
         "available: none, noise, crossover",
         NULL},
    };
    check_all(mistakes, sizeof mistakes / sizeof mistakes[0]);
}

static void things_that_do_not_fit_together(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {VALID "search: {lookahead: 65536, lines: 1000, open_lines: 100}\n",
         "x.yaml: search.lookahead x open lines = 65536 x 100 = 6553600: "
         "at most 4000000 are allowed",
         NULL},
        {"name: t\nevaluator: null\noperators: [{name: noise}]\nbudget: {jobs: 10}\n"
         "strategy: {name: tournament, population: 100000}\nsearch: {lines: 99, open_lines: 41}\n",
         "x.yaml: the strategy's population x open lines = 100000 x 41 = 4100000: "
         "at most 4000000 are allowed",
         NULL},
        {"name: t\nevaluator: null\noperators: [{name: noise}]\nbudget: {jobs: 10}\n"
         "strategy: {name: tournament, size: 17}\n",
         "x.yaml:5:18: strategy.name: size must not exceed population", NULL},
        {"name: t\nevaluator: null\noperators: [{name: crossover}]\nbudget: {jobs: 10}\n"
         "strategy: {name: ratchet}\n",
         "x.yaml:5:18: strategy.name: the ratchet keeps one network: "
         "operators with two parents need a population",
         NULL},
    };
    check_all(mistakes, sizeof mistakes / sizeof mistakes[0]);
}

/* Four million exactly is allowed, and only lines that exist count. */
static void the_edge_of_what_fits_together(void **state)
{
    (void)state;
    static const char *const texts[] = {
        VALID "search: {lookahead: 40000, lines: 100, open_lines: 100}\n",
        VALID "search: {lookahead: 65536, lines: 61, open_lines: 1000000}\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct error error = {""};
        struct experiment *experiment = experiment_parse(texts[i], "x.yaml", NULL, 0, &error);
        assert_string_equal(error.text, "");
        experiment_destroy(&experiment);
    }
}

static void keys_that_stand_there_twice(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"name: a\nseed: 1\nname: b\n",
         "x.yaml:3:1: name: stands here a second time; first on line 1", NULL},
        {"null:\n  dim: 3\n  heal: 0\n  dim: 4\nseed: 1\nseed: 1\n",
         "x.yaml:4:3: null.dim: stands here a second time; first on line 2", NULL},
        {"null: {dim: 3}\nseed: 2\nnull: {heal: 0.1}\n",
         "x.yaml:3:1: null: stands here a second time; first on line 1", NULL},
        {"zoo: 1\nzoo: 1\nape: 1\nape: 1\n",
         "x.yaml:2:1: zoo: stands here a second time; first on line 1", NULL},
    };
    check_all(mistakes, sizeof mistakes / sizeof mistakes[0]);
}

static void files_that_are_no_experiment(void **state)
{
    (void)state;
    static const char empty[] = "x.yaml: is empty; an experiment begins with 'name: ...'";
    static const char other[] = "x.yaml:1:1: expected settings such as 'name: quickstart'";
    check_refused("", NULL, empty);
    check_refused("# only a comment\n", NULL, empty);
    check_refused("---\n...\n", NULL, empty);
    check_refused("- a\n- b\n", NULL, other);
    check_refused("hello\n", NULL, other);
    check_refused("name: a\n---\nname: b\n", NULL,
                  "x.yaml:2:1: a second document begins here; a file is one experiment");
}

static void what_is_no_yaml(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"null:\n\tdim: 3\n",
         "x.yaml:2:1: found character that cannot start any token, "
         "while scanning for the next token; indent with blanks, not with tabs",
         NULL},
        {"name: @a\n",
         "x.yaml:1:7: found character that cannot start any token, "
         "while scanning for the next token",
         NULL},
        {"name: [a\n",
         "x.yaml:2:1: did not find expected ',' or ']', while parsing a flow sequence", NULL},
        {"name: 'a\n", "x.yaml:2:1: found unexpected end of stream, while scanning a quoted scalar",
         NULL},
        {"name: a: b\n", "x.yaml:1:8: mapping values are not allowed in this context", NULL},
        {"name: t\nseed: 1\n# \xc3(\n", "x.yaml:3:4: invalid trailing UTF-8 octet", NULL},
        {"\xff\xfen\n", "x.yaml:1:1: invalid leading UTF-8 octet", NULL},
        {"name: a\x01\n", "x.yaml:1:8: control characters are not allowed", NULL},
    };
    check_all(mistakes, sizeof mistakes / sizeof mistakes[0]);
}

static void yaml_that_we_do_not_take(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"name: &x a\n", "x.yaml:1:7: x: anchors (&) are not allowed here", NULL},
        {"null: &x {dim: 1}\n", "x.yaml:1:7: x: anchors (&) are not allowed here", NULL},
        {"operators: &x [{name: none}]\n", "x.yaml:1:12: x: anchors (&) are not allowed here",
         NULL},
        {"name: *x\n", "x.yaml:1:7: x: aliases (*) are not allowed here", NULL},
        {"name: !!str a\n", "x.yaml:1:7: tag:yaml.org,2002:str: tags (!) are not allowed here",
         NULL},
        {"null: !x {dim: 1}\n", "x.yaml:1:7: !x: tags (!) are not allowed here", NULL},
        {"? [a, b]\n: c\n", "x.yaml:1:3: a key must be a word, not a list or a mapping", NULL},
        {"'strategy.size': 3\n",
         "x.yaml:1:1: strategy.size: a key is made of letters, digits, - and _", NULL},
        {"\"a\\e[2J\": 3\n", "x.yaml:1:1: a?[2J: a key is made of letters, digits, - and _", NULL},
        {"<<: 3\n", "x.yaml:1:1: <<: a key is made of letters, digits, - and _", NULL},
        {"\"\": 3\n", "x.yaml:1:1: a key is made of letters, digits, - and _", NULL},
        {"\"name\\0\": 3\n", "x.yaml:1:1: name: a key is made of letters, digits, - and _", NULL},
        {"name: \"a\\0b\"\n", "x.yaml:1:7: name: the value has a NUL in it", NULL},
        {"name: \"\\e[2J\"\n",
         "x.yaml:1:7: name: expected 1 .. 63 letters, digits, - and _, got '?[2J'", NULL},
    };
    check_all(mistakes, sizeof mistakes / sizeof mistakes[0]);
}

static void overrides_that_are_wrong(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {VALID,
         "--set strategy.sise=3: unknown key; did you mean 'size'? "
         "known: name, population, size, replace",
         "strategy.sise=3"},
        {VALID, "--set strategi.size=3: unknown key; did you mean 'strategy'? " ROOT_KEYS,
         "strategi.size=3"},
        {VALID, "--set seed: expected key.path=value", "seed"},
        {VALID, "--set =3: expected key.path=value", "=3"},
        {VALID, "--set a..b=3: expected key.path=value", "a..b=3"},
        {VALID, "--set ?[2J=3: expected key.path=value", "\x1b[2J=3"},
        {VALID, "--set seed=: expected 0 .. 18446744073709551615 (whole), got ''", "seed="},
        {VALID,
         "--set search.lookahead.x=3: unknown key; did you mean 'lookahead'? "
         "known: commit, lookahead, lines, open_lines, stream",
         "search.lookahead.x=3"},
        {VALID, "--set stop.hours=-1: expected 0.0001 .. 87600, got '-1'", "stop.hours=-1"},
        {VALID, "--set stop=3: expected a mapping of fitness, stagnation, hours", "stop=3"},
        {VALID,
         "--set strategy.name=zebra: unknown strategy 'zebra'; "
         "available: ratchet, tournament, random",
         "strategy.name=zebra"},
        {VALID, "--set operators.0=noise: expected a mapping of name, weight, scale",
         "operators.0=noise"},
        {VALID, "--set operators.x.name=noise: at most 32 operators, numbered from 0",
         "operators.x.name=noise"},
        {VALID, "--set operators.32.name=noise: at most 32 operators, numbered from 0",
         "operators.32.name=noise"},
        {VALID, "--set operators.00.name=none: at most 32 operators, numbered from 0",
         "operators.00.name=none"},
        {VALID,
         "x.yaml: operators.1.name: missing, and has no default; "
         "available: none, noise, crossover",
         "operators.2.name=noise"},
    };
    check_all(mistakes, sizeof mistakes / sizeof mistakes[0]);
}

/* --------------------------------------------------------------------------------------- bounds */

/* head, then `piece` again and again, then tail. */
static char *repeat(const char *head, const char *piece, size_t times, const char *tail)
{
    size_t length = strlen(piece);
    char *text = malloc(strlen(head) + times * length + strlen(tail) + 1);
    assert_non_null(text);
    char *end = stpcpy(text, head);
    for (size_t i = 0; i < times; i++)
        end = stpcpy(end, piece);
    stpcpy(end, tail);
    return text;
}

static void check_repeated(const char *head, const char *piece, size_t times, const char *expected)
{
    char *text = repeat(head, piece, times, "");
    check_refused(text, NULL, expected);
    free(text);
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    static const char deep[] = "x.yaml:1:14: name.0.0.0.0.0.0.0: nested deeper than 8 levels";
    check_repeated("name: ", "[", 8, deep);
    check_repeated("name: ", "[", 500000, deep);
    check_refused("name: [[[[[[[a]]]]]]]\n", NULL,
                  "x.yaml:1:7: name: expected 1 .. 63 letters, digits, - and _, got a list");
}

static void the_number_of_nodes_is_bounded(void **state)
{
    (void)state;
    /* The file's mapping, the key and the list are three of the ten thousand. */
    static const char many[] = "x.yaml:1:20002: more than 10000 keys and values";
    check_repeated("name: [", "a,", 9998, many);
    check_repeated("name: [", "a,", 400000, many);
    char *text = repeat("name: [", "a,", 9997, "]\n");
    check_refused(text, NULL,
                  "x.yaml:1:7: name: expected 1 .. 63 letters, digits, - and _, got a list");
    free(text);
}

static void keys_and_values_are_bounded(void **state)
{
    (void)state;
    char text[1024];
    memset(text, 'k', sizeof text);
    strcpy(text + ENTRY_PATH_BYTES_MAX, ": 1\n");
    check_refused(text, NULL,
                  "x.yaml:1:1: kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk...: "
                  "the key is too long");
    strcpy(text, "name: ");
    memset(text + 6, 'v', ENTRY_TEXT_BYTES_MAX);
    strcpy(text + 6 + ENTRY_TEXT_BYTES_MAX, "\n");
    check_refused(text, NULL, "x.yaml:1:7: name: the value is longer than 255 bytes");
    strcpy(text, "seed=");
    memset(text + 5, '1', ENTRY_TEXT_BYTES_MAX);
    text[5 + ENTRY_TEXT_BYTES_MAX] = '\0';
    struct error error = {""};
    const char *override = text;
    assert_null(experiment_parse(VALID, "x.yaml", &override, 1, &error));
    assert_non_null(strstr(error.text, "1...: the value is longer than 255 bytes"));
    memset(text, 'k', ENTRY_PATH_BYTES_MAX);
    strcpy(text + ENTRY_PATH_BYTES_MAX, "=1");
    assert_null(experiment_parse(VALID, "x.yaml", &override, 1, &error));
    assert_non_null(strstr(error.text, "k...: expected key.path=value"));
}

static void the_number_of_operators_is_bounded(void **state)
{
    (void)state;
    check_repeated("operators:\n", "- {name: noise}\n", 33,
                   "x.yaml:34:3: operators.32: at most 32 operators, numbered from 0");
    char *text = repeat("name: t\nevaluator: null\nbudget: {jobs: 1}\nstrategy: {name: random}\n"
                        "operators:\n",
                        "- {name: noise}\n", 32, "");
    struct error error = {""};
    struct experiment *experiment = experiment_parse(text, "x.yaml", NULL, 0, &error);
    assert_string_equal(error.text, "");
    experiment_destroy(&experiment);
    free(text);
}

/* A valid experiment of `size` bytes, most of them a comment. */
static char *padded(size_t size)
{
    char *text = malloc(size + 1);
    assert_non_null(text);
    memset(text, '#', size);
    memcpy(text, VALID, strlen(VALID));
    text[size] = '\0';
    return text;
}

static void the_text_is_bounded(void **state)
{
    (void)state;
    struct error error = {""};
    char *text = padded(EXPERIMENT_FILE_BYTES_MAX);
    struct experiment *experiment = experiment_parse(text, "x.yaml", NULL, 0, &error);
    assert_string_equal(error.text, "");
    experiment_destroy(&experiment);
    free(text);
    text = padded(EXPERIMENT_FILE_BYTES_MAX + 1);
    check_refused(text, NULL, "x.yaml: has 1048577 bytes, at most 1048576 are allowed");
    free(text);
}

/* ---------------------------------------------------------------------------------------- files */

static char folder[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/ratchet-test-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/x.yaml", folder);
    unlink(path);
    return rmdir(folder);
}

static void check_file(const char *bytes, size_t count, const char *expected)
{
    char path[128], sentence[256];
    snprintf(path, sizeof path, "%s/x.yaml", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
    struct error error = {""};
    struct experiment *experiment = experiment_load(path, NULL, 0, &error);
    snprintf(sentence, sizeof sentence, "%s%s", path, expected);
    assert_string_equal(error.text, expected[0] == '\0' ? "" : sentence);
    assert_int_equal(experiment != NULL, expected[0] == '\0');
    experiment_destroy(&experiment);
}

static void files_are_read_whole_or_refused(void **state)
{
    (void)state;
    check_file(VALID, strlen(VALID), "");
    check_file("\xef\xbb\xbf" VALID, strlen(VALID) + 3, ""); /* a byte order mark does no harm */
    check_file("", 0, ": is empty; an experiment begins with 'name: ...'");
    check_file(VALID "sead: 1\n", strlen(VALID) + 8,
               ":6:1: sead: unknown key; did you mean 'seed'? " ROOT_KEYS);
    check_file("name: t\n\0garbage", 16, ": is not text: byte 9 is NUL");
    check_file("\x7f"
               "ELF\2\1\1\0\0\0",
               10, ": is not text: byte 8 is NUL");
    check_file("\x89PNG\r\n\x1a\n", 8, ":1:1: invalid leading UTF-8 octet");
    check_file("\xfe\xff\0n", 4, ": is not text: byte 3 is NUL"); /* UTF-16 */
}

static void a_huge_file_is_refused(void **state)
{
    (void)state;
    char *text = padded(EXPERIMENT_FILE_BYTES_MAX + 1);
    check_file(text, EXPERIMENT_FILE_BYTES_MAX, "");
    check_file(text, EXPERIMENT_FILE_BYTES_MAX + 1,
               ": has 1048577 bytes, at most 1048576 are allowed");
    free(text);
}

static void a_path_that_is_no_file_is_refused(void **state)
{
    (void)state;
    struct error error = {""};
    char path[128], expected[256];
    snprintf(path, sizeof path, "%s/absent.yaml", folder);
    assert_null(experiment_load(path, NULL, 0, &error));
    snprintf(expected, sizeof expected, "%s: cannot read: %s", path, strerror(ENOENT));
    assert_string_equal(error.text, expected);
    assert_null(experiment_load(folder, NULL, 0, &error));
    snprintf(expected, sizeof expected, "%s: is not a regular file", folder);
    assert_string_equal(error.text, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_base_of_these_tests_is_right),
        cmocka_unit_test(misspelt_keys),
        cmocka_unit_test(values_of_the_wrong_type_or_size),
        cmocka_unit_test(values_where_a_mapping_or_list_should_be),
        cmocka_unit_test(unknown_operators_and_strategies),
        cmocka_unit_test(missing_keys),
        cmocka_unit_test(things_that_do_not_fit_together),
        cmocka_unit_test(the_edge_of_what_fits_together),
        cmocka_unit_test(keys_that_stand_there_twice),
        cmocka_unit_test(files_that_are_no_experiment),
        cmocka_unit_test(what_is_no_yaml),
        cmocka_unit_test(yaml_that_we_do_not_take),
        cmocka_unit_test(overrides_that_are_wrong),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(the_number_of_nodes_is_bounded),
        cmocka_unit_test(keys_and_values_are_bounded),
        cmocka_unit_test(the_number_of_operators_is_bounded),
        cmocka_unit_test(the_text_is_bounded),
        cmocka_unit_test(files_are_read_whole_or_refused),
        cmocka_unit_test(a_huge_file_is_refused),
        cmocka_unit_test(a_path_that_is_no_file_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
