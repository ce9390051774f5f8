/*
 * settings_text.h: an experiment's canonical text, `key = value` lines, for those who read it.
 *
 * The text is a ledger's, so a value may be anything that is a line.
 */
#ifndef RATCHET_COORDINATOR_READING_SETTINGS_TEXT_H
#define RATCHET_COORDINATOR_READING_SETTINGS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* True with the value, cut to `size`; "" when there is no such key. */
bool settings_find(const char *canonical, const char *key, char *value, size_t size);

/* The next line of *text, which moves on; false at the end. Borrows. */
struct setting {
    const char *key, *value;
    size_t key_bytes, value_bytes;
};
bool settings_next(const char **text, struct setting *setting);

#endif
