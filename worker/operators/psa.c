/*
 * psa.c: the three damages of Persistent Stochastic Ablation (Cotten 2025): one unit, set to zero.
 *
 * A hidden ReLU unit whose row and bias are zero gets no gradient and never comes back: in hidden
 * layers this is pruning. reinit.c has the damage that can heal.
 */
#include "worker/operators/mutation.h"

enum { ENTERS = DAMAGE_INCOMING | DAMAGE_BIAS };

void apply_psa_full(struct mutation *mutation)
{
    mutation_hit(mutation, victim_draw_full(mutation), ENTERS);
}

void apply_psa_hidden(struct mutation *mutation)
{
    mutation_hit(mutation, victim_draw_hidden(mutation), ENTERS | DAMAGE_OUTGOING);
}

void apply_psa_output(struct mutation *mutation)
{
    mutation_hit(mutation, victim_draw_output(mutation), ENTERS);
}
