#include "spec/tree.h"

#include "base/buffer.h"
#include "spec/schema.h"

#include <stdio.h>
#include <string.h>

const char **arena_strings(struct arena *arena, const struct strings *list) {
    const char **copy = arena_alloc(arena, (list->length + 1) * sizeof *copy);
    for (size_t i = 0; i < list->length; i++)
        copy[i] = arena_strdup(arena, list->at[i]);
    return copy;
}

/* ---- Large maps: a hash table beside the list, made when it is first asked for a key ---- */

struct node_index {
    struct arena *arena;
    struct node **slots; /* NULL: not made */
    size_t count;        /* slots: a power of two */
    size_t known;        /* children that are in it: the first so many */
    const struct node *last;
};

enum { INDEX_LEAST = 24 }; /* below it the list is as fast */

static size_t hash_of(const char *key) { /* FNV-1a */
    size_t hash = 14695981039346656037u;
    for (; *key; key++)
        hash = (hash ^ (unsigned char)*key) * 1099511628211u;
    return hash;
}

static struct node **slot_of(const struct node_index *index, const char *key) {
    size_t slot = hash_of(key) & (index->count - 1);
    while (index->slots[slot] && strcmp(index->slots[slot]->key, key))
        slot = (slot + 1) & (index->count - 1);
    return &index->slots[slot];
}

static void index_make(struct node_index *index, size_t length) {
    index->count = 64;
    while (index->count < length * 4)
        index->count *= 2;
    index->slots = arena_alloc(index->arena, index->count * sizeof *index->slots);
    index->known = 0;
    index->last = NULL;
}

static struct node *index_find(const struct node *map, const char *key) {
    struct node_index *index = map->index;
    if (!index->slots || map->length * 2 > index->count)
        index_make(index, map->length);
    struct node *fresh = index->last ? index->last->next : map->first;
    for (; fresh; fresh = fresh->next) {
        struct node **slot = slot_of(index, fresh->key);
        if (!*slot) /* of two equal keys the first */
            *slot = fresh;
        index->known++;
        index->last = fresh;
    }
    return *slot_of(index, key);
}

void tree_changed(struct node *parent) {
    if (parent->kind == NODE_MAP && parent->index)
        parent->index->slots = NULL;
}

void tree_take_children(struct node *parent, const struct node *from) {
    parent->first = from->first;
    parent->last = from->last;
    parent->length = from->length;
    tree_changed(parent);
}

/* ---- Nodes ---- */

struct node *tree_new(struct arena *arena, enum node_kind kind, struct position at) {
    struct node *node = arena_new_object(arena, struct node);
    node->kind = kind;
    node->at = at;
    if (kind == NODE_MAP) {
        node->index = arena_new_object(arena, struct node_index);
        node->index->arena = arena;
    }
    return node;
}

struct node *tree_text(struct arena *arena, struct position at, const char *text) {
    struct node *node = tree_new(arena, NODE_STRING, at);
    node->text = arena_strdup(arena, text);
    return node;
}

struct node *tree_bool(struct arena *arena, struct position at, bool value) {
    struct node *node = tree_new(arena, NODE_BOOL, at);
    node->boolean = value;
    node->text = value ? "true" : "false";
    return node;
}

struct node *tree_integer(struct arena *arena, struct position at, long long value) {
    struct node *node = tree_new(arena, NODE_INT, at);
    node->integer = value;
    node->text = arena_printf(arena, "%lld", value);
    return node;
}

struct node *tree_copy(struct arena *arena, const struct node *node) {
    struct node *copy = arena_new_object(arena, struct node);
    *copy = *node;
    copy->first = copy->last = copy->next = NULL;
    copy->length = 0;
    if (copy->kind == NODE_MAP) {
        copy->index = arena_new_object(arena, struct node_index);
        copy->index->arena = arena;
    }
    node_each (child, node)
        tree_append(copy, tree_copy(arena, child));
    return copy;
}

void tree_append(struct node *parent, struct node *child) {
    child->next = NULL;
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->length++;
}

void tree_put(struct node *map, const char *key, struct position key_at, struct node *value) {
    struct node *old = tree_entry(map, key);
    if (old) {
        tree_become(old, value);
        old->key_at = key_at;
        return;
    }
    value->key = key;
    value->key_at = key_at;
    tree_append(map, value);
}

void tree_set(struct node *map, const char *key, struct node *value) {
    tree_put(map, key, map->at, value);
}

struct node *tree_entry(const struct node *map, const char *key) {
    if (!node_is(map, NODE_MAP))
        return NULL;
    if (map->length >= INDEX_LEAST && map->index)
        return index_find(map, key);
    tree_each (child, map)
        if (!strcmp(child->key, key))
            return child;
    return NULL;
}

struct node *tree_get(const struct node *map, const char *key) {
    struct node *node = tree_entry(map, key);
    return node && node->flags & NODE_RESET ? NULL : node;
}

void tree_drop(struct node *parent, bool (*question)(const struct node *child)) {
    struct node *child = parent->first, *next;
    parent->first = parent->last = NULL;
    parent->length = 0;
    for (; child; child = next) {
        next = child->next;
        if (!question(child))
            tree_append(parent, child);
    }
    tree_changed(parent);
}

