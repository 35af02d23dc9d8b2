/* Compose Specification, "Merge Compose files": maps by key, lists appended, the rest replaced, and
 * the exceptions that the key table names. `!reset` and `!override` are obeyed on the way. */
#include "spec/passes.h"

#include "base/buffer.h"
#include "base/vector.h"

#include <string.h>

struct merging {
    struct context *context;
    struct err *err;
};

static bool merge_value(struct merging *m, struct node *base, const struct node *over,
                        const struct key *key);

static struct node *copy(struct merging *m, const struct node *node) {
    return tree_copy(m->context->arena, node);
}

/* ---- Maps ---- */

static bool is_extension(const struct node *entry, const struct key *key) {
    return !strncmp(entry->key, "x-", 2) && !key;
}

static bool merge_entry(struct merging *m, struct node *map, const struct node *entry,
                        const struct key *key) {
    struct node *old = tree_entry(map, entry->key);
    const struct key *known = schema_child(key, map, entry);
    bool replaces = !old || old->flags & NODE_RESET || entry->flags & (NODE_RESET | NODE_OVERRIDE);
    if (!replaces && !is_extension(entry, known))
        return merge_value(m, old, entry, known);
    struct node *fresh = copy(m, entry);
    if (!old) {
        tree_append(map, fresh);
        return true;
    }
    if (old->flags & NODE_RESET) /* what is reset stays so for the files before */
        fresh->flags |= NODE_OVERRIDE;
    tree_become(old, fresh);
    old->key_at = entry->key_at;
    return true;
}

/* Of large maps the entries that are new are found without looking through the whole base. */
static bool merge_maps(struct merging *m, struct node *base, const struct node *over,
                       const struct key *key) {
    node_each (entry, over)
        if (!merge_entry(m, base, entry, key))
            return false;
    return true;
}

/* ---- Lists of K=V ---- */

static struct node *item_text(struct merging *m, const struct node *from, const char *text) {
    struct node *item = tree_text(m->context->arena, from->key ? from->key_at : from->at, text);
    item->flags = from->flags & NODE_RAW;
    return item;
}

static void add_pair(struct merging *m, struct node *list, const struct node *entry,
                     const struct node *value) {
    struct arena *arena = m->context->arena;
    const char *text = value->kind == NODE_NULL ? entry->key
                                                : arena_printf(arena, "%s=%s", entry->key,
                                                               value->text ? value->text : "");
    tree_append(list, item_text(m, entry, text));
}

static void add_pairs(struct merging *m, struct node *list, const struct node *map) {
    struct node *sorted = copy(m, map);
    tree_sort(sorted);
    node_each (entry, sorted) {
        if (entry->flags & NODE_RESET)
            continue;
        if (entry->kind == NODE_LIST) {
            node_each (value, entry)
                add_pair(m, list, entry, value);
        } else {
            add_pair(m, list, entry, entry);
        }
    }
}

/* A map becomes K=V, a string a list of one. */
static struct node *to_sequence(struct merging *m, const struct node *value) {
    struct node *list = tree_new(m->context->arena, NODE_LIST, value->at);
    list->flags = value->flags;
    if (value->kind == NODE_MAP)
        add_pairs(m, list, value);
    else if (value->kind == NODE_STRING)
        tree_append(list, item_text(m, value, value->text));
    else
        node_each (item, value)
            tree_append(list, copy(m, item));
    return list;
}

static bool is_of_name(const struct node *item, const char *name) {
    size_t length = strlen(name);
    return item->kind == NODE_STRING && !strncmp(item->text, name, length) &&
           (!item->text[length] || item->text[length] == '=');
}

/* NAME: !reset removes NAME=VALUE. */
static void remove_reset(struct node *list, const struct node *over) {
    if (over->kind != NODE_MAP)
        return;
    node_each (entry, over) {
        if (!(entry->flags & NODE_RESET))
            continue;
        struct node kept = {.kind = NODE_LIST};
        for (struct node *item = list->first, *next; item; item = next) {
            next = item->next;
            if (!is_of_name(item, entry->key))
                tree_append(&kept, item);
        }
        tree_take_children(list, &kept);
    }
}

static bool has_equal(const struct node *list, const struct node *item) {
    node_each (other, list)
        if (tree_equal(other, item))
            return true;
    return false;
}

static bool merge_sequence(struct merging *m, struct node *base, const struct node *over,
                           bool without_equal) {
    struct node *list = to_sequence(m, base);
    struct node *more = to_sequence(m, over);
    remove_reset(list, over);
    struct node known = *list; /* as it was before */
    for (struct node *item = more->first, *next; item; item = next) {
        next = item->next;
        if (!without_equal || !has_equal(&known, item))
            tree_append(list, item);
    }
    tree_become(base, list);
    return true;
}

/* ---- The others ---- */

/* A list of names becomes a map; each name gets the value that the rule wants. */
static struct node *to_map(struct merging *m, const struct node *value, bool dependencies) {
    struct arena *arena = m->context->arena;
    if (value->kind != NODE_LIST)
        return copy(m, value);
    struct node *map = tree_new(arena, NODE_MAP, value->at);
    node_each (item, value) {
        struct node *entry = tree_new(arena, dependencies ? NODE_MAP : NODE_NULL, item->at);
        if (item->kind != NODE_STRING)
            continue; /* check() has the word for it */
        if (dependencies) {
            tree_set(entry, "condition", tree_text(arena, item->at, "service_started"));
            tree_set(entry, "required", tree_bool(arena, item->at, true));
            tree_set(entry, "x-condition", tree_text(arena, item->at, "service_ready"));
        }
        tree_put(map, item->text, item->at, entry);
    }
    return map;
}

