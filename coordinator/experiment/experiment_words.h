/*
 * experiment_words.h: a short list of words that would have been right, for errors.
 */
#ifndef RATCHET_COORDINATOR_EXPERIMENT_WORDS_H
#define RATCHET_COORDINATOR_EXPERIMENT_WORDS_H

#include <stdint.h>

enum {
    WORDS_MAX = 64,
    WORD_BYTES_MAX = 64, /* with the NUL */
    WORDS_LIST_BYTES_MAX = 256,
    WORDS_REFUSAL_BYTES_MAX = 384,
};

/* Starts as {0}. */
struct words {
    uint32_t count;
    char items[WORDS_MAX][WORD_BYTES_MAX];
};

/* Adds a copy, unless it is there already or there is no more room. */
void words_add(struct words *words, const char *word);

/* "name, size, replace"; ends in "..." when there are too many. */
void words_list(const struct words *words, char text[WORDS_LIST_BYTES_MAX]);

/* "; did you mean 'size'? known: name, size", or "; known: name, size" when nothing is near `word`.
 */
void words_refusal(const struct words *words, const char *word, const char *label,
                   char text[WORDS_REFUSAL_BYTES_MAX]);

#endif
