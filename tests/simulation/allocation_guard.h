/*
 * allocation_guard.h: shows that the cores allocate nothing in a step.
 *
 * The linker sends every malloc, calloc and realloc of the program through here (--wrap, see
 * CMakeLists.txt). Between enter and leave each of them ends the program.
 */
#ifndef RATCHET_TESTS_SIMULATION_ALLOCATION_GUARD_H
#define RATCHET_TESTS_SIMULATION_ALLOCATION_GUARD_H

void allocation_guard_enter(void);
void allocation_guard_leave(void);

#endif
