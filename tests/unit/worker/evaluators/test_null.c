/*
 * test_null.c: the null evaluator's jobs: pure, sensitive to every input, and the same bits for
 * ever.
 */
#include "worker/evaluators/null.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CHILD_BYTES_MAX = 65536 };

/* One job and what came of it. */
struct trial {
    struct null_spec spec;
    struct job job;
    struct bytes parents[JOB_PARENTS_MAX];
    struct result result;
    size_t child_bytes;
    uint8_t child[CHILD_BYTES_MAX];
};

static const struct null_spec usual_spec = {.dim = 16, .heal = 0.25};

static void run(struct trial *trial)
{
    /* What the evaluator must leave alone or overwrite. */
    memset(&trial->result, 0, sizeof trial->result);
    memset(trial->child, 0xa5, sizeof trial->child);
    trial->result.fitness = 7;
    trial->result.metric_count = 3;
    trial->result.steps = 99;
    trial->result.compute_ms = 5;
    trial->child_bytes =
        null_evaluate(&trial->spec, &trial->job, trial->parents, trial->child, &trial->result);
    assert_int_equal(trial->result.child_bytes, trial->child_bytes);
    assert_int_equal(trial->result.compute_ms, 5);
    assert_true(trial->child_bytes <= null_child_bytes_max(&trial->spec));
}

static struct trial *trial_make(const char *name)
{
    struct trial *trial = calloc(1, sizeof *trial);
    assert_non_null(trial);
    trial->spec = usual_spec;
    trial->job = (struct job){
        .key = {.line = 3, .job = 11},
        .kind = JOB_MUTATE,
        .slices = SLICE_SELECT | SLICE_CONFIRM,
        .seed = 42,
        .stream = 9,
    };
    strcpy(trial->job.call.name, name);
    return trial;
}

static void give_parent(struct trial *trial, const struct trial *parent)
{
    assert_true(trial->job.parent_count < JOB_PARENTS_MAX);
    uint32_t index = trial->job.parent_count++;
    trial->parents[index] = (struct bytes){.data = parent->child, .count = parent->child_bytes};
}

static struct trial *initial(uint64_t job)
{
    struct trial *trial = trial_make("init");
    trial->job.key.job = job;
    run(trial);
    assert_int_equal(trial->result.outcome, OUTCOME_OK);
    return trial;
}

static struct trial *noise(const struct trial *parent)
{
    struct trial *trial = trial_make("noise");
    trial->job.call.param_count = 1;
    trial->job.call.params[0] = 0.1;
    give_parent(trial, parent);
    return trial;
}

static struct digest child_digest(const struct trial *trial)
{
    return digest_of(trial->child, trial->child_bytes);
}

/* ---------------------------------------------------------------------------------- purity */

static void test_the_same_job_gives_the_same_bytes(void **state)
{
    (void)state;
    struct trial *parent = initial(1), *first = noise(parent), *second = noise(parent);
    run(first);
    run(second);
    assert_int_equal(first->result.outcome, OUTCOME_OK);
    assert_int_equal(first->child_bytes, null_child_bytes_max(&first->spec));
    assert_memory_equal(first->child, second->child, first->child_bytes);
    assert_memory_equal(&first->result, &second->result, sizeof first->result);
    assert_int_equal(first->result.steps, 1);
    free(parent);
    free(first);
    free(second);
}

static void expect_known(const char *hex, double fitness, const struct trial *trial)
{
    struct digest digest = child_digest(trial);
    char text[DIGEST_HEX_BYTES];
    digest_to_hex(&digest, text);
    assert_string_equal(text, hex);
    assert_memory_equal(&trial->result.fitness, &fitness, sizeof fitness);
}

/* Pinned: these bits are what the class `portable` means for this evaluator, on every machine. */
static void test_known_children(void **state)
{
    (void)state;
    struct trial *parent = initial(1), *child = noise(parent);
    run(child);
    expect_known("7dd7b429697225d015531c9b578326850fb1c7fda0d0b2e5c27b4bceac5ce31f",
                 -0x1.8839fc49d03dcp-2, parent);
    expect_known("bab9b42936d6983256cf981b5352ba223c24be3249e6c3c952abaac1b894065e",
                 -0x1.2fb31a397b44bp-2, child);
    free(parent);
    free(child);
}

