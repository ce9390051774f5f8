/*
 * experiment_text.c: an experiment as sorted `key = value` lines, and what two such texts differ
 * in.
 *
 * Comments, order, spelling of numbers and defaults of the file leave no trace in these lines, so
 * equal experiments have equal texts and equal digests. A setting that is younger than the first
 * runs is left out of the texts behind digests while it has its default; lists for people have it.
 */
#include "coordinator/experiment/experiment_state.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RENDERED_LINES_MAX =
        SETTINGS_MAX + OPERATORS_MAX * (2 + OPERATOR_PARAMS_MAX) + 1 + STRATEGY_PARAMS_MAX,
    RENDERED_LINE_BYTES_MAX = ENTRY_PATH_BYTES_MAX + SETTING_TEXT_BYTES_MAX + 8,
};

/* With the last line's end and the NUL, a spec always fits what workers accept. */
_Static_assert(RENDERED_LINES_MAX *RENDERED_LINE_BYTES_MAX > 0 &&
                   SETTINGS_MAX * RENDERED_LINE_BYTES_MAX < SPEC_BYTES_MAX,
               "the spec of an experiment may be too large for a worker");

struct rendered_line {
    char text[RENDERED_LINE_BYTES_MAX]; /* "key = value\n" */
    enum listed_kind kind;
};

struct rendering {
    uint32_t count;
    struct rendered_line lines[RENDERED_LINES_MAX];
};

static void render_line(struct rendering *rendering, const char *key, const char *value,
                        enum listed_kind kind)
{
    assert(rendering->count < RENDERED_LINES_MAX);
    struct rendered_line *line = &rendering->lines[rendering->count++];
    int written = snprintf(line->text, sizeof line->text, "%s = %s\n", key, value);
    assert(written > 0 && (size_t)written < sizeof line->text);
    line->kind = kind;
}

static enum listed_kind kind_of_param(const struct param *param)
{
    if (param->kind == PARAM_CHOICE)
        return strcmp(param->choices, "false|true") == 0 ? LISTED_BOOLEAN : LISTED_TEXT;
    return param->kind == PARAM_WHOLE ? LISTED_WHOLE : LISTED_REAL;
}

static void render_param(struct rendering *rendering, const char *group, const struct param *param,
                         double value)
{
    char key[ENTRY_PATH_BYTES_MAX], text[SETTING_TEXT_BYTES_MAX];
    snprintf(key, sizeof key, "%s.%s", group, param->name);
    param_format(param, value, text, sizeof text);
    render_line(rendering, key, text, kind_of_param(param));
}

static void render_operator(struct rendering *rendering, uint32_t index,
                            const struct operator_choice *choice)
{
    const struct operator_info *info = operator_find(choice->call.name);
    char group[32], key[64];
    snprintf(group, sizeof group, "operators.%u", index);
    snprintf(key, sizeof key, "%s.name", group);
    render_line(rendering, key, info->name, LISTED_TEXT);
    render_param(rendering, group, &experiment_weight, choice->weight);
    for (uint32_t i = 0; i < info->param_count; i++)
        render_param(rendering, group, &info->params[i], choice->call.params[i]);
}

static void render_search(struct rendering *rendering, const struct search_config *search)
{
    for (uint32_t i = 0; i < search->operator_count; i++)
        render_operator(rendering, i, &search->operators[i]);
    render_line(rendering, "strategy.name", search->strategy->name, LISTED_TEXT);
    for (uint32_t i = 0; i < search->strategy->param_count; i++)
        render_param(rendering, "strategy", &search->strategy->params[i], search->params[i]);
}

/* A blank sorts before anything that a key is made of, so lines sort as their keys do. */
static int compare_lines(const void *a, const void *b)
{
    const struct rendered_line *left = a, *right = b;
    return strcmp(left->text, right->text);
}

static char *join(const struct rendering *rendering)
{
    size_t length = 0;
    for (uint32_t i = 0; i < rendering->count; i++)
        length += strlen(rendering->lines[i].text);
    char *text = malloc(length + 1);
    if (text == NULL)
        return NULL;
    char *end = text;
    for (uint32_t i = 0; i < rendering->count; i++)
        end = stpcpy(end, rendering->lines[i].text);
    *end = '\0';
    return text;
}

static enum listed_kind kind_of_setting(const struct setting *setting, const char *value)
{
    switch (setting->form) {
    case SETTING_PARAM:
        return strcmp(value, "never") == 0 ? LISTED_NEVER : kind_of_param(&setting->param);
    case SETTING_COUNT64:
    case SETTING_BYTES:
        return LISTED_WHOLE;
    default:
        return LISTED_TEXT;
    }
}

/* Which rows a text has. */
struct wanted {
    uint32_t scopes; /* of any of them */
    bool (*has)(const struct setting *setting, const struct settings *settings);
};

