/*
 * pages.h: memory that much time is spent in.
 *
 * A page of 4 KiB holds four rows of a mini-batch: walking through them the CPU looks up addresses
 * more often than it keeps them. Large pieces are therefore asked for in pages of 2 MiB, which the
 * system gives if it can; nothing but speed depends on it.
 */
#ifndef RATCHET_WORKER_ENGINE_PAGES_H
#define RATCHET_WORKER_ENGINE_PAGES_H

#include <stddef.h>

/* Any number of bytes from 1, aligned to 64 at least, not initialised; the caller's, to be given to
 * free(). NULL: there is no memory. */
void *pages_take(size_t bytes);

#endif
