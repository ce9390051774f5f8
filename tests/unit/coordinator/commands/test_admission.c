/*
 * test_admission.c: the rule by which a commit was admitted, told from a ledger.
 *
 * The commits are those that a strategy makes of a list of results, so that what is told is held
 * against what the strategies themselves decide, rule by rule.
 */
#include "coordinator/commands/admission.h"
#include "coordinator/core/chain.h"
#include "coordinator/search/strategy.h"

#include "common/os_file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { JOBS = 40, LOOKAHEAD = 4 };

struct made {
    char folder[256];
    struct reader reader;
    struct commit_record records[JOBS];
};

static struct made made;

/* As the core does: ask, judge, tell; every seventh job diverges. */
static void search(const struct search_config *config, struct ledger *ledger)
{
    void *strategy = aligned_alloc(64, (config->strategy->state_size(config) + 63) / 64 * 64);
    assert_non_null(strategy);
    config->strategy->open(strategy, config);
    struct proposal proposals[JOBS];
    uint64_t created = 0;
    double best = -1;
    const struct digest experiment = {0}; /* as the header of `make` has it */
    struct digest chain = chain_start(&experiment, 0);
    assert_int_equal(ledger_begin(ledger, NULL), LEDGER_OK);
    for (uint64_t job = 0; job < JOBS; job++) {
        struct turnover turnover;
        struct commit_record *record = &made.records[job];
        while (created < JOBS && created < job + LOOKAHEAD &&
               config->strategy->ask(strategy, created, &proposals[created]) == ASK_PROPOSED)
            created++;
        assert_true(created > job);
        const struct proposal proposal = proposals[job];
        bool diverged = job % 7 == 6;
        struct candidate candidate = {
            .individual = {.job = job,
                           .checkpoint = digest_of(&job, sizeof job),
                           .fitness = diverged ? (double)NAN : (double)(job * 37 % 29 + job) / 80},
            .operator_index = proposal.operator_index,
            .parent_count = proposal.parent_count,
            .outcome = diverged ? OUTCOME_DIVERGED : OUTCOME_OK,
        };
        *record = (struct commit_record){
            .sequence = job + 1,
            .job = {.key = {0, job}, .kind = JOB_MUTATE, .parent_count = proposal.parent_count},
            .operator_index = proposal.operator_index,
            .outcome = candidate.outcome,
            .fitness = candidate.individual.fitness,
            .child = candidate.individual.checkpoint,
            .child_bytes = 10,
        };
        snprintf(record->job.call.name, sizeof record->job.call.name, "noise");
        for (uint32_t i = 0; i < proposal.parent_count; i++) {
            candidate.parents[i] = proposal.parents[i].job;
            record->parent_ids[i] = (struct job_key){0, proposal.parents[i].job};
            record->job.parents[i] = proposal.parents[i].checkpoint;
        }
        config->strategy->tell(strategy, &candidate, &turnover);
        record->admitted = turnover.admitted;
        record->champion = turnover.admitted && record->fitness > best;
        best = record->champion ? record->fitness : best;
        record->description = job_digest(&record->job);
        chain = record->chain = chain_extend(&chain, record);
        assert_int_equal(ledger_put_commit(ledger, record, NULL), LEDGER_OK);
    }
    assert_int_equal(ledger_commit(ledger, LEDGER_SURVIVES_KILL, NULL), LEDGER_OK);
    free(strategy);
}

/* A run of the strategy under those settings, open for reading. */
static void make(const char *strategy, const char *settings, const double *params)
{
    char path[512], canonical[512];
    struct error error = {""};
    struct ledger *ledger = NULL;
    const char *where = getenv("TMPDIR");
    memset(&made, 0, sizeof made);
    snprintf(made.folder, sizeof made.folder, "%s/ratchet-admission-XXXXXX",
             where == NULL ? "/tmp" : where);
    assert_non_null(mkdtemp(made.folder));
    snprintf(canonical, sizeof canonical, "strategy.name = %s\n%s", strategy, settings);
    struct ledger_header header = {.canonical = canonical, .yaml = ""};
    snprintf(header.name, sizeof header.name, "admission");
    snprintf(header.engine_version, sizeof header.engine_version, "1");
    snprintf(path, sizeof path, "%s/ledger.sqlite", made.folder);
    if (ledger_open(path, LEDGER_CREATE, &header, &ledger, &error) != LEDGER_OK)
        fail_msg("%s", error.text);
    struct search_config config = {
        .seed = 3,
        .operator_count = 1,
        .operators = {{.call = {.name = "noise"}, .parents = 1, .weight = 1}},
        .strategy = strategy_find(strategy),
    };
    for (uint32_t i = 0; config.strategy != NULL && i < config.strategy->param_count; i++)
        config.params[i] = params[i];
    if (config.strategy != NULL)
        search(&config, ledger);
    ledger_close(&ledger);
    if (reader_open(&made.reader, made.folder, &error) != 0)
        fail_msg("%s", error.text);
}

