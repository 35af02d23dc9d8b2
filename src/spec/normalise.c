/* What a Compose file implies: the default network, dependencies of links and shared namespaces,
 * names, variables that are only named. */
#include "spec/outside.h"
#include "spec/passes.h"

#include "base/path.h"
#include "base/text.h"

#include <string.h>

struct normalising {
    const struct scope *scope;
    struct arena *arena;
    struct node *root;
};

/* ---- Networks ---- */

static bool joins_default(struct normalising *n, struct node *service) {
    struct node *networks = tree_get(service, "networks");
    if (tree_get(service, "network_mode") || tree_get(service, "provider"))
        return false;
    if (!networks || !networks->length) {
        networks = tree_new(n->arena, NODE_MAP, service->key_at);
        tree_set(networks, "default", tree_new(n->arena, NODE_NULL, service->key_at));
        tree_put(service, "networks", service->key_at, networks);
    }
    return tree_get(tree_get(service, "networks"), "default");
}

static void networks(struct normalising *n) {
    bool used = false;
    tree_each (service, tree_get(n->root, "services"))
        used |= joins_default(n, service);
    struct node *map = tree_get(n->root, "networks");
    if (!used || tree_get(map, "default"))
        return;
    if (!map) {
        tree_set(n->root, "networks", tree_new(n->arena, NODE_MAP, n->root->at));
        map = tree_get(n->root, "networks");
    }
    tree_set(map, "default", tree_new(n->arena, NODE_NULL, n->root->at));
}

/* ---- Variables without a value ---- */

static const char *outside_value(struct normalising *n, const char *name) {
    const char *value = variables_get(n->scope->variables, name);
    if (value)
        outside_add(n->scope->context, name, value, NULL);
    return value;
}

static bool is_unset(const struct node *entry) {
    return entry->kind == NODE_NULL;
}

/* NAME without a value gets the one from outside; if there is none it is dropped, or kept so that
 * the image's own is removed. */
static void fill(struct normalising *n, struct node *variables, bool keep) {
    if (!variables)
        return;
    tree_each (entry, variables) {
        bool list = variables->kind == NODE_LIST;
        const char *value = NULL;
        if (list ? entry->text && !strchr(entry->text, '=') : entry->kind == NODE_NULL)
            value = outside_value(n, list ? entry->text : entry->key);
        if (value)
            tree_become_text(entry, list ? arena_printf(n->arena, "%s=%s", entry->text, value)
                                         : arena_strdup(n->arena, value));
        else if (list && !keep && entry->text && !strchr(entry->text, '='))
            entry->kind = NODE_NULL;
    }
    if (!keep)
        tree_drop(variables, is_unset);
}

/* ---- Dependencies ---- */

static void depend(struct normalising *n, struct node *service, const char *on, bool restart,
                   struct position at) {
    struct node *map = tree_get(service, "depends_on");
    if (!map) {
        tree_put(service, "depends_on", at, tree_new(n->arena, NODE_MAP, at));
        map = tree_get(service, "depends_on");
    }
    if (tree_get(map, on))
        return;
    struct node *entry = tree_new(n->arena, NODE_MAP, at);
    tree_set(entry, "condition", tree_text(n->arena, at, "service_started"));
    tree_set(entry, "restart", tree_bool(n->arena, at, restart));
    tree_set(entry, "required", tree_bool(n->arena, at, true));
    tree_put(map, arena_strdup(n->arena, on), at, entry);
}

static void depend_on_links(struct normalising *n, struct node *service) {
    tree_each (link, tree_get(service, "links")) {
        const char *colon = strchr(link->text, ':');
        bool alias = colon && !strchr(colon + 1, ':');
        autofree char *name =
            alias ? xstrndup(link->text, (size_t)(colon - link->text)) : xstrdup(link->text);
        depend(n, service, name, true, link->at);
    }
}

static void depend_on_namespaces(struct normalising *n, struct node *service) {
    static const char *const keys[] = {"network_mode", "ipc", "pid", "uts", "cgroup"};
    for (size_t i = 0; i < lengthof(keys); i++) {
        const struct node *mode = tree_get(service, keys[i]);
        if (node_is(mode, NODE_STRING) && text_starts(mode->text, "service:"))
            depend(n, service, mode->text + strlen("service:"), true, mode->at);
    }
}

static void depend_on_volumes(struct normalising *n, struct node *service) {
    tree_each (from, tree_get(service, "volumes_from")) {
        if (text_starts(from->text, "container:"))
            continue;
        autofree char *name = xstrndup(from->text, strcspn(from->text, ":"));
        depend(n, service, name, false, from->at);
    }
}

/* ---- The rest ---- */

static void build(struct normalising *n, struct node *map) {
    if (!node_is(map, NODE_MAP))
        return;
    if (!tree_get(map, "context"))
        tree_set(map, "context", tree_text(n->arena, map->at, "."));
    if (!tree_get(map, "dockerfile") && !tree_get(map, "dockerfile_inline"))
        tree_set(map, "dockerfile", tree_text(n->arena, map->at, "Dockerfile"));
    fill(n, tree_get(map, "args"), false);
}

static void targets(struct normalising *n, struct node *volumes) {
    tree_each (volume, volumes) {
        struct node *target = tree_get(volume, "target");
        if (!node_is(target, NODE_STRING) || !*target->text)
            continue;
        autofree char *clean = path_join(".", target->text);
        target->text = arena_strdup(n->arena, clean);
    }
}

static void service(struct normalising *n, struct node *map) {
    struct node *policy = tree_get(map, "pull_policy");
    if (policy && policy->text && !strcmp(policy->text, "if_not_present"))
        tree_become_text(policy, "missing");
    build(n, tree_get(map, "build"));
    fill(n, tree_get(map, "environment"), true);
    depend_on_links(n, map);
    depend_on_namespaces(n, map);
    targets(n, tree_get(map, "volumes"));
    depend_on_volumes(n, map);
}

static void name_resources(struct normalising *n, const char *section, const char *project) {
    struct node *resources = tree_get(n->root, section);
    tree_each (resource, resources) {
        if (resource->kind == NODE_NULL)
            tree_become(resource, tree_new(n->arena, NODE_MAP, resource->at));
        if (tree_get(resource, "name"))
            continue;
        const char *name = node_bool(resource, "external", false)
                               ? resource->key
                               : arena_printf(n->arena, "%s_%s", project, resource->key);
        tree_set(resource, "name", tree_text(n->arena, resource->at, name));
    }
}

void normalise(const struct scope *scope, struct node *root, const char *name) {
    static const char *const sections[] = {"networks", "volumes", "configs", "secrets"};
    struct normalising n = {scope, scope->context->arena, root};
    tree_set(root, "name", tree_text(n.arena, root->at, name));
    if (!tree_get(root, "services"))
        tree_set(root, "services", tree_new(n.arena, NODE_MAP, root->at));
    networks(&n);
    tree_each (entry, tree_get(root, "services"))
        service(&n, entry);
    for (size_t i = 0; i < lengthof(sections); i++)
        name_resources(&n, sections[i], name);
}
