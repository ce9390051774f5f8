/*
 * liar.h: workers whose results are wrong.
 *
 * Two kinds. Broken hardware gets it wrong now and then, and never twice in the same way. A forger
 * gets every job wrong, and each time in the same way: only others can find that out, so its seeds
 * have honest workers that are always there (faults.c).
 */
#ifndef RATCHET_TESTS_SIMULATION_LIAR_H
#define RATCHET_TESTS_SIMULATION_LIAR_H

#include "tests/simulation/worker_node.h"

/* What a slot is about to report; its detail is in `news`. */
struct finding {
    const struct job *job;
    struct shell_news *news;
    uint8_t *child;
    size_t child_bytes;
};

/* Makes the finding a lie, or leaves it as it is: that is the worker's nature. */
void liar_speak(struct worker_node *node, const struct finding *finding);

#endif
