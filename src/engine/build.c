/* Build an image with the engine's classic builder. */
#include "engine/progress.h"
#include "engine/tar.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    IGNORE_FILE_MAX = 1 << 20, /* bytes */
    DOCKERFILE_MAX = 4 << 20,
    HASH_DIGITS = 20,
};

struct build {
    struct stream stream;
    struct progress progress;
    struct tar *tar;
    char *context, *dockerfile; /* a local one's, absolute */
    const char *inlined;
    const char *left_out;
};

/* What the context holds besides its own files. */
struct extras {
    struct buffer dockerfile; /* one that is not in the context */
    char *name;               /* under which the engine finds it */
    struct buffer ignore;     /* the text of the .dockerignore */
    bool outside, ignored;
};

/* ---- The context ---- */

static bool check_context(const char *context, struct err *err) {
    struct stat info;
    if (stat(context, &info))
        return err_set(err, ERR_FILE, "the build context %s does not exist", context);
    if (!S_ISDIR(info.st_mode))
        return err_set(err, ERR_FILE, "the build context %s is not a directory", context);
    return true;
}

static bool check_dockerfile(const char *path, struct err *err) {
    struct stat info;
    if (stat(path, &info))
        return err_set(err, ERR_FILE, "the Dockerfile %s does not exist", path);
    if (!S_ISREG(info.st_mode))
        return err_set(err, ERR_FILE, "the Dockerfile %s is not a file", path);
    if (access(path, R_OK))
        return err_set(err, ERR_FILE, "the Dockerfile %s cannot be read", path);
    return true;
}

/* <Dockerfile>.dockerignore comes before the context's own. */
static bool read_ignore(const struct build *build, struct extras *extras, struct err *err) {
    autofree char *own = xasprintf("%s.dockerignore", build->dockerfile);
    autofree char *common = path_join(build->context, ".dockerignore");
    bool has_own = !build->inlined && path_exists(own);
    const char *path = has_own ? own : path_exists(common) ? common : NULL;
    extras->ignored = path;
    return !path || path_read(path, &extras->ignore, err);
}

/* A Dockerfile from elsewhere is sent under a name that its bytes give, so that the engine's cache
 * holds; and is left out of what COPY sees. */
static bool take_outside(const struct build *build, struct extras *extras, struct err *err) {
    char hex[HASH_TEXT_SIZE];
    if (build->inlined)
        buffer_add_capped(&extras->dockerfile, build->inlined, strlen(build->inlined));
    else if (!path_read(build->dockerfile, &extras->dockerfile, err))
        return false;
    hash_bytes(extras->dockerfile.data, extras->dockerfile.length, hex);
    extras->outside = true;
    extras->name = xasprintf(".dockerfile.%.*s", HASH_DIGITS, hex);
    return true;
}

/* Where links lead counts, as for the docker CLI. */
static bool find_extras(const struct build *build, struct extras *extras, struct err *err) {
    autofree char *context = realpath(build->context, NULL);
    autofree char *dockerfile = realpath(build->dockerfile, NULL);
    const char *below = context && dockerfile ? path_below(dockerfile, context) : NULL;
    if (!read_ignore(build, extras, err))
        return false;
    if (!below || build->inlined)
        return take_outside(build, extras, err);
    extras->name = xstrdup(below);
    return true;
}

/* The engine needs the Dockerfile and the .dockerignore even where they are left out; it then drops
 * them itself. */
static void pack(struct build *build, struct extras *extras) {
    struct ignore ignore = {0};
    autofree char *needed = xasprintf("!.dockerignore\n!%s\n", extras->name);
    ignore_parse(&ignore, build->left_out ? build->left_out : "");
    ignore_parse(&ignore, extras->ignore.data);
    ignore_parse(&ignore, needed);
    build->tar = tar_new(&(struct tar_options){.ignore = &ignore});
    if (extras->outside) {
        tar_add_text(build->tar, extras->name, extras->dockerfile.data, extras->dockerfile.length,
                     0644);
        buffer_printf(&extras->ignore, "%s\n%s\n", extras->ignored ? "" : ".dockerignore",
                      extras->name);
        tar_add_text(build->tar, ".dockerignore", extras->ignore.data, extras->ignore.length, 0644);
    }
    tar_add_path(build->tar, build->context, "");
}

