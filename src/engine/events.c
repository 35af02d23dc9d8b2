/* The engine's events: one JSON object per line, without end. */
#include "engine/stream.h"

#include "base/lines.h"
#include "base/memory.h"

struct events {
    struct stream stream;
    struct event_sink sink;
    struct lines lines;
    bool garbled;
};

static void events_opened(struct stream *stream) {
    struct event_sink *sink = &((struct events *)stream)->sink;
    task_limit(&stream->task, DEADLINE_NEVER);
    if (sink->listening)
        sink->listening(sink->context);
}

static void events_line(void *context, char *text, size_t length) {
    struct events *events = context;
    cJSON *event = cJSON_ParseWithLength(text, length);
    if (event)
        events->sink.event(events->sink.context, event);
    else if (length)
        events->garbled = true;
    cJSON_Delete(event);
}

static bool events_take(struct stream *stream, const char *data, size_t length) {
    struct events *events = (struct events *)stream;
    lines_push(&events->lines, data, length);
    if (events->garbled)
        return err_set(&stream->task.err, ERR_ENGINE,
                       "an event of the Docker engine at %s is not JSON", stream->engine->url);
    return true;
}

static bool events_closed(struct stream *stream) {
    return err_set(&stream->task.err, ERR_ENGINE,
                   "the Docker engine at %s closed its stream of events", stream->engine->url);
}

static void events_release(struct stream *stream) {
    lines_release(&((struct events *)stream)->lines);
}

struct task *engine_events(struct engine *engine, cJSON *filters, const char *since,
                           struct event_sink sink) {
    struct query query = query_new("/events");
    query_json(&query, "filters", filters);
    query_text(&query, "since", since);
    cJSON_Delete(filters);
    struct events *events = stream_new(sizeof *events, engine, "GET");
    stream_ask(&events->stream, &query);
    events->sink = sink;
    lines_init(&events->lines, ENGINE_LINE_MAX, events_line, events);
    events->stream.opened = events_opened;
    events->stream.take = events_take;
    events->stream.closed = events_closed;
    events->stream.release = events_release;
    task_limit(&events->stream.task, deadline_in(engine->patience)); /* until it listens */
    return &events->stream.task;
}
