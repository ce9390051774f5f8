/* experiment_words.c: see experiment_words.h. */
#include "coordinator/experiment/experiment_words.h"

#include "common/suggest.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool words_have(const struct words *words, const char *word)
{
    for (uint32_t i = 0; i < words->count; i++)
        if (strcmp(words->items[i], word) == 0)
            return true;
    return false;
}

void words_add(struct words *words, const char *word)
{
    if (words->count < WORDS_MAX && !words_have(words, word))
        snprintf(words->items[words->count++], WORD_BYTES_MAX, "%s", word);
}

void words_list(const struct words *words, char text[WORDS_LIST_BYTES_MAX])
{
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < words->count; i++) {
        size_t length = strlen(words->items[i]);
        /* Room for ", ", the word, and still ", ..." behind it. */
        if (used + length + sizeof ", , ..." > WORDS_LIST_BYTES_MAX) {
            strcpy(text + used, ", ...");
            return;
        }
        used += (size_t)sprintf(text + used, "%s%s", i == 0 ? "" : ", ", words->items[i]);
    }
}

void words_refusal(const struct words *words, const char *word, const char *label,
                   char text[WORDS_REFUSAL_BYTES_MAX])
{
    const char *items[WORDS_MAX];
    for (uint32_t i = 0; i < words->count; i++)
        items[i] = words->items[i];
    const char *nearest = suggest_nearest(word, items, words->count);
    char list[WORDS_LIST_BYTES_MAX];
    words_list(words, list);
    if (nearest != NULL)
        snprintf(text, WORDS_REFUSAL_BYTES_MAX, "; did you mean '%s'? %s: %s", nearest, label,
                 list);
    else
        snprintf(text, WORDS_REFUSAL_BYTES_MAX, "; %s: %s", label, list);
}