static void test_a_checkpoint_is_a_safetensors_file(void **state)
{
    (void)state;
    static const char header[] =
        "{\"genome\":{\"dtype\":\"F32\",\"shape\":[16],\"data_offsets\":[0,64]}}";
    struct trial *trial = initial(1);
    uint64_t length;
    memcpy(&length, trial->child, sizeof length);
    assert_int_equal((8 + length) % 8, 0);
    assert_int_equal(trial->child_bytes, 8 + length + 64);
    assert_memory_equal(trial->child + 8, header, sizeof header - 1);
    for (uint64_t i = sizeof header - 1; i < length; i++)
        assert_int_equal(trial->child[8 + i], ' ');
    for (uint32_t i = 0; i < 16; i++) {
        float gene;
        memcpy(&gene, trial->child + 8 + length + sizeof gene * i, sizeof gene);
        assert_true(fabsf(gene) < 1.1f);
    }
    free(trial);
}

/* --------------------------------------------------------------------- every input matters */

static void change_seed(struct trial *trial)
{
    trial->job.seed ^= UINT64_C(1) << 63;
}

static void change_line(struct trial *trial)
{
    trial->job.key.line++;
}

static void change_job(struct trial *trial)
{
    trial->job.key.job ^= UINT64_C(1) << 40;
}

static void change_stream(struct trial *trial)
{
    trial->job.stream++;
}

static void change_params(struct trial *trial)
{
    trial->job.call.params[0] += 0x1.0p-10;
}

static void change_heal(struct trial *trial)
{
    trial->spec.heal += 0x1.0p-10;
}

static void expect_another_child(struct trial *(*make)(const struct trial *),
                                 const struct trial *parent, void (*change)(struct trial *))
{
    struct trial *plain = make(parent), *changed = make(parent);
    change(changed);
    run(plain);
    run(changed);
    struct digest a = child_digest(plain), b = child_digest(changed);
    assert_int_equal(changed->result.outcome, OUTCOME_OK);
    assert_false(digest_equal(&a, &b));
    assert_true(plain->result.fitness != changed->result.fitness);
    free(plain);
    free(changed);
}

static struct trial *fresh(const struct trial *parent)
{
    (void)parent;
    return trial_make("init");
}

static struct trial *unchanged(const struct trial *parent)
{
    struct trial *trial = trial_make("none");
    give_parent(trial, parent);
    return trial;
}

static struct trial *crossed(const struct trial *parent)
{
    static struct trial *other;
    if (other == NULL)
        other = initial(1234);
    struct trial *trial = trial_make("crossover");
    trial->job.call.param_count = 1;
    trial->job.call.params[0] = 0.5;
    give_parent(trial, parent);
    give_parent(trial, other);
    return trial;
}

static void test_every_input_changes_the_child(void **state)
{
    (void)state;
    struct trial *parent = initial(1);
    void (*const drawn[])(struct trial *) = {change_seed, change_line, change_job, change_stream,
                                             change_heal};
    for (uint32_t i = 0; i < sizeof drawn / sizeof drawn[0]; i++) {
        expect_another_child(fresh, parent, drawn[i]);
        expect_another_child(noise, parent, drawn[i]);
        expect_another_child(crossed, parent, drawn[i]);
    }
    expect_another_child(noise, parent, change_params);
    expect_another_child(unchanged, parent, change_seed);
    expect_another_child(unchanged, parent, change_stream);
    expect_another_child(unchanged, parent, change_heal);
    free(parent);
}

static void test_another_parent_gives_another_child(void **state)
{
    (void)state;
    struct trial *(*const makes[])(const struct trial *) = {noise, unchanged};
    struct trial *parent = initial(1), *twin = initial(1);
    twin->child[twin->child_bytes - 3] ^= 1; /* one gene, by some parts in 10,000 */
    for (uint32_t i = 0; i < 2; i++) {
        struct trial *a = makes[i](parent), *b = makes[i](twin);
        run(a);
        run(b);
        struct digest da = child_digest(a), db = child_digest(b);
        assert_false(digest_equal(&da, &db));
        free(a);
        free(b);
    }
    free(parent);
    free(twin);
}

