/*
 * test_replay.c: the ledger is the run: replay is exact in arrival mode too, and refuses what is
 * not its own.
 */
#include "tests/property/direct_run.h"
#include "tests/simulation/recovery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TRIALS = 60 };

static const struct fault_plan no_faults;

static void draw_arrival(struct trial *trial, uint64_t seed)
{
    trial_draw(trial, seed, &no_faults);
    trial->config.mode = COMMIT_ARRIVAL;
    trial->config.numeric[0] = '\0';
}

/* The digest that a fresh core has after replay, or false when it refuses a record. */
static bool replay(const struct trial *trial, const struct disk *disk, struct digest *digest)
{
    struct core_config config = trial_core_config(trial, STAGE_FULL, disk->epoch + 1);
    struct error error;
    struct core *core = recovery_run(&config, disk, &error);
    if (core == NULL)
        return false;
    *digest = core_digest(core);
    core_destroy(&core);
    return true;
}

static struct direct_result run_trial(const struct trial *trial, uint64_t seed,
                                      struct archive *archive, struct disk *disk)
{
    struct direct_options options = {
        .trial = trial, .seed = seed, .workers = 6, .capacity = 3, .archive = archive};
    direct_disk_init(disk, trial);
    return direct_run(&options, disk);
}

static void arrival_mode_is_replayed_exactly(void **state)
{
    (void)state;
    uint32_t different = 0;
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        struct archive archive = {0};
        struct trial trial;
        draw_arrival(&trial, seed);
        struct disk one, other;
        struct direct_result first = run_trial(&trial, 1, &archive, &one);
        struct direct_result second = run_trial(&trial, 2, &archive, &other);
        assert_true(first.finished && second.finished);
        struct digest again;
        assert_true(replay(&trial, &one, &again));
        assert_true(digest_equal(&again, &first.digest));
        assert_true(replay(&trial, &other, &again));
        assert_true(digest_equal(&again, &second.digest));
        different += digest_equal(&first.digest, &second.digest) ? 0 : 1;
        disk_fini(&one);
        disk_fini(&other);
        archive_fini(&archive);
    }
    /* The order of arrival is part of such a run: were it not, this would test ordered mode again.
     */
    assert_true(different > TRIALS / 2);
}

/* ------------------------------------------------------------------------------- changed records
 */

static void change_fitness(struct commit_record *record)
{
    record->fitness += 1;
}

static void change_outcome(struct commit_record *record)
{
    record->outcome = OUTCOME_DIVERGED;
}

static void change_metric(struct commit_record *record)
{
    record->metrics[0].value += 1;
}

static void change_job(struct commit_record *record)
{
    record->job.key.job++;
}

static void change_description(struct commit_record *record)
{
    record->description.bytes[5] ^= 1;
}

static void change_admission(struct commit_record *record)
{
    record->admitted = !record->admitted;
}

static void change_champion(struct commit_record *record)
{
    record->champion = !record->champion;
}

static void change_chain(struct commit_record *record)
{
    record->chain.bytes[31] ^= 0x80;
}

static void (*const changes[])(struct commit_record *) = {
    change_fitness,     change_outcome,   change_metric,   change_job,
    change_description, change_admission, change_champion, change_chain,
};

static void a_changed_record_is_refused(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        struct archive archive = {0};
        struct trial trial;
        draw_arrival(&trial, seed);
        struct disk disk;
        struct direct_result result = run_trial(&trial, seed, &archive, &disk);
        assert_true(result.finished);
        struct dice dice = dice_open(seed, DICE_FAULTS);
        for (uint32_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
            struct ledger_record *record =
                &disk.records[dice_below(&dice, (uint32_t)disk.record_count)];
            struct ledger_record original = *record;
            struct digest digest;
            changes[i](&record->commit);
            if (replay(&trial, &disk, &digest))
                fail_msg("trial %llu: change %u goes unnoticed", (unsigned long long)seed, i);
            *record = original;
        }
        disk_fini(&disk);
        archive_fini(&archive);
    }
}

static void a_record_that_is_missing_or_doubled_is_refused(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        struct archive archive = {0};
        struct trial trial;
        draw_arrival(&trial, seed);
        struct disk disk;
        struct direct_result result = run_trial(&trial, seed, &archive, &disk);
        assert_true(result.finished && disk.record_count > 2);
        struct dice dice = dice_open(seed, DICE_FAULTS);
        /* The one before takes its place: that is doubled, this is missing. */
        size_t index = 1 + dice_below(&dice, (uint32_t)disk.record_count - 1);
        disk.records[index] = disk.records[index - 1];
        struct digest digest;
        assert_false(replay(&trial, &disk, &digest));
        disk_fini(&disk);
        archive_fini(&archive);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrival_mode_is_replayed_exactly),
        cmocka_unit_test(a_changed_record_is_refused),
        cmocka_unit_test(a_record_that_is_missing_or_doubled_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
