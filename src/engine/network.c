/* Networks: one function per verb. */
#include "engine/request.h"

#include "base/json.h"
#include "base/memory.h"

struct task *network_create(struct engine *engine, cJSON *body) {
    return engine_request(engine, "POST", body, "/networks/create");
}

struct task *network_remove(struct engine *engine, const char *id) {
    autofree char *escaped = engine_escape(id);
    struct query query = query_new("/networks/%s", escaped);
    return request_removal(engine, &query);
}

struct task *network_list(struct engine *engine, const char *label) {
    struct query query = query_new("/networks");
    return request_list(engine, &query, label);
}

struct task *network_connect(struct engine *engine, const char *id, cJSON *body) {
    autofree char *escaped = engine_escape(id);
    return engine_request(engine, "POST", body, "/networks/%s/connect", escaped);
}

struct task *network_disconnect(struct engine *engine, const char *id, const char *container) {
    autofree char *escaped = engine_escape(id);
    cJSON *body = cJSON_CreateObject();
    json_put_text(body, "Container", container);
    json_put_bool(body, "Force", true);
    return engine_request(engine, "POST", body, "/networks/%s/disconnect", escaped);
}
