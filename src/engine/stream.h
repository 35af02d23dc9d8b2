/*
 * stream.h: a request whose answer is taken as it comes: what logs, events, pulls and builds have
 * in common.
 *
 * A concrete one embeds struct stream as its first member, is made by stream_new(), and sets the
 * functions it needs. Cancelling closes the connection.
 */
#ifndef ENGINE_STREAM_H
#define ENGINE_STREAM_H

#include "engine/request.h"

struct stream {
    struct task task;
    struct engine *engine;
    struct transfer_options options;
    char *path, *header; /* owned, in `options` */
    struct transfer *transfer;

    /* The engine has answered with success; the pieces follow. May be NULL. */
    void (*opened)(struct stream *stream);
    /* False, with the task's err set, ends the stream as failed. */
    bool (*take)(struct stream *stream, const char *data, size_t length);
    /* All has come; false (err set) if that was not enough. May be NULL. */
    bool (*closed)(struct stream *stream);
    /* Why the body's source failed, or an empty error. May be NULL. */
    struct err *(*source_error)(struct stream *stream);
    void (*release)(struct stream *stream); /* may be NULL */
};

/* `size` is the concrete type's. An err that is set before it starts fails it. */
void *stream_new(size_t size, struct engine *engine, const char *method);
/* Before it is started; the path is taken out of the query. */
void stream_ask(struct stream *stream, struct query *query);

#endif
