#include "engine/stream.h"

#include "base/memory.h"

static void stream_opened(void *context) {
    struct stream *stream = context;
    if (stream->opened)
        stream->opened(stream);
}

static bool stream_take(void *context, const char *data, size_t length) {
    struct stream *stream = context;
    return stream->take(stream, data, length);
}

static bool stream_start(struct stream *stream) {
    stream->options.path = stream->path;
    stream->options.header = stream->header;
    stream->options.opened = stream_opened;
    stream->options.take = stream_take;
    stream->options.context = stream;
    stream->transfer =
        transfer_start(stream->engine, &stream->task, &stream->options, &stream->task.err);
    stream->options.body = NULL;
    return stream->transfer;
}

/* What made libcurl end it comes before what libcurl says. */
static bool stream_failed(struct stream *stream) {
    struct err *err = &stream->task.err;
    struct err *source = stream->source_error ? stream->source_error(stream) : NULL;
    if (!err_is(err) && source && err_is(source))
        err_move(err, source);
    return err_is(err);
}

static enum task_status stream_step(struct task *task) {
    struct stream *stream = (struct stream *)task;
    if (err_is(&task->err))
        return TASK_FAILED;
    if (!stream->transfer)
        return stream_start(stream) ? TASK_PENDING : TASK_FAILED;
    if (!stream->transfer->done)
        return TASK_PENDING;
    if (stream_failed(stream) || !transfer_succeeded(stream->transfer, &task->err))
        return TASK_FAILED;
    if (stream->closed && !stream->closed(stream))
        return TASK_FAILED;
    return TASK_DONE;
}

static void stream_cancel(struct task *task) {
    struct stream *stream = (struct stream *)task;
    stream->transfer = transfer_free(stream->transfer);
}

static void stream_release(struct task *task) {
    struct stream *stream = (struct stream *)task;
    stream_cancel(task);
    if (stream->release)
        stream->release(stream);
    free(stream->options.body);
    free(stream->path);
    free(stream->header);
}

void *stream_new(size_t size, struct engine *engine, const char *method) {
    static const struct task_type type = {
        .name = "stream", .step = stream_step, .cancel = stream_cancel, .release = stream_release};
    struct stream *stream = task_new(size, &type, engine->loop);
    stream->engine = engine;
    stream->options.method = method;
    return stream;
}

void stream_ask(struct stream *stream, struct query *query) {
    free(stream->path);
    stream->path = buffer_detach(&query->path);
}
