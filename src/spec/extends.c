/* Compose Specification, "Extends": a service takes what another one says and puts its own over it.
 * The other one may be in another file; names of files are then seen from there. */
#include "spec/file.h"

#include "base/path.h"

#include <string.h>

/* The services that are being extended, innermost first. */
struct chain {
    const struct chain *up;
    const char *file, *service;
    size_t depth;
};

struct extending {
    const struct scope *scope;
    struct err *err;
};

static bool resolve(struct extending *e, struct node *services, const char *file, const char *name,
                    const struct chain *up);

/* ---- Files ---- */

struct base_file {
    const char *path;
    const struct variables *variables;
    struct node *services;
    struct base_file *next;
};

static struct node *services_of(struct extending *e, const char *path, const struct node *at) {
    struct context *context = e->scope->context;
    for (struct base_file *file = context->base_files; file; file = file->next)
        if (!strcmp(file->path, path) && file->variables == e->scope->variables)
            return file->services;

    struct node *root = file_read_base(e->scope, path, at->at, e->err);
    struct node *services = tree_get(root, "services");
    if (root && !node_is(services, NODE_MAP))
        err_at(e->err, at->at, "%s has no services to extend", context_file_name(context, path));
    if (!node_is(services, NODE_MAP))
        return NULL;
    struct base_file *file = arena_new_object(context->arena, struct base_file);
    *file = (struct base_file){path, e->scope->variables, services, context->base_files};
    context->base_files = file;
    return services;
}

static const char *path_of(struct extending *e, const char *file) {
    autofree char *path = path_join(e->scope->directory, file);
    return arena_strdup(e->scope->context->arena, path);
}

/* ---- Services ---- */

static bool check_chain(struct extending *e, const struct chain *chain, struct position at) {
    if (chain->depth > SPEC_NESTING_MAX * 4)
        return err_at(e->err, at, "more than %d services extend each other", SPEC_NESTING_MAX * 4);
    for (const struct chain *link = chain->up; link; link = link->up)
        if (!strcmp(link->service, chain->service) && !strcmp(link->file, chain->file))
            return err_at(e->err, at, "the service `%s` extends itself%s", chain->service,
                          chain->up == link ? "" : ", through others");
    return true;
}

static bool put_over(struct extending *e, struct node *service, const struct node *base) {
    struct node *copy = tree_copy(e->scope->context->arena, base);
    struct node own = *service;
    tree_settle(copy);
    if (!merge(e->scope->context, copy, &own, &schema_service, e->err))
        return false;
    tree_remove(copy, "extends");
    tree_become(service, copy);
    return true;
}

static bool apply(struct extending *e, struct node *service, struct node *services,
                  const char *file, const struct node *name, const struct chain *chain) {
    const struct node *base = tree_get(services, name->text);
    if (!base)
        return err_at(e->err, name->at, "there is no service `%s` in %s to extend", name->text,
                      context_file_name(e->scope->context, file));
    if (!resolve(e, services, file, name->text, chain))
        return false;
    base = tree_get(services, name->text);
    if (base->kind == NODE_NULL) {
        tree_remove(service, "extends");
        return true;
    }
    e->scope->context->nodes += base->length;
    if (e->scope->context->nodes > SPEC_NODES_MAX)
        return err_at(e->err, name->at, "the files have more than %d values", SPEC_NODES_MAX);
    return put_over(e, service, base);
}

static bool resolve(struct extending *e, struct node *services, const char *file, const char *name,
                    const struct chain *up) {
    struct node *service = tree_get(services, name);
    struct chain chain = {up, file, name, up ? up->depth + 1 : 0};
    if (!service || service->kind == NODE_NULL)
        return true;
    if (service->kind != NODE_MAP)
        return err_at(e->err, service->at, "the service `%s` must be a mapping, not %s", name,
                      node_kind_name(service->kind));
    const struct node *extends = tree_get(service, "extends"), *base = extends, *from = NULL;
    if (node_is(extends, NODE_MAP)) {
        base = tree_get(extends, "service");
        from = tree_get(extends, "file");
    }
    if (!extends)
        return true;
    if (!node_is(base, NODE_STRING) || (from && from->kind != NODE_STRING))
        return err_at(e->err, extends->at, "`extends` must be {service: NAME, file: FILE}");
    if (!check_chain(e, &chain, base->at))
        return false;
    if (from) {
        file = path_of(e, from->text);
        services = services_of(e, file, from);
    }
    return services && apply(e, service, services, file, base, &chain);
}

bool extends_apply(const struct scope *scope, struct node *root, struct err *err) {
    struct extending e = {scope, err};
    struct node *services = tree_get(root, "services");
    if (!services)
        return true;
    if (services->kind != NODE_MAP)
        return err_at(err, services->at, "`services` must be a mapping, not %s",
                      node_kind_name(services->kind));
    tree_each (service, services)
        if (!resolve(&e, services, scope->file, service->key, NULL))
            return false;
    return true;
}
