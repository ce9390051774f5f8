/*
 * test_why_words.c: the sentences that `ratchet why` makes of facts.
 *
 * Facts are written as the coordinator sends them; single quotes stand for double ones.
 */
#include "coordinator/commands/why_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct sentences sentences;

static struct json_node *facts(const char *quoted)
{
    char text[4096];
    struct error error;
    snprintf(text, sizeof text, "%s", quoted);
    for (char *c = text; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    struct json_node *root = json_parse(text, strlen(text), &error);
    if (root == NULL)
        fail_msg("%s: %s", error.text, text);
    return root;
}

/* One of the sentences holds this. */
static void expect(const char *part)
{
    for (uint32_t i = 0; i < sentences.count; i++)
        if (strstr(sentences.text[i], part) != NULL)
            return;
    for (uint32_t i = 0; i < sentences.count; i++)
        print_message("%s\n", sentences.text[i]);
    fail_msg("nothing of it says '%s'", part);
}

static void explain(int (*about)(const struct json_node *, struct sentences *, struct error *),
                    const char *quoted)
{
    struct error error;
    struct json_node *root = facts(quoted);
    sentences.count = 0;
    if (about(root, &sentences, &error) != 0)
        fail_msg("%s", error.text);
    json_node_free(&root);
}

static void test_ages(void **state)
{
    (void)state;
    static const struct {
        uint64_t ms;
        const char *text;
    } rows[] = {{0, "0 ms"},
                {999, "999 ms"},
                {1000, "1.0 s"},
                {59999, "59.9 s"},
                {60000, "1 min 0 s"},
                {3599999, "59 min 59 s"},
                {3600000, "1 h 0 min"},
                {90000000, "1 d 1 h"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[AGE_BYTES_MAX];
        format_age(rows[i].ms, text);
        assert_string_equal(text, rows[i].text);
    }
    char when[TIME_BYTES_MAX];
    format_time(UINT64_C(1795372810623), when);
    assert_string_equal(when, "2026-11-22 18:40:10 UTC");
    format_time(UINT64_MAX, when);
    assert_string_equal(when, "at an unknown time");
}

#define WAITING(reason, workers, more)                                                             \
    "{'asked':'coordinator','address':'tcp://h:1','lost_ms':15000,'workers':{" workers "},"        \
    "'job':{'job':'0/3','state':'waiting','reason':'" reason "','jobs_ahead':2,'age_ms':5000,"     \
    "'leases':[],'troubles':[]" more "}}"

static void test_waiting_jobs(void **state)
{
    (void)state;
    explain(explain_job, WAITING("no_worker", "'joined':0", ""));
    assert_string_equal(sentences.text[0], "0/3 waits for a worker: no worker is connected.");
    expect("2 older jobs go first.");
    expect("Start one with: ratchet-worker --connect tcp://h:1");
    expect("It was created 5.0 s ago.");
    explain(explain_job, WAITING("workers_busy", "'joined':2,'slots':4", ""));
    expect("all 4 slots are busy, with the next jobs queued behind them");
    explain(explain_job, WAITING("workers_busy", "'joined':1,'slots':1", ""));
    expect("the only slot is busy, with the next jobs queued behind it");
    explain(explain_job, WAITING("workers_silent", "'joined':1,'suspect':1", ""));
    expect("the only worker is silent");
    explain(explain_job, WAITING("workers_silent", "'joined':3,'suspect':2,'benched':1", ""));
    expect("of 3 workers 2 are silent and 1 benched");
    explain(explain_job, WAITING("workers_busy", "'joined':1,'slots':1", ",'partial_steps':70"));
    expect("It was handed over behind step 70; whoever gets it goes on from there.");
    explain(explain_job, WAITING("workers_silent", "'joined':1,'draining':1", ""));
    expect("the only worker is draining");
    explain(explain_job, WAITING("workers_silent", "'joined':2,'draining':2", ""));
    expect("all 2 workers are draining");
    explain(explain_job,
            WAITING("workers_silent", "'joined':4,'suspect':1,'benched':1,'draining':2", ""));
    expect("of 4 workers 1 is silent, 1 benched and 2 draining");
    explain(explain_job, WAITING("coordinator_restarted", "'joined':1", ",'restart_ms':12000"));
    expect("for another 12.0 s workers may claim what they still run");
    explain(explain_job,
            "{'workers':{'joined':2},'job':{'job':'0/3','state':'waiting','reason':"
            "'other_workers_busy','deaths':1,'failures':0,'attempts':1,'leases':[],'troubles':["
            "{'worker':'w','host':'h','instance':'ab'},{'worker':null,'instance':'cdef'}]}}");
    expect("after the trouble it had at w on h, a worker that has left (cdef), and the others");
    expect("1 slot process died of it and 0 attempts failed; after three of a kind it is given up");
}

#define LEASED(more)                                                                               \
    "{'usual_compute_ms':1000,'lost_ms':15000,'job':{'job':'0/3','state':'leased','attempts':2,"   \
    "'leases':[{'worker':'w','host':'h','since_ms':12000," more "}]}}"

static void test_leased_jobs(void **state)
{
    (void)state;
    explain(explain_job, LEASED("'phase':'running','attempt':2,'worker_state':'ready'"));
    assert_string_equal(sentences.text[0],
                        "0/3 runs at w on h, handed out 12.0 s ago (attempt 2).");
    expect("Jobs of this run usually take 1.0 s, so this is much longer than usual.");
    expect("handed out 2 times");
    explain(explain_job, LEASED("'phase':'queued','worker_state':'suspect',"
                                "'worker_silent_ms':7000"));
    expect("0/3 is queued at w on h, handed out 12.0 s ago; that worker has been silent for 7.0 s");
    expect("After 15.0 s of silence that worker counts as lost");
    explain(explain_job, LEASED("'phase':'unconfirmed'"));
    expect("0/3 was handed to w on h 12.0 s ago and is not confirmed yet");
}

#define HELD(more)                                                                                 \
    "{'workers':{'joined':1,'slots':1},'line':{'line':0,'oldest':{'job':'0/1','state':'waiting',"  \
    "'reason':'no_worker'}},'job':{'job':'0/3','state':'held','outcome':'ok','fitness':0.5,"       \
    "'computed_by':'w','computed_on':'h','bytes_at':'w','attempts':1," more "}}"

static void test_held_results(void **state)
{
    (void)state;
    explain(explain_job, HELD("'reason':'turn','leases':[]"));
    assert_string_equal(
        sentences.text[0],
        "0/3 is done (fitness 0.5, by w on h) and waits for its turn to be committed.");
    expect("0/1 waits for a worker: no worker is connected.");
    expect("handed out once");
    explain(explain_job, HELD("'reason':'bytes','child_bytes':2048,'leases':[]"));
    expect("2.0 KiB are being fetched from w");
    explain(explain_job, HELD("'reason':'opinion','opinion_reason':'workers_busy','leases':[]"));
    expect("that waits for a worker, and the only slot is busy");
    explain(explain_job, HELD("'reason':'opinion','contradictions':1,'leases':[{'worker':'v','host'"
                              ":'g','since_ms':300}]"));
    expect("v on g evaluates its network once more, handed out 300 ms ago; an earlier opinion");
    explain(explain_job, HELD("'reason':'next_step','leases':[]"));
    expect("is committed at the next step");
}

static void test_quarantined_jobs_and_signals(void **state)
{
    (void)state;
    explain(explain_job, "{'job':{'job':'0/3','state':'quarantined','deaths':3,'failures':0,"
                         "'leases':[]},'notes':[{'kind':'job_quarantined','text':'x'},"
                         "{'kind':'slot_died','text':'worker w: slot 0 died by signal 11'}]}");
    expect("0/3 is quarantined: it was tried and 3 slot processes died of it, 0 attempts failed.");
    expect("Its line stops where it would have been committed");
    expect("Signal 11 is SIGSEGV");
    explain(explain_job, "{'asked':'ledger','state':'poisoned','job':{'job':'0/3','state':"
                         "'quarantined'}}");
    expect("0/3 is quarantined: nobody could carry it out, and its line stopped there.");
    expect("`ratchet skip RUN 0/3` gives the job up");
    explain(explain_job, "{'asked':'ledger','run':'runs/x','directory':'runs/x','job':{'job':'0/3',"
                         "'state':'quarantined','line_last_commit':57}}");
    expect("`ratchet skip runs/x 0/3` gives the job up: it is committed as failed");
    expect("`ratchet rewind runs/x 57` goes back to before the last commit of its line.");
    explain(explain_job, "{'asked':'ledger','job':{'job':'0/3','state':'skipped'}}");
    expect("0/3 is skipped: a user gave it up.");
}

static void test_jobs_that_are_not_there(void **state)
{
    (void)state;
    explain(explain_job, "{'commit':'ordered','job':{'job':'0/9','state':'not_created'},'line':{"
                         "'reason':'window_full','in_flight':8,'oldest':{'job':'0/1','state':"
                         "'leased','leases':[]}}}");
    expect("0/9 does not exist yet: 8 jobs of its line are in flight");
    expect("The oldest of them: 0/1 is with a worker.");
    explain(explain_job, "{'job':{'job':'0/9','state':'not_created'},'line':{'reason':"
                         "'strategy_waits','in_flight':1}}");
    expect("the strategy wants the results of the 1 job in flight");
    explain(explain_job, "{'job':{'job':'0/99','state':'beyond_limits'},'line':{'jobs':60}}");
    expect("the budget is 60 jobs");
    explain(explain_job, "{'lines':9,'lines_open':2,'lines_closed':3,'job':{'job':'7/0','state':"
                         "'line_waiting'}}");
    expect("3 of 9 lines are done and 2 are open");
    explain(explain_job, "{'asked':'ledger','coordinator':'none','directory':'runs/x','job':{'job':"
                         "'0/5','state':'not_committed','line_commits':4}}");
    expect("0/5 is not committed; 4 jobs of its line are.");
    expect("with --dir runs/x does");
    struct error error;
    struct json_node *root = facts("{'lines':2,'job':{'job':'7/3','state':'unknown'}}");
    assert_int_equal(explain_job(root, &sentences, &error), -1);
    assert_string_equal(error.text, "there is no job 7/3: the run has 2 lines");
    json_node_free(&root);
}

#define COMMITTED(commit, admission)                                                               \
    "{'job':{'job':'0/3','state':'committed','commit':{'outcome':'ok','worker':'w','host':'h'"     \
    ",'fitness':0.5," commit "},'admission':{" admission "}}}"
#define MET "'rival':'0/1','rival_fitness':0.25,'kept':9,'capacity':9"

static void test_commits(void **state)
{
    (void)state;
    explain(explain_job, COMMITTED("'admitted':true,'champion':true,'strategy':'ratchet',"
                                   "'attempts':2,'opinions':1,'compute_ms':1500,'waited_ms':2000",
                                   "'rule':'strict'," MET
                                   ",'champion_before':'0/1','champion_before_fitness':0.25"));
    expect("0/3 was admitted: its fitness 0.5 beats 0.25 of 0/1, the last good network");
    expect("It became champion of its line, ahead of 0/1 with 0.25.");
    expect("w on h computed it in 1.5 s; it was committed 2.0 s after its creation");
    expect("It took 2 attempts.");
    expect("handed out once more for a second opinion");
    explain(explain_job, COMMITTED("'admitted':false", "'rule':'worst'," MET));
    expect("0/3 was not admitted: its fitness 0.5 does not beat 0.25 of 0/1, the worst");
    explain(explain_job, COMMITTED("'admitted':true", "'rule':'epsilon','epsilon':0.01," MET));
    expect("is not below 0.25 of 0/1, the last good network, by more than epsilon 0.01");
    explain(explain_job, COMMITTED("'admitted':true", "'rule':'room','kept':3,'capacity':9"));
    expect("the population had room, with 3 of 9 in it");
    explain(explain_job, COMMITTED("'admitted':true", "'rule':'room','kept':0,'capacity':1"));
    expect("it is the first of its line that came out well");
    explain(explain_job, COMMITTED("'admitted':true", "'rule':'oldest'," MET));
    expect("takes the place of the oldest, which was 0/1.");
    explain(explain_job, COMMITTED("'admitted':false", "'rule':'diverged'"));
    expect("it diverged, and what is not a number never wins");
    explain(explain_job, COMMITTED("'admitted':false", "'rule':'parent_gone'"));
    expect("that one had left the population");
    explain(explain_job, COMMITTED("'admitted':false", "'rule':'failed'"));
    expect("committed as failed");
    explain(explain_job, COMMITTED("'admitted':false", "'rule':'evaluation'"));
    expect("it is an evaluation and makes no individual");
    explain(explain_job, COMMITTED("'admitted':true,'strategy':'new'", "'rule':'untold'"));
    expect("admitted by the rule of strategy new, with fitness 0.5");
}

#define WORKER(reason, more)                                                                       \
    "{'asked':'coordinator','lost_ms':15000,'asked_for':'w','found':[{'worker':'w','host':'h',"    \
    "'reason':'" reason "','slots':2,'numeric':'portable','done':7,'silent_ms':6000" more "}],"    \
    "'notes':[],'open':[{'line':0,'oldest':{'job':'0/1','state':'leased','leases':[]}}]}"

static void test_workers(void **state)
{
    (void)state;
    explain(explain_worker, WORKER("has_work", ",'lease_count':3,'leases':[{'job':'0/4','phase':"
                                               "'running','since_ms':2000}]"));
    expect("Worker w on h has work: 2 of its 2 slots have a job.");
    expect("1 more lies ready there");
    expect("Job 0/4 runs there; it was handed out 2.0 s ago.");
    expect("And 2 more.");
    explain(explain_worker, WORKER("suspect", ",'lease_count':1,'leases':[]"));
    expect("Worker w on h is suspect: it has been silent for 6.0 s");
    expect("After 15.0 s of silence it counts as lost, and its 1 job goes to others");
    explain(explain_worker, WORKER("benched", ""));
    expect("other workers disproved a result of its");
    expect("--by w` proves");
    explain(explain_worker, WORKER("draining", ""));
    expect("it hands over or finishes what it has and goes");
    explain(explain_worker, WORKER("takes_none", ",'results_kept':5"));
    expect("it takes no work: its cache is full, or it is leaving");
    expect("It keeps 5 results");
    explain(explain_worker, WORKER("no_jobs", ",'lease_count':0"));
    expect("Worker w on h has nothing to do: 0 of 2 slots, and no job waits.");
    expect("Its oldest job: 0/1 is with a worker.");
    explain(explain_worker, WORKER("avoided", ""));
    expect("the jobs that wait had trouble there");
}

static void test_workers_that_have_gone(void **state)
{
    (void)state;
    explain(explain_worker, "{'asked_for':'w','found':[],'notes':[{'kind':'slot_died','text':"
                            "'worker w: slot 0 died by signal 9'},{'kind':'worker_lost','ago_ms':"
                            "4000,'text':'worker w on h: silent for 15016 ms'}]}");
    assert_string_equal(sentences.text[0], "Worker w was lost 4.0 s ago: silent for 15016 ms.");
    expect("Signal 9 is SIGKILL");
    explain(explain_worker, "{'asked_for':'w','found':[],'notes':[{'kind':'worker_refused','ago_ms'"
                            ":4000,'text':'worker w on h: no room for another worker'}]}");
    expect("Worker w was refused 4.0 s ago: no room for another worker.");
    struct error error;
    struct json_node *root = facts("{'asked_for':'x','found':[],'notes':[]}");
    assert_int_equal(explain_worker(root, &sentences, &error), -1);
    assert_non_null(strstr(error.text, "no worker 'x' works or ever worked"));
    json_node_free(&root);
}

static void run_says(const char *quoted)
{
    struct json_node *root = facts(quoted);
    sentences.count = 0;
    explain_run(root, &sentences);
    json_node_free(&root);
}

#define RUN(reason)                                                                                \
    "{'asked':'coordinator','run_reason':'" reason "','workers':{'joined':2,'slots':4,"            \
    "'slots_idle':3,'suspect':2,'jobs_waiting':5},'lines_open':1,'lines_stalled':1,'open':[{"      \
    "'line':0,'commits':1,'jobs':60,'in_flight':6,'lookahead':6,'leased':2,'held':4,'oldest':{"    \
    "'job':'0/1','state':'quarantined','leases':[]}}],'commits':1,'jobs_total':61,"                \
    "'jobs_per_s':2.5,'left_s':24}"

static void test_runs(void **state)
{
    (void)state;
    run_says(RUN("window_full"));
    expect("3 of 4 slots have no work: the window is full");
    expect(
        "Line 0: 1 of 60 jobs committed; 6 in flight, at most 6 may be: 2 with a worker, 4 done ");
    expect("Its oldest job: 0/1 is quarantined");
    expect("1 of 61 jobs are committed, 2.5 a second; 0:24 left.");
    expect("`ratchet skip RUN 0/1` gives the job up");
    expect("1 line stopped at a job that nobody could carry out");
    run_says(RUN("workers_busy"));
    expect("The run is as fast as its workers: all 4 slots of 2 workers have a job, and 5 more");
    run_says(RUN("no_worker"));
    expect("Nobody works for the run: no worker is connected.");
    run_says(RUN("workers_full"));
    expect("3 of 4 slots have no work: no worker takes more (their caches are full");
    run_says(RUN("workers_silent"));
    expect("Nobody works for the run: all 2 workers are silent.");
    run_says(RUN("strategy_waits"));
    expect("the strategy wants the results of the jobs under way");
    run_says(
        "{'asked':'ledger','coordinator':'none','state':'stopped','commits':7,'directory':'d'}");
    expect("no coordinator serves this run; 7 jobs are committed");
    run_says("{'asked':'ledger','coordinator':'not answering','state':'stopped','commits':7}");
    expect("Nothing goes on as long as the coordinator does not answer");
    expect("alive but does not answer");
    run_says("{'asked':'ledger','state':'finished','finished_wall_ms':1795372810623,'commits':7}");
    expect("The run finished at 2026-11-22 18:40:10 UTC; 7 jobs are committed.");
}

/* An answer with nothing in it is no reason to fall over. */
static void test_missing_facts(void **state)
{
    (void)state;
    explain(explain_job, "{}");
    explain(explain_job, "{'job':{'leases':[{}],'state':'leased'}}");
    explain(explain_job, "{'job':{'leases':5,'state':'held','troubles':'x'}}");
    explain(explain_worker, "{'found':[{}]}");
    run_says("{'asked':'coordinator','open':[{}]}");
    run_says("{}");
}

static void test_too_much_is_cut(void **state)
{
    (void)state;
    sentences.count = 0;
    for (int i = 0; i < 2 * SENTENCES_MAX; i++)
        say(&sentences, "%0999d", i);
    assert_int_equal(sentences.count, SENTENCES_MAX);
    assert_int_equal(strlen(sentences.text[0]), SENTENCE_BYTES_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ages),
        cmocka_unit_test(test_waiting_jobs),
        cmocka_unit_test(test_leased_jobs),
        cmocka_unit_test(test_held_results),
        cmocka_unit_test(test_quarantined_jobs_and_signals),
        cmocka_unit_test(test_jobs_that_are_not_there),
        cmocka_unit_test(test_commits),
        cmocka_unit_test(test_workers),
        cmocka_unit_test(test_workers_that_have_gone),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_missing_facts),
        cmocka_unit_test(test_too_much_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
