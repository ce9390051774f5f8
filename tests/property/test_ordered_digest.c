/*
 * test_ordered_digest.c: same seed, same result: of ordered runs.
 *
 * Random experiments, each run under many circumstances that must not matter: how many workers
 * there are, in what order they answer, after which commits the coordinator is killed, what is left
 * of the ledger, whether second opinions are asked for.
 */
#include "tests/property/direct_run.h"
#include "tests/simulation/simulation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TRIALS = 60 };

static const struct fault_plan no_faults;

static void draw_ordered(struct trial *trial, uint64_t seed)
{
    trial_draw(trial, seed, &no_faults);
    trial->config.mode = COMMIT_ORDERED;
    snprintf(trial->config.numeric, sizeof trial->config.numeric, "%s", TRIAL_NUMERIC);
}

static struct digest digest_under(const struct direct_options *options)
{
    struct disk disk;
    direct_disk_init(&disk, options->trial);
    struct direct_result result = direct_run(options, &disk);
    disk_fini(&disk);
    assert_true(result.finished);
    return result.digest;
}

static struct digest plain_digest(const struct trial *trial, struct archive *archive)
{
    struct direct_options options = {
        .trial = trial, .seed = 1, .workers = 1, .capacity = 1, .archive = archive};
    return digest_under(&options);
}

static void assert_digests_equal(const struct digest *a, const struct digest *b, uint64_t seed)
{
    char left[DIGEST_HEX_BYTES], right[DIGEST_HEX_BYTES];
    digest_to_hex(a, left);
    digest_to_hex(b, right);
    if (strcmp(left, right) != 0)
        fail_msg("trial %llu: %s is not %s", (unsigned long long)seed, left, right);
}

static void workers_and_their_order_do_not_matter(void **state)
{
    (void)state;
    static const struct {
        uint32_t workers, capacity;
    } crews[] = {{2, 2}, {7, 3}, {40, 1}, {3, 40}};
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        struct archive archive = {0};
        struct trial trial;
        draw_ordered(&trial, seed);
        struct digest plain = plain_digest(&trial, &archive);
        for (uint32_t i = 0; i < sizeof crews / sizeof crews[0]; i++) {
            struct direct_options options = {
                .trial = &trial,
                .seed = seed * 10 + i,
                .workers = crews[i].workers,
                .capacity = crews[i].capacity,
                .archive = &archive,
            };
            struct digest digest = digest_under(&options);
            assert_digests_equal(&digest, &plain, seed);
        }
        archive_fini(&archive);
    }
}

static void a_kill_at_every_commit_does_not_matter(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= TRIALS / 3; seed++) {
        struct archive archive = {0};
        struct trial trial;
        draw_ordered(&trial, seed);
        struct digest plain = plain_digest(&trial, &archive);
        struct direct_options options = {
            .trial = &trial,
            .seed = seed,
            .workers = 4,
            .capacity = 3,
            .kill_after = 1,
            .archive = &archive,
        };
        struct digest digest = digest_under(&options);
        assert_digests_equal(&digest, &plain, seed);
        archive_fini(&archive);
    }
}

/* The ledger is cut back to `records`, as by a power cut, and the run goes on from there. */
static void cut_and_continue(const struct direct_options *options, const struct disk *whole,
                             size_t records, const struct digest *expected)
{
    struct disk disk;
    direct_disk_init(&disk, options->trial);
    for (size_t i = 0; i < records; i++)
        disk_stage_record(&disk, &whole->records[i]);
    disk_commit(&disk, &whole->marks[0].digest);
    struct direct_result result = direct_run(options, &disk);
    assert_true(result.finished);
    assert_digests_equal(&result.digest, expected, options->trial->config.run.bytes[0]);
    disk_fini(&disk);
}

static void any_beginning_of_the_ledger_comes_to_the_same_end(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        struct archive archive = {0};
        struct trial trial;
        draw_ordered(&trial, seed);
        struct direct_options options = {
            .trial = &trial, .seed = seed, .workers = 5, .capacity = 2, .archive = &archive};
        struct disk whole;
        direct_disk_init(&whole, &trial);
        struct direct_result result = direct_run(&options, &whole);
        struct dice dice = dice_open(seed, DICE_FAULTS);
        for (uint32_t i = 0; i < 5; i++) {
            options.seed = seed * 100 + i;
            size_t records = dice_below(&dice, (uint32_t)whole.record_count);
            cut_and_continue(&options, &whole, records, &result.digest);
        }
        disk_fini(&whole);
        archive_fini(&archive);
    }
}

static void second_opinions_do_not_matter(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        struct archive archive = {0};
        struct trial trial;
        draw_ordered(&trial, seed);
        trial.config.opinion_promising = false;
        struct digest without = plain_digest(&trial, &archive);
        trial.config.opinion_promising = true;
        struct direct_options options = {
            .trial = &trial, .seed = seed, .workers = 5, .capacity = 2, .archive = &archive};
        struct digest with = digest_under(&options);
        assert_digests_equal(&with, &without, seed);
        archive_fini(&archive);
    }
}

/* The whole simulated cluster and the core driven by hand have only the core in common. */
static void the_simulated_cluster_agrees(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        struct archive archive = {0};
        struct trial trial;
        struct cast cast;
        draw_ordered(&trial, seed);
        cast_draw(&cast, seed, &no_faults);
        struct simulation_setup setup = {
            .seed = seed, .trial = &trial, .cast = &cast, .plan = &no_faults};
        struct simulation_result result = simulation_run(&setup);
        if (result.failure.kind != FAILURE_NONE)
            fail_msg("trial %llu: %s", (unsigned long long)seed, result.failure.text);
        struct digest plain = plain_digest(&trial, &archive);
        assert_digests_equal(&result.digest, &plain, seed);
        archive_fini(&archive);
    }
}

/* Otherwise all of the above could hold because every run has one and the same digest. */
static void another_experiment_has_another_digest(void **state)
{
    (void)state;
    struct archive archive = {0};
    struct trial trial;
    draw_ordered(&trial, 1);
    struct digest before = plain_digest(&trial, &archive);
    trial.lines[0].search.seed++;
    struct digest after = plain_digest(&trial, &archive);
    assert_false(digest_equal(&before, &after));
    archive_fini(&archive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_and_their_order_do_not_matter),
        cmocka_unit_test(a_kill_at_every_commit_does_not_matter),
        cmocka_unit_test(any_beginning_of_the_ledger_comes_to_the_same_end),
        cmocka_unit_test(second_opinions_do_not_matter),
        cmocka_unit_test(the_simulated_cluster_agrees),
        cmocka_unit_test(another_experiment_has_another_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
