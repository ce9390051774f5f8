/* core_fixture.c: see core_fixture.h. */
#include "core_fixture.h"

#include "common/canonical.h"
#include "common/version.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void fill_line(const void *context, uint32_t line, struct line_config *config)
{
    const struct fixture *fixture = context;
    *config = fixture->lines[line];
}

void fixture_open(struct fixture *fixture, const char *strategy, uint64_t jobs, uint32_t lookahead)
{
    memset(fixture, 0, sizeof *fixture);
    fixture->now = 1000000;
    fixture->config = core_config_default();
    fixture->config.epoch = 1;
    fixture->config.opinion_promising = false;
    fixture->config.sessions_max = 16;
    snprintf(fixture->config.experiment, sizeof fixture->config.experiment, "fixture");
    snprintf(fixture->config.numeric, sizeof fixture->config.numeric, "portable");
    fixture->config.line_count = fixture->config.open_lines = 1;
    fixture->config.experiment_digest = digest_of("experiment", 10);
    struct line_config *line = &fixture->line;
    line->lookahead = lookahead;
    line->jobs = jobs;
    line->stop_fitness = (double)NAN;
    line->search.seed = 7;
    line->search.strategy = strategy_find(strategy);
    assert_non_null(line->search.strategy);
    for (uint32_t i = 0; i < line->search.strategy->param_count; i++)
        line->search.params[i] = line->search.strategy->params[i].fallback;
    line->search.operator_count = 1;
    line->search.operators[0] = (struct operator_choice){
        .call = {.name = "noise", .param_count = 1, .params = {0.1}},
        .parents = 1,
        .weight = 1,
    };
}

/* 0, or the code of the record that could not be replayed. */
static int create_and_replay(struct fixture *fixture, struct error *error)
{
    fixture->core = core_create(&fixture->config, error);
    if (fixture->core == NULL)
        fail_msg("core_create: %s", error->text);
    for (uint32_t i = 0; i < fixture->record_count; i++) {
        int code = core_replay(fixture->core, &fixture->records[i], error);
        if (code != 0)
            return code;
    }
    return 0;
}

void fixture_start(struct fixture *fixture)
{
    struct error error = {""};
    fixture->config.line = fill_line;
    fixture->config.line_context = fixture;
    fixture->config.places = 0;
    for (uint32_t i = 0; i < fixture->config.line_count; i++) {
        fixture->lines[i] = fixture->line;
        fixture->lines[i].search.line = i;
    }
    int code = create_and_replay(fixture, &error);
    if (code == CORE_NEEDS_PLACES) {
        core_destroy(&fixture->core);
        fixture->config.places = fixture->config.line_count;
        code = create_and_replay(fixture, &error);
    }
    if (code != 0)
        fail_msg("core_replay: %s", error.text);
    core_start(fixture->core, fixture->now);
    fixture_settle(fixture);
}

void fixture_restart(struct fixture *fixture)
{
    core_destroy(&fixture->core);
    fixture->config.epoch++;
    fixture->mail_count = 0;
    fixture->finished = false;
    fixture_start(fixture);
}

void fixture_close(struct fixture *fixture)
{
    core_destroy(&fixture->core);
}

