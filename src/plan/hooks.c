/*
 * Lifecycle hooks (Compose Specification, "post_start", "pre_stop"): commands in a container that
 * runs.
 *
 * The first are the run's to call. The others are written into a label, since whoever removes the
 * container may have nothing else to go by.
 */
#include "plan/internal.h"

#include "base/text.h"

#include <string.h>

static const char **texts_of(struct arena *arena, const struct node *list) {
    const char **texts = arena_alloc(arena, ((list ? list->length : 0) + 1) * sizeof *texts);
    size_t count = 0;
    node_each (item, list)
        texts[count++] = item->key ? arena_printf(arena, "%s=%s", item->key, scalar_text(item))
                                   : scalar_text(item);
    return texts;
}

static struct planned_hook plan_hook(struct arena *arena, const struct node *node) {
    return (struct planned_hook){
        .argv = texts_of(arena, node_get(node, "command")),
        .environment = texts_of(arena, node_get(node, "environment")),
        .user = node_text(node, "user", NULL),
        .working_dir = node_text(node, "working_dir", NULL),
        .privileged = node_bool(node, "privileged", false),
        .at = node->at,
    };
}

bool draft_post_start(struct draft *draft, const struct node *list) {
    struct planned_service *service = draft->service;
    struct arena *arena = draft->plan->arena;
    service->post_start = arena_alloc(arena, list->length * sizeof *service->post_start);
    node_each (item, list)
        service->post_start[service->post_start_count++] = plan_hook(arena, item);
    return true;
}

static cJSON *texts_to_array(const char **texts) {
    cJSON *array = cJSON_CreateArray();
    for (; *texts; texts++)
        json_append_text(array, *texts);
    return array;
}

static cJSON *hook_to_json(const struct planned_hook *hook) {
    cJSON *object = cJSON_CreateObject();
    json_put(object, "argv", texts_to_array(hook->argv));
    json_put(object, "environment", texts_to_array(hook->environment));
    json_put_text(object, "user", hook->user);
    json_put_text(object, "working_dir", hook->working_dir);
    if (hook->privileged)
        json_put_bool(object, "privileged", true);
    return object;
}

bool draft_pre_stop(struct draft *draft, const struct node *list) {
    autojson cJSON *hooks = cJSON_CreateArray();
    node_each (item, list) {
        struct planned_hook hook = plan_hook(draft->plan->arena, item);
        cJSON_AddItemToArray(hooks, hook_to_json(&hook));
    }
    autofree char *text = json_line(hooks);
    json_put_text(cJSON_GetObjectItem(draft->body, "Labels"), LABEL_PRE_STOP, text);
    return true;
}
