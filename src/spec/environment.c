/* Variables that a file names without a value, and the files of env_file and label_file. */
#include "spec/outside.h"
#include "spec/passes.h"

#include "base/path.h"

#include <string.h>

static const char *outside_value(const struct scope *scope, const char *name) {
    const char *value = variables_get(scope->variables, name);
    if (value)
        outside_add(scope->context, name, value, NULL);
    return value;
}

/* - NAME in a list becomes NAME=VALUE. */
static void fill_list(const struct scope *scope, struct node *list) {
    if (!node_is(list, NODE_LIST))
        return;
    tree_each (item, list) {
        const char *value =
            item->text && !strchr(item->text, '=') ? outside_value(scope, item->text) : NULL;
        if (value)
            item->text = arena_printf(scope->context->arena, "%s=%s", item->text, value);
    }
}

/* What a secret's or config's `environment` gives is kept apart: it is not printed. */
static void fill_content(const struct scope *scope, struct node *resources) {
    if (!node_is(resources, NODE_MAP))
        return;
    tree_each (resource, resources) {
        const char *name = node_text(resource, "environment", NULL);
        const char *value = name ? outside_value(scope, name) : NULL;
        if (value) {
            tree_set(resource, "#content", tree_text(scope->context->arena, resource->at, value));
            tree_get(resource, "#content")->flags |= NODE_HIDDEN;
        }
    }
}

void environment_apply(const struct scope *scope, struct node *root) {
    struct node *services = tree_get(root, "services");
    if (node_is(services, NODE_MAP))
        tree_each (service, services)
            fill_list(scope, tree_get(service, "environment"));
    fill_content(scope, tree_get(root, "secrets"));
    fill_content(scope, tree_get(root, "configs"));
}

/* ---- env_file, label_file ---- */

static bool read_file(const struct scope *scope, const struct node *file, const char *what,
                      const struct variables *project, struct variables *into, struct err *err) {
    const char *path = file->kind == NODE_MAP ? node_text(file, "path", "") : file->text;
    struct lookup lookup = {into, project};
    struct variables found = VARIABLES_INIT(scope->context->arena);
    if (!path_exists(path) && !node_bool(file, "required", true))
        return true;
    if (!path_exists(path))
        return err_at(err, file->at, "the %s %s does not exist", what,
                      context_file_name(scope->context, path));
    const char *format = node_text(file, "format", "");
    if (strcmp(format, "") && strcmp(format, "raw"))
        return err_at(err, file->at, "the format `%.50s` of an env file is not known, only `raw`",
                      format);
    if (!(*format ? dotenv_read_raw(scope->context, path, file->at, &found, err)
                  : dotenv_read(scope->context, path, file->at, &lookup, &found, err)))
        return false;
    for (size_t i = 0; i < found.length; i++)
        variables_set(into, found.at[i].name, found.at[i].value);
    return true;
}

/* The files' variables, with what the service itself says on top. */
static void add_under(struct context *context, struct node *service, const char *key,
                      struct position at, const struct variables *found) {
    struct node *map = tree_get(service, key);
    struct node *merged = tree_new(context->arena, NODE_MAP, map ? map->at : at);
    struct variables own = VARIABLES_INIT(context->arena);
    if (!found->length)
        return;
    node_each (entry, map)
        variables_set(&own, entry->key, "");
    for (size_t i = 0; i < found->length; i++) {
        if (variables_get(&own, found->at[i].name))
            continue;
        struct node *entry = tree_text(context->arena, at, found->at[i].value);
        entry->key = found->at[i].name;
        entry->key_at = at;
        tree_append(merged, entry);
    }
    for (struct node *entry = map ? map->first : NULL, *next; entry; entry = next) {
        next = entry->next;
        tree_append(merged, entry);
    }
    tree_sort(merged);
    tree_put(service, key, map ? map->key_at : at, merged);
}

static bool apply_files(const struct scope *scope, struct node *service, const char *files,
                        const char *into, const char *what, const struct variables *project,
                        struct err *err) {
    struct variables found = VARIABLES_INIT(scope->context->arena);
    struct node *list = tree_get(service, files);
    if (!list || !node_is(list, NODE_LIST))
        return true;
    node_each (file, list)
        if (!read_file(scope, file, what, project, &found, err))
            return false;
    add_under(scope->context, service, into, list->at, &found);
    tree_remove(service, files);
    return true;
}

bool environment_files(const struct scope *scope, struct node *root, struct err *err) {
    struct variables none = VARIABLES_INIT(scope->context->arena);
    tree_each (service, tree_get(root, "services")) {
        if (!apply_files(scope, service, "env_file", "environment", "env file", scope->variables,
                         err) ||
            !apply_files(scope, service, "label_file", "labels", "label file", &none, err))
            return false;
        values_arrange(scope->context->arena, service);
    }
    return true;
}
