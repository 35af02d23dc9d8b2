/*
 * What is too large for memory: images and folders of containers, from and to files.
 */
#include "engine/progress.h"
#include "engine/tar.h"
#include "engine/tar_root.h"

#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* ---- To a file ---- */

struct spool {
    struct stream stream;
    int fd;
    unsigned long long most, done; /* bytes */
};

static bool spool_take(struct stream *stream, const char *data, size_t length) {
    struct spool *spool = (struct spool *)stream;
    if (length > spool->most - spool->done) {
        autofree char *most = text_bytes(spool->most);
        return err_set(&stream->task.err, ERR_FILE, "it is larger than %s", most);
    }
    spool->done += length;
    while (length) {
        ssize_t put = write(spool->fd, data, length);
        if (put < 0 && errno != EINTR)
            return err_set(&stream->task.err, ERR_FILE, "cannot write it: %s", strerror(errno));
        data += put > 0 ? put : 0;
        length -= put > 0 ? (size_t)put : 0;
    }
    return true;
}

static struct task *spool_new(struct engine *engine, struct query *query, int fd,
                              unsigned long long most) {
    struct spool *spool = stream_new(sizeof *spool, engine, "GET");
    stream_ask(&spool->stream, query);
    spool->stream.take = spool_take;
    spool->fd = fd;
    spool->most = most;
    return &spool->stream.task;
}

struct task *image_save(struct engine *engine, const char *image, int fd, unsigned long long most) {
    struct query query = query_new("/images/get");
    query_text(&query, "names", image);
    return spool_new(engine, &query, fd, most);
}

static struct query archive_query(const char *id, const char *path) {
    autofree char *escaped = engine_escape(id);
    struct query query = query_new("/containers/%s/archive", escaped);
    query_text(&query, "path", path);
    return query;
}

struct task *container_save(struct engine *engine, const char *id, const char *path, int fd,
                            unsigned long long most) {
    struct query query = archive_query(id, path);
    return spool_new(engine, &query, fd, most);
}

struct task *container_save_folder(struct engine *engine, const char *id, const char *path, int fd,
                                   unsigned long long most) {
    autofree char *contents = xasprintf("%s/.", path);
    return container_save(engine, id, contents, fd, most);
}

/* ---- From a file ---- */

struct feed {
    struct stream stream;
    int fd;
    unsigned long long done; /* bytes */
    struct tar_root root;
    struct err err;
};

static ssize_t feed_read(void *context, char *into, size_t size) {
    struct feed *feed = context;
    ssize_t length;
    while ((length = read(feed->fd, into, size)) < 0 && errno == EINTR)
        ;
    if (length < 0)
        err_set(&feed->err, ERR_FILE, "cannot read it: %s", strerror(errno));
    if (length > 0) {
        tar_root_put(&feed->root, into, (size_t)length, feed->done);
        feed->done += (unsigned long long)length;
    }
    return length;
}

static struct err *feed_error(struct stream *stream) {
    return &((struct feed *)stream)->err;
}

static bool feed_take(struct stream *stream, const char *data, size_t length) {
    (void)stream, (void)data, (void)length;
    return true;
}

static void feed_release(struct stream *stream) {
    struct feed *feed = (struct feed *)stream;
    err_release(&feed->err);
    close(feed->fd);
}

struct task *container_load_folder(struct engine *engine, const char *id, const char *path,
                                   int fd) {
    struct feed *feed = stream_new(sizeof *feed, engine, "PUT");
    struct query query = archive_query(id, path);
    stream_ask(&feed->stream, &query);
    feed->fd = fd;
    tar_root_find(fd, &feed->root);
    feed->stream.options.source = (struct transfer_source){.read = feed_read, .context = feed};
    feed->stream.take = feed_take;
    feed->stream.source_error = feed_error;
    feed->stream.release = feed_release;
    return &feed->stream.task;
}

/* ---- Loading images ---- */

struct load {
    struct stream stream;
    struct progress progress;
    struct tar *tar;
};

static bool load_take(struct stream *stream, const char *data, size_t length) {
    return progress_push(&((struct load *)stream)->progress, data, length);
}

static bool load_closed(struct stream *stream) {
    return progress_end(&((struct load *)stream)->progress);
}

static struct err *load_error(struct stream *stream) {
    return tar_error(((struct load *)stream)->tar);
}

static void load_release(struct stream *stream) {
    struct load *load = (struct load *)stream;
    progress_release(&load->progress);
    tar_free(load->tar);
}

struct task *image_load(struct engine *engine, const char *folder, struct engine_progress reader) {
    struct load *load = stream_new(sizeof *load, engine, "POST");
    struct query query = query_new("/images/load?quiet=1");
    stream_ask(&load->stream, &query);
    load->tar = tar_new(&(struct tar_options){0});
    tar_add_path(load->tar, folder, "");
    progress_init(&load->progress, reader, &load->stream.task.err);
    load->stream.options.source = tar_source(load->tar);
    load->stream.take = load_take;
    load->stream.closed = load_closed;
    load->stream.source_error = load_error;
    load->stream.release = load_release;
    return &load->stream.task;
}
