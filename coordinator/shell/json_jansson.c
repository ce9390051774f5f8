/* json_jansson.c: see json.h. A struct json_node is a json_t under a name that shows no vendor. */
#include "coordinator/shell/json.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *value_of(const struct json_node *node)
{
    return (json_t *)(uintptr_t)node;
}

static struct json_node *node_of(json_t *value)
{
    assert(value != NULL);
    return (struct json_node *)value;
}

static void set_value(struct json_node *object, const char *key, json_t *value)
{
    assert(value != NULL);
    int rc = json_object_set_new(value_of(object), key, value);
    assert(rc == 0);
    (void)rc;
}

/* jansson refuses text that is not UTF-8; log lines of dead processes may be anything. */
static json_t *text_value(const char *text)
{
    json_t *value = json_string(text);
    if (value != NULL)
        return value;
    char *copy = strdup(text);
    assert(copy != NULL);
    for (char *c = copy; *c != '\0'; c++) {
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    }
    value = json_string(copy);
    free(copy);
    return value;
}

struct json_node *json_node_object(void)
{
    return node_of(json_object());
}

struct json_node *json_node_array(void)
{
    return node_of(json_array());
}

struct json_node *json_node_text(const char *text)
{
    return node_of(text_value(text));
}

static json_t *u64_value(uint64_t value)
{
    char text[24];
    if (value <= INT64_MAX)
        return json_integer((json_int_t)value);
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return json_string(text);
}

struct json_node *json_node_u64(uint64_t value)
{
    return node_of(u64_value(value));
}

struct json_node *json_node_f64(double value)
{
    return node_of(isfinite(value) ? json_real(value) : json_null());
}

void json_node_free(struct json_node **node)
{
    if (*node != NULL)
        json_decref(value_of(*node));
    *node = NULL;
}

void json_set_text(struct json_node *object, const char *key, const char *text)
{
    set_value(object, key, text != NULL ? text_value(text) : json_null());
}

void json_set_u64(struct json_node *object, const char *key, uint64_t value)
{
    set_value(object, key, u64_value(value));
}

void json_set_i64(struct json_node *object, const char *key, int64_t value)
{
    set_value(object, key, json_integer(value));
}

void json_set_f64(struct json_node *object, const char *key, double value)
{
    set_value(object, key, isfinite(value) ? json_real(value) : json_null());
}

void json_set_bool(struct json_node *object, const char *key, bool value)
{
    set_value(object, key, json_boolean(value));
}

void json_set_node(struct json_node *object, const char *key, struct json_node *child)
{
    set_value(object, key, value_of(child));
}

void json_append_node(struct json_node *array, struct json_node *child)
{
    int rc = json_array_append_new(value_of(array), value_of(child));
    assert(rc == 0);
    (void)rc;
}

char *json_print(const struct json_node *node, enum json_style style)
{
    size_t flags = JSON_ENCODE_ANY | (style == JSON_INDENTED ? JSON_INDENT(2) : JSON_COMPACT);
    char *text = json_dumps(value_of(node), flags);
    assert(text != NULL);
    return text;
}

struct json_node *json_parse(const char *text, size_t bytes, struct error *error)
{
    json_error_t reason;
    json_t *value = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &reason);
    if (value == NULL) {
        error_set(error, -1, "not JSON: line %d: %s", reason.line, reason.text);
        return NULL;
    }
    return node_of(value);
}

const struct json_node *json_get_node(const struct json_node *object, const char *key)
{
    return (const struct json_node *)json_object_get(value_of(object), key);
}

const char *json_get_text(const struct json_node *object, const char *key, const char *fallback)
{
    const char *text = json_string_value(json_object_get(value_of(object), key));
    return text != NULL ? text : fallback;
}

uint64_t json_get_u64(const struct json_node *object, const char *key, uint64_t fallback)
{
    const json_t *value = json_object_get(value_of(object), key);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return fallback;
    return (uint64_t)json_integer_value(value);
}

bool json_get_bool(const struct json_node *object, const char *key)
{
    return json_is_true(json_object_get(value_of(object), key));
}

double json_get_f64(const struct json_node *object, const char *key, double fallback)
{
    const json_t *value = json_object_get(value_of(object), key);
    return json_is_number(value) ? json_number_value(value) : fallback;
}

size_t json_array_count(const struct json_node *array)
{
    return json_array_size(value_of(array));
}

const struct json_node *json_array_at(const struct json_node *array, size_t index)
{
    return (const struct json_node *)json_array_get(value_of(array), index);
}
