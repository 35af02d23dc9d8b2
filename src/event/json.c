/*
 * json.c: events as lines of JSON and back (docs/output.md).
 */
#include <envrun/event.h>

#include "base/instant.h"
#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"

#include <math.h>
#include <string.h>

/* More than envrun itself ever writes. */
enum { LINE_MAX_BYTES = 4 << 20, LIST_MAX = 10000 };

static cJSON *repaired_string(const char *text) {
    struct buffer repaired autobuffer = BUFFER_INIT_MAX(3 * LINE_MAX_BYTES);
    utf8_put_repaired(&repaired, text, strnlen(text, LINE_MAX_BYTES));
    return cJSON_CreateString(repaired.data);
}

static void put_text(cJSON *object, const char *key, const char *text) {
    if (text)
        json_put(object, key, repaired_string(text));
}

static void put_name(cJSON *object, const char *key, const char *name) {
    if (*name)
        json_put_text(object, key, name);
}

static void put_nonzero(cJSON *object, const char *key, long long number) {
    if (number)
        json_put_number(object, key, number);
}

static void put_list(cJSON *object, const char *key, char **list, size_t length) {
    if (!length)
        return;
    cJSON *array = json_array_at(object, key);
    for (size_t i = 0; i < length; i++)
        cJSON_AddItemToArray(array, repaired_string(list[i]));
}

static void put_instant(cJSON *object, const char *key, long long nanoseconds) {
    char text[INSTANT_SIZE];
    if (nanoseconds)
        json_put_text(object, key, instant_format(nanoseconds, text));
}

/* The fields of a sample, and where they stand. */
static const struct {
    const char *key;
    size_t offset;
} usage_fields[] = {
    {"cpu", offsetof(struct event_usage, cpu)},
    {"throttled", offsetof(struct event_usage, throttled)},
    {"memory", offsetof(struct event_usage, memory)},
    {"memory_limit", offsetof(struct event_usage, memory_limit)},
    {"processes", offsetof(struct event_usage, processes)},
    {"received", offsetof(struct event_usage, received)},
    {"sent", offsetof(struct event_usage, sent)},
    {"read", offsetof(struct event_usage, read)},
    {"written", offsetof(struct event_usage, written)},
};

static long long *usage_field(const struct event_usage *usage, size_t which) {
    return (long long *)((char *)usage + usage_fields[which].offset);
}

static void put_usage(cJSON *object, const struct event_usage *usage) {
    cJSON *fields = json_object_at(object, "usage");
    for (size_t i = 0; i < lengthof(usage_fields); i++)
        put_nonzero(fields, usage_fields[i].key, *usage_field(usage, i));
}

/* Where 0 is an answer and not an absence. */
static bool has_code(const struct event *event) {
    return event->code || event->kind == EVENT_DIED || event->kind == EVENT_OUTCOME ||
           (event->kind == EVENT_SUITE && event->status != STATUS_BEGAN);
}

static bool has_duration(const struct event *event) {
    return event->duration || event->status == STATUS_DONE || event->kind == EVENT_OUTCOME;
}

char *event_encode(const struct event *event) {
    cJSON *object autojson = cJSON_CreateObject();
    json_put_number(object, "v", EVENT_VERSION);
    json_put_text(object, "event", event_kind_name(event->kind));
    json_put_number(object, "ms", event->ms);
    put_nonzero(object, "time", event->time);
    put_text(object, "service", event->service);
    put_name(object, "phase", event_phase_name(event->phase));
    put_name(object, "status", event_status_name(event->status));
    if (has_code(event))
        json_put_number(object, "code", event->code);
    if (has_duration(event))
        json_put_number(object, "duration", event->duration);
    put_nonzero(object, "count", event->count);
    put_nonzero(object, "total", event->total);
    put_instant(object, "at", event->at);
    put_name(object, "stream", event_stream_name(event->stream));
    if (event->unfinished)
        json_put_bool(object, "unfinished", true);
    if (event->kind == EVENT_SAMPLE)
        put_usage(object, &event->usage);
    put_text(object, "text", event->text);
    put_text(object, "detail", event->detail);
    put_list(object, "list", event->list, event->list_length);
    put_list(object, "hints", event->hints, event->hint_count);
    return json_line(object);
}

static bool refuse(struct err *err, const char *why) {
    return err_set(err, ERR_FILE, "not an event: %s", why);
}

static bool wrong_type(struct err *err, const char *key) {
    return err_set(err, ERR_FILE, "not an event: \"%s\" is of a wrong type or out of range", key);
}

static bool get_text(const cJSON *object, const char *key, char **ret, struct err *err) {
    const cJSON *value = json_get(object, key);
    if (!value)
        return true;
    if (!cJSON_IsString(value))
        return wrong_type(err, key);
    *ret = xstrdup(value->valuestring);
    return true;
}

/* A whole number that a double holds exactly, of `most` at most either way; 0 if absent. */
static bool get_number(const cJSON *object, const char *key, double most, long long *ret,
                       struct err *err) {
    const cJSON *value = json_get(object, key);
    if (!value)
        return true;
    if (!cJSON_IsNumber(value) || !(fabs(value->valuedouble) <= most) ||
        value->valuedouble != trunc(value->valuedouble))
        return wrong_type(err, key);
    *ret = (long long)value->valuedouble;
    return true;
}