static void carry_out(struct fixture *fixture, const struct core_effect *effect)
{
    switch (effect->kind) {
    case CORE_SEND:
        assert_in_range(fixture->mail_count, 0, FIXTURE_MAIL_MAX - 1);
        fixture->mail[fixture->mail_count++] = (struct mail){effect->send.to, effect->send.message};
        break;
    case CORE_PERSIST_COMMIT:
        fixture->records[fixture->record_count++] =
            (struct ledger_record){.kind = RECORD_COMMIT, .commit = effect->commit};
        break;
    case CORE_PERSIST_INPUT:
        fixture->records[fixture->record_count++] =
            (struct ledger_record){.kind = RECORD_INPUT, .input = effect->input};
        break;
    case CORE_PULL_BLOB:
        fixture->pull_count++;
        fixture->pulled = effect->pull.digest;
        fixture->pulled_from = effect->pull.from;
        break;
    case CORE_DROP_BLOB:
        fixture->drops[fixture->drop_count++ % FIXTURE_DROPS_MAX] = effect->drop.digest;
        break;
    case CORE_NOTE:
        fixture->notes[effect->note.kind]++;
        break;
    case CORE_FINISH:
        fixture->finished = true;
        fixture->finish = effect->finish.code;
        break;
    case CORE_CANCEL_PULL:
        fixture->cancel_count++;
        break;
    case CORE_ANSWER:
        fixture->answer = effect->answer;
        fixture->answer_count++;
        break;
    case CORE_PERSIST_DETAIL:
        break;
    }
}

void fixture_step(struct fixture *fixture, const struct core_event *event)
{
    static struct digest stored[CORE_EFFECTS_MAX];
    uint32_t stored_count = 0;
    core_step(fixture->core, event, &fixture->effects);
    for (uint32_t i = 0; i < fixture->effects.count; i++) {
        carry_out(fixture, &fixture->effects.items[i]);
        if (fixture->effects.items[i].kind == CORE_PULL_BLOB && !fixture->hold_pulls)
            stored[stored_count++] = fixture->effects.items[i].pull.digest;
    }
    struct digest mine[64];
    assert_in_range(stored_count, 0, 64);
    memcpy(mine, stored, stored_count * sizeof mine[0]);
    for (uint32_t i = 0; i < stored_count; i++)
        fixture_step(fixture, &(struct core_event){
                                  .kind = CORE_BLOB_STORED,
                                  .now_ms = fixture->now,
                                  .blob = {.digest = mine[i]},
                              });
}

void fixture_tick(struct fixture *fixture, uint64_t ms)
{
    fixture->now += ms;
    fixture_step(fixture, &(struct core_event){.kind = CORE_TICKED, .now_ms = fixture->now});
}

void fixture_settle(struct fixture *fixture)
{
    for (int i = 0; i < 100000 && core_deadline(fixture->core) <= fixture->now; i++)
        fixture_tick(fixture, 0);
    assert_true(core_deadline(fixture->core) > fixture->now);
}

void fixture_order(struct fixture *fixture, const struct user_command *command)
{
    uint32_t before = fixture->answer_count;
    const struct core_event event = {
        .kind = CORE_COMMAND_RECEIVED,
        .now_ms = fixture->now,
        .command = command,
    };
    fixture_step(fixture, &event);
    assert_int_equal(fixture->answer_count, before + 1);
}

struct instance_id fixture_worker(uint32_t number)
{
    return (struct instance_id){{1, (uint8_t)number}};
}

void fixture_say(struct fixture *fixture, uint32_t worker, const struct message *message)
{
    fixture_step(fixture, &(struct core_event){
                              .kind = CORE_MESSAGE_RECEIVED,
                              .now_ms = fixture->now,
                              .received = {fixture_worker(worker), message},
                          });
    fixture_settle(fixture);
}

void fixture_hello(struct fixture *fixture, uint32_t worker, uint32_t capacity)
{
    fixture_hello_as(fixture, worker, capacity, "portable");
}

void fixture_hello_as(struct fixture *fixture, uint32_t worker, uint32_t capacity,
                      const char *numeric)
{
    struct message message = {.kind = MESSAGE_HELLO};
    struct hello *hello = &message.hello;
    hello->protocol_version = PROTOCOL_VERSION;
    snprintf(hello->engine_version, sizeof hello->engine_version, "%s", RATCHET_VERSION);
    snprintf(hello->name, sizeof hello->name, "w%u", worker);
    snprintf(hello->host, sizeof hello->host, "host%u", worker);
    hello->instance = fixture_worker(worker);
    hello->home = (struct home_id){{2, (uint8_t)worker}};
    hello->slots = capacity;
    hello->numeric_count = 1;
    snprintf(hello->numeric[0], sizeof hello->numeric[0], "%s", numeric);
    hello->beat.capacity = capacity;
    fixture_say(fixture, worker, &message);
}

