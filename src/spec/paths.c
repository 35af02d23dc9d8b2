/* Relative names become absolute: seen from the project's directory, or from that of the file whose
 * service is extended or that is included. */
#include "spec/passes.h"

#include "base/path.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static const char *expand_home(const struct scope *scope, const char *path) {
    if (*path != '~' || !scope->context->home)
        return path;
    autofree char *joined = path_join(scope->context->home, path + 1 + (path[1] == '/'));
    return arena_strdup(scope->context->arena, joined);
}

static const char *absolute(const struct scope *scope, const char *path) {
    path = expand_home(scope, path);
    if (*path == '/' || !*path)
        return path;
    autofree char *joined = path_join(scope->directory, path);
    return arena_strdup(scope->context->arena, joined);
}

/* \\SERVER\SHARE\... */
static bool is_share(const char *path) {
    if (!text_starts(path, "\\\\"))
        return false;
    const char *share = strpbrk(path + 2, "\\/");
    return share && strpbrk(share + 1, "\\/");
}

static bool is_windows_path(const char *path) {
    bool letter = (*path >= 'a' && *path <= 'z') || (*path >= 'A' && *path <= 'Z');
    bool drive = letter && path[1] == ':' && path[2] && strchr("\\/", path[2]);
    return drive || is_share(path);
}

static const char *portable(const struct scope *scope, const char *path) {
    path = expand_home(scope, path);
    if (is_windows_path(path))
        return path;
    return *path ? absolute(scope, path) : arena_strdup(scope->context->arena, scope->directory);
}

static bool is_remote(const char *context) {
    static const char *const prefixes[] = {"https://", "http://",     "git://",  "ssh://",
                                           "git@",     "github.com/", "service:"};
    for (size_t i = 0; i < lengthof(prefixes); i++)
        if (text_starts(context, prefixes[i]))
            return true;
    return strstr(context, "://");
}

static const char *linked(const struct scope *scope, const char *path) {
    path = absolute(scope, path);
    autofree char *real = realpath(path, NULL);
    return real ? arena_strdup(scope->context->arena, real) : path;
}

static void each_text(const struct scope *scope, struct node *node,
                      const char *(*rule)(const struct scope *, const char *)) {
    if (node->kind == NODE_STRING)
        node->text = rule(scope, node->text);
    if (node->kind == NODE_LIST)
        tree_each (item, node)
            each_text(scope, item, rule);
}

static bool mount(const struct scope *scope, struct node *node, struct err *err) {
    struct node *source = tree_get(node, "source");
    if (node->kind != NODE_MAP || strcmp(node_text(node, "type", ""), "bind"))
        return true;
    if (!node_is(source, NODE_STRING))
        return err_at(err, node->at, "a bind mount needs the key `source`");
    source->text = portable(scope, source->text);
    return true;
}

static void driver_opts(const struct scope *scope, struct node *node) {
    struct node *options = tree_get(node, "driver_opts"), *device = tree_get(options, "device");
    if (strcmp(node_text(node, "driver", ""), "local") ||
        strcmp(node_text(options, "o", ""), "bind"))
        return;
    if (node_is(device, NODE_STRING))
        device->text = portable(scope, device->text);
}

static bool apply(const struct scope *scope, struct node *node, enum path_rule rule,
                  struct err *err) {
    switch (rule) {
    case PATH_NONE:
        break;
    case PATH_FILE:
    case PATH_SUITE:
        each_text(scope, node, absolute);
        break;
    case PATH_PORTABLE:
        each_text(scope, node, portable);
        break;
    case PATH_CONTEXT:
        if (node->kind == NODE_STRING && !is_remote(node->text))
            node->text = absolute(scope, node->text);
        break;
    case PATH_LINK:
        each_text(scope, node, linked);
        break;
    case PATH_MOUNT:
        return mount(scope, node, err);
    case PATH_DRIVER_OPTS:
        driver_opts(scope, node);
        break;
    }
    return true;
}

static bool walk(const struct scope *scope, struct node *node, const struct key *key,
                 struct err *err) {
    if (!key)
        return true;
    if (!apply(scope, node, key->path, err))
        return false;
    tree_each (child, node) {
        const struct key *known = schema_child(key, node, child);
        if (!schema_is_inside(known, node) && !walk(scope, child, known, err))
            return false;
    }
    return true;
}

bool paths(const struct scope *scope, struct node *root, struct err *err) {
    return walk(scope, root, &schema_root, err);
}
