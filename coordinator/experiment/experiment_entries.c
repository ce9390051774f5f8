/* experiment_entries.c: see experiment_entries.h. */
#include "coordinator/experiment/experiment_entries.h"

#include "common/param.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char key_letters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

void entries_fini(struct entries *entries)
{
    free(entries->items);
    *entries = (struct entries){0};
}

int entries_add(struct entries *entries, const struct entry *entry, struct error *error)
{
    if (entries->count == entries->capacity) {
        uint32_t capacity = entries->capacity == 0 ? 64 : 2 * entries->capacity;
        struct entry *items = realloc(entries->items, capacity * sizeof items[0]);
        if (items == NULL)
            return error_set(error, -1, "%s: out of memory", entries->file);
        entries->items = items;
        entries->capacity = capacity;
    }
    entries->items[entries->count++] = *entry;
    return 0;
}

struct entry *entries_find(const struct entries *entries, const char *path)
{
    for (uint32_t i = 0; i < entries->count; i++)
        if (strcmp(entries->items[i].path, path) == 0)
            return &entries->items[i];
    return NULL;
}

/* By path; equal paths in the order of the file, which is the order in memory. */
static int compare_paths(const void *a, const void *b)
{
    const struct entry *one = *(const struct entry *const *)a;
    const struct entry *other = *(const struct entry *const *)b;
    int order = strcmp(one->path, other->path);
    return order != 0 ? order : (one > other) - (one < other);
}

int entries_check_unique(const struct entries *entries, struct error *error)
{
    if (entries->count == 0)
        return 0;
    const struct entry **sorted = malloc(entries->count * sizeof sorted[0]);
    if (sorted == NULL)
        return error_set(error, -1, "%s: out of memory", entries->file);
    for (uint32_t i = 0; i < entries->count; i++)
        sorted[i] = &entries->items[i];
    qsort(sorted, entries->count, sizeof sorted[0], compare_paths);
    const struct entry *first = NULL, *second = NULL;
    for (uint32_t i = 1; i < entries->count; i++) {
        bool twice = strcmp(sorted[i - 1]->path, sorted[i]->path) == 0;
        if (twice && (second == NULL || sorted[i] < second)) {
            first = sorted[i - 1];
            second = sorted[i];
        }
    }
    free(sorted);
    if (second == NULL)
        return 0;
    return entries_fail(entries, second, ENTRY_KEY_PART, error,
                        "stands here a second time; first on line %u", first->key.line);
}

bool entries_is_key(const char *key)
{
    return key[0] != '\0' && key[strspn(key, key_letters)] == '\0';
}

/* Keys, joined by points. */
static bool is_path(const char *path, size_t length)
{
    char copy[ENTRY_PATH_BYTES_MAX];
    if (length >= sizeof copy)
        return false;
    memcpy(copy, path, length);
    copy[length] = '\0';
    char *rest = copy;
    for (char *key = strsep(&rest, "."); key != NULL; key = strsep(&rest, "."))
        if (!entries_is_key(key))
            return false;
    return true;
}

int entries_override(struct entries *entries, const char *override, struct error *error)
{
    const char *equals = strchr(override, '=');
    char quoted[ENTRY_PATH_BYTES_MAX];
    param_quote(override, quoted, sizeof quoted);
    if (equals == NULL || !is_path(override, (size_t)(equals - override)))
        return error_set(error, -1, "--set %s: expected key.path=value", quoted);
    if (strlen(equals + 1) >= ENTRY_TEXT_BYTES_MAX)
        return error_set(error, -1, "--set %s: the value is longer than %d bytes", quoted,
                         ENTRY_TEXT_BYTES_MAX - 1);
    struct entry entry = {.kind = ENTRY_VALUE, .overridden = true};
    memcpy(entry.path, override, (size_t)(equals - override));
    strcpy(entry.text, equals + 1);
    struct entry *old = entries_find(entries, entry.path);
    if (old == NULL)
        return entries_add(entries, &entry, error);
    *old = entry;
    return 0;
}

int entries_fail(const struct entries *entries, const struct entry *entry, enum entry_part part,
                 struct error *error, const char *format, ...)
{
    char sentence[sizeof error->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    if (entry == NULL)
        return error_set(error, -1, "%s: %s", entries->file, sentence);
    if (entry->overridden) {
        char quoted[ENTRY_PATH_BYTES_MAX];
        param_quote(entry->text, quoted, sizeof quoted);
        return error_set(error, -1, "--set %s=%s: %s", entry->path, quoted, sentence);
    }
    struct place place = part == ENTRY_KEY_PART ? entry->key : entry->value;
    return error_set(error, -1, "%s:%u:%u: %s: %s", entries->file, place.line, place.column,
                     entry->path, sentence);
}
