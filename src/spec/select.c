/* Compose Specification, "Profiles": which services a model is about, and what they use. */
#include "spec/passes.h"

#include <string.h>

bool is_active(const struct node *service, const struct strings *profiles) {
    const struct node *own = tree_get(service, "profiles");
    if (!own || !own->length)
        return true;
    if (strings_has(profiles, "*"))
        return true;
    node_each (profile, own)
        if (strings_has(profiles, profile->text))
            return true;
    return false;
}

/* ---- Services and what they depend on ---- */

struct nodes {
    struct node **at;
    size_t length, capacity;
};

static void mark(struct node *service, struct nodes *open) {
    if (service->flags & NODE_OVERRIDE)
        return;
    service->flags |= NODE_OVERRIDE;
    vec_push(open, service);
}

static bool mark_dependencies(const struct node *services, const struct node *service,
                              struct nodes *open, struct err *err) {
    node_each (dependency, tree_get(service, "depends_on")) {
        struct node *other = tree_get(services, dependency->key);
        if (!other && node_bool(dependency, "required", true))
            return err_at(err, dependency->key_at,
                          "`%s` needs the service `%s`, whose profile is not active", service->key,
                          dependency->key);
        if (other)
            mark(other, open);
    }
    return true;
}

static bool is_unmarked(const struct node *service) {
    return !(service->flags & NODE_OVERRIDE);
}

/* Dependencies on services that are not part of the selection go, too. */
static void prune(struct context *context, const struct node *services, struct node *service) {
    struct node *depends_on = tree_get(service, "depends_on");
    struct node *kept;
    if (!depends_on)
        return;
    kept = tree_new(context->arena, NODE_MAP, depends_on->at);
    for (struct node *entry = depends_on->first, *next; entry; entry = next) {
        next = entry->next;
        if (tree_get(services, entry->key))
            tree_append(kept, entry);
    }
    tree_become(depends_on, kept);
    if (!kept->length)
        tree_remove(service, "depends_on");
}

bool select_services(struct context *context, struct node *root, const char *const *names,
                     struct err *err) {
    struct node *services = tree_get(root, "services");
    struct nodes open = {0};
    bool ok = true;
    for (; ok && *names; names++) {
        struct node *service = tree_get(services, *names);
        if (service)
            mark(service, &open);
        else
            ok = err_set(err, ERR_USAGE, "there is no service `%s`", *names);
    }
    while (ok && open.length)
        ok = mark_dependencies(services, open.at[--open.length], &open, err);
    vec_free(&open);
    if (!ok)
        return false;
    tree_drop(services, is_unmarked);
    tree_each (service, services) {
        service->flags &= ~(unsigned)NODE_OVERRIDE;
        prune(context, services, service);
    }
    return true;
}

/* ---- Resources ---- */

static void use(const struct node *resources, const char *name) {
    struct node *resource = tree_get(resources, name);
    if (resource)
        resource->flags |= NODE_OVERRIDE;
}

static void use_sources(const struct node *resources, const struct node *list) {
    node_each (item, list)
        use(resources, node_text(item, "source", ""));
}

static void use_volumes(const struct node *resources, const struct node *list) {
    node_each (volume, list)
        if (!strcmp(node_text(volume, "type", ""), "volume"))
            use(resources, node_text(volume, "source", ""));
}

void select_resources(struct node *root) {
    static const char *const sections[] = {"networks", "volumes", "secrets", "configs", "models"};
    node_each (service, tree_get(root, "services")) {
        node_each (network, tree_get(service, "networks"))
            use(tree_get(root, "networks"), network->key);
        node_each (model, tree_get(service, "models"))
            use(tree_get(root, "models"), model->key);
        use_volumes(tree_get(root, "volumes"), tree_get(service, "volumes"));
        use_sources(tree_get(root, "secrets"), tree_get(service, "secrets"));
        use_sources(tree_get(root, "secrets"), tree_get(tree_get(service, "build"), "secrets"));
        use_sources(tree_get(root, "configs"), tree_get(service, "configs"));
    }
    for (size_t i = 0; i < lengthof(sections); i++) {
        struct node *section = tree_get(root, sections[i]);
        if (!section)
            continue;
        tree_drop(section, is_unmarked);
        tree_each (resource, section)
            resource->flags &= ~(unsigned)NODE_OVERRIDE;
        if (!section->length)
            tree_remove(root, sections[i]);
    }
}