static void unmake(void)
{
    reader_close(&made.reader);
    assert_int_equal(os_remove_tree(made.folder, NULL), 0);
}

static struct admission explain(uint64_t job)
{
    struct admission admission;
    struct error error = {""};
    if (admission_explain(&made.reader, &made.records[job], &admission, &error) != 0)
        fail_msg("%s", error.text);
    return admission;
}

/* Every job is told by one of these rules, and each of them tells at least one. */
static void expect_rules(enum admission_rule one, enum admission_rule other, uint64_t room)
{
    uint32_t ones = 0, others = 0;
    for (uint64_t job = 0; job < JOBS; job++) {
        struct admission admission = explain(job);
        if (job % 7 == 6) {
            assert_int_equal(admission.rule, ADMISSION_DIVERGED);
            continue;
        }
        if (admission.rule == ADMISSION_ROOM) {
            assert_true(made.records[job].admitted);
            assert_in_range(admission.kept, 0, room - 1);
            continue;
        }
        ones += admission.rule == one;
        others += admission.rule == other;
        if (admission.rule != one && admission.rule != other)
            fail_msg("job %d: %s", (int)job, admission_rule_name(admission.rule));
        assert_int_equal(admission.has_rival, admission.rule != ADMISSION_PARENT_GONE);
        if (admission.has_rival)
            assert_true(admission.rival_fitness == made.records[admission.rival.job].fitness);
    }
    assert_true(ones > 0 && others > 0);
}

static void test_tournament(void **state)
{
    (void)state;
    static const double worst[] = {5, 2, 1}, parent[] = {5, 2, 0}, oldest[] = {5, 2, 2};
    make("tournament", "strategy.population = 5\nstrategy.replace = worst\n", worst);
    expect_rules(ADMISSION_WORST, ADMISSION_WORST, 5);
    unmake();
    make("tournament", "strategy.population = 5\nstrategy.replace = parent\n", parent);
    expect_rules(ADMISSION_PARENT, ADMISSION_PARENT_GONE, 5);
    unmake();
    make("tournament", "strategy.population = 5\nstrategy.replace = oldest\n", oldest);
    expect_rules(ADMISSION_OLDEST, ADMISSION_OLDEST, 5);
    unmake();
}

static void test_ratchet(void **state)
{
    (void)state;
    static const double strict[] = {1, 0, 0, 0}, lenient[] = {1, 0, 1, 0.1};
    make("ratchet", "strategy.accept = strict\nstrategy.epsilon = 0\n", strict);
    expect_rules(ADMISSION_STRICT, ADMISSION_STRICT, 1);
    unmake();
    make("ratchet", "strategy.accept = epsilon\nstrategy.epsilon = 0.1\n", lenient);
    expect_rules(ADMISSION_EPSILON, ADMISSION_EPSILON, 1);
    assert_true(explain(1).epsilon == 0.1);
    unmake();
}

static void test_champions(void **state)
{
    (void)state;
    make("random", "", NULL);
    expect_rules(ADMISSION_STRICT, ADMISSION_STRICT, 1);
    assert_false(explain(0).has_champion);
    struct admission second = explain(1);
    assert_true(second.has_champion);
    assert_int_equal(second.champion.job, 0);
    assert_true(second.champion_fitness == made.records[0].fitness);
    unmake();
}

/* Rather no rule than a wrong one. */
static void test_what_does_not_agree_is_not_told(void **state)
{
    (void)state;
    static const double strict[] = {1, 0, 0, 0};
    make("ratchet", "strategy.accept = strict\nstrategy.epsilon = 0\n", strict);
    made.records[5].admitted = !made.records[5].admitted;
    assert_int_equal(explain(5).rule, ADMISSION_UNTOLD);
    unmake();
    make("something-new", "", NULL);
    made.records[0].job.kind = JOB_MUTATE;
    made.records[0].outcome = OUTCOME_OK;
    assert_int_equal(explain(0).rule, ADMISSION_UNTOLD);
    made.records[0].outcome = OUTCOME_FAILED;
    assert_int_equal(explain(0).rule, ADMISSION_FAILED);
    made.records[0].job.kind = JOB_EVALUATE;
    assert_int_equal(explain(0).rule, ADMISSION_EVALUATION);
    unmake();
    /* A population beyond all bounds is not kept in memory. */
    static const double worst[] = {5, 2, 1};
    make("tournament", "strategy.population = 4000000000\nstrategy.replace = worst\n", worst);
    assert_int_equal(explain(9).rule, ADMISSION_UNTOLD);
    unmake();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tournament),
        cmocka_unit_test(test_ratchet),
        cmocka_unit_test(test_champions),
        cmocka_unit_test(test_what_does_not_agree_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
