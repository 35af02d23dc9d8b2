/*
 * tree.h: building and changing trees of nodes; for the passes inside the spec floor.
 *
 * A tree lives in an arena and is released with it as a whole. Readers of spec.h see nodes as
 * const. Passes change them in place: tree_become() gives a node another value but leaves its key
 * and its place among its siblings, so that no pass needs to know the parent.
 */
#ifndef SPEC_TREE_H
#define SPEC_TREE_H

#include <envrun/spec.h>

#include "base/arena.h"
#include "base/vector.h"

/* Copies of the strings, NULL-terminated. */
const char **arena_strings(struct arena *arena, const struct strings *list);

/* Flags of a node. */
enum {
    NODE_RESET = 1,    /* !reset: a placeholder that removes what it is merged over */
    NODE_OVERRIDE = 2, /* !override: replaces what it is merged over */
    NODE_RAW = 4,      /* not interpolated: its $ are not doubled in print */
    NODE_HIDDEN = 8,   /* made by envrun, never printed */
    NODE_BROKEN = 16,  /* it or something in it is a mistake that is noted (mistakes.h) */
};

struct node *tree_new(struct arena *arena, enum node_kind kind, struct position at);
struct node *tree_text(struct arena *arena, struct position at, const char *text);
struct node *tree_bool(struct arena *arena, struct position at, bool value);
struct node *tree_integer(struct arena *arena, struct position at, long long value);
struct node *tree_copy(struct arena *arena, const struct node *node);

void tree_append(struct node *parent, struct node *child);
/* To be said when children were unlinked or their keys changed by other means than those here. */
void tree_changed(struct node *parent);
/* Take over the children that were gathered in a node on the stack. */
void tree_take_children(struct node *parent, const struct node *from);
/* Set a map's entry: replaced in its place, else added at the end. */
void tree_put(struct node *map, const char *key, struct position key_at, struct node *value);
/* An entry made by envrun: it takes the map's own place. The key is not copied. */
void tree_set(struct node *map, const char *key, struct node *value);
struct node *tree_get(const struct node *map, const char *key); /* not a NODE_RESET one */
struct node *tree_entry(const struct node *map, const char *key);
void tree_remove(struct node *map, const char *key);
/* Drop the children for which the question is answered with yes. */
void tree_drop(struct node *parent, bool (*question)(const struct node *child));
/* Give a node another one's value. */
void tree_become(struct node *node, const struct node *value);
void tree_become_text(struct node *node, const char *text);
/* The same value, wherever it was written; the order of a map's entries does not matter. */
bool tree_equal(const struct node *a, const struct node *b);
/* Order a map's entries by key. */
void tree_sort(struct node *map);
/* Drop what `!reset` left behind, and the marks of `!override`. */
void tree_settle(struct node *node);

static inline bool node_is(const struct node *node, enum node_kind kind) {
    return node && node->kind == kind;
}

/* Where a pass is, for messages: "services.api.ports[0]". */
struct trail {
    const struct trail *up;
    const struct node *node;
    size_t index; /* in a list, from 0 */
};
char *trail_text(const struct trail *trail); /* to be freed by the caller */

/* "a list", "a string", ... for messages. */
const char *node_kind_name(enum node_kind kind);

#define tree_each(item, parent)                                                                    \
    for (struct node *item = (parent) ? (parent)->first : NULL; item; item = item->next)

#endif