static bool get_list(const cJSON *object, const char *key, char ***list, size_t *length,
                     struct err *err) {
    const cJSON *value = json_get(object, key), *item;
    if (!value)
        return true;
    if (!cJSON_IsArray(value) || cJSON_GetArraySize(value) > LIST_MAX)
        return wrong_type(err, key);
    if (!value->child)
        return true;
    *list = xcalloc((size_t)cJSON_GetArraySize(value), sizeof **list);
    cJSON_ArrayForEach (item, value) {
        if (!cJSON_IsString(item))
            return wrong_type(err, key);
        (*list)[(*length)++] = xstrdup(item->valuestring);
    }
    return true;
}

typedef const char *name_of(unsigned which);

static const char *kind_name(unsigned which) {
    return event_kind_name(which);
}

static const char *phase_name(unsigned which) {
    return event_phase_name(which);
}

static const char *status_name(unsigned which) {
    return event_status_name(which);
}

/* Which of `count` names a field has; the first one if it is absent. */
static bool get_name(const cJSON *object, const char *key, name_of *name, unsigned count,
                     unsigned *ret, struct err *err) {
    const cJSON *value = json_get(object, key);
    *ret = 0;
    if (!value)
        return true;
    if (!cJSON_IsString(value))
        return wrong_type(err, key);
    for (unsigned i = 0; i < count; i++)
        if (text_equal(value->valuestring, name(i))) {
            *ret = i;
            return true;
        }
    return err_set(err, ERR_FILE, "not an event that this envrun knows: %s \"%.40s\"", key,
                   value->valuestring);
}

static const char *stream_name(unsigned which) {
    return event_stream_name(which);
}

static bool decode_names(const cJSON *object, struct event *event, struct err *err) {
    unsigned kind, phase, status, stream;
    if (!json_text(object, "event"))
        return wrong_type(err, "event");
    if (!get_name(object, "event", kind_name, EVENT_OUTCOME + 1, &kind, err) ||
        !get_name(object, "phase", phase_name, PHASE_STOP + 1, &phase, err) ||
        !get_name(object, "status", status_name, STATUS_FAILED + 1, &status, err) ||
        !get_name(object, "stream", stream_name, EVENT_STDERR + 1, &stream, err))
        return false;
    event->kind = kind;
    event->phase = phase;
    event->status = status;
    event->stream = stream;
    event->unfinished = json_true(object, "unfinished");
    return true;
}

static const double exact = 9007199254740992.0; /* 2^53 */

static bool decode_numbers(const cJSON *object, struct event *event, struct err *err) {
    long long code = 0;
    if (!get_number(object, "ms", exact, &event->ms, err) ||
        !get_number(object, "time", exact, &event->time, err) ||
        !get_number(object, "duration", exact, &event->duration, err) ||
        !get_number(object, "count", exact, &event->count, err) ||
        !get_number(object, "total", exact, &event->total, err) ||
        !get_number(object, "code", 2147483647, &code, err))
        return false;
    event->code = (int)code;
    return true;
}

static bool decode_at(const cJSON *object, struct event *event, struct err *err) {
    const cJSON *value = json_get(object, "at");
    const char *text = cJSON_GetStringValue(value);
    return !value || (text && instant_parse(text, &event->at) == strlen(text)) ||
           wrong_type(err, "at");
}

static bool decode_usage(const cJSON *object, struct event *event, struct err *err) {
    const cJSON *usage = json_get(object, "usage");
    for (size_t i = 0; usage && i < lengthof(usage_fields); i++)
        if (!get_number(usage, usage_fields[i].key, exact, usage_field(&event->usage, i), err))
            return false;
    return true;
}

static bool decode_texts(const cJSON *object, struct event *event, struct err *err) {
    return get_text(object, "service", &event->service, err) &&
           get_text(object, "text", &event->text, err) &&
           get_text(object, "detail", &event->detail, err) &&
           get_list(object, "list", &event->list, &event->list_length, err) &&
           get_list(object, "hints", &event->hints, &event->hint_count, err);
}

static bool check_version(const cJSON *object, struct err *err) {
    if (json_number(object, "v", 0) == EVENT_VERSION)
        return true;
    return err_set(err, ERR_FILE, "not an event of format version %d", EVENT_VERSION);
}

bool event_decode(const char *line, struct event *ret_event, struct err *err) {
    size_t length = strnlen(line, LINE_MAX_BYTES + 1);
    if (length > LINE_MAX_BYTES)
        return refuse(err, "the line is longer than 4 MiB");
    if (!text_is_utf8(line, length))
        return refuse(err, "the line is not UTF-8");
    cJSON *object autojson = cJSON_ParseWithLengthOpts(line, length + 1, NULL, true);
    if (!cJSON_IsObject(object))
        return refuse(err, "the line is not a JSON object");

    struct event event = {0};
    if (!check_version(object, err) || !decode_names(object, &event, err) ||
        !decode_numbers(object, &event, err) || !decode_at(object, &event, err) ||
        !decode_usage(object, &event, err) || !decode_texts(object, &event, err)) {
        event_release(&event);
        return false;
    }
    *ret_event = event;
    return true;
}
