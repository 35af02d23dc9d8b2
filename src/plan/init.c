/*
 * Init containers (Compose Specification, "pre_start"): commands that run to their end before the
 * service starts, each in a container of its own.
 *
 * It has the service's networks, but none of its names, and the service's volumes, which the
 * service's own container, created by then, lends it.
 */
#include "plan/internal.h"

#include "base/buffer.h"

/* The service's variables, and over them the hook's. */
static cJSON *environment_of(const struct draft *draft, const struct node *hook) {
    const struct node *own = node_get(hook, "environment");
    cJSON *list = cJSON_CreateArray();
    node_each (item, node_get(draft->node, "environment"))
        if (!node_get(own, item->key))
            environment_add(list, item);
    node_each (item, own)
        environment_add(list, item);
    proxies_add(draft->plan, list);
    return list;
}

static cJSON *labels_of(const struct draft *draft) {
    cJSON *labels = plan_labels(draft->plan);
    json_put_text(labels, LABEL_SERVICE, draft->service->service->name);
    json_put_text(labels, LABEL_HOOK, "pre_start");
    return labels;
}

static cJSON *without_aliases(const cJSON *endpoints) {
    cJSON *copy = cJSON_Duplicate(endpoints, true), *endpoint;
    cJSON_ArrayForEach (endpoint, copy) {
        cJSON *config = cJSON_GetObjectItem(endpoint, "EndpointConfig");
        cJSON_DeleteItemFromObjectCaseSensitive(config ? config : endpoint, "Aliases");
    }
    return copy;
}

static cJSON *host_of(const struct draft *draft, const struct node *hook) {
    const cJSON *mode = cJSON_GetObjectItem(draft->host, "NetworkMode");
    cJSON *host = cJSON_CreateObject();
    json_append_text(json_array_at(host, "VolumesFrom"), draft->service->container_name);
    if (mode)
        json_put(host, "NetworkMode", cJSON_Duplicate(mode, true));
    if (node_bool(hook, "privileged", false))
        json_put_bool(host, "Privileged", true);
    return host;
}

static cJSON *body_of(const struct draft *draft, const struct node *hook) {
    bool own_image = node_get(hook, "image") != NULL;
    const char *user = own_image ? NULL : node_text(draft->node, "user", NULL);
    const char *folder = node_text(draft->node, "working_dir", NULL);
    const struct node *command = node_get(hook, "command");
    const cJSON *networks = json_get(draft->body, "NetworkingConfig.EndpointsConfig");
    cJSON *body = cJSON_CreateObject();

    if (command && command->length)
        json_put(body, "Cmd", texts_to_json(command));
    json_put_text(body, "User", node_text(hook, "user", user));
    json_put_text(body, "WorkingDir", node_text(hook, "working_dir", folder));
    json_put(body, "Env", environment_of(draft, hook));
    json_put(body, "Labels", labels_of(draft));
    json_put(body, "HostConfig", host_of(draft, hook));
    if (networks)
        json_put(json_object_at(body, "NetworkingConfig"), "EndpointsConfig",
                 without_aliases(networks));
    return body;
}

/* "./manage.py migrate", or where it stands if the image says what it does. */
static const char *what_of(struct arena *arena, const struct node *hook, size_t nth) {
    struct buffer words = BUFFER_INIT;
    node_each (word, node_get(hook, "command"))
        buffer_printf(&words, "%s%s", words.length ? " " : "", scalar_text(word));
    const char *what = words.length ? arena_printf(arena, "pre_start hook `%s`", words.data)
                                    : arena_printf(arena, "pre_start hook %zu", nth);
    buffer_release(&words);
    return what;
}

void draft_pre_start(struct draft *draft) {
    const struct node *list = node_get(draft->node, "pre_start");
    struct planned_service *service = draft->service;
    struct arena *arena = draft->plan->arena;
    if (!list)
        return;
    service->inits = arena_alloc(arena, list->length * sizeof *service->inits);
    node_each (hook, list) {
        size_t nth = service->init_count + 1;
        struct planned_init init = {
            .container_name = arena_printf(arena, "%s-pre-start-%zu", service->container_name, nth),
            .what = what_of(arena, hook, nth),
            .image = node_text(hook, "image", NULL),
            .body = body_of(draft, hook),
            .connections = without_aliases(service->connections),
            .at = hook->at,
        };
        if (init.image)
            draft_image(draft, init.image, hook->at);
        if (service->number == 1 || node_bool(hook, "per_replica", false))
            service->inits[service->init_count++] = init;
        else
            init_release(&init);
    }
}

void init_release(struct planned_init *init) {
    cJSON_Delete(init->body);
    cJSON_Delete(init->connections);
}
