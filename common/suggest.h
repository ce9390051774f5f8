/*
 * suggest.h: what the user may have meant.
 *
 * Every place that refuses a word (a key of an experiment file, an operator, a command line option)
 * also knows the words that it would take; the nearest of them belongs into the error. Distance is
 * optimal string alignment: insertions, deletions, replacements and swaps of neighbours cost 1
 * each. Pure.
 */
#ifndef RATCHET_COMMON_SUGGEST_H
#define RATCHET_COMMON_SUGGEST_H

#include <stdint.h>

/* Words longer than this are not compared: nobody misspells them by a letter. */
enum { SUGGEST_WORD_BYTES_MAX = 64 };

/* Edits between the words, letters compared without case; UINT32_MAX when one is too long. */
uint32_t suggest_distance(const char *one, const char *other);

/*
 * The nearest of `words`, the first of equals; NULL when none is near enough to be a slip of the
 * hand (at most one edit in every three letters, rounded up).
 */
const char *suggest_nearest(const char *word, const char *const *words, uint32_t count);

#endif
