/* test_joining.c: configs, hello, welcome, refusal, rejoin. */
#include "worker_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void expect_state(const struct model *model, const char *state)
{
    assert_string_equal(worker_core_view(model->core, model->now).state, state);
}

static void receive_refused(struct model *model, enum refusal code)
{
    struct message message = {
        .kind = MESSAGE_REFUSED,
        .epoch = model->epoch,
        .refused = {.code = code, .reason = "another engine version"},
    };
    model_receive(model, &message);
}

static void expect_exit(const struct model *model, enum worker_exit code, const char *reason)
{
    assert_string_equal(model_effect(model, WORKER_EXIT, 0)->exit.reason, reason);
    assert_int_equal(model_effect(model, WORKER_EXIT, 0)->exit.code, code);
    expect_state(model, "gone");
    assert_true(worker_core_deadline(model->core) == UINT64_MAX);
}

/* -------------------------------------------------------------------------------- creation */

static void expect_no_core(const struct worker_config *config, const char *words)
{
    struct error error = {.text = ""};
    assert_null(worker_core_create(config, &error));
    assert_non_null(strstr(error.text, words));
}

static void test_senseless_configs_are_refused(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    config.slots = 0;
    expect_no_core(&config, "slots");
    config = model_config();
    config.slots = SLOTS_MAX + 1;
    expect_no_core(&config, "slots");
    config = model_config();
    config.jobs_per_slot = HELD_MAX;
    expect_no_core(&config, "jobs per slot");
    config = model_config();
    config.hello_ms_min = config.hello_ms_max + 1;
    expect_no_core(&config, "hello_ms_min");
    config = model_config();
    config.resend_ms = 0;
    expect_no_core(&config, "resend_ms");
    config = model_config();
    memset(config.name, 'x', sizeof config.name);
    expect_no_core(&config, "does not end");
}

static void test_default_config_is_sensible(void **state)
{
    (void)state;
    struct worker_config config = worker_config_default();
    struct error error;
    struct worker_core *core = worker_core_create(&config, &error);
    assert_non_null(core);
    worker_core_destroy(&core);
    assert_null(core);
}

/* ----------------------------------------------------------------------------------- hello */

static void test_hello_comes_at_once_and_in_doubling_pauses(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create(&config);
    assert_true(worker_core_deadline(model->core) <= model->now);
    const uint64_t when[] = {1000, 1250, 1750, 2750, 3750, 4750};
    uint32_t said = 0;
    for (uint64_t now = 1000; now < 5000; now += 10) {
        model_tick(model, now);
        assert_int_equal(model->effects->count, model_sent(model, MESSAGE_HELLO));
        if (model->effects->count == 0)
            continue;
        assert_true(said < sizeof when / sizeof when[0]);
        assert_int_equal(now, when[said++]);
    }
    assert_int_equal(said, sizeof when / sizeof when[0]);
    expect_state(model, "joining");
    model_destroy(model);
}

static void test_deadline_is_the_next_hello(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create(&config);
    model_tick(model, 1000);
    assert_int_equal(worker_core_deadline(model->core), 1250);
    model_tick(model, 1250);
    assert_int_equal(worker_core_deadline(model->core), 1750);
    model_destroy(model);
}

static void test_hello_says_who_we_are_and_what_we_hold(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create(&config);
    model_cache_level(model, false);
    const struct message *message = model_message(model, MESSAGE_HELLO, 0);
    assert_int_equal(message->epoch, 0);
    assert_int_equal(message->hello.protocol_version, PROTOCOL_VERSION);
    assert_string_equal(message->hello.name, "worker");
    assert_string_equal(message->hello.host, "host");
    assert_string_equal(message->hello.engine_version, "1");
    assert_int_equal(message->hello.numeric_count, 1);
    assert_string_equal(message->hello.numeric[0], "portable");
    assert_int_equal(message->hello.instance.bytes[0], 1);
    assert_int_equal(message->hello.home.bytes[0], 2);
    assert_int_equal(message->hello.slots, 2);
    assert_int_equal(message->hello.beat.capacity, 4);
    assert_int_equal(message->hello.beat.cache_bytes, 4096);
    assert_int_equal(message->hello.beat.held_count, 0);
    model_destroy(model);
}

static void test_while_joining_only_answers_to_hello_count(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create(&config);
    struct job job = model_job(1);
    model_tick(model, 1000);
    model_lease(model, &job, 1);
    assert_int_equal(model->effects->count, 0);
    model_receive_kind(model, MESSAGE_ALIVE);
    expect_state(model, "joining");
    assert_int_equal(worker_core_view(model->core, model->now).queued, 0);
    model_destroy(model);
}

static void test_messages_that_no_coordinator_sends_are_ignored(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create_ready(&config);
    for (uint32_t kind = 0; kind <= MESSAGE_KIND_LAST + 1; kind++)
        if (kind == 0 || (kind > MESSAGE_STOP && kind != MESSAGE_DRAIN) || kind == MESSAGE_HELLO ||
            kind == MESSAGE_RESULT || kind == MESSAGE_HEARTBEAT || kind == MESSAGE_DEATH ||
            kind == MESSAGE_GOODBYE) {
            model_receive_kind(model, (enum message_kind)kind);
            assert_int_equal(model->effects->count, 0);
        }
    expect_state(model, "ready");
    model_destroy(model);
}

/* ------------------------------------------------------------------------ welcome, refusal */