static void test_crossover_takes_from_both_and_only_from_them(void **state)
{
    (void)state;
    struct trial *a = initial(1), *b = initial(2), *child = trial_make("crossover");
    child->spec.heal = 0;
    child->job.call.param_count = 1;
    child->job.call.params[0] = 0.5;
    give_parent(child, a);
    give_parent(child, b);
    run(child);
    uint32_t from_a = 0, from_b = 0;
    for (size_t at = child->child_bytes - 64; at < child->child_bytes; at += 4) {
        bool is_a = memcmp(child->child + at, a->child + at, 4) == 0;
        bool is_b = memcmp(child->child + at, b->child + at, 4) == 0;
        assert_true(is_a || is_b);
        from_a += is_a;
        from_b += is_b;
    }
    assert_true(from_a > 0 && from_b > 0);

    child->job.call.params[0] = 0; /* never from the second */
    run(child);
    assert_memory_equal(child->child, a->child, child->child_bytes);
    child->job.call.params[0] = 1; /* always */
    run(child);
    assert_memory_equal(child->child, b->child, child->child_bytes);
    free(a);
    free(b);
    free(child);
}

static void test_training_heals(void **state)
{
    (void)state;
    struct trial *parent = initial(1);
    double fitness = parent->result.fitness;
    for (uint32_t i = 0; i < 20; i++) {
        struct trial *child = trial_make("none");
        child->job.stream = i;
        give_parent(child, parent);
        run(child);
        assert_true(child->result.fitness > fitness || fitness > -0.01);
        fitness = child->result.fitness;
        free(parent);
        parent = child;
    }
    /* Close to the train target, and as far from the select target as slices differ. */
    assert_true(fitness > -0.01);
    assert_true(fitness < 0);
    free(parent);
}

/* ------------------------------------------------------------------------------ evaluation */

static const struct metric *metric_of(const struct trial *trial, enum metric_id id)
{
    for (uint32_t i = 0; i < trial->result.metric_count; i++)
        if (trial->result.metrics[i].id == id)
            return &trial->result.metrics[i];
    return NULL;
}

static struct trial *evaluation(const struct trial *of, uint32_t slices)
{
    struct trial *trial = trial_make("");
    trial->job.kind = JOB_EVALUATE;
    trial->job.slices = slices;
    give_parent(trial, of);
    trial->child[0] = 0;
    run(trial);
    return trial;
}

static void test_evaluating_a_child_repeats_what_its_job_reported(void **state)
{
    (void)state;
    struct trial *parent = initial(1), *child = noise(parent);
    child->job.slices = SLICE_ALL;
    run(child);
    struct trial *opinion = evaluation(child, SLICE_ALL);
    assert_int_equal(opinion->result.outcome, OUTCOME_OK);
    assert_int_equal(opinion->child_bytes, 0);
    assert_int_equal(opinion->result.steps, 0);
    assert_int_equal(child->result.metric_count, 4);
    assert_int_equal(opinion->result.metric_count, 4);
    assert_memory_equal(opinion->result.metrics, child->result.metrics,
                        4 * sizeof child->result.metrics[0]);
    assert_true(opinion->result.fitness == child->result.fitness);
    /* It does not depend on who asks: job, stream and line are the child's history, not its worth.
     */
    opinion->job.key = (struct job_key){.line = 8, .job = 1000};
    opinion->job.stream = 77;
    run(opinion);
    assert_true(opinion->result.fitness == child->result.fitness);
    free(parent);
    free(child);
    free(opinion);
}

static void test_slices_asked_are_slices_told(void **state)
{
    (void)state;
    struct trial *child = initial(1);
    for (uint32_t slices = 0; slices <= SLICE_ALL; slices++) {
        struct trial *trial = evaluation(child, slices);
        assert_true((metric_of(trial, METRIC_TRAIN_LOSS) != NULL) == ((slices & SLICE_TRAIN) != 0));
        assert_true((metric_of(trial, METRIC_SELECT_LOSS) != NULL) ==
                    ((slices & SLICE_SELECT) != 0));
        assert_true((metric_of(trial, METRIC_CONFIRM_LOSS) != NULL) ==
                    ((slices & SLICE_CONFIRM) != 0));
        assert_true((metric_of(trial, METRIC_TEST_LOSS) != NULL) == ((slices & SLICE_TEST) != 0));
        if (slices & SLICE_SELECT)
            assert_true(trial->result.fitness == -metric_of(trial, METRIC_SELECT_LOSS)->value);
        else if (slices & SLICE_TEST)
            assert_true(trial->result.fitness == -metric_of(trial, METRIC_TEST_LOSS)->value);
        free(trial);
    }
    free(child);
}

