/*
 * experiment_layers.c: a model as a YAML list of layers.
 *
 *   model:                                   model.spec   "layers:[dense 100,residual(dense 100)]"
 *     layers:
 *       - dense 100
 *       - residual(dense 100)
 *
 * The list is another way to write model.spec and nothing else: it becomes that entry, at the
 * list's place, before any override. So a flow list may be cut at any comma, also inside brackets.
 */
#include "coordinator/experiment/experiment_entries.h"

#include <stdio.h>
#include <string.h>

static const char list_path[] = "model.layers", spec_path[] = "model.spec";

/* Of the list's items. */
static bool is_item(const struct entry *entry)
{
    size_t length = sizeof list_path - 1;
    return strncmp(entry->path, list_path, length) == 0 && entry->path[length] == '.';
}

/* Appends an item to the text; the first one goes behind the bracket. */
static int append(const struct entries *entries, const struct entry *item, struct entry *spec,
                  struct error *error)
{
    static const char opening[] = "layers:[";
    size_t used = strlen(spec->text);
    const char *comma = used > sizeof opening - 1 ? "," : "";
    if (item->kind != ENTRY_VALUE)
        return entries_fail(entries, item, ENTRY_TEXT_PART, error,
                            "a layer is one word, as in "
                            "\"dense 100\"");
    int length = snprintf(spec->text + used, sizeof spec->text - used, "%s%s", comma, item->text);
    if (length < 0 || (size_t)length + 2 > sizeof spec->text - used) /* ']' and NUL follow */
        return entries_fail(entries, item, ENTRY_TEXT_PART, error,
                            "all layers together are longer than %d bytes; repeat them as in "
                            "3*(dense 8,norm)",
                            ENTRY_TEXT_BYTES_MAX - 1);
    return 0;
}

int entries_fold_layers(struct entries *entries, struct error *error)
{
    const struct entry *list = entries_find(entries, list_path);
    if (list == NULL)
        return 0;
    if (list->kind != ENTRY_LIST)
        return entries_fail(entries, list, ENTRY_TEXT_PART, error,
                            "expected a list such as [dense 100, residual(dense 100)]");
    if (entries_find(entries, spec_path) != NULL)
        return entries_fail(entries, list, ENTRY_KEY_PART, error,
                            "the model is given twice: leave out this or model.spec");
    struct entry spec = *list;
    spec.kind = ENTRY_VALUE;
    snprintf(spec.path, sizeof spec.path, "%s", spec_path);
    snprintf(spec.text, sizeof spec.text, "layers:[");
    uint32_t kept = 0;
    for (uint32_t i = 0; i < entries->count; i++) {
        const struct entry *entry = &entries->items[i];
        if (is_item(entry)) {
            if (append(entries, entry, &spec, error) != 0)
                return -1;
        } else {
            entries->items[kept++] = *entry;
        }
    }
    strcat(spec.text, "]");
    entries->count = kept;
    *entries_find(entries, list_path) = spec;
    return 0;
}