static void test_welcome_ends_the_hellos_and_starts_the_heartbeats(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create(&config);
    model_tick(model, 1000);
    model->epoch = 5;
    model_welcome(model);
    expect_state(model, "ready");
    assert_string_equal(worker_core_view(model->core, 1000).numeric, "portable");
    assert_int_equal(worker_core_deadline(model->core), 2000);
    model_tick(model, 1999);
    assert_int_equal(model->effects->count, 0);
    model_tick(model, 2000);
    assert_int_equal(model->effects->count, 1);
    assert_int_equal(model_message(model, MESSAGE_HEARTBEAT, 0)->epoch, 5);
    assert_int_equal(model_message(model, MESSAGE_HEARTBEAT, 0)->heartbeat.capacity, 4);
    model_tick(model, 2999);
    assert_int_equal(model->effects->count, 0);
    model_tick(model, 3000);
    assert_int_equal(model_sent(model, MESSAGE_HEARTBEAT), 1);
    model_destroy(model);
}

static void test_full_coordinator_is_asked_again_slowly(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create(&config);
    model_tick(model, 1000);
    receive_refused(model, REFUSED_FULL);
    assert_int_equal(model->effects->count, 0);
    assert_int_equal(worker_core_deadline(model->core), 2000);
    model_tick(model, 1999);
    assert_int_equal(model->effects->count, 0);
    model_tick(model, 2000);
    assert_int_equal(model_sent(model, MESSAGE_HELLO), 1);
    assert_int_equal(worker_core_deadline(model->core), 3000);
    model_welcome(model);
    expect_state(model, "ready");
    model_destroy(model);
}

static void test_other_refusals_end_the_worker_with_the_reason(void **state)
{
    (void)state;
    const enum refusal codes[] = {REFUSED_VERSION, REFUSED_NUMERIC, REFUSED_NOT_ALLOWED};
    for (uint32_t i = 0; i < 3; i++) {
        struct worker_config config = model_config();
        struct model *model = model_create(&config);
        model_tick(model, 1000);
        receive_refused(model, codes[i]);
        expect_exit(model, WORKER_EXIT_NOT_LET_IN, "another engine version");
        model_tick(model, 100000);
        assert_int_equal(model->effects->count, 0);
        model_destroy(model);
    }
}

static void test_refusal_by_an_older_life_is_ignored_when_ready(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create(&config);
    model->epoch = 5;
    model_tick(model, 1000);
    model_welcome(model);
    model->epoch = 4;
    receive_refused(model, REFUSED_VERSION);
    expect_state(model, "ready");
    model_destroy(model);
}

static void test_welcome_of_an_older_life_is_ignored(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create(&config);
    model->epoch = 5;
    model_tick(model, 1000);
    model_welcome(model);
    model->epoch = 4;
    model_welcome(model);
    model_tick(model, 2000);
    assert_int_equal(model_message(model, MESSAGE_HEARTBEAT, 0)->epoch, 5);
    model_destroy(model);
}

/* ---------------------------------------------------------------------------------- rejoin */

static void test_rejoin_is_answered_by_one_hello_at_a_time(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create_ready(&config);
    model->now = 5000;
    model_receive_kind(model, MESSAGE_REJOIN);
    assert_int_equal(model_sent(model, MESSAGE_HELLO), 1);
    expect_state(model, "joining");
    model->now = 5010;
    model_receive_kind(model, MESSAGE_REJOIN);
    assert_int_equal(model->effects->count, 0);
    assert_int_equal(worker_core_deadline(model->core), 5250);
    model_tick(model, 5250);
    assert_int_equal(model_sent(model, MESSAGE_HELLO), 1);
    model_welcome(model);
    expect_state(model, "ready");
    model_destroy(model);
}

static void test_a_newer_life_that_takes_us_for_joined_is_told_hello(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create_ready(&config);
    model->now = 5000;
    model->epoch = 2;
    model_receive_kind(model, MESSAGE_ALIVE);
    assert_int_equal(model_sent(model, MESSAGE_HELLO), 1);
    expect_state(model, "joining");
    model_destroy(model);
}

static void test_an_older_life_is_not_heard(void **state)
{
    (void)state;
    struct worker_config config = model_config();
    struct model *model = model_create(&config);
    model->epoch = 5;
    model_tick(model, 1000);
    model_welcome(model);
    model->now = 4000;
    model->epoch = 4;
    model_receive_kind(model, MESSAGE_ALIVE);
    assert_int_equal(worker_core_view(model->core, 4000).silent_ms, 3000);
    model->epoch = 5;
    model_receive_kind(model, MESSAGE_ALIVE);
    assert_int_equal(worker_core_view(model->core, 4000).silent_ms, 0);
    model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_senseless_configs_are_refused),
        cmocka_unit_test(test_default_config_is_sensible),
        cmocka_unit_test(test_hello_comes_at_once_and_in_doubling_pauses),
        cmocka_unit_test(test_deadline_is_the_next_hello),
        cmocka_unit_test(test_hello_says_who_we_are_and_what_we_hold),
        cmocka_unit_test(test_while_joining_only_answers_to_hello_count),
        cmocka_unit_test(test_messages_that_no_coordinator_sends_are_ignored),
        cmocka_unit_test(test_welcome_ends_the_hellos_and_starts_the_heartbeats),
        cmocka_unit_test(test_full_coordinator_is_asked_again_slowly),
        cmocka_unit_test(test_other_refusals_end_the_worker_with_the_reason),
        cmocka_unit_test(test_refusal_by_an_older_life_is_ignored_when_ready),
        cmocka_unit_test(test_welcome_of_an_older_life_is_ignored),
        cmocka_unit_test(test_rejoin_is_answered_by_one_hello_at_a_time),
        cmocka_unit_test(test_a_newer_life_that_takes_us_for_joined_is_told_hello),
        cmocka_unit_test(test_an_older_life_is_not_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