static bool cannot(struct merging *m, const struct node *base, const struct node *over) {
    return err_at(m->err, over->at, "%s cannot be merged over %s, which is in %s:%d",
                  node_kind_name(over->kind), node_kind_name(base->kind),
                  base->at.file ? base->at.file : "?", base->at.line);
}

static bool merge_named(struct merging *m, struct node *base, const struct node *over,
                        const struct key *key, bool dependencies) {
    struct node *map = to_map(m, base, dependencies);
    struct node *more = to_map(m, over, dependencies);
    if (map->kind != NODE_MAP || more->kind != NODE_MAP)
        return cannot(m, base, over);
    if (!merge_maps(m, map, more, key))
        return false;
    tree_become(base, map);
    return true;
}

/* A long form over a short one says for itself what is waited for. */
static void settle_conditions(struct node *base, const struct node *over) {
    if (over->kind != NODE_MAP)
        return;
    node_each (entry, over)
        if (node_get(entry, "condition") && !node_get(entry, "x-condition"))
            tree_remove(tree_get(base, entry->key), "x-condition");
}

static bool merge_build(struct merging *m, struct node *base, const struct node *over,
                        const struct key *key) {
    struct node more = *over;
    for (struct node *side = base; side; side = side == base ? &more : NULL) {
        if (side->kind != NODE_STRING)
            continue;
        struct node *map = tree_new(m->context->arena, NODE_MAP, side->at);
        tree_set(map, "context", tree_text(m->context->arena, side->at, side->text));
        tree_become(side, map);
    }
    if (base->kind != NODE_MAP || more.kind != NODE_MAP)
        return cannot(m, base, over);
    return merge_maps(m, base, &more, key);
}

/* Options belong to a driver: they are merged only if both say the same or one says none. */
static bool merge_logging(struct merging *m, struct node *base, const struct node *over,
                          const struct key *key) {
    const struct node *one = tree_get(base, "driver"), *other = tree_get(over, "driver");
    if (base->kind != NODE_MAP || over->kind != NODE_MAP)
        return cannot(m, base, over);
    if (!one || !other || tree_equal(one, other))
        return merge_maps(m, base, over, key);
    tree_become(base, copy(m, over));
    return true;
}

static struct node *find_subnet(struct node *pools, const struct node *subnet) {
    tree_each (pool, pools) {
        const struct node *mine = tree_get(pool, "subnet");
        if (mine == subnet || tree_equal(mine, subnet))
            return pool;
    }
    return NULL;
}

/* Pools are the same if their subnets are. */
static bool merge_ipam(struct merging *m, struct node *base, const struct node *over,
                       const struct key *key) {
    if (base->kind != NODE_LIST || over->kind != NODE_LIST)
        return cannot(m, base, over);
    struct node *pools = tree_new(m->context->arena, NODE_LIST, base->at);
    node_each (mine, base)
        node_each (other, over) {
            const struct node *subnet = tree_get(other, "subnet");
            bool same =
                subnet == tree_get(mine, "subnet") || tree_equal(subnet, tree_get(mine, "subnet"));
            struct node *known = find_subnet(pools, subnet);
            if (!same && !known)
                tree_append(pools, copy(m, other));
            if (!same)
                continue;
            struct node *merged = copy(m, mine);
            if (!merge_maps(m, merged, other, key ? key->item : NULL))
                return false;
            if (known)
                tree_become(known, merged);
            else
                tree_append(pools, merged);
        }
    tree_become(base, pools);
    return true;
}

/* ---- One value over another ---- */

static bool merge_deep(struct merging *m, struct node *base, const struct node *over,
                       const struct key *key) {
    if (over->kind == NODE_NULL)
        return true;
    if (base->kind != NODE_MAP && base->kind != NODE_LIST) {
        tree_become(base, copy(m, over));
        return true;
    }
    if (base->kind != over->kind)
        return cannot(m, base, over);
    if (base->kind == NODE_MAP)
        return merge_maps(m, base, over, key);
    node_each (item, over)
        tree_append(base, copy(m, item));
    return true;
}

static bool merge_value(struct merging *m, struct node *base, const struct node *over,
                        const struct key *key) {
    enum merge_rule rule = key ? key->merge : MERGE_DEEP;
    if (over->kind == NODE_NULL && rule != MERGE_REPLACE)
        return true;
    switch (rule) {
    case MERGE_DEEP:
        return merge_deep(m, base, over, key);
    case MERGE_REPLACE:
        tree_become(base, copy(m, over));
        return true;
    case MERGE_SEQUENCE:
    case MERGE_HOSTS:
        return merge_sequence(m, base, over, rule == MERGE_HOSTS);
    case MERGE_BUILD:
        return merge_build(m, base, over, key);
    case MERGE_DEPENDS_ON:
        if (!merge_named(m, base, over, key, true))
            return false;
        settle_conditions(base, over);
        return true;
    case MERGE_NETWORKS:
        return merge_named(m, base, over, key, false);
    case MERGE_LOGGING:
        return merge_logging(m, base, over, key);
    case MERGE_IPAM:
        return merge_ipam(m, base, over, key);
    }
    return true;
}

bool merge(struct context *context, struct node *base, const struct node *over,
           const struct key *key, struct err *err) {
    struct merging m = {context, err};
    return merge_deep(&m, base, over, key);
}
