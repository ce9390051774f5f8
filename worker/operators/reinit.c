/*
 * reinit.c: the victims of psa.c, but what enters the unit is drawn anew, so that it lives on.
 *
 * reinit.hidden is how ReDo recycles a unit (Sokar, Agarwal, Castro and Evci 2023): fresh weights
 * in, zero weights out, so that the network's function loses what the unit did and nothing else.
 * Here the victim is blind, not dormant, and the bias is drawn like the row. reinit.full leaves
 * what a hidden unit sends out as it was.
 */
#include "worker/operators/mutation.h"

enum { ENTERS_ANEW = DAMAGE_INCOMING | DAMAGE_BIAS | DAMAGE_REINITIALISED };

void apply_reinit_full(struct mutation *mutation)
{
    mutation_hit(mutation, victim_draw_full(mutation), ENTERS_ANEW);
}

void apply_reinit_hidden(struct mutation *mutation)
{
    mutation_hit(mutation, victim_draw_hidden(mutation), ENTERS_ANEW | DAMAGE_OUTGOING);
}

void apply_reinit_output(struct mutation *mutation)
{
    mutation_hit(mutation, victim_draw_output(mutation), ENTERS_ANEW);
}
