/* slot_evaluators.c: see slot_evaluators.h. */
#include "worker/shell/slot_evaluators.h"

#include <stdlib.h>
#include <string.h>

/* --------------------------------------------------------------------------------- spec's name */

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

/* The text behind "evaluator =" on this line, or NULL. */
static const char *value_of_line(const char *line)
{
    static const char key[] = "evaluator";
    line = skip_blanks(line);
    if (strncmp(line, key, sizeof key - 1) != 0)
        return NULL;
    line = skip_blanks(line + sizeof key - 1);
    return *line == '=' ? skip_blanks(line + 1) : NULL;
}

int slot_evaluator_name(const char *spec, char name[NAME_BYTES_MAX], struct error *error)
{
    for (const char *line = spec; line != NULL;) {
        const char *value = value_of_line(line);
        if (value != NULL) {
            size_t length = strcspn(value, " \t\r\n");
            if (length == 0 || length >= NAME_BYTES_MAX)
                return error_set(error, -1, "the spec's evaluator has no name of 1 .. %d letters",
                                 NAME_BYTES_MAX - 1);
            memcpy(name, value, length);
            name[length] = '\0';
            return 0;
        }
        const char *end = strchr(line, '\n');
        line = end != NULL ? end + 1 : NULL;
    }
    return error_set(error, -1, "the spec names no evaluator");
}

/* ------------------------------------------------------------------------------------ open, close
 */

/* The spec as a text that ends; the caller's to free. NULL with the reason. */
static char *load_text(const struct digest *spec, const struct evaluator_environment *environment,
                       struct error *error)
{
    struct bytes bytes;
    if (environment->load(environment->context, spec, &bytes, error) != 0)
        return NULL;
    char *text = NULL;
    if (bytes.count > SPEC_BYTES_MAX)
        error_set(error, -1, "the spec has %zu bytes, at most %d are allowed", bytes.count,
                  SPEC_BYTES_MAX);
    else if (bytes.count > 0 && memchr(bytes.data, '\0', bytes.count) != NULL)
        error_set(error, -1, "the spec is not text");
    else if ((text = malloc(bytes.count + 1)) == NULL)
        error_set(error, -1, "no memory for the spec");
    if (text != NULL) {
        if (bytes.count > 0)
            memcpy(text, bytes.data, bytes.count);
        text[bytes.count] = '\0';
    }
    environment->release(environment->context, &bytes);
    return text;
}

static int open_evaluator(struct slot_evaluator *row, const char *text, struct error *error)
{
    char name[NAME_BYTES_MAX];
    if (slot_evaluator_name(text, name, error) != 0)
        return -1;
    const struct evaluator *evaluator = evaluator_find(name);
    if (evaluator == NULL)
        return error_set(error, -1, "this worker has no evaluator \"%s\"", name);
    void *state = evaluator->open(text, error);
    if (state == NULL)
        return -1;
    row->evaluator = evaluator;
    row->state = state;
    return 0;
}

static void close_row(struct slot_evaluator *row)
{
    if (row->evaluator != NULL)
        row->evaluator->close(&row->state);
    *row = (struct slot_evaluator){0};
}

/* A free row, else the one whose last use is longest ago, which is then closed. */
static struct slot_evaluator *oldest_row(struct slot_evaluators *evaluators)
{
    struct slot_evaluator *oldest = &evaluators->rows[0];
    for (uint32_t i = 1; i < SLOT_EVALUATORS_MAX; i++)
        if (evaluators->rows[i].used < oldest->used)
            oldest = &evaluators->rows[i];
    close_row(oldest);
    return oldest;
}

const struct slot_evaluator *slot_evaluators_get(struct slot_evaluators *evaluators,
                                                 const struct digest *spec,
                                                 const struct evaluator_environment *environment,
                                                 struct error *error)
{
    evaluators->uses++;
    for (uint32_t i = 0; i < SLOT_EVALUATORS_MAX; i++) {
        struct slot_evaluator *row = &evaluators->rows[i];
        if (row->evaluator == NULL || !digest_equal(&row->spec, spec))
            continue;
        row->used = evaluators->uses;
        return row;
    }
    char *text = load_text(spec, environment, error);
    if (text == NULL)
        return NULL;
    struct slot_evaluator *row = oldest_row(evaluators);
    int failed = open_evaluator(row, text, error);
    free(text);
    if (failed)
        return NULL;
    row->spec = *spec;
    row->used = evaluators->uses;
    return row;
}

void slot_evaluators_close(struct slot_evaluators *evaluators)
{
    for (uint32_t i = 0; i < SLOT_EVALUATORS_MAX; i++)
        close_row(&evaluators->rows[i]);
}