static void test_slices_differ_but_agree_roughly(void **state)
{
    (void)state;
    struct trial *child = initial(1);
    struct trial *trial = evaluation(child, SLICE_ALL);
    for (uint32_t i = 0; i < 4; i++)
        for (uint32_t k = 0; k < i; k++) {
            double off = trial->result.metrics[i].value - trial->result.metrics[k].value;
            assert_true(off != 0);
            assert_true(fabs(off) < 0.2);
        }
    free(trial);
    free(child);
}

/* ------------------------------------------------------------------------- what goes wrong */

static void expect_failed(struct trial *trial, const char *words)
{
    run(trial);
    assert_int_equal(trial->result.outcome, OUTCOME_FAILED);
    assert_int_equal(trial->child_bytes, 0);
    assert_int_equal(trial->result.metric_count, 0);
    assert_int_equal(trial->result.steps, 0);
    assert_true(isnan(trial->result.fitness));
    assert_non_null(strstr(trial->result.reason, words));
}

static void test_foreign_parents_are_refused(void **state)
{
    (void)state;
    struct trial *parent = initial(1), *trial = noise(parent);
    trial->parents[0].count--;
    expect_failed(trial, "not a checkpoint");
    trial->parents[0].count = 0;
    expect_failed(trial, "not a checkpoint");
    trial->parents[0].count = parent->child_bytes;
    trial->spec.dim = 17;
    expect_failed(trial, "not a checkpoint");
    trial->spec.dim = 16;
    parent->child[12] ^= 1; /* in the header */
    expect_failed(trial, "not a checkpoint");
    parent->child[12] ^= 1;
    run(trial);
    assert_int_equal(trial->result.outcome, OUTCOME_OK);
    assert_string_equal(trial->result.reason, "");
    free(parent);
    free(trial);
}

static void test_calls_that_fit_no_operator_are_refused(void **state)
{
    (void)state;
    struct trial *parent = initial(1);
    struct trial *trial = trial_make("anneal");
    expect_failed(trial, "no such operator: anneal");
    free(trial);
    trial = trial_make("noise");
    expect_failed(trial, "wrong number of parents for noise");
    give_parent(trial, parent);
    expect_failed(trial, "wrong number of parameters for noise");
    free(trial);
    trial = trial_make("");
    trial->job.kind = JOB_EVALUATE;
    expect_failed(trial, "an evaluation has one parent");
    free(trial);
    free(parent);
}

static void test_what_is_not_finite_has_diverged(void **state)
{
    (void)state;
    struct trial *parent = initial(1);
    float infinite = INFINITY, nan_gene = NAN;
    const float *const bad[] = {&infinite, &nan_gene};
    for (uint32_t i = 0; i < 2; i++) {
        memcpy(parent->child + parent->child_bytes - 4, bad[i], 4);
        struct trial *trials[] = {noise(parent), evaluation(parent, SLICE_SELECT)};
        for (uint32_t k = 0; k < 2; k++) {
            run(trials[k]);
            assert_int_equal(trials[k]->result.outcome, OUTCOME_DIVERGED);
            assert_true(isnan(trials[k]->result.fitness));
            assert_int_equal(trials[k]->result.metric_count, 0);
            assert_int_equal(trials[k]->child_bytes, 0);
            free(trials[k]);
        }
    }
    free(parent);
}

static void test_noise_beyond_all_bounds_diverges(void **state)
{
    (void)state;
    struct trial *parent = initial(1), *trial = noise(parent);
    trial->job.call.params[0] = 1e300;
    run(trial);
    assert_int_equal(trial->result.outcome, OUTCOME_DIVERGED);
    assert_int_equal(trial->result.steps, 1);
    free(parent);
    free(trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_job_gives_the_same_bytes),
        cmocka_unit_test(test_known_children),
        cmocka_unit_test(test_a_checkpoint_is_a_safetensors_file),
        cmocka_unit_test(test_every_input_changes_the_child),
        cmocka_unit_test(test_another_parent_gives_another_child),
        cmocka_unit_test(test_crossover_takes_from_both_and_only_from_them),
        cmocka_unit_test(test_training_heals),
        cmocka_unit_test(test_evaluating_a_child_repeats_what_its_job_reported),
        cmocka_unit_test(test_slices_asked_are_slices_told),
        cmocka_unit_test(test_slices_differ_but_agree_roughly),
        cmocka_unit_test(test_foreign_parents_are_refused),
        cmocka_unit_test(test_calls_that_fit_no_operator_are_refused),
        cmocka_unit_test(test_what_is_not_finite_has_diverged),
        cmocka_unit_test(test_noise_beyond_all_bounds_diverges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
