/*
 * experiment_text.c: an experiment as sorted `key = value` lines, and what two such texts differ
 * in.
 *
 * Comments, order, spelling of numbers and defaults of the file leave no trace in these lines, so
 * equal experiments have equal texts and equal digests.
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

struct rendering {
    uint32_t count;
    char lines[RENDERED_LINES_MAX][RENDERED_LINE_BYTES_MAX];
};

static void render_line(struct rendering *rendering, const char *key, const char *value)
{
    assert(rendering->count < RENDERED_LINES_MAX);
    char *line = rendering->lines[rendering->count++];
    int written = snprintf(line, RENDERED_LINE_BYTES_MAX, "%s = %s\n", key, value);
    assert(written > 0 && written < RENDERED_LINE_BYTES_MAX);
}

static void render_param(struct rendering *rendering, const char *group, const struct param *param,
                         double value)
{
    char key[ENTRY_PATH_BYTES_MAX], text[SETTING_TEXT_BYTES_MAX];
    snprintf(key, sizeof key, "%s.%s", group, param->name);
    param_format(param, value, text, sizeof text);
    render_line(rendering, key, text);
}

static void render_operator(struct rendering *rendering, uint32_t index,
                            const struct operator_choice *choice)
{
    const struct operator_info *info = operator_find(choice->call.name);
    char group[32], key[64];
    snprintf(group, sizeof group, "operators.%u", index);
    snprintf(key, sizeof key, "%s.name", group);
    render_line(rendering, key, info->name);
    render_param(rendering, group, &experiment_weight, choice->weight);
    for (uint32_t i = 0; i < info->param_count; i++)
        render_param(rendering, group, &info->params[i], choice->call.params[i]);
}

static void render_search(struct rendering *rendering, const struct search_config *search)
{
    for (uint32_t i = 0; i < search->operator_count; i++)
        render_operator(rendering, i, &search->operators[i]);
    render_line(rendering, "strategy.name", search->strategy->name);
    for (uint32_t i = 0; i < search->strategy->param_count; i++)
        render_param(rendering, "strategy", &search->strategy->params[i], search->params[i]);
}

/* A blank sorts before anything that a key is made of, so lines sort as their keys do. */
static int compare_lines(const void *a, const void *b)
{
    return strcmp(a, b);
}

static char *join(const struct rendering *rendering)
{
    size_t length = 0;
    for (uint32_t i = 0; i < rendering->count; i++)
        length += strlen(rendering->lines[i]);
    char *text = malloc(length + 1);
    if (text == NULL)
        return NULL;
    char *end = text;
    for (uint32_t i = 0; i < rendering->count; i++)
        end = stpcpy(end, rendering->lines[i]);
    *end = '\0';
    return text;
}

char *experiment_render(const struct experiment *experiment, enum setting_scope scope)
{
    struct rendering *rendering = malloc(sizeof *rendering);
    if (rendering == NULL)
        return NULL;
    rendering->count = 0;
    const struct setting *setting;
    for (uint32_t i = 0; (setting = setting_at(i)) != NULL; i++) {
        if (setting->form == SETTING_CATALOGUE || !(setting->scope & scope) ||
            !setting_applies(setting, &experiment->settings))
            continue;
        char text[SETTING_TEXT_BYTES_MAX];
        setting_format(setting, &experiment->settings, text);
        render_line(rendering, setting->param.name, text);
    }
    if (scope == SETTING_SEARCH)
        render_search(rendering, &experiment->search);
    qsort(rendering->lines, rendering->count, sizeof rendering->lines[0], compare_lines);
    char *text = join(rendering);
    free(rendering);
    return text;
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

/* Appends "seed: was 7, now 8", behind "; " unless it is the first; what does not fit is cut. */
static void say_difference(char *text, size_t size, const char *key, const char *was,
                           const char *now)
{
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s%s: was %s, now %s", used == 0 ? "" : "; ", key, was,
             now);
}

void experiment_differences(const char *old_canonical, const char *new_canonical, char *text,
                            size_t size)
{
    assert(size > 0);
    text[0] = '\0';
    while (*old_canonical != '\0' || *new_canonical != '\0') {
        struct pair was = pair_at(old_canonical), now = pair_at(new_canonical);
        int order = strcmp(was.key, now.key);
        if (*old_canonical == '\0')
            order = 1;
        else if (*new_canonical == '\0')
            order = -1;
        if (order < 0)
            say_difference(text, size, was.key, was.value, "absent");
        else if (order > 0)
            say_difference(text, size, now.key, "absent", now.value);
        else if (strcmp(was.value, now.value) != 0)
            say_difference(text, size, was.key, was.value, now.value);
        if (order <= 0)
            old_canonical = next_line(old_canonical);
        if (order >= 0)
            new_canonical = next_line(new_canonical);
    }
}
