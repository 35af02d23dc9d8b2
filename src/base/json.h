/*
 * json.h: reading cJSON trees without ceremony, and cleanup for them.
 *
 * Every getter takes NULL and a value of another type for "not there".
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/memory.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

#define autojson AUTO(json_delete_at)
static inline void json_delete_at(cJSON **at) {
    cJSON_Delete(*at);
}

/* The value at a path of keys, as in "State.Health.Status"; a key that itself holds a '.' cannot be
 * named so. */
const cJSON *json_get(const cJSON *from, const char *path);
const char *json_text(const cJSON *from, const char *path); /* NULL if none */
const char *json_text_or(const cJSON *from, const char *path, const char *otherwise);
long long json_number(const cJSON *from, const char *path, long long otherwise);
bool json_true(const cJSON *from, const char *path);

/* Add to an object and answer what was added. cJSON copies keys and strings. */
cJSON *json_put(cJSON *object, const char *key, cJSON *value);
void json_put_text(cJSON *object, const char *key, const char *text); /* NULL text: nothing */
void json_put_number(cJSON *object, const char *key, long long number);
void json_put_bool(cJSON *object, const char *key, bool value);
/* The object at a key, made if it is not there. */
cJSON *json_object_at(cJSON *object, const char *key);
cJSON *json_array_at(cJSON *object, const char *key);
void json_append_text(cJSON *array, const char *text);
/* One line, to be freed by the caller. */
char *json_line(const cJSON *value);

#endif
