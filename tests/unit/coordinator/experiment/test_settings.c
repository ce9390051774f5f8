/*
 * test_settings.c: the table of settings, row by row: keys, defaults, ranges, and what goes in
 * comes out.
 */
#include "coordinator/experiment/settings.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct settings settings;

static int set_up(void **state)
{
    (void)state;
    settings_set_defaults(&settings);
    return 0;
}

static const struct setting *row(const char *key)
{
    int index = setting_find(key);
    assert_true(index >= 0);
    return setting_at((uint32_t)index);
}

static void set(const char *key, const char *text)
{
    struct error error = {""};
    if (setting_parse(row(key), text, &settings, &error) != 0)
        fail_msg("%s = %s: %s", key, text, error.text);
}

static void check_refused(const char *key, const char *text, const char *expected)
{
    struct settings before = settings;
    struct error error = {""};
    assert_int_equal(setting_parse(row(key), text, &settings, &error), -1);
    assert_string_equal(error.text, expected);
    assert_memory_equal(&before, &settings, sizeof settings);
}

static void check_text(const char *key, const char *expected)
{
    char text[SETTING_TEXT_BYTES_MAX];
    setting_format(row(key), &settings, text);
    assert_string_equal(text, expected);
}

/* This list is the user's interface: a change here is a change of every experiment file. */
enum { S = SETTING_SEARCH, L = SETTING_LIMIT, P = SETTING_PLACE, W = SETTING_SPEC };
static const struct {
    const char *key, *range, *fallback;
    uint32_t scope;
    bool required;
} manual[] = {
    {"name", "1 .. 63 letters, digits, - and _", "", P, true},
    {"seed", "0 .. 18446744073709551615 (whole)", "1", S, false},
    {"numeric", "portable|native|avx512_bf16|amx_bf16", "portable", S | W, false},
    {"evaluator", "null|train", "null", S | W, true},
    {"null.dim", "1 .. 1048576 (whole)", "16", S | W, false},
    {"null.heal", "0 .. 1", "0.1", S | W, false},
    {"null.work_ms", "0 .. 3600000 (whole)", "0", S | W, false},
    {"null.crash_per_million", "0 .. 1000000 (whole)", "0", S | W, false},
    {"model.spec",
     "mlp:DxW, mlp:[DxW, ...], resmlp:, cnn:, gru:, bigru:, transformer:, layers:[...] or linear",
     "", S | W, true},
    {"model.activation", "relu|tanh|sigmoid|gelu", "relu", S | W, false},
    {"model.init", "pytorch|he", "pytorch", S | W, false},
    {"data.set", "fashion-mnist|idx|mnist1d", "fashion-mnist", S, true},
    {"data.dir", "the path of a folder, at most 255 bytes", "", P, false},
    {"data.samples", "10 .. 1000000 (whole)", "5000", S, false},
    {"data.seed", "0 .. 4294967295 (whole)", "42", S, false},
    {"data.shuffle_positions", "false|true", "false", S, false},
    {"data.train", "1 .. 2147483648 (whole)", "50000", S | W, false},
    {"data.select", "0 .. 2147483648 (whole)", "5000", S | W, false},
    {"data.confirm", "0 .. 2147483648 (whole)", "5000", S | W, false},
    {"data.test", "0 .. 2147483648 (whole)", "0", S | W, false},
    {"data.split_seed", "0 .. 9007199254740992 (whole)", "1337", S | W, false},
    {"data.inputs", "standardise|unit|raw", "standardise", S | W, false},
    {"train.optimizer", "adamw|sgd", "adamw", S | W, false},
    {"train.lr", "1e-12 .. 100", "0.0001", S | W, false},
    {"train.beta1", "0 .. 0.999999", "0.9", S | W, false},
    {"train.beta2", "0 .. 0.999999", "0.999", S | W, false},
    {"train.eps", "1e-30 .. 1", "1e-08", S | W, false},
    {"train.momentum", "0 .. 0.999999", "0", S | W, false},
    {"train.weight_decay", "0 .. 100", "0", S | W, false},
    {"train.l2", "0 .. 100", "0", S | W, false},
    {"train.dropout", "0 .. 0.9", "0", S | W, false},
    {"train.batch", "1 .. 65536 (whole)", "256", S | W, false},
    {"train.epochs", "1 .. 1000000 (whole)", "1", S | W, false},
    {"train.steps", "0 .. 1099511627776 (whole)", "0", S | W, false},
    {"train.optimizer_state", "reset|keep", "reset", S | W, false},
    {"train.fitness", "accuracy|loss", "accuracy", S | W, false},
    {"train.schedule", "constant|cosine|sgdr|geometric", "constant", S | W, false},
    {"train.warmup", "0 .. 1099511627776 (whole)", "0", S | W, false},
    {"train.lr_final", "0 .. 100", "0", S | W, false},
    {"train.restart_steps", "1 .. 1099511627776 (whole)", "0", S | W, true},
    {"train.restart_factor", "1 .. 1000 (whole)", "1", S | W, false},
    {"train.decay_rate", "1e-06 .. 1", "0", S | W, true},
    {"train.decay_steps", "0 .. 1099511627776 (whole)", "1", S | W, false},
    {"train.label_smoothing", "0 .. 0.999", "0", S | W, false},
    {"train.clip_norm", "0 .. 1000000000", "0", S | W, false},
    {"train.clamp_norm", "0 .. 1000000000", "0", S | W, false},
    {"train.precision", "fp32|bf16_mixed|bf16_nearest|bf16_stochastic", "fp32", S | W, false},
    {"train.order", "shuffled|sequential", "shuffled", S | W, false},
    {"operators", "", "", S, true},
    {"strategy.name", "", "", S, true},
    {"search.commit", "ordered|arrival", "ordered", S, false},
    {"search.lookahead", "1 .. 65536 (whole)", "8", S, false},
    {"search.lines", "1 .. 1000000 (whole)", "1", S, false},
    {"search.open_lines", "1 .. 1000000 (whole)", "16", S, false},
    {"search.stream", "line|shared", "line", S, false},
    {"budget.jobs", "1 .. 1000000000000 (whole)", "0", L, true},
    {"stop.fitness", "-1000000000 .. 1000000000", "never", L, false},
    {"stop.stagnation", "0 .. 1000000000000 (whole)", "0", L, false},
    {"stop.hours", "0.0001 .. 87600", "never", L, false},
    {"final_evaluation", "false|true", "true", S, false},
    {"opinions.promising", "false|true", "true", P, false},
    {"opinions.audit", "0 .. 1", "0", P, false},
    {"poison", "stop|fail", "stop", P, false},
    {"storage.keep", "live|all", "live", P, false},
    {"storage.disk_max", "a size such as 500MB or 10GiB", "0", P, false},
};

