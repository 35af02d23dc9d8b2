/* Compose Specification, "Include": another model with its own directory and variables becomes part
 * of this one. What both have must be the same. */
#include "spec/file.h"

#include "base/path.h"

#include <string.h>

struct inclusion {
    const struct scope *includer;
    struct err *err;
    struct position at;
    struct strings paths, env_files; /* absolute */
    const char *project_directory;   /* as written, or NULL */
};

static void inclusion_release(struct inclusion *i) {
    strings_release(&i->paths);
    strings_release(&i->env_files);
}

/* ---- What is to be included ---- */

static bool add_paths(struct inclusion *i, const struct node *node, struct strings *into) {
    if (!node)
        return true;
    if (node->kind == NODE_STRING) {
        strings_take(into, path_join(i->includer->directory, node->text));
        return true;
    }
    if (node->kind != NODE_LIST)
        return err_at(i->err, node->at, "this must be a file or a list of files, not %s",
                      node_kind_name(node->kind));
    node_each (item, node) {
        if (item->kind != NODE_STRING)
            return err_at(i->err, item->at, "this must be the name of a file");
        add_paths(i, item, into);
    }
    return true;
}

static bool read_item(struct inclusion *i, const struct node *item) {
    const struct node *path = item, *env_file = NULL, *directory = NULL;
    if (item->kind == NODE_MAP) {
        path = tree_get(item, "path");
        env_file = tree_get(item, "env_file");
        directory = tree_get(item, "project_directory");
    }
    i->at = path ? path->at : item->at;
    if (!path || item->kind == NODE_LIST || (directory && directory->kind != NODE_STRING))
        return err_at(i->err, item->at,
                      "`include` takes files or {path: FILE, project_directory: DIRECTORY, "
                      "env_file: FILE}");
    i->project_directory = directory ? directory->text : NULL;
    if (!add_paths(i, path, &i->paths) || !add_paths(i, env_file, &i->env_files))
        return false;
    return i->paths.length || err_at(i->err, item->at, "there is no file to include here");
}

static char *directory_of(const struct inclusion *i) {
    if (i->project_directory)
        return path_join(i->includer->directory, i->project_directory);
    return path_directory(i->paths.at[0]);
}

static bool check_cycle(const struct inclusion *i) {
    size_t depth = 0;
    for (const struct scope *scope = i->includer; scope; scope = scope->includer) {
        if (!strcmp(scope->file, i->paths.at[0]))
            return err_at(i->err, i->at, "%s includes itself%s",
                          context_file_name(scope->context, scope->file),
                          depth ? ", through others" : "");
        if (depth++ > SPEC_NESTING_MAX)
            return err_at(i->err, i->at, "files are included more than %d deep", SPEC_NESTING_MAX);
    }
    return true;
}

/* ---- Its variables: ours first, then those of its env files ---- */

static bool read_variables(struct inclusion *i, const char *directory,
                           struct variables *variables) {
    struct context *context = i->includer->context;
    struct variables found = VARIABLES_INIT(context->arena);
    struct lookup lookup = {i->includer->variables, &found};
    if (!i->env_files.length) {
        char *usual = path_join(directory, ".env");
        if (path_exists(usual) && !path_is_directory(usual))
            strings_take(&i->env_files, usual);
        else
            free(usual);
    }
    vec_each (file, &i->env_files) {
        struct variables fresh = VARIABLES_INIT(context->arena);
        if (!dotenv_read(context, *file, i->at, &lookup, &fresh, i->err))
            return false;
        variables_update(&found, &fresh);
    }
    variables_merge(variables, i->includer->variables);
    variables_merge(variables, &found);
    return true;
}

/* ---- Taking it in ---- */

static bool take_section(struct inclusion *i, const struct node *from, struct node *root,
                         const char *section) {
    const struct node *theirs = tree_get(from, section);
    struct arena *arena = i->includer->context->arena;
    if (!theirs)
        return true;
    if (!node_is(tree_get(root, section), NODE_MAP))
        tree_set(root, section, tree_new(arena, NODE_MAP, theirs->at));
    struct node *ours = tree_get(root, section);
    node_each (resource, theirs) {
        const struct node *same = tree_get(ours, resource->key);
        if (same && tree_equal(same, resource))
            continue;
        if (same)
            return err_at(i->err, same->key_at, "`%s.%s` is another one in %s, which is included",
                          section, resource->key, resource->key_at.file);
        tree_append(ours, tree_copy(arena, resource));
    }
    return true;
}

static bool take(struct inclusion *i, const struct node *from, struct node *root) {
    static const char *const sections[] = {"services", "volumes", "networks",
                                           "secrets",  "configs", "models"};
    const struct node *suite = tree_get(from, "x-suite");
    suite = suite ? suite : tree_get(from, "x-suites");
    if (suite)
        return err_at(i->err, suite->key_at,
                      "a file that is included cannot have a suite: put it into the file that "
                      "includes it");
    for (size_t s = 0; s < lengthof(sections); s++)
        if (!take_section(i, from, root, sections[s]))
            return false;
    return true;
}

static bool read_files(struct inclusion *i, struct scope *scope, struct node *root) {
    bool ok = true;
    for (size_t p = 0; ok && p < i->paths.length; p++) {
        struct documents documents = {0};
        scope->file = i->paths.at[p];
        ok = file_parse(scope->context, scope->file, i->at, &documents, i->err) &&
             documents_apply(scope, &documents, root, i->err);
        vec_free(&documents);
    }
    return ok && tree_finish(scope, root, i->err);
}

static bool include(struct inclusion *i, const struct node *item, struct node *root) {
    struct context *context = i->includer->context;
    struct variables *variables = arena_new_object(context->arena, struct variables);
    variables->arena = context->arena;
    if (!read_item(i, item) || !check_cycle(i))
        return false;
    autofree char *directory = directory_of(i);
    struct scope scope = {
        .context = context,
        .directory = arena_strdup(context->arena, directory),
        .variables = variables,
        .includer = i->includer,
    };
    struct node *tree = tree_new(context->arena, NODE_MAP, i->at);
    return read_variables(i, directory, variables) && read_files(i, &scope, tree) &&
           take(i, tree, root);
}

bool include_apply(const struct scope *scope, struct node *root, struct err *err) {
    const struct node *list = tree_get(root, "include");
    if (list && list->kind != NODE_LIST && list->kind != NODE_NULL)
        return err_at(err, list->at, "`include` must be a list, not %s",
                      node_kind_name(list->kind));
    node_each (item, list) {
        AUTO(inclusion_release)
        struct inclusion one = {.includer = scope, .err = err};
        if (!include(&one, item, root))
            return false;
    }
    tree_remove(root, "include");
    return true;
}
