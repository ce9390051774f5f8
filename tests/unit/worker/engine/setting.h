/*
 * setting.h: the trainings that the engine's tests compare with each other: 75 samples in batches
 * of 17, so that the last of an epoch is short, and up to ten members that differ in everything.
 */
#ifndef RATCHET_TESTS_UNIT_WORKER_ENGINE_SETTING_H
#define RATCHET_TESTS_UNIT_WORKER_ENGINE_SETTING_H

#include "tests/unit/worker/engine/fixture.h"

enum { INPUTS = 11, CLASSES = 5, SAMPLES = 75, BATCH = 17, PER_EPOCH = 5, MEMBERS = 10 };

/* A model with samples, and how it trains. */
struct setting {
    struct model *model;
    struct fixture_data data;
    struct training_settings training;
};

/* The order of all trainings here. */
extern const struct data_order setting_order;

struct setting setting_open(const char *topology, enum activation activation);
void setting_close(struct setting *setting);

struct engine *setting_engine(const struct setting *setting, const struct kernels *kernels);

/* Each number is another network, decay and dropout. */
struct cohort_member setting_member(const struct setting *setting, uint32_t number);
void setting_close_members(struct cohort_member *members, uint32_t count);

void setting_train(struct engine *engine, const struct setting *setting, struct step_range steps,
                   struct cohort_member *members, uint32_t count);

/* Networks and sums of losses have equal bits. */
void setting_assert_same(const struct cohort_member *a, const struct cohort_member *b);

#endif