static void the_table_is_the_one_in_the_manual(void **state)
{
    (void)state;
    enum { COUNT = sizeof manual / sizeof manual[0] };
    for (uint32_t i = 0; i < COUNT; i++) {
        const struct setting *setting = setting_at(i);
        char range[SETTING_RANGE_BYTES_MAX];
        assert_non_null(setting);
        assert_string_equal(setting->param.name, manual[i].key);
        setting_range(setting, range);
        assert_string_equal(range, manual[i].range);
        check_text(manual[i].key, manual[i].fallback);
        assert_int_equal(setting->scope, manual[i].scope);
        assert_int_equal(setting->required, manual[i].required);
    }
    assert_null(setting_at(COUNT));
}

static void every_row_is_found_described_and_apart(void **state)
{
    (void)state;
    const struct setting *setting;
    bool taken[sizeof(struct settings)] = {false};
    for (uint32_t i = 0; (setting = setting_at(i)) != NULL; i++) {
        assert_int_equal(setting_find(setting->param.name), i);
        assert_true(setting->param.help[0] != '\0');
        if (setting->form == SETTING_CATALOGUE)
            continue;
        assert_true(setting->offset + 8 <= sizeof settings);
        assert_false(taken[setting->offset]);
        taken[setting->offset] = true;
    }
    assert_int_equal(setting_find("nam"), -1);
    assert_int_equal(setting_find("null"), -1);
    assert_int_equal(setting_find(""), -1);
}

