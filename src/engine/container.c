/* Containers: one function per verb. */
#include "base/json.h"
#include "engine/request.h"

#include "base/memory.h"

struct task *container_create(struct engine *engine, const char *name, cJSON *body) {
    struct query query = query_new("/containers/create");
    query_text(&query, "name", name);
    struct task *request = request_new(engine, "POST", body, &query);
    task_limit(request, deadline_in(5 * engine->patience));
    return request;
}

/* POST /containers/ID/VERB */
static struct query container_verb(const char *id, const char *verb) {
    autofree char *escaped = engine_escape(id);
    return query_new("/containers/%s/%s", escaped, verb);
}

struct task *container_start(struct engine *engine, const char *id) {
    struct query query = container_verb(id, "start");
    struct task *request = request_new(engine, "POST", NULL, &query);
    request_accept(request, (const int[]){304, 0});
    return request;
}

struct task *container_stop(struct engine *engine, const char *id, int grace_seconds) {
    struct query query = container_verb(id, "stop");
    if (grace_seconds >= 0)
        query_number(&query, "t", grace_seconds);
    struct task *request = request_new(engine, "POST", NULL, &query);
    request_accept(request, (const int[]){304, 0});
    task_limit(request, DEADLINE_NEVER); /* the grace period may be the image's own */
    return request;
}

struct task *container_kill(struct engine *engine, const char *id, const char *signal) {
    struct query query = container_verb(id, "kill");
    query_text(&query, "signal", signal);
    return request_new(engine, "POST", NULL, &query);
}

struct task *container_remove(struct engine *engine, const char *id) {
    autofree char *escaped = engine_escape(id);
    struct query query = query_new("/containers/%s?force=1&v=1", escaped);
    return request_removal(engine, &query);
}

struct task *container_inspect(struct engine *engine, const char *id) {
    struct query query = container_verb(id, "json");
    return request_new(engine, "GET", NULL, &query);
}

struct task *container_stats(struct engine *engine, const char *id) {
    struct query query = container_verb(id, "stats");
    query_text(&query, "stream", "0");
    query_text(&query, "one-shot", "1");
    return request_new(engine, "GET", NULL, &query);
}

struct task *container_list(struct engine *engine, const char *label) {
    struct query query = query_new("/containers/json");
    query_number(&query, "all", 1);
    return request_list(engine, &query, label);
}

struct task *container_wait(struct engine *engine, const char *id) {
    struct query query = container_verb(id, "wait");
    query_text(&query, "condition", "not-running");
    struct task *request = request_new(engine, "POST", NULL, &query);
    request_unshield(request);
    task_limit(request, DEADLINE_NEVER);
    return request;
}

const char *container_label(const cJSON *container, const char *label) {
    const char *text = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(json_get(container, "Labels"), label));
    return text ? text : "";
}
