/* Which version of the API is spoken: the lower of the engine's and the newest one known. */
#include "engine/request.h"

#include "base/memory.h"
#include "base/text.h"

#include <string.h>
#include <time.h>

enum {
    REPLY_SHOWN = 100,  /* bytes of an unexpected answer */
    PING_LIMIT = 20000, /* ms */
};

struct connect {
    struct task task;
    struct engine *engine;
    struct task *ping;
};

static bool parse_version(const char *text, long *ret_minor) {
    return text && text_starts(text, "1.") && text_to_long(text + 2, 0, 9999, ret_minor);
}

static bool take_version(struct engine *engine, const struct task *ping, struct err *err) {
    const char *version = request_header(ping, "Api-Version");
    long minor;
    if (!version)
        return err_set(err, ERR_ENGINE, "what answers at %s is not a Docker engine", engine->url);
    if (!parse_version(version, &minor))
        return err_set(err, ERR_ENGINE, "the Docker engine at %s has API '%s'; envrun speaks 1.%d",
                       engine->url, version, API_MINOR_LEAST);
    if (minor < API_MINOR_LEAST)
        return err_set(err, ERR_ENGINE,
                       "the Docker engine at %s is too old: it has API %s, envrun needs 1.%d "
                       "(Docker Engine 20.10) or newer",
                       engine->url, version, API_MINOR_LEAST);
    engine->info.api_minor = minor < API_MINOR_NEWEST ? (int)minor : API_MINOR_NEWEST;
    free(engine->version);
    engine->version = xasprintf("/v1.%d", engine->info.api_minor);
    return true;
}

/* What answers without the time has ours. */
static void take_time(struct engine *engine, const char *date) {
    time_t there = date ? curl_getdate(date, NULL) : -1;
    engine->time = there > 0 ? (long long)there : (long long)time(NULL);
    engine->time_asked = loop_now();
}

long long engine_time(const struct engine *engine) {
    if (!engine->time)
        return (long long)time(NULL);
    return engine->time + (loop_now() - engine->time_asked) / 1000;
}

static void take_info(struct engine *engine, const struct task *ping) {
    const char *os = request_header(ping, "Ostype");
    free(engine->os);
    engine->os = xstrdup(os ? os : "linux");
    engine->info.os = engine->os;
    take_time(engine, request_header(ping, "Date"));
    engine->info.buildkit = text_equal(request_header(ping, "Builder-Version"), "2");
}

/* An answer that is an error: a proxy, or an engine that wants TLS. */
static void take_failure(struct connect *connect) {
    struct err *err = &connect->task.err;
    size_t length;
    const char *text = request_text(connect->ping, &length);
    err_move(err, &connect->ping->err);
    if (err->kind != ERR_ANSWER)
        return;
    length = strcspn(text, "\r\n");
    err_set(err, ERR_ENGINE,
            "what answers at %s is no Docker engine that envrun can use: HTTP %d%s%.*s",
            connect->engine->url, request_status(connect->ping), length ? ", " : "",
            (int)(length < REPLY_SHOWN ? length : REPLY_SHOWN), text);
}

static enum task_status connect_step(struct task *task) {
    struct connect *connect = (struct connect *)task;
    task_start(connect->ping, task);
    if (connect->ping->status == TASK_PENDING)
        return TASK_PENDING;
    if (connect->ping->status == TASK_FAILED) {
        take_failure(connect);
        return TASK_FAILED;
    }
    if (!take_version(connect->engine, connect->ping, &task->err))
        return TASK_FAILED;
    take_info(connect->engine, connect->ping);
    return TASK_DONE;
}

static void connect_expire(struct task *task) {
    struct connect *connect = (struct connect *)task;
    err_set(&task->err, ERR_ENGINE, "the Docker engine at %s does not answer",
            connect->engine->url);
}

static void connect_drop(struct task *task) {
    struct connect *connect = (struct connect *)task;
    connect->ping = task_free(connect->ping);
}

struct task *engine_connect(struct engine *engine) {
    static const struct task_type type = {.name = "connect",
                                          .step = connect_step,
                                          .cancel = connect_drop,
                                          .expire = connect_expire,
                                          .release = connect_drop};
    struct connect *connect = task_new(sizeof *connect, &type, engine->loop);
    connect->engine = engine;
    struct query query = query_new("/_ping");
    connect->ping = request_new(engine, "GET", NULL, &query);
    request_unversion(connect->ping);
    task_limit(connect->ping, engine_deadline(engine, PING_LIMIT));
    return &connect->task;
}
