/* Short forms become long forms, so that what comes after knows one form of each key. */
#include "spec/mistakes.h"
#include "spec/passes.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

struct canonising {
    struct context *context;
    struct arena *arena;
    struct err *err;
};

/* {KEY: the string} in the place of a string. */
static void wrap(struct canonising *c, struct node *node, const char *key) {
    struct node *map = tree_new(c->arena, NODE_MAP, node->at);
    struct node *value = tree_new(c->arena, node->kind, node->at);
    tree_become(value, node);
    tree_set(map, key, value);
    tree_become(node, map);
}

static void list_of_one(struct canonising *c, struct node *node) {
    struct node *list = tree_new(c->arena, NODE_LIST, node->at);
    tree_append(list, tree_text(c->arena, node->at, node->text));
    list->first->flags = node->flags;
    tree_become(node, list);
}

static void set_missing(struct node *map, const char *key, struct node *value) {
    if (!tree_get(map, key))
        tree_set(map, key, value);
}

/* `[db]`: started, as far as Compose knows; for envrun ready, which x-condition says. */
static void depends_on(struct canonising *c, struct node *node) {
    if (node->kind == NODE_LIST) {
        struct node *map = tree_new(c->arena, NODE_MAP, node->at);
        node_each (item, node) {
            struct node *entry = tree_new(c->arena, NODE_MAP, item->at);
            tree_set(entry, "condition", tree_text(c->arena, item->at, "service_ready"));
            tree_put(map, item->text, item->at, entry);
        }
        tree_become(node, map);
    }
    tree_each (entry, node) {
        struct node *condition = tree_get(entry, "condition");
        if (condition && !strcmp(condition->text, "service_ready")) {
            tree_set(entry, "x-condition", tree_text(c->arena, condition->at, "service_ready"));
            tree_become_text(condition, "service_started");
        }
        set_missing(entry, "required", tree_bool(c->arena, entry->at, true));
    }
}

static bool device(struct canonising *c, struct node *node) {
    autostrings struct strings parts = {0};
    if (node->kind != NODE_STRING)
        return true;
    text_split(node->text, ':', &parts);
    if (parts.length > 3)
        return err_at(c->err, node->at,
                      "the device `%.200s` has too many colons; use the long form", node->text);
    bool target = parts.length > 1 && *parts.at[1];
    struct node *map = tree_new(c->arena, NODE_MAP, node->at);
    tree_set(map, "source", tree_text(c->arena, node->at, parts.at[0]));
    tree_set(map, "target", tree_text(c->arena, node->at, parts.at[target]));
    tree_set(map, "permissions",
             tree_text(c->arena, node->at, parts.length > 2 ? parts.at[2] : "rwm"));
    tree_become(node, map);
    return true;
}

static void env_file(struct canonising *c, struct node *node) {
    if (node->kind == NODE_STRING)
        list_of_one(c, node);
    tree_each (item, node) {
        if (item->kind == NODE_STRING)
            wrap(c, item, "path");
        set_missing(item, "required", tree_bool(c->arena, item->at, true));
    }
}

/* external: {name: X} is the old way to say name: X, external: true. */
static bool external(struct canonising *c, struct node *node) {
    struct node *value = tree_get(node, "external");
    if (!node_is(value, NODE_MAP))
        return true;
    const struct node *inner = node_get(value, "name"), *name = node_get(node, "name");
    if (name && inner && !tree_equal(name, inner))
        return err_at(c->err, inner->at, "`name` and `external.name` differ; only write `name`");
    if (inner)
        context_warn(c->context, inner->at,
                     "`external.name` is out of use: write `name` and `external: true`");
    if (inner && !name)
        tree_set(node, "name", tree_copy(c->arena, inner));
    tree_become(value, tree_bool(c->arena, value->at, true));
    return true;
}

static void gpus(struct canonising *c, struct node *node) {
    if (node->kind != NODE_STRING)
        return;
    struct node *list = tree_new(c->arena, NODE_LIST, node->at);
    struct node *map = tree_new(c->arena, NODE_MAP, node->at);
    tree_set(map, "count", tree_text(c->arena, node->at, "all"));
    tree_append(list, map);
    tree_become(node, list);
}

static void named(struct canonising *c, struct node *node) {
    if (node->kind != NODE_LIST)
        return;
    struct node *map = tree_new(c->arena, NODE_MAP, node->at);
    node_each (item, node)
        tree_put(map, item->text, item->at, tree_new(c->arena, NODE_NULL, item->at));
    tree_become(node, map);
}

static bool name_value(struct canonising *c, struct node *node) {
    if (node->kind != NODE_LIST)
        return true;
    struct node *map = tree_new(c->arena, NODE_MAP, node->at);
    node_each (item, node) {
        const char *sign = strchr(item->text, '=');
        if (!sign)
            return err_at(c->err, item->at, "`%.200s` must be NAME=VALUE", item->text);
        tree_put(map, arena_strndup(c->arena, item->text, (size_t)(sign - item->text)), item->at,
                 tree_text(c->arena, item->at, sign + 1));
    }
    tree_become(node, map);
    return true;
}

