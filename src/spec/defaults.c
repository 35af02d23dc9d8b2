/* What is meant where nothing is written, and keys that exclude each other. */
#include "spec/mistakes.h"
#include "spec/passes.h"

#include "base/buffer.h"

#include <string.h>

static void set_missing(struct node *map, const char *key, struct node *value) {
    if (!tree_get(map, key))
        tree_set(map, key, value);
}

static void device_defaults(struct context *context, struct node *requests) {
    tree_each (request, requests)
        if (request->kind == NODE_MAP && !tree_get(request, "device_ids"))
            set_missing(request, "count", tree_text(context->arena, request->at, "all"));
}

static void service_defaults(struct context *context, struct node *service) {
    struct arena *arena = context->arena;
    struct node *build = tree_get(service, "build");
    if (node_is(build, NODE_MAP))
        set_missing(build, "context", tree_text(arena, build->at, "."));
    tree_each (secret, tree_get(service, "secrets"))
        if (secret->kind == NODE_MAP)
            set_missing(
                secret, "target",
                tree_text(arena, secret->at,
                          arena_printf(arena, "/run/secrets/%s", node_text(secret, "source", ""))));
    tree_each (port, tree_get(service, "ports")) {
        set_missing(port, "protocol", tree_text(arena, port->at, "tcp"));
        set_missing(port, "mode", tree_text(arena, port->at, "ingress"));
    }
    device_defaults(context, tree_get(service, "gpus"));
    struct node *reservations =
        (struct node *)node_path(service, "deploy.resources.reservations.devices");
    device_defaults(context, reservations);
}

void defaults(struct context *context, struct node *root) {
    tree_each (service, tree_get(root, "services"))
        service_defaults(context, service);
}

/* ---- Keys that exclude each other ---- */

static void external_alone(struct context *context, struct node *volume) {
    if (!node_bool(volume, "external", false))
        return;
    node_each (entry, volume)
        if (strcmp(entry->key, "name") && strcmp(entry->key, "external") &&
            strncmp(entry->key, "x-", 2))
            mistake(context, volume, entry->key_at,
                    "the volume `%s` is external: envrun does not make it, so `%s` has no meaning",
                    volume->key, entry->key);
}

static void one_source(struct context *context, struct node *resource, const char *what,
                       const char *const *keys) {
    autobuffer struct buffer list = BUFFER_INIT;
    size_t given = 0;
    for (; *keys; keys++) {
        given += tree_get(resource, *keys) != NULL;
        buffer_printf(&list, "%s`%s`", list.length ? keys[1] ? ", " : " or " : "", *keys);
    }
    if (given == 1 || (!given && (tree_get(resource, "driver") || tree_get(resource, "external"))))
        return;
    mistake(context, resource, resource->key_at, "the %s `%s` %s: %s", what, resource->key,
            given ? "must have only one of" : "has no content, it needs", list.data);
}

static void counted_or_named(struct context *context, const struct node *requests) {
    node_each (request, requests)
        if (node_get(request, "count") && node_get(request, "device_ids"))
            mistake(context, NULL, request->at, "`count` and `device_ids` exclude each other");
}

void exclusive(struct context *context, struct node *root) {
    static const char *const config_sources[] = {"file", "environment", "content", NULL};
    static const char *const secret_sources[] = {"file", "environment", NULL};
    tree_each (volume, tree_get(root, "volumes"))
        external_alone(context, volume);
    tree_each (config, tree_get(root, "configs"))
        one_source(context, config, "config", config_sources);
    tree_each (secret, tree_get(root, "secrets"))
        one_source(context, secret, "secret", secret_sources);
    node_each (service, node_get(root, "services")) {
        counted_or_named(context, node_get(service, "gpus"));
        counted_or_named(context, node_path(service, "deploy.resources.reservations.devices"));
        node_each (watch, node_path(service, "develop.watch"))
            if (!*node_text(watch, "path", ""))
                mistake(context, NULL, watch->at, "the `path` to watch is empty");
    }
}
