/*
 * fixture.h: models, samples and networks for the engine's tests, all drawn from small seeds.
 */
#ifndef RATCHET_TESTS_UNIT_WORKER_ENGINE_FIXTURE_H
#define RATCHET_TESTS_UNIT_WORKER_ENGINE_FIXTURE_H

#include "worker/engine/engine.h"
#include "worker/engine/kernels.h"

/* A model, or a failed test. */
struct model *fixture_model(const char *topology, enum activation activation, uint32_t inputs,
                            uint32_t classes);
/* The same with He's initialisation. */
struct model *fixture_model_he(const char *topology, enum activation activation, uint32_t inputs,
                               uint32_t classes);

/* A network with fresh parameters. */
struct network *fixture_network(const struct model *model, enum optimizer_state state,
                                uint64_t seed);

/* Samples, and a slice that takes them all in a shuffled order. */
struct fixture_data {
    struct samples samples;
    struct sample_slice slice;
};
struct fixture_data fixture_data_create(const struct model *model, enum sample_type type,
                                        uint32_t count, uint64_t seed);
void fixture_data_destroy(struct fixture_data *data);
/* Feature j of sample i as the network sees it. */
float fixture_input(const struct samples *samples, uint32_t sample, uint32_t feature);

/* AdamW with the study's values and a learning rate that moves small nets. */
struct training_settings fixture_training(uint32_t batch);

/* A member on `network` without decay or dropout; its dropout sequence is `seed`'s. */
struct cohort_member fixture_member(struct network *network, uint64_t seed);
/* With a network of its own, equal to the member's; the caller's to destroy. */
struct cohort_member fixture_copy_member(const struct cohort_member *member);

/* The kernels that this machine can run, at most 3. */
uint32_t fixture_kernels(const struct kernels *kernels[3]);

/* Everything that training changes. */
void fixture_assert_equal(const struct network *a, const struct network *b);

#endif
