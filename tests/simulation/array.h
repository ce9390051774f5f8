/* array.h: arrays that grow. */
#ifndef RATCHET_TESTS_SIMULATION_ARRAY_H
#define RATCHET_TESTS_SIMULATION_ARRAY_H

#include <stddef.h>

/* `items`, of `count` in use, with room for one more of `size` bytes: moved when there was none. */
void *array_grown(void *items, size_t count, size_t *capacity, size_t size);

#endif
