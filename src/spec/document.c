#include "spec/parse.h"

struct document {
    struct arena *arena;
};

const struct node *document_parse(const char *text, size_t length, const char *name,
                                  struct document **ret_document, struct err *err) {
    struct arena *arena = arena_new();
    struct documents documents = {0};
    size_t nodes = 0;
    bool ok = parse_yaml(arena, &nodes, text, length, arena_strdup(arena, name), &documents, err);
    if (ok && documents.length != 1)
        ok = err_at(err, (struct position){name, 1, 1}, "there must be one document, not %zu",
                    documents.length);
    const struct node *root = ok ? documents.at[0] : NULL;
    vec_free(&documents);
    if (!root) {
        arena_free(arena);
        return NULL;
    }
    *ret_document = xnew(struct document);
    (*ret_document)->arena = arena;
    return root;
}

struct document *document_free(struct document *document) {
    if (document)
        arena_free(document->arena);
    free(document);
    return NULL;
}
