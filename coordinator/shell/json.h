/*
 * json.h: JSON values, as little of them as the command line needs.
 *
 * Objects keep the order in which keys were set, so that the same question gives the same text.
 * Keys are snake_case with the unit last. NaN and infinities, which JSON does not know, become
 * null; 64-bit numbers above 2^63 become text. Running out of memory ends the program: only
 * commands and the status come here, never a core. Only json_jansson.c includes jansson.h.
 */
#ifndef RATCHET_COORDINATOR_SHELL_JSON_H
#define RATCHET_COORDINATOR_SHELL_JSON_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_node;

struct json_node *json_node_object(void);
struct json_node *json_node_array(void);
struct json_node *json_node_text(const char *text);
struct json_node *json_node_u64(uint64_t value);
struct json_node *json_node_f64(double value);
/* Null is allowed and does nothing; children go with their parent. */
void json_node_free(struct json_node **node);

/* NULL text becomes null. Bytes that are not UTF-8 become '?'. */
void json_set_text(struct json_node *object, const char *key, const char *text);
void json_set_u64(struct json_node *object, const char *key, uint64_t value);
void json_set_i64(struct json_node *object, const char *key, int64_t value);
void json_set_f64(struct json_node *object, const char *key, double value);
void json_set_bool(struct json_node *object, const char *key, bool value);
/* Takes the child. */
void json_set_node(struct json_node *object, const char *key, struct json_node *child);
void json_append_node(struct json_node *array, struct json_node *child);

enum json_style { JSON_ONE_LINE = 1, JSON_INDENTED = 2 };

/* The text, without a newline at the end; the caller's to free. */
char *json_print(const struct json_node *node, enum json_style style);

/* NULL with the reason when the text is not JSON. */
struct json_node *json_parse(const char *text, size_t bytes, struct error *error);

/* What is under a key, or the fallback when there is nothing of that type. */
const char *json_get_text(const struct json_node *object, const char *key, const char *fallback);
uint64_t json_get_u64(const struct json_node *object, const char *key, uint64_t fallback);
bool json_get_bool(const struct json_node *object, const char *key); /* fallback: false */
double json_get_f64(const struct json_node *object, const char *key, double fallback);
/* Borrowed; NULL when there is none. */
const struct json_node *json_get_node(const struct json_node *object, const char *key);
size_t json_array_count(const struct json_node *array);
const struct json_node *json_array_at(const struct json_node *array, size_t index);

#endif