static bool ssh(struct canonising *c, struct node *node) {
    if (node->kind != NODE_LIST)
        return true;
    struct node *map = tree_new(c->arena, NODE_MAP, node->at);
    node_each (item, node) {
        const char *sign = strchr(item->text, '=');
        if (!sign && strcmp(item->text, "default"))
            return err_at(c->err, item->at, "the ssh key `%.200s` must be `default` or NAME=PATH",
                          item->text);
        size_t length = sign ? (size_t)(sign - item->text) : strlen(item->text);
        tree_put(map, arena_strndup(c->arena, item->text, length), item->at,
                 sign ? tree_text(c->arena, item->at, sign + 1)
                      : tree_new(c->arena, NODE_NULL, item->at));
    }
    tree_become(node, map);
    return true;
}

static bool ports(struct canonising *c, struct node *node) {
    struct node *list = tree_new(c->arena, NODE_LIST, node->at);
    bool ok = true;
    for (struct node *item = node->first, *next; item; item = next) {
        next = item->next;
        if (item->kind == NODE_MAP)
            tree_append(list, item);
        else if (!ports_parse(c->context, item->text, item->at, list, c->err)) {
            mistake_take(c->context, item, c->err);
            ok = false;
        }
    }
    tree_become(node, list);
    node->flags |= ok ? 0 : NODE_BROKEN;
    return true;
}

static bool volume(struct canonising *c, struct node *node) {
    if (node->kind != NODE_STRING)
        return true;
    struct node *map = volume_parse(c->arena, node->text, node->at, c->err);
    if (map)
        tree_become(node, map);
    return map;
}

static bool ready(struct canonising *c, struct node *node) {
    if (node->kind == NODE_STRING && strcmp(node->text, "healthcheck"))
        return err_at(c->err, node->at,
                      "`ready` must be healthcheck or one of {tcp: ...}, {http: ...}, {exec: ...}, "
                      "{log: ...}, not `%.100s`",
                      node->text);
    if (node->kind == NODE_STRING) {
        struct node *map = tree_new(c->arena, NODE_MAP, node->at);
        tree_set(map, "healthcheck", tree_bool(c->arena, node->at, true));
        tree_become(node, map);
    }
    struct node *http = tree_get(node, "http"), *log = tree_get(node, "log");
    if (node_is(http, NODE_STRING) && strchr(http->text, '/'))
        return err_at(c->err, http->at, "write `http: {port: PORT, path: /PATH}`, not `%.100s`",
                      http->text);
    if (http && http->kind != NODE_MAP)
        wrap(c, http, "port");
    if (log && log->kind != NODE_MAP)
        wrap(c, log, "regex");
    return true;
}

static bool to_long_form(struct canonising *c, struct node *node, enum short_form form) {
    switch (form) {
    case SHORT_NONE:
        return true;
    case SHORT_BUILD:
    case SHORT_EXTENDS:
    case SHORT_MOUNT:
        if (node->kind == NODE_STRING)
            wrap(c, node,
                 form == SHORT_BUILD     ? "context"
                 : form == SHORT_EXTENDS ? "service"
                                         : "source");
        return true;
    case SHORT_LIST:
        if (node->kind == NODE_STRING)
            list_of_one(c, node);
        return true;
    case SHORT_DEPENDS_ON:
        depends_on(c, node);
        return true;
    case SHORT_ENV_FILE:
        env_file(c, node);
        return true;
    case SHORT_GPUS:
        gpus(c, node);
        return true;
    case SHORT_NETWORKS:
    case SHORT_MODEL:
        named(c, node);
        return true;
    case SHORT_DEVICE:
        return device(c, node);
    case SHORT_EXTERNAL:
        return external(c, node);
    case SHORT_NAME_VALUE:
        return name_value(c, node);
    case SHORT_PORTS:
        return ports(c, node);
    case SHORT_READY:
        return ready(c, node);
    case SHORT_SSH:
        return ssh(c, node);
    case SHORT_VOLUME:
        return volume(c, node);
    }
    return true;
}

static bool is_empty_text(const struct node *item) {
    return item->kind == NODE_NULL || (item->kind == NODE_STRING && !*item->text);
}

static void walk(struct canonising *c, struct node *node, const struct key *key) {
    unsigned marks = node->flags & (NODE_RESET | NODE_OVERRIDE);
    if (!key)
        return;
    if (!to_long_form(c, node, key->short_form)) {
        mistake_take(c->context, node, c->err);
        return;
    }
    node->flags |= marks;
    if (key->name && !strcmp(key->name, "dns")) /* ${DNS:-} may leave nothing */
        tree_drop(node, is_empty_text);
    tree_each (child, node) {
        walk(c, child, schema_child(key, node, child));
        node->flags |= child->flags & NODE_BROKEN;
    }
}

void canonical(struct context *context, struct node *root) {
    struct err one = ERR_INIT; /* taken at once */
    struct canonising c = {context, context->arena, &one};
    walk(&c, root, &schema_root);
    mistakes_mend(context, root);
}
