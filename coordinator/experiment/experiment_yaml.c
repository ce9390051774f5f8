/*
 * experiment_yaml.c: see experiment_yaml.h. The only file that includes yaml.h.
 *
 * Why libyaml and not libcyaml, which stands on it: libcyaml's schema is a C structure fixed at
 * compile time, while the parameters of operators and strategies come from tables at run time;
 * errors must carry line and column together with the allowed range; and `--set a.b=c` must go
 * through the very same checks.
 *
 * Why libyaml's events and not its documents: each bound is checked before the node is stored, and
 * anchors and aliases are seen as such. A document has them resolved already, cycles included.
 */
#include "coordinator/experiment/experiment_yaml.h"

#include "common/param.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

enum { DEPTH_MAX = 8, QUOTE_BYTES_MAX = 48 };

/* A map or list that has begun and not yet ended. */
struct level {
    enum entry_kind kind;
    uint32_t items;     /* so far, of a list */
    size_t path_length; /* of the container itself */
};

struct walker {
    struct entries *entries;
    struct error *error;
    struct level levels[DEPTH_MAX];
    uint32_t depth; /* levels in use */
    uint32_t nodes;
    bool has_key; /* in a map: the key has come, its value is next */
    struct place key;
    char path[ENTRY_PATH_BYTES_MAX];
};

static struct place place_of(yaml_mark_t mark)
{
    return (struct place){.line = (uint32_t)mark.line + 1, .column = (uint32_t)mark.column + 1};
}

/* "x.yaml:3:1: SENTENCE", with what is quoted, if anything, before it. */
static int fail_at(const struct walker *walker, struct place place, const char *subject,
                   const char *sentence)
{
    char quoted[QUOTE_BYTES_MAX];
    param_quote(subject, quoted, sizeof quoted);
    return error_set(walker->error, -1, "%s:%u:%u: %s%s%s", walker->entries->file, place.line,
                     place.column, quoted, quoted[0] == '\0' ? "" : ": ", sentence);
}

/* ----------------------------------------------------------------------------- libyaml's errors */

/* Errors of the character reader come with an offset only. */
static struct place place_of_offset(const char *text, size_t offset)
{
    struct place place = {.line = 1, .column = 1};
    for (size_t i = 0; i < offset && text[i] != '\0'; i++) {
        place.column++;
        if (text[i] == '\n')
            place = (struct place){.line = place.line + 1, .column = 1};
    }
    return place;
}

/* The most common mistake by far, and the one that nobody sees. */
static bool is_indented_by_tab(const char *text, uint32_t line)
{
    for (uint32_t i = 1; i < line; i++) {
        text = strchr(text, '\n');
        /* libyaml knows more ways to end a line, and so may count more of them. */
        if (text == NULL)
            return false;
        text++;
    }
    return text[strspn(text, " ")] == '\t';
}

static int fail_as_parser(const struct walker *walker, const yaml_parser_t *parser,
                          const char *text)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return error_set(walker->error, -1, "%s: out of memory", walker->entries->file);
    struct place place = parser->error == YAML_READER_ERROR
                             ? place_of_offset(text, parser->problem_offset)
                             : place_of(parser->problem_mark);
    char sentence[256];
    snprintf(sentence, sizeof sentence, "%s%s%s%s", parser->problem,
             parser->context == NULL ? "" : ", ", parser->context == NULL ? "" : parser->context,
             is_indented_by_tab(text, place.line) ? "; indent with blanks, not with tabs" : "");
    return fail_at(walker, place, "", sentence);
}

/* ------------------------------------------------------------------------------------- the walk */

/* Appends one step, "size" or "0", to the path of the innermost container. */
static int path_push(struct walker *walker, const char *step, struct place place)
{
    size_t used = walker->levels[walker->depth - 1].path_length;
    const char *point = used == 0 ? "" : ".";
    int written = snprintf(walker->path + used, sizeof walker->path - used, "%s%s", point, step);
    if (written < 0 || (size_t)written >= sizeof walker->path - used)
        return fail_at(walker, place, step, "the key is too long");
    return 0;
}

static int take_key(struct walker *walker, const yaml_event_t *event)
{
    struct place place = place_of(event->start_mark);
    if (event->type != YAML_SCALAR_EVENT)
        return fail_at(walker, place, "", "a key must be a word, not a list or a mapping");
    const char *key = (const char *)event->data.scalar.value;
    if (strlen(key) != event->data.scalar.length || !entries_is_key(key))
        return fail_at(walker, place, key, "a key is made of letters, digits, - and _");
    walker->has_key = true;
    walker->key = place;
    return path_push(walker, key, place);
}

/* The whole file is one map: anything else at the top is not an experiment. */
static int take_root(struct walker *walker, const yaml_event_t *event)
{
    struct place place = place_of(event->start_mark);
    if (event->type == YAML_SCALAR_EVENT && event->data.scalar.length == 0)
        return entries_fail(walker->entries, NULL, ENTRY_KEY_PART, walker->error,
                            "is empty; an experiment begins with 'name: ...'");
    if (event->type != YAML_MAPPING_START_EVENT)
        return fail_at(walker, place, "", "expected settings such as 'name: quickstart'");
    walker->levels[walker->depth++] = (struct level){.kind = ENTRY_MAP};
    return 0;
}

