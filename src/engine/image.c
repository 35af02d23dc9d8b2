/* Images: look at one, name one, pull one. */
#include "engine/progress.h"

#include "base/memory.h"

#include <string.h>

/* A name's '/' stay as they are: engines differ in whether they decode them. */
struct task *image_inspect(struct engine *engine, const char *reference) {
    struct query query = query_new("/images/");
    query_segments(&query, reference);
    query_segments(&query, "/json");
    return request_new(engine, "GET", NULL, &query);
}

struct task *image_list(struct engine *engine, const char *label) {
    struct query query = query_new("/images/json");
    return request_list(engine, &query, label);
}

struct task *image_remove(struct engine *engine, const char *reference) {
    struct query query = query_new("/images/");
    query_segments(&query, reference);
    struct task *request = request_new(engine, "DELETE", NULL, &query);
    request_accept(request, (const int[]){404, 0});
    return request;
}

/* Where the name ends and the tag or the digest begins; a ':' before a '/' is a registry's port.
 * Without either the engine would pull every tag. */
static size_t name_length(const char *reference) {
    const char *digest = strchr(reference, '@');
    if (digest)
        return (size_t)(digest - reference);
    const char *slash = strrchr(reference, '/');
    const char *tag = strchr(slash ? slash : reference, ':');
    return tag ? (size_t)(tag - reference) : strlen(reference);
}

struct task *image_tag(struct engine *engine, const char *image, const char *reference) {
    size_t length = name_length(reference);
    autofree char *name = xstrndup(reference, length);
    struct query query = query_new("/images/");
    query_segments(&query, image);
    query_segments(&query, "/tag");
    query_text(&query, "repo", name);
    query_text(&query, "tag", reference[length] ? reference + length + 1 : "latest");
    return request_new(engine, "POST", NULL, &query);
}

struct task *image_look_up(struct engine *engine, const char *reference, const char *auth) {
    struct query query = query_new("/distribution/");
    query_segments(&query, reference);
    query_segments(&query, "/json");
    struct task *request = request_new(engine, "GET", NULL, &query);
    request_add_header(request, auth ? xasprintf("X-Registry-Auth: %s", auth) : NULL);
    return request;
}

struct pull {
    struct stream stream;
    struct progress progress;
};

static bool pull_take(struct stream *stream, const char *data, size_t length) {
    return progress_push(&((struct pull *)stream)->progress, data, length);
}

static bool pull_closed(struct stream *stream) {
    return progress_end(&((struct pull *)stream)->progress);
}

static void pull_release(struct stream *stream) {
    progress_release(&((struct pull *)stream)->progress);
}

static void query_reference(struct query *query, const char *reference) {
    size_t length = name_length(reference);
    autofree char *name = xstrndup(reference, length);
    query_text(query, "fromImage", name);
    query_text(query, "tag", reference[length] ? reference + length + 1 : "latest");
}

struct task *image_pull(struct engine *engine, const char *reference, const char *platform,
                        const char *auth, struct engine_progress reader) {
    struct query query = query_new("/images/create");
    query_reference(&query, reference);
    query_text(&query, "platform", platform);
    struct pull *pull = stream_new(sizeof *pull, engine, "POST");
    stream_ask(&pull->stream, &query);
    if (auth)
        pull->stream.header = xasprintf("X-Registry-Auth: %s", auth);
    progress_init(&pull->progress, reader, &pull->stream.task.err);
    pull->stream.take = pull_take;
    pull->stream.closed = pull_closed;
    pull->stream.release = pull_release;
    return &pull->stream.task;
}
