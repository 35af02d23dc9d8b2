/* Volumes: one function per verb. */
#include "engine/request.h"

#include "base/memory.h"

struct task *volume_create(struct engine *engine, cJSON *body) {
    return engine_request(engine, "POST", body, "/volumes/create");
}

struct task *volume_remove(struct engine *engine, const char *name) {
    autofree char *escaped = engine_escape(name);
    struct query query = query_new("/volumes/%s", escaped);
    return request_removal(engine, &query);
}

struct task *volume_list(struct engine *engine, const char *label) {
    struct query query = query_new("/volumes");
    return request_list(engine, &query, label);
}

struct task *volume_inspect(struct engine *engine, const char *name) {
    autofree char *escaped = engine_escape(name);
    return engine_request(engine, "GET", NULL, "/volumes/%s", escaped);
}