static int take_text(const struct walker *walker, const yaml_event_t *event, struct entry *entry)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    if (length >= sizeof entry->text)
        return entries_fail(walker->entries, entry, ENTRY_TEXT_PART, walker->error,
                            "the value is longer than %zu bytes", sizeof entry->text - 1);
    if (strlen(text) != length)
        return entries_fail(walker->entries, entry, ENTRY_TEXT_PART, walker->error,
                            "the value has a NUL in it");
    memcpy(entry->text, text, length + 1);
    return 0;
}

/* A value, or the beginning of a map or list, at walker->path. */
static int take_value(struct walker *walker, const yaml_event_t *event)
{
    struct entry entry = {.value = place_of(event->start_mark), .key = walker->key};
    strcpy(entry.path, walker->path);
    walker->has_key = false;
    if (event->type == YAML_SCALAR_EVENT) {
        entry.kind = ENTRY_VALUE;
        if (take_text(walker, event, &entry) != 0)
            return -1;
        return entries_add(walker->entries, &entry, walker->error);
    }
    entry.kind = event->type == YAML_MAPPING_START_EVENT ? ENTRY_MAP : ENTRY_LIST;
    if (walker->depth == DEPTH_MAX)
        return entries_fail(walker->entries, &entry, ENTRY_TEXT_PART, walker->error,
                            "nested deeper than %d levels", DEPTH_MAX);
    walker->levels[walker->depth++] =
        (struct level){.kind = entry.kind, .path_length = strlen(walker->path)};
    return entries_add(walker->entries, &entry, walker->error);
}

static int take_item(struct walker *walker, const yaml_event_t *event)
{
    char step[16];
    snprintf(step, sizeof step, "%u", walker->levels[walker->depth - 1].items++);
    walker->key = place_of(event->start_mark);
    if (path_push(walker, step, walker->key) != 0)
        return -1;
    return take_value(walker, event);
}

static int refuse_decoration(const struct walker *walker, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    } else {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    }
    if (anchor != NULL)
        return fail_at(walker, place_of(event->start_mark), (const char *)anchor,
                       "anchors (&) are not allowed here");
    if (tag != NULL)
        return fail_at(walker, place_of(event->start_mark), (const char *)tag,
                       "tags (!) are not allowed here");
    return 0;
}

/* A node: a scalar, or the beginning of a map or list. */
static int take_node(struct walker *walker, const yaml_event_t *event)
{
    if (refuse_decoration(walker, event) != 0)
        return -1;
    if (++walker->nodes > ENTRIES_MAX) {
        char sentence[64];
        snprintf(sentence, sizeof sentence, "more than %d keys and values", ENTRIES_MAX);
        return fail_at(walker, place_of(event->start_mark), "", sentence);
    }
    if (walker->depth == 0)
        return take_root(walker, event);
    if (walker->levels[walker->depth - 1].kind == ENTRY_LIST)
        return take_item(walker, event);
    return walker->has_key ? take_value(walker, event) : take_key(walker, event);
}

static int take_event(struct walker *walker, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
    case YAML_MAPPING_START_EVENT:
    case YAML_SEQUENCE_START_EVENT:
        return take_node(walker, event);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        walker->depth--;
        return 0;
    case YAML_ALIAS_EVENT:
        return fail_at(walker, place_of(event->start_mark), (const char *)event->data.alias.anchor,
                       "aliases (*) are not allowed here");
    case YAML_DOCUMENT_START_EVENT:
        if (walker->nodes > 0)
            return fail_at(walker, place_of(event->start_mark), "",
                           "a second document begins here; a file is one experiment");
        return 0;
    case YAML_STREAM_END_EVENT:
        if (walker->nodes == 0)
            return entries_fail(walker->entries, NULL, ENTRY_KEY_PART, walker->error,
                                "is empty; an experiment begins with 'name: ...'");
        return 0;
    default:
        return 0;
    }
}

static int walk(struct walker *walker, yaml_parser_t *parser, const char *text)
{
    yaml_event_type_t type;
    do {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event))
            return fail_as_parser(walker, parser, text);
        type = event.type;
        int failed = take_event(walker, &event);
        yaml_event_delete(&event);
        if (failed)
            return -1;
    } while (type != YAML_STREAM_END_EVENT);
    return 0;
}

int experiment_yaml_read(const char *text, struct entries *entries, struct error *error)
{
    size_t length = strlen(text);
    if (length > EXPERIMENT_FILE_BYTES_MAX)
        return error_set(error, -1, "%s: has %zu bytes, at most %d are allowed", entries->file,
                         length, EXPERIMENT_FILE_BYTES_MAX);
    /* libyaml would count a byte order mark as a column, and find line 2 indented less. */
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return error_set(error, -1, "%s: out of memory", entries->file);
    /* Said here, so that UTF-16 is not guessed from the first bytes. */
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
    struct walker walker = {.entries = entries, .error = error};
    int failed = walk(&walker, &parser, text);
    yaml_parser_delete(&parser);
    return failed ? -1 : entries_check_unique(entries, error);
}
