#include "base/json.h"

#include <string.h>

const cJSON *json_get(const cJSON *from, const char *path) {
    char key[128];
    while (from && *path) {
        size_t length = strcspn(path, ".");
        if (length >= sizeof key)
            return NULL;
        memcpy(key, path, length);
        key[length] = '\0';
        from = cJSON_GetObjectItemCaseSensitive(from, key);
        path += length + (path[length] == '.');
    }
    return from;
}

const char *json_text(const cJSON *from, const char *path) {
    return cJSON_GetStringValue(json_get(from, path));
}

const char *json_text_or(const cJSON *from, const char *path, const char *otherwise) {
    const char *text = json_text(from, path);
    return text ? text : otherwise;
}

long long json_number(const cJSON *from, const char *path, long long otherwise) {
    const cJSON *value = json_get(from, path);
    if (!value || !cJSON_IsNumber(value) ||
        !(value->valuedouble > -9e18 && value->valuedouble < 9e18))
        return otherwise;
    return (long long)value->valuedouble;
}

bool json_true(const cJSON *from, const char *path) {
    return cJSON_IsTrue(json_get(from, path));
}

cJSON *json_put(cJSON *object, const char *key, cJSON *value) {
    cJSON_AddItemToObject(object, key, value);
    return value;
}

void json_put_text(cJSON *object, const char *key, const char *text) {
    if (text)
        json_put(object, key, cJSON_CreateString(text));
}

void json_put_number(cJSON *object, const char *key, long long number) {
    json_put(object, key, cJSON_CreateNumber((double)number));
}

void json_put_bool(cJSON *object, const char *key, bool value) {
    json_put(object, key, cJSON_CreateBool(value));
}

cJSON *json_object_at(cJSON *object, const char *key) {
    cJSON *there = cJSON_GetObjectItemCaseSensitive(object, key);
    return there ? there : json_put(object, key, cJSON_CreateObject());
}

cJSON *json_array_at(cJSON *object, const char *key) {
    cJSON *there = cJSON_GetObjectItemCaseSensitive(object, key);
    return there ? there : json_put(object, key, cJSON_CreateArray());
}

void json_append_text(cJSON *array, const char *text) {
    cJSON_AddItemToArray(array, cJSON_CreateString(text));
}

char *json_line(const cJSON *value) {
    char *line = cJSON_PrintUnformatted(value);
    if (!line)
        abort();
    return line;
}
