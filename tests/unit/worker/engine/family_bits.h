/*
 * family_bits.h: what the bits of a family's training may not depend on: the vector unit, who else
 * is in the cohort, where it is cut and that it went through a checkpoint. Each model is trained in
 * setting.h's setting, with relu and with GELU, with dropout and decay. That the bits are the right
 * ones is test_ops.c's matter.
 */
#ifndef RATCHET_TESTS_UNIT_WORKER_ENGINE_FAMILY_BITS_H
#define RATCHET_TESTS_UNIT_WORKER_ENGINE_FAMILY_BITS_H

/* Texts of models, NULL behind the last; for samples of setting.h's INPUTS values. The
 * name of each is printed before it is tried. */
void family_bits_on_every_vector_unit(const char *const *models);
void family_bits_in_a_cohort(const char *const *models);
void family_bits_cut_anywhere(const char *const *models);

#endif