/* Sorted by key; the caller frees. */
static struct rendering *render(const struct experiment *experiment, struct wanted wanted)
{
    struct rendering *rendering = malloc(sizeof *rendering);
    if (rendering == NULL)
        return NULL;
    rendering->count = 0;
    const struct setting *setting;
    for (uint32_t i = 0; (setting = setting_at(i)) != NULL; i++) {
        if (setting->form == SETTING_CATALOGUE || !(setting->scope & wanted.scopes) ||
            !wanted.has(setting, &experiment->settings))
            continue;
        char text[SETTING_TEXT_BYTES_MAX];
        setting_format(setting, &experiment->settings, text);
        render_line(rendering, setting->param.name, text, kind_of_setting(setting, text));
    }
    if (wanted.scopes & SETTING_SEARCH)
        render_search(rendering, &experiment->search);
    qsort(rendering->lines, rendering->count, sizeof rendering->lines[0], compare_lines);
    return rendering;
}

char *experiment_render(const struct experiment *experiment, enum setting_scope scope)
{
    struct rendering *rendering = render(experiment, (struct wanted){scope, setting_is_written});
    char *text = rendering == NULL ? NULL : join(rendering);
    free(rendering);
    return text;
}

int experiment_list(const struct experiment *experiment, const struct experiment_visitor *visitor,
                    struct error *error)
{
    const struct wanted all = {SETTING_SEARCH | SETTING_LIMIT | SETTING_PLACE | SETTING_SPEC,
                               setting_applies};
    struct rendering *rendering = render(experiment, all);
    if (rendering == NULL)
        return error_set(error, -1, "out of memory");
    for (uint32_t i = 0; i < rendering->count; i++) {
        struct rendered_line *line = &rendering->lines[i];
        char *equals = strstr(line->text, " = ");
        assert(equals != NULL);
        *equals = '\0';
        equals[strcspn(equals + 1, "\n") + 1] = '\0';
        const struct listed_setting setting = {line->text, equals + strlen(" = "), line->kind};
        visitor->visit(visitor->context, &setting);
    }
    free(rendering);
    return 0;
}

/* ---------------------------------------------------------------------------------- differences */

/* One `key = value` line; an empty key past the end. */
struct pair {
    char key[ENTRY_PATH_BYTES_MAX], value[ENTRY_TEXT_BYTES_MAX];
};

static void copy_cut(char *to, size_t size, const char *from, size_t length)
{
    snprintf(to, size, "%.*s", (int)(length < size ? length : size - 1), from);
}

static struct pair pair_at(const char *text)
{
    struct pair pair = {0};
    size_t length = strcspn(text, "\n");
    const char *equals = memmem(text, length, " = ", 3);
    size_t key_length = equals == NULL ? length : (size_t)(equals - text);
    copy_cut(pair.key, sizeof pair.key, text, key_length);
    if (equals != NULL)
        copy_cut(pair.value, sizeof pair.value, equals + 3, length - key_length - 3);
    return pair;
}

static const char *next_line(const char *text)
{
    text += strcspn(text, "\n");
    return *text == '\n' ? text + 1 : text;
}

/* Ends a text that was cut at `size` with "..." behind its last whole word. */
static void end_at_word(char *text, size_t size)
{
    static const char end[] = "...", between[] = " ,;";
    if (size < sizeof end) {
        text[0] = '\0';
        return;
    }
    size_t length = size - sizeof end;
    while (length > 0 && strchr(between, text[length]) == NULL)
        length--;
    while (length > 0 && strchr(between, text[length - 1]) != NULL)
        length--;
    memcpy(text + length, end, sizeof end);
}

/* A sentence that grows; `full` once something did not fit. */
struct differences {
    char *text;
    size_t size, used;
    bool full;
};

/* Appends "seed: was 7, now 8", behind "; " unless it is the first. */
static void say_difference(struct differences *differences, const char *key, const char *was,
                           const char *now)
{
    if (differences->full)
        return;
    size_t left = differences->size - differences->used;
    int written = snprintf(differences->text + differences->used, left, "%s%s: was %s, now %s",
                           differences->used == 0 ? "" : "; ", key, was, now);
    differences->full = written < 0 || (size_t)written >= left;
    if (differences->full)
        end_at_word(differences->text, differences->size);
    else
        differences->used += (size_t)written;
}

void experiment_differences(const char *old_canonical, const char *new_canonical, char *text,
                            size_t size)
{
    assert(size > 0);
    text[0] = '\0';
    struct differences differences = {.text = text, .size = size};
    while (*old_canonical != '\0' || *new_canonical != '\0') {
        struct pair was = pair_at(old_canonical), now = pair_at(new_canonical);
        int order = strcmp(was.key, now.key);
        if (*old_canonical == '\0')
            order = 1;
        else if (*new_canonical == '\0')
            order = -1;
        if (order < 0)
            say_difference(&differences, was.key, was.value, "absent");
        else if (order > 0)
            say_difference(&differences, now.key, "absent", now.value);
        else if (strcmp(was.value, now.value) != 0)
            say_difference(&differences, was.key, was.value, now.value);
        if (order <= 0)
            old_canonical = next_line(old_canonical);
        if (order >= 0)
            new_canonical = next_line(new_canonical);
    }
}