static bool prepare(struct build *build, struct query *query, struct err *err) {
    struct extras extras = {.dockerfile = BUFFER_INIT_MAX(DOCKERFILE_MAX),
                            .ignore = BUFFER_INIT_MAX(IGNORE_FILE_MAX)};
    bool ok = check_context(build->context, err) &&
              (build->inlined || check_dockerfile(build->dockerfile, err)) &&
              find_extras(build, &extras, err);
    if (ok) {
        query_text(query, "dockerfile", extras.name);
        extras.ignore.max = BUFFER_MAX;
        pack(build, &extras);
    }
    buffer_release(&extras.dockerfile);
    buffer_release(&extras.ignore);
    free(extras.name);
    return ok;
}

/* ---- The task ---- */

static bool build_take(struct stream *stream, const char *data, size_t length) {
    return progress_push(&((struct build *)stream)->progress, data, length);
}

static bool build_closed(struct stream *stream) {
    struct build *build = (struct build *)stream;
    if (!progress_end(&build->progress))
        return false;
    if (*build->progress.image_id)
        return true;
    return err_set(&stream->task.err, ERR_ENGINE,
                   "the Docker engine ended the build without an image");
}

static struct err *build_source_error(struct stream *stream) {
    struct build *build = (struct build *)stream;
    return build->tar ? tar_error(build->tar) : NULL;
}

static void build_release(struct stream *stream) {
    struct build *build = (struct build *)stream;
    progress_release(&build->progress);
    tar_free(build->tar);
    free(build->context);
    free(build->dockerfile);
}

/* A text as it is, an object as JSON, of an array each by itself. */
static void put_parameter(struct query *query, const cJSON *value) {
    const cJSON *item;
    if (cJSON_IsString(value))
        query_text(query, value->string, value->valuestring);
    else if (cJSON_IsObject(value))
        query_json(query, value->string, value);
    else
        cJSON_ArrayForEach (item, value) {
            query_text(query, value->string, item->valuestring);
        }
}

static struct query build_query(const struct build_options *options) {
    struct query query = query_new("/build?version=1&rm=1&forcerm=1");
    const cJSON *parameter;
    query_text(&query, "t", options->tag);
    cJSON_ArrayForEach (parameter, options->query) {
        put_parameter(&query, parameter);
    }
    return query;
}

/* The engine fetches it, and finds the Dockerfile there. */
static void ask_for_remote(struct query *query, const struct build_options *options) {
    query_text(query, "remote", options->context);
    query_text(query, "dockerfile", options->dockerfile);
}

static void send_context(struct build *build, struct query *query,
                         const struct build_options *options) {
    build->context = path_join("/", options->context);
    build->dockerfile =
        path_join(build->context, options->dockerfile ? options->dockerfile : "Dockerfile");
    build->inlined = options->inlined;
    if (prepare(build, query, &build->stream.task.err))
        build->stream.options.source = tar_source(build->tar);
}

bool context_is_remote(const char *context) {
    return *context != '/';
}

struct task *image_build(struct engine *engine, const struct build_options *options,
                         struct engine_progress reader) {
    struct build *build = stream_new(sizeof *build, engine, "POST");
    struct query query = build_query(options);
    build->left_out = options->left_out;
    if (options->registries)
        build->stream.header = xasprintf("X-Registry-Config: %s", options->registries);
    progress_init(&build->progress, reader, &build->stream.task.err);
    build->stream.take = build_take;
    build->stream.closed = build_closed;
    build->stream.source_error = build_source_error;
    build->stream.release = build_release;
    if (context_is_remote(options->context))
        ask_for_remote(&query, options);
    else
        send_context(build, &query, options);
    stream_ask(&build->stream, &query);
    return &build->stream.task;
}

const char *image_build_id(const struct task *build) {
    return ((const struct build *)build)->progress.image_id;
}