void tree_remove(struct node *map, const char *key) {
    struct node *before = NULL;
    tree_each (child, map) {
        if (child->key && !strcmp(child->key, key)) {
            *(before ? &before->next : &map->first) = child->next;
            if (map->last == child)
                map->last = before;
            map->length--;
            tree_changed(map);
            return;
        }
        before = child;
    }
}

void tree_become(struct node *node, const struct node *value) {
    struct node was = *node;
    *node = *value;
    node->key = was.key;
    node->key_at = was.key_at;
    node->next = was.next;
}

void tree_become_text(struct node *node, const char *text) {
    node->kind = NODE_STRING;
    node->text = text;
    node->integer = 0;
    node->first = node->last = NULL;
    node->length = 0;
}

static bool equal_children(const struct node *a, const struct node *b) {
    if (a->length != b->length)
        return false;
    if (a->kind == NODE_MAP) {
        node_each (child, a) {
            const struct node *other = tree_entry(b, child->key);
            if (!other || !tree_equal(child, other))
                return false;
        }
        return true;
    }
    const struct node *other = b->first;
    node_each (child, a) {
        if (!tree_equal(child, other))
            return false;
        other = other->next;
    }
    return true;
}

bool tree_equal(const struct node *a, const struct node *b) {
    if (!a || !b || a->kind != b->kind)
        return a == b;
    switch (a->kind) {
    case NODE_NULL:
        return true;
    case NODE_BOOL:
        return a->boolean == b->boolean;
    case NODE_INT:
    case NODE_FLOAT:
    case NODE_STRING:
        return !strcmp(a->text, b->text);
    case NODE_LIST:
    case NODE_MAP:
        return equal_children(a, b);
    }
    return false;
}

static int compare_keys(const void *a, const void *b) {
    return strcmp((*(struct node *const *)a)->key, (*(struct node *const *)b)->key);
}

void tree_sort(struct node *map) {
    if (!map)
        return;
    vec(struct node *) children = {0};
    tree_each (child, map)
        vec_push(&children, child);
    if (children.length)
        qsort(children.at, children.length, sizeof *children.at, compare_keys);
    map->first = map->last = NULL;
    map->length = 0;
    vec_each (child, &children)
        tree_append(map, *child);
    vec_free(&children);
    tree_changed(map);
}

static bool is_reset(const struct node *child) {
    return child->flags & NODE_RESET;
}

void tree_settle(struct node *node) {
    node->flags &= ~(unsigned)NODE_OVERRIDE;
    if (node->kind == NODE_MAP)
        tree_drop(node, is_reset);
    tree_each (child, node)
        tree_settle(child);
}

const char *node_kind_name(enum node_kind kind) {
    static const char *const names[] = {
        [NODE_NULL] = "nothing",   [NODE_BOOL] = "true or false", [NODE_INT] = "a number",
        [NODE_FLOAT] = "a number", [NODE_STRING] = "a string",    [NODE_LIST] = "a list",
        [NODE_MAP] = "a mapping",
    };
    return names[kind];
}

/* One of envrun's own keys as most write it, without the x-. */
static const char *shown_key(const char *key) {
    const char *bare = key + strlen("x-");
    bool ours = !strncmp(key, "x-", strlen("x-")) &&
                (schema_own(schema_root.keys, bare) || schema_own(schema_service.keys, bare));
    return ours ? bare : key;
}

static void add_trail(struct buffer *into, const struct trail *trail) {
    if (!trail->up)
        return;
    add_trail(into, trail->up);
    if (trail->up->node->kind == NODE_LIST)
        buffer_printf(into, "[%zu]", trail->index);
    else
        buffer_printf(into, "%s%.100s", into->length ? "." : "", shown_key(trail->node->key));
}

char *trail_text(const struct trail *trail) {
    struct buffer text = BUFFER_INIT;
    add_trail(&text, trail);
    return buffer_detach(&text);
}

/* ---- Readers (spec.h) ---- */

const struct node *node_get(const struct node *map, const char *key) {
    return tree_entry(map, key);
}

const struct node *node_path(const struct node *map, const char *path) {
    while (map && *path) {
        size_t length = strcspn(path, ".");
        autofree char *key = xstrndup(path, length);
        map = node_get(map, key);
        path += length + (path[length] == '.');
    }
    return map;
}

const char *node_text(const struct node *map, const char *key, const char *otherwise) {
    const struct node *node = node_get(map, key);
    return node && node->kind != NODE_NULL && node->text ? node->text : otherwise;
}

bool node_bool(const struct node *map, const char *key, bool otherwise) {
    const struct node *node = node_get(map, key);
    return node_is(node, NODE_BOOL) ? node->boolean : otherwise;
}

long long node_integer(const struct node *map, const char *key, long long otherwise) {
    const struct node *node = node_get(map, key);
    return node_is(node, NODE_INT) ? node->integer : otherwise;
}

long long node_milliseconds(const struct node *map, const char *key, long long otherwise) {
    const struct node *node = node_get(map, key);
    long long milliseconds;
    if (!node_is(node, NODE_STRING) || !duration_parse(node->text, &milliseconds))
        return otherwise;
    return milliseconds;
}