static void values_go_where_the_table_says(void **state)
{
    (void)state;
    set("null.dim", "5");
    set("search.lookahead", "3");
    set("stop.fitness", "-0.25");
    set("search.commit", "arrival");
    set("poison", "fail");
    set("storage.keep", "all");
    set("opinions.promising", "false");
    assert_true(settings.null_dim == 5);
    assert_true(settings.lookahead == 3);
    assert_true(settings.stop_fitness == -0.25);
    assert_true(settings.commit == COMMIT_CHOICE_ARRIVAL);
    assert_true(settings.poison == POISON_FAILS);
    assert_true(settings.keep == KEEP_CHOICE_ALL);
    assert_true(settings.promising == 0);
    assert_true(isnan(settings.stop_hours));
    assert_true(settings.stop_stagnation == 0);
    check_text("stop.fitness", "-0.25");
}

static void a_seed_has_all_64_bits(void **state)
{
    (void)state;
    set("seed", "18446744073709551615");
    assert_true(settings.seed == UINT64_MAX);
    check_text("seed", "18446744073709551615");
    set("seed", "9007199254740993"); /* no double has this value */
    assert_true(settings.seed == UINT64_C(9007199254740993));
    set("seed", "0");
    assert_true(settings.seed == 0);
    static const char range[] = "expected 0 .. 18446744073709551615 (whole), got ";
    static const char *const texts[] = {"18446744073709551616",
                                        "99999999999999999999",
                                        "-1",
                                        "+1",
                                        "1e3",
                                        "0x10",
                                        "",
                                        " 1",
                                        "1 ",
                                        "seven"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char expected[256];
        snprintf(expected, sizeof expected, "%s'%s'", range, texts[i]);
        check_refused("seed", texts[i], expected);
    }
}

static void sizes_have_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {
        {"0", UINT64_MAX},
        {"0GiB", UINT64_MAX},
        {"1", 1},
        {"17B", 17},
        {"4kB", 4000},
        {"4KB", 4000},
        {"4KiB", 4096},
        {"500MB", 500000000},
        {"500 MB", 500000000},
        {"3MiB", 3145728},
        {"2GB", UINT64_C(2000000000)},
        {"10GiB", UINT64_C(10737418240)},
        {"7TB", UINT64_C(7000000000000)},
        {"16777215TiB", UINT64_C(16777215) << 40},
        {"18446744073709551615", UINT64_MAX},
    };
    assert_true(settings.disk_max == UINT64_MAX);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        set("storage.disk_max", cases[i].text);
        assert_true(settings.disk_max == cases[i].bytes);
    }
    static const char *const texts[] = {"",       "GiB", "-1",          "1.5GiB",
                                        "10gib",  "10 ", "10  B",       "10G",
                                        "10GiBs", "1e9", "16777216TiB", "18446744073709551616",
                                        "big"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char expected[256];
        snprintf(expected, sizeof expected, "expected a size such as 500MB or 10GiB, got '%s'",
                 texts[i]);
        check_refused("storage.disk_max", texts[i], expected);
    }
}

static void a_name_is_safe_as_a_folder(void **state)
{
    (void)state;
    set("name", "Quick-start_2");
    assert_string_equal(settings.name, "Quick-start_2");
    char longest[NAME_BYTES_MAX + 1];
    memset(longest, 'a', sizeof longest);
    longest[NAME_BYTES_MAX - 1] = '\0';
    set("name", longest);
    assert_string_equal(settings.name, longest);
    longest[NAME_BYTES_MAX - 1] = 'a';
    longest[NAME_BYTES_MAX] = '\0';
    check_refused("name", longest,
                  "expected 1 .. 63 letters, digits, - and _, got "
                  "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...'");
    check_refused("name", "", "expected 1 .. 63 letters, digits, - and _, got ''");
    check_refused("name", "../up", "expected 1 .. 63 letters, digits, - and _, got '../up'");
    check_refused("name", "a b", "expected 1 .. 63 letters, digits, - and _, got 'a b'");
    check_refused("name", "\x1b[2J", "expected 1 .. 63 letters, digits, - and _, got '?[2J'");
}

