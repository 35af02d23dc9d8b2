/* A container's output: its log, and attached. */
#include "engine/output.h"

#include "base/memory.h"

static void output_opened(struct stream *stream) {
    struct output *output = (struct output *)stream;
    output->opened = true;
    transfer_hold(stream->transfer, output->held);
    if (stream->task.parent)
        task_wake(stream->task.parent);
}

static bool output_take(struct stream *stream, const char *data, size_t length) {
    return frames_push(&((struct output *)stream)->frames, data, length, &stream->task.err);
}

static bool output_closed(struct stream *stream) {
    return frames_end(&((struct output *)stream)->frames, &stream->task.err);
}

struct output *output_new(struct engine *engine, const char *method, struct query *query, bool tty,
                          struct output_sink sink) {
    struct output *output = stream_new(sizeof *output, engine, method);
    stream_ask(&output->stream, query);
    output->frames = (struct frames){.raw = tty, .sink = sink};
    output->stream.opened = output_opened;
    output->stream.take = output_take;
    output->stream.closed = output_closed;
    return output;
}

struct task *container_logs(struct engine *engine, const char *id,
                            const struct log_options *options, struct output_sink sink) {
    autofree char *escaped = engine_escape(id);
    struct query query = query_new("/containers/%s/logs", escaped);
    query_text(&query, "stdout", "1");
    query_text(&query, "stderr", "1");
    query_text(&query, "follow", options->follow ? "1" : NULL);
    query_text(&query, "timestamps", options->timestamps ? "1" : NULL);
    query_text(&query, "tail", options->tail);
    query_text(&query, "since", options->since);
    return &output_new(engine, "GET", &query, options->tty, sink)->stream.task;
}

/* The engine answers once it has joined the container's output, even if that does not run yet. */
struct task *container_attach(struct engine *engine, const char *id, bool tty,
                              struct output_sink sink) {
    autofree char *escaped = engine_escape(id);
    struct query query = query_new("/containers/%s/attach?stream=1&stdout=1&stderr=1", escaped);
    return &output_new(engine, "POST", &query, tty, sink)->stream.task;
}

bool container_attached(const struct task *attach) {
    return ((const struct output *)attach)->opened;
}

void output_hold(struct task *task, bool hold) {
    struct output *output = (struct output *)task;
    output->held = hold;
    if (output->stream.transfer)
        transfer_hold(output->stream.transfer, hold);
}