void fixture_beat(struct fixture *fixture, uint32_t worker, uint32_t capacity,
                  const struct held *held)
{
    struct message message = {.kind = MESSAGE_HEARTBEAT, .epoch = fixture->config.epoch};
    message.heartbeat.capacity = capacity;
    message.heartbeat.held_count = held != NULL;
    message.heartbeat.held = held;
    fixture_say(fixture, worker, &message);
}

bool fixture_take_lease(struct fixture *fixture, uint32_t worker, struct lease *lease)
{
    struct instance_id id = fixture_worker(worker);
    for (uint32_t i = 0; i < fixture->mail_count; i++) {
        struct mail *mail = &fixture->mail[i];
        if (mail->message.kind != MESSAGE_LEASE || !instance_equal(&mail->to, &id))
            continue;
        *lease = mail->message.lease;
        memmove(mail, mail + 1, (--fixture->mail_count - i) * sizeof *mail);
        return true;
    }
    return false;
}

uint32_t fixture_count(const struct fixture *fixture, uint32_t worker, enum message_kind kind)
{
    struct instance_id id = fixture_worker(worker);
    uint32_t count = 0;
    for (uint32_t i = 0; i < fixture->mail_count; i++)
        count += fixture->mail[i].message.kind == kind && instance_equal(&fixture->mail[i].to, &id);
    return count;
}

const struct message *fixture_last(const struct fixture *fixture, uint32_t worker,
                                   enum message_kind kind)
{
    struct instance_id id = fixture_worker(worker);
    for (uint32_t i = fixture->mail_count; i-- > 0;)
        if (fixture->mail[i].message.kind == kind && instance_equal(&fixture->mail[i].to, &id))
            return &fixture->mail[i].message;
    return NULL;
}

/* A number in [0, 1) from the bytes of a checkpoint. */
static double fitness_of(const struct digest *child)
{
    uint32_t bits;
    memcpy(&bits, child->bytes, sizeof bits);
    return bits * 0x1p-32;
}

struct result fixture_result(const struct lease *lease)
{
    struct result result = {
        .lease = lease->key,
        .job = job_digest(&lease->job),
        .outcome = OUTCOME_OK,
        .metric_count = 1,
        .steps = 1,
    };
    struct digest subject = lease->job.parents[0];
    if (lease->job.kind == JOB_MUTATE) {
        subject = digest_of(&result.job, sizeof result.job);
        result.child = subject;
        result.child_bytes = 100;
    }
    result.fitness = fitness_of(&subject);
    result.metrics[0] = (struct metric){METRIC_SELECT_LOSS, -result.fitness};
    return result;
}

void fixture_give(struct fixture *fixture, uint32_t worker, const struct result *result)
{
    struct message message = {.kind = MESSAGE_RESULT, .epoch = fixture->config.epoch};
    message.result = *result;
    fixture_say(fixture, worker, &message);
}

void fixture_do(struct fixture *fixture, uint32_t worker)
{
    struct lease lease;
    assert_true(fixture_take_lease(fixture, worker, &lease));
    struct result result = fixture_result(&lease);
    fixture_give(fixture, worker, &result);
}

void fixture_run(struct fixture *fixture, uint32_t workers)
{
    bool moved = true;
    while (moved && !fixture->finished) {
        moved = false;
        for (uint32_t worker = 0; worker < workers; worker++) {
            struct lease lease;
            if (!fixture_take_lease(fixture, worker, &lease))
                continue;
            struct result result = fixture_result(&lease);
            fixture_give(fixture, worker, &result);
            moved = true;
        }
        fixture->mail_count = fixture->mail_count > FIXTURE_MAIL_MAX / 2 ? 0 : fixture->mail_count;
    }
}