static void refuses_as_params_do(void **state)
{
    (void)state;
    check_refused("null.dim", "0", "expected 1 .. 1048576 (whole), got '0'");
    check_refused("null.dim", "1.5", "expected 1 .. 1048576 (whole), got '1.5'");
    check_refused("opinions.promising", "yes", "expected false|true, got 'yes'");
    check_refused("opinions.audit", "1.5", "expected 0 .. 1, got '1.5'");
    check_refused("search.commit", "orderd",
                  "expected ordered|arrival, got 'orderd'; did you mean 'ordered'?");
    check_refused(
        "numeric", "nativ",
        "expected portable|native|avx512_bf16|amx_bf16, got 'nativ'; did you mean 'native'?");
    check_refused("stop.hours", "0", "expected 0.0001 .. 87600, got '0'");
}

static void a_model_has_one_text(void **state)
{
    (void)state;
    set("model.spec", "mlp:18x18");
    assert_string_equal(settings.model_spec, "mlp:18x18");
    set("model.spec", "mlp:[1x4 , 3x4,2x8]");
    check_text("model.spec", "mlp:[4x4,2x8]");
    struct error error = {""}, expected = {""};
    struct model_text model;
    assert_int_equal(setting_parse(row("model.spec"), "mlp:18", &settings, &error), -1);
    assert_int_equal(model_text_parse("mlp:18", &model, &expected), -1);
    assert_string_equal(error.text, expected.text);
    check_text("model.spec", "mlp:[4x4,2x8]");
}

static void a_folder_is_any_path(void **state)
{
    (void)state;
    set("data.dir", "/srv/data sets/k\xc3\xa4se");
    check_text("data.dir", "/srv/data sets/k\xc3\xa4se");
    set("data.dir", "");
    check_text("data.dir", "");
    check_refused("data.dir", "a\nb",
                  "expected the path of a folder, at most 255 bytes, got 'a?b'");
    char longest[SETTING_FOLDER_BYTES_MAX + 1];
    memset(longest, 'a', sizeof longest);
    longest[SETTING_FOLDER_BYTES_MAX] = '\0';
    struct error error = {""};
    assert_int_equal(setting_parse(row("data.dir"), longest, &settings, &error), -1);
    longest[SETTING_FOLDER_BYTES_MAX - 1] = '\0';
    set("data.dir", longest);
    check_text("data.dir", longest);
}

static void a_row_applies_where_its_evaluator_and_data_set_are(void **state)
{
    (void)state;
    static const struct {
        const char *key, *evaluator, *data_set;
        bool applies;
    } cases[] = {
        {"seed", "null", "idx", true},
        {"seed", "train", "idx", true},
        {"null.dim", "null", "idx", true},
        {"null.dim", "train", "idx", false},
        {"train.lr", "null", "idx", false},
        {"train.lr", "train", "idx", true},
        {"data.dir", "null", "idx", false},
        {"data.dir", "train", "idx", true},
        {"data.dir", "train", "mnist1d", false},
        {"data.seed", "train", "mnist1d", true},
        {"data.seed", "train", "fashion-mnist", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        set("evaluator", cases[i].evaluator);
        set("data.set", cases[i].data_set);
        assert_int_equal(setting_applies(row(cases[i].key), &settings), cases[i].applies);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_table_is_the_one_in_the_manual, set_up),
        cmocka_unit_test_setup(every_row_is_found_described_and_apart, set_up),
        cmocka_unit_test_setup(values_go_where_the_table_says, set_up),
        cmocka_unit_test_setup(a_seed_has_all_64_bits, set_up),
        cmocka_unit_test_setup(sizes_have_units, set_up),
        cmocka_unit_test_setup(a_name_is_safe_as_a_folder, set_up),
        cmocka_unit_test_setup(refuses_as_params_do, set_up),
        cmocka_unit_test_setup(a_model_has_one_text, set_up),
        cmocka_unit_test_setup(a_folder_is_any_path, set_up),
        cmocka_unit_test_setup(a_row_applies_where_its_evaluator_and_data_set_are, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
