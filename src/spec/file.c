#include "spec/file.h"

#include "base/buffer.h"
#include "base/path.h"
#include "spec/outside.h"

bool file_parse(struct context *context, const char *path, struct position from,
                struct documents *documents, struct err *err) {
    autobuffer struct buffer text = BUFFER_INIT_MAX(SPEC_FILE_MAX);
    if (!context_read(context, path, from, &text, err))
        return false;
    outside_keep_text(context, text.data, text.length);
    return parse_yaml(context->arena, &context->nodes, text.data, text.length,
                      context_file_name(context, path), documents, err);
}

/* `version` says nothing any more. */
static void drop_version(struct context *context, struct node *root) {
    const struct node *version = tree_get(root, "version");
    if (version)
        context_warn(context, version->key_at, "`version` is out of use and means nothing");
    tree_remove(root, "version");
}

static bool begin(const struct scope *scope, struct node *document, struct err *err) {
    if (document->kind != NODE_MAP)
        return err_at(err, document->at, "a Compose file must be a mapping, not %s",
                      node_kind_name(document->kind));
    if (!own_rename(scope->context, document, err))
        return false;
    interpolate(scope, document);
    return true;
}

static bool join(const struct scope *scope, const struct node *document, struct node *into,
                 struct err *err) {
    if (!merge(scope->context, into, document, &schema_root, err))
        return false;
    tree_settle(into);
    unique(scope->context, into);
    return true;
}

static bool document_apply(const struct scope *scope, struct node *document, struct node *into,
                           struct err *err) {
    struct context *context = scope->context;
    if (!begin(scope, document, err) || !include_apply(scope, document, err) ||
        !extends_apply(scope, document, err) || !join(scope, document, into, err))
        return false;
    check(context, into);
    drop_version(context, into);
    canonical(context, into);
    unique(context, into);
    return true;
}

bool documents_apply(const struct scope *scope, const struct documents *documents,
                     struct node *into, struct err *err) {
    vec_each (document, documents)
        if (!document_apply(scope, *document, into, err))
            return false;
    return true;
}

/* `!reset` and `!override` stay marked: they also hold over what a service here extends. */
static bool base_apply(const struct scope *scope, struct node *document, struct node *into,
                       struct err *err) {
    if (!begin(scope, document, err) || !merge(scope->context, into, document, &schema_root, err))
        return false;
    unique(scope->context, into);
    canonical(scope->context, into);
    unique(scope->context, into);
    return true;
}

struct node *file_read_base(const struct scope *scope, const char *path, struct position from,
                            struct err *err) {
    struct arena *arena = scope->context->arena;
    struct documents documents = {0};
    autofree char *directory = path_directory(path);
    struct scope there = *scope;
    struct node *root = tree_new(arena, NODE_MAP, from);
    bool ok = file_parse(scope->context, path, from, &documents, err);
    there.directory = arena_strdup(arena, directory);
    for (size_t i = 0; ok && i < documents.length; i++)
        ok = base_apply(&there, documents.at[i], root, err);
    vec_free(&documents);
    return ok && paths(&there, root, err) ? root : NULL;
}

bool tree_finish(const struct scope *scope, struct node *root, struct err *err) {
    defaults(scope->context, root);
    exclusive(scope->context, root);
    if (!paths(scope, root, err))
        return false;
    environment_apply(scope, root);
    return true;
}
