#include <envrun/event.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/redact.h"

#include <time.h>

static void stamp(struct event *event) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    event->time = (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Its strings only, so that it stays JSON. */
static void take_out_of_json(char **text, struct redactor *redactor) {
    cJSON *json = *text ? cJSON_Parse(*text) : NULL;
    redact_json(redactor, json);
    if (json) {
        free(*text);
        *text = json_line(json);
    }
    cJSON_Delete(json);
}

static void take_out(struct event *event, struct redactor *redactor) {
    if (event->kind == EVENT_OBJECT && redactor)
        take_out_of_json(&event->text, redactor);
    else
        redact_string(redactor, &event->text);
    redact_string(redactor, &event->detail);
    redact_lines(redactor, event->list, event->list_length);
    redact_lines(redactor, event->hints, event->hint_count);
}

void event_tell(struct event *event, const struct event_listener *listener) {
    stamp(event);
    take_out(event, listener->redactor);
    if (listener->event)
        listener->event(listener->context, event);
    event_release(event);
}

static void add(char ***list, size_t *length, char *line) {
    *list = xrealloc(*list, (*length + 1) * sizeof **list);
    (*list)[(*length)++] = line;
}

void event_add_line(struct event *event, const char *line) {
    add(&event->list, &event->list_length, xstrdup(line));
}

void event_add_hint(struct event *event, const char *format, ...) {
    struct buffer hint = BUFFER_INIT;
    va_list args;
    va_start(args, format);
    buffer_vprintf(&hint, format, args);
    va_end(args);
    add(&event->hints, &event->hint_count, buffer_detach(&hint));
}

static void release_list(char **list, size_t length) {
    for (size_t i = 0; i < length; i++)
        free(list[i]);
    free(list);
}

void event_release(struct event *event) {
    free(event->service);
    free(event->text);
    free(event->detail);
    release_list(event->list, event->list_length);
    release_list(event->hints, event->hint_count);
    *event = (struct event){0};
}

static const char *const kind_names[] = {
    [EVENT_BEGAN] = "began",       [EVENT_PHASE] = "phase",       [EVENT_PROGRESS] = "progress",
    [EVENT_PROBE] = "probe",       [EVENT_SEED] = "seed",         [EVENT_WAITING] = "waiting",
    [EVENT_ENDPOINT] = "endpoint", [EVENT_DIED] = "died",         [EVENT_SUITE] = "suite",
    [EVENT_WARNING] = "warning",   [EVENT_NOTE] = "note",         [EVENT_FAILED] = "failed",
    [EVENT_TEARDOWN] = "teardown", [EVENT_ARTIFACT] = "artifact", [EVENT_LOG] = "log",
    [EVENT_TESTS] = "tests",       [EVENT_TEST] = "test",         [EVENT_TRY] = "try",
    [EVENT_SAMPLE] = "sample",     [EVENT_RESULTS] = "results",   [EVENT_OBJECT] = "object",
    [EVENT_OUTCOME] = "outcome",
};

static const char *const phase_names[] = {
    [PHASE_NONE] = "",       [PHASE_IMAGE] = "image", [PHASE_CREATE] = "create",
    [PHASE_COPY] = "copy",   [PHASE_WAIT] = "wait",   [PHASE_START] = "start",
    [PHASE_READY] = "ready", [PHASE_SEED] = "seed",   [PHASE_UP] = "up",
    [PHASE_STOP] = "stop",
};

static const char *const status_names[] = {
    [STATUS_NONE] = "",
    [STATUS_BEGAN] = "began",
    [STATUS_DONE] = "done",
    [STATUS_FAILED] = "failed",
};

static const char *const stream_names[] = {
    [EVENT_NO_STREAM] = "", [EVENT_STDOUT] = "stdout", [EVENT_STDERR] = "stderr"};

static const char *name_of(const char *const *names, size_t count, size_t which) {
    return which < count && names[which] ? names[which] : "unknown";
}

const char *event_kind_name(enum event_kind kind) {
    return name_of(kind_names, lengthof(kind_names), kind);
}

const char *event_phase_name(enum event_phase phase) {
    return name_of(phase_names, lengthof(phase_names), phase);
}

const char *event_status_name(enum event_status status) {
    return name_of(status_names, lengthof(status_names), status);
}

const char *event_stream_name(enum event_stream stream) {
    return name_of(stream_names, lengthof(stream_names), stream);
}
