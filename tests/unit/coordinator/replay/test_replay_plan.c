/*
 * test_replay_plan.c: what has to be made again and in which order, on made-up ledgers. A ledger is
 * an array here: job J is committed as number J + 1.
 */
#include "coordinator/replay/replay_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { JOBS_MAX = 5000 };

struct story {
    struct commit_record records[JOBS_MAX];
    bool stored[JOBS_MAX]; /* the run has the child of this job */
    uint64_t count;
    uint64_t asked; /* how often for a checkpoint */
    bool unreadable;
    struct digest dropped[JOBS_MAX];
    size_t drops;
};

static struct digest child_of(uint64_t job)
{
    return digest_of(&job, sizeof job);
}

static int setup(void **state)
{
    struct story *story = calloc(1, sizeof *story);
    assert_non_null(story);
    *state = story;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void describe(struct commit_record *record)
{
    record->description = job_digest(&record->job);
}

/* The next job, made from these; its number. */
static uint64_t tell(struct story *story, uint32_t parent_count, const uint64_t *parents)
{
    uint64_t job = story->count++;
    struct commit_record *record = &story->records[job];
    *record = (struct commit_record){.sequence = job + 1, .outcome = OUTCOME_OK};
    record->job.key.job = job;
    record->job.kind = JOB_MUTATE;
    record->job.parent_count = parent_count;
    for (uint32_t i = 0; i < parent_count; i++) {
        record->job.parents[i] = child_of(parents[i]);
        record->parent_ids[i].job = parents[i];
    }
    record->child = child_of(job);
    describe(record);
    return job;
}

static uint64_t tell_child(struct story *story, uint64_t parent)
{
    return tell(story, 1, &parent);
}

static int obtain(void *context, const struct digest *digest, struct error *error)
{
    struct story *story = context;
    story->asked++;
    if (story->unreadable)
        return error_set(error, -1, "the disk is on fire");
    for (uint64_t i = 0; i < story->count; i++) {
        if (story->stored[i] && digest_equal(&story->records[i].child, digest))
            return 1;
    }
    return 0;
}

static int find(void *context, struct job_key key, struct commit_record *record,
                struct error *error)
{
    const struct story *story = context;
    (void)error;
    if (key.job >= story->count)
        return 0;
    *record = story->records[key.job];
    return 1;
}

static int make(struct story *story, uint64_t wanted, struct replay_plan *plan, struct error *error)
{
    const struct replay_source source = {.context = story, .obtain = obtain, .find = find};
    return replay_plan_make(plan, &story->records[wanted], &source, error);
}

static void drop(const void *context, const struct digest *checkpoint)
{
    struct story *story = (struct story *)(uintptr_t)context;
    story->dropped[story->drops++] = *checkpoint;
}

static void expect_steps(struct story *story, uint64_t wanted, size_t count, const uint64_t *jobs)
{
    struct replay_plan plan;
    struct error error = {0};
    if (make(story, wanted, &plan, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(plan.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(plan.steps[i].key.job, jobs[i]);
        assert_int_equal(plan.steps[i].sequence, jobs[i] + 1);
    }
    replay_plan_free(&plan);
    assert_null(plan.steps);
}

static void test_a_founder_needs_itself(void **state)
{
    struct story *story = *state;
    uint64_t founder = tell(story, 0, NULL);
    expect_steps(story, founder, 1, &founder);
    /* Also when its own child is stored: it is what was asked for. */
    story->stored[founder] = true;
    expect_steps(story, founder, 1, &founder);
    assert_int_equal(story->asked, 0);
}

static void test_stored_parents_need_no_job(void **state)
{
    struct story *story = *state;
    uint64_t founder = tell(story, 0, NULL), first = tell_child(story, founder);
    uint64_t second = tell_child(story, first), third = tell_child(story, second);
    story->stored[first] = true;
    expect_steps(story, third, 2, (const uint64_t[]){second, third});
    story->stored[second] = true;
    expect_steps(story, third, 1, &third);
    story->stored[first] = story->stored[second] = false;
    expect_steps(story, third, 4, (const uint64_t[]){founder, first, second, third});
}

static void test_common_ancestors_are_made_once(void **state)
{
    struct story *story = *state;
    uint64_t a = tell(story, 0, NULL), other = tell(story, 0, NULL);
    uint64_t left = tell_child(story, a), right = tell_child(story, a);
    tell_child(story, other);
    uint64_t deep = tell_child(story, left);
    uint64_t cross = tell(story, 2, (const uint64_t[]){deep, right});
    uint64_t twin = tell(story, 2, (const uint64_t[]){cross, cross});
    expect_steps(story, twin, 6, (const uint64_t[]){a, left, right, deep, cross, twin});
}

static void test_what_nobody_needs_any_more_is_dropped(void **state)
{
    struct story *story = *state;
    struct replay_plan plan;
    uint64_t a = tell(story, 0, NULL);
    uint64_t left = tell_child(story, a), right = tell_child(story, a);
    uint64_t cross = tell(story, 2, (const uint64_t[]){left, right});
    uint64_t twin = tell(story, 2, (const uint64_t[]){cross, cross});
    assert_int_equal(make(story, twin, &plan, NULL), 0);
    assert_int_equal(plan.count, 5);
    static const size_t drops_after[] = {0, 0, 1, 3, 4};
    for (size_t i = 0; i < plan.count; i++) {
        replay_plan_done(&plan, &plan.steps[i], drop, story);
        if (i + 1 < plan.count)
            assert_int_equal(story->drops, drops_after[i]);
    }
    const uint64_t dropped[] = {a, left, right, cross};
    assert_true(story->drops >= 4);
    for (size_t i = 0; i < 4; i++) {
        struct digest child = child_of(dropped[i]);
        assert_memory_equal(&story->dropped[i], &child, sizeof child);
    }
    replay_plan_free(&plan);
}

/* Two jobs make the same bytes: the first one's use ends, the second one's does not. */
static void test_equal_bytes_stay_while_one_needs_them(void **state)
{
    struct story *story = *state;
    struct replay_plan plan;
    uint64_t a = tell(story, 0, NULL), b = tell(story, 0, NULL);
    story->records[b].child = story->records[a].child;
    uint64_t first = tell_child(story, a), second = tell_child(story, b);
    story->records[second].job.parents[0] = story->records[a].child;
    describe(&story->records[second]);
    uint64_t cross = tell(story, 2, (const uint64_t[]){first, second});
    assert_int_equal(make(story, cross, &plan, NULL), 0);
    assert_int_equal(plan.count, 5);
    for (size_t i = 0; i < 3; i++)
        replay_plan_done(&plan, &plan.steps[i], drop, story);
    assert_int_equal(story->drops, 0);
    replay_plan_done(&plan, &plan.steps[3], drop, story);
    assert_int_equal(story->drops, 1);
    replay_plan_free(&plan);
}

/* What was asked for has the bytes of its parent: it stays when the parent is not needed. */
static void test_a_child_may_be_its_parents_equal(void **state)
{
    struct story *story = *state;
    struct replay_plan plan;
    uint64_t founder = tell(story, 0, NULL), middle = tell_child(story, founder);
    uint64_t twin = tell_child(story, middle);
    story->records[twin].child = story->records[middle].child;
    assert_int_equal(make(story, twin, &plan, NULL), 0);
    assert_int_equal(plan.count, 3);
    for (size_t i = 0; i < plan.count; i++)
        replay_plan_done(&plan, &plan.steps[i], drop, story);
    const struct digest dropped = child_of(founder);
    assert_int_equal(story->drops, 1);
    assert_memory_equal(&story->dropped[0], &dropped, sizeof dropped);
    replay_plan_free(&plan);
}

/* A tree whose leaves were committed in no order: each job's parents come before it. */
static void test_a_wide_lineage_is_in_order(void **state)
{
    enum { LEAVES = 64 };
    struct story *story = *state;
    struct replay_plan plan;
    uint64_t row[LEAVES];
    for (uint64_t i = 0; i < LEAVES; i++)
        row[i * 37 % LEAVES] = tell(story, 0, NULL);
    for (uint64_t width = LEAVES / 2; width > 0; width /= 2) {
        uint64_t next[LEAVES];
        for (uint64_t i = 0; i < width; i++) {
            uint64_t place = i * 13 % width; /* 13 has no divisor in common with any width */
            next[place] = tell(story, 2, &row[2 * place]);
        }
        memcpy(row, next, width * sizeof *row);
    }
    assert_int_equal(make(story, row[0], &plan, NULL), 0);
    assert_int_equal(plan.count, 2 * LEAVES - 1);
    for (size_t i = 0; i < plan.count; i++) {
        assert_int_equal(plan.steps[i].sequence, i + 1);
        replay_plan_done(&plan, &plan.steps[i], drop, story);
    }
    assert_int_equal(story->drops, plan.count - 1);
    replay_plan_free(&plan);
}

static void test_thousands_of_generations(void **state)
{
    struct story *story = *state;
    struct replay_plan plan;
    tell(story, 0, NULL);
    while (story->count < JOBS_MAX)
        tell_child(story, story->count - 1);
    assert_int_equal(make(story, JOBS_MAX - 1, &plan, NULL), 0);
    assert_int_equal(plan.count, JOBS_MAX);
    for (uint64_t i = 0; i < JOBS_MAX; i++) {
        assert_int_equal(plan.steps[i].key.job, i);
        assert_int_equal(plan.steps[i].uses, 1);
    }
    for (uint64_t i = 0; i < JOBS_MAX; i++) {
        replay_plan_done(&plan, &plan.steps[i], drop, story);
        assert_int_equal(story->drops, i);
    }
    replay_plan_free(&plan);
    story->stored[JOBS_MAX - 51] = true;
    assert_int_equal(make(story, JOBS_MAX - 1, &plan, NULL), 0);
    assert_int_equal(plan.count, 50);
    replay_plan_free(&plan);
}

static void expect_refused(struct story *story, uint64_t wanted, const char *says)
{
    struct replay_plan plan;
    struct error error = {0};
    assert_int_equal(make(story, wanted, &plan, &error), -1);
    assert_null(plan.steps);
    if (strstr(error.text, says) == NULL)
        fail_msg("'%s' does not say '%s'", error.text, says);
}

static void test_a_damaged_ledger_is_refused_with_the_reason(void **state)
{
    struct story *story = *state;
    uint64_t founder = tell(story, 0, NULL), first = tell_child(story, founder);
    uint64_t second = tell_child(story, first);
    story->records[second].job.seed++;
    expect_refused(story, second, "the description of job 0/2");
    story->records[second].job.seed--;
    story->records[first].job.stream++;
    expect_refused(story, second, "the description of job 0/1");
    story->records[first].job.stream--;
    story->records[founder].child.bytes[0]++;
    expect_refused(story, second, "the checkpoint of 0/0 is not the one from which 0/1");
    story->records[founder].child.bytes[0]--;
    story->records[first].parent_ids[0].job = JOBS_MAX;
    expect_refused(story, second, "0/1 has the parent 0/5000, which it lacks");
    /* Its own parent: no way round and round. */
    story->records[first].parent_ids[0].job = second;
    expect_refused(story, second, "0/1 was committed before its parent 0/2");
    story->records[first].parent_ids[0].job = first;
    expect_refused(story, second, "0/1 was committed before its parent 0/1");
    story->unreadable = true;
    expect_refused(story, second, "the disk is on fire");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_founder_needs_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stored_parents_need_no_job, setup, teardown),
        cmocka_unit_test_setup_teardown(test_common_ancestors_are_made_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_nobody_needs_any_more_is_dropped, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_equal_bytes_stay_while_one_needs_them, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_child_may_be_its_parents_equal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_wide_lineage_is_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_thousands_of_generations, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_damaged_ledger_is_refused_with_the_reason, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
