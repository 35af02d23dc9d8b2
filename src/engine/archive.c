/*
 * Files into a container, as a tar stream that is made on the way. First the engine is asked
 * whether the place is a directory there; what is to go where follows from that.
 */
#include "engine/stream.h"
#include "engine/tar.h"

#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"

#include <string.h>

struct copy {
    struct task task;
    struct engine *engine;
    char *id, *to;
    char *place; /* the directory that is looked for there */
    struct tar *tar;
    /* Put into the archive what goes to `to`; answers the directory to unpack it in, to be freed.
     */
    char *(*pack)(struct copy *copy, bool is_directory);
    char *from;
    bool contents, parents;
    struct buffer data;
    int mode;
    bool asked; /* `child` is the upload */
    struct task *child;
};

/* ---- What goes where ---- */

static const char *relative(const char *path) {
    return path + (*path == '/');
}

static char *pack_path(struct copy *copy, bool is_directory) {
    const char *name = copy->contents ? "" : path_name(copy->from);
    if (is_directory || (text_ends(copy->to, "/") && !copy->contents)) {
        tar_add_path(copy->tar, copy->from, name);
        return xstrdup(copy->to);
    }
    autofree char *clean = path_join("/", copy->to);
    tar_add_path(copy->tar, copy->from, path_name(clean));
    return path_directory(clean);
}

/* As pack_path(), but what is missing below the place that is there becomes part of the name: so
 * the engine makes it. */
static char *pack_below(struct copy *copy, bool is_directory) {
    autofree char *clean = path_join("/", copy->to);
    const char *missing = relative(clean + strlen(copy->place));
    bool keeps_name = !copy->contents && (!*missing || text_ends(copy->to, "/"));
    autofree char *name = keeps_name ? path_join(missing, path_name(copy->from)) : xstrdup(missing);
    (void)is_directory;
    tar_add_path(copy->tar, copy->from, name);
    return xstrdup(copy->place);
}

/* Unpacked in its own directory if there is one (which may be a volume in a container whose own
 * files are read-only), else at the top, where the engine makes what is missing. */
static char *pack_data(struct copy *copy, bool is_directory) {
    const char *name = is_directory ? path_name(copy->to) : relative(copy->to);
    tar_add_text(copy->tar, name, copy->data.data, copy->data.length, copy->mode);
    return is_directory ? path_directory(copy->to) : xstrdup("/");
}

/* ---- The task ---- */

struct upload {
    struct stream stream;
    struct tar *tar;
};

static bool upload_take(struct stream *stream, const char *data, size_t length) {
    (void)stream, (void)data, (void)length;
    return true;
}

static struct err *upload_source_error(struct stream *stream) {
    return tar_error(((struct upload *)stream)->tar);
}

static void upload_release(struct stream *stream) {
    tar_free(((struct upload *)stream)->tar);
}

static struct query archive_query(const struct copy *copy, const char *path) {
    autofree char *escaped = engine_escape(copy->id);
    struct query query = query_new("/containers/%s/archive", escaped);
    query_text(&query, "path", path);
    return query;
}

/* "/." asks for a directory, or a link to one; anything else is not found. */
static struct task *ask(struct copy *copy) {
    autofree char *asserted = xasprintf("%s/.", copy->place);
    struct query query = archive_query(copy, asserted);
    struct task *request = request_new(copy->engine, "HEAD", NULL, &query);
    request_accept(request, (const int[]){400, 404, 500, 0});
    return request;
}

/* Where parents are to be made, the innermost that is there is looked for. */
static bool ask_above(struct copy *copy) {
    if (!copy->parents || request_status(copy->child) == 200 || !strcmp(copy->place, "/"))
        return false;
    char *above = path_directory(copy->place);
    free(copy->place);
    copy->place = above;
    task_free(copy->child);
    copy->child = ask(copy);
    task_start(copy->child, &copy->task);
    return true;
}

static struct task *upload(struct copy *copy) {
    struct upload *upload = stream_new(sizeof *upload, copy->engine, "PUT");
    autofree char *where = copy->pack(copy, request_status(copy->child) == 200);
    struct query query = archive_query(copy, where);
    stream_ask(&upload->stream, &query);
    upload->tar = steal(copy->tar);
    upload->stream.options.source = tar_source(upload->tar);
    upload->stream.take = upload_take;
    upload->stream.source_error = upload_source_error;
    upload->stream.release = upload_release;
    return &upload->stream.task;
}

static enum task_status copy_step(struct task *task) {
    struct copy *copy = (struct copy *)task;
    task_start(copy->child, task);
    if (copy->child->status == TASK_PENDING)
        return TASK_PENDING;
    if (copy->child->status == TASK_FAILED) {
        err_move(&task->err, &copy->child->err);
        return TASK_FAILED;
    }
    if (copy->asked)
        return TASK_DONE;
    if (ask_above(copy))
        return TASK_PENDING;
    copy->asked = true;
    struct task *next = upload(copy);
    task_free(copy->child);
    copy->child = next;
    task_start(next, task);
    return TASK_PENDING;
}

static void copy_cancel(struct task *task) {
    struct copy *copy = (struct copy *)task;
    copy->child = task_free(copy->child);
}

static void copy_release(struct task *task) {
    struct copy *copy = (struct copy *)task;
    copy_cancel(task);
    tar_free(copy->tar);
    buffer_release(&copy->data);
    free(copy->id);
    free(copy->to);
    free(copy->place);
    free(copy->from);
}

static struct copy *copy_new(struct engine *engine, const char *id, const char *to,
                             const struct tar_options *options) {
    static const struct task_type type = {
        .name = "copy", .step = copy_step, .cancel = copy_cancel, .release = copy_release};
    struct copy *copy = task_new(sizeof *copy, &type, engine->loop);
    copy->engine = engine;
    copy->id = xstrdup(id);
    copy->to = xstrdup(to);
    copy->data = BUFFER_INIT;
    copy->tar = tar_new(options);
    return copy;
}

struct task *container_copy_in(struct engine *engine, const char *id,
                               const struct copy_options *options) {
    struct copy *copy = copy_new(
        engine, id, options->to,
        &(struct tar_options){.uid = options->uid, .gid = options->gid, .mode = options->mode});
    copy->from = path_join("/", options->from);
    copy->contents = options->contents;
    copy->parents = options->parents;
    copy->pack = options->parents ? pack_below : pack_path;
    copy->place = path_join("/", options->to);
    copy->child = ask(copy);
    return &copy->task;
}

struct task *container_write_file(struct engine *engine, const char *id, const char *path,
                                  const void *data, size_t length, int uid, int gid, int mode) {
    autofree char *clean = path_join("/", path);
    struct copy *copy = copy_new(engine, id, clean, &(struct tar_options){.uid = uid, .gid = gid});
    buffer_add(&copy->data, data, length);
    copy->mode = mode;
    copy->pack = pack_data;
    copy->place = path_directory(clean);
    copy->child = ask(copy);
    return &copy->task;
}
