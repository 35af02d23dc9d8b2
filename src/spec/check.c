/* The Compose Specification's schema: which keys there are, which kinds of values they take. All
 * mistakes of a tree are told, up to a limit. */
#include "spec/hints.h"
#include "spec/mistakes.h"
#include "spec/passes.h"

#include "base/buffer.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

/* ---- Kinds ---- */

static void kinds_text(unsigned kinds, struct buffer *into) {
    static const struct {
        unsigned kind;
        const char *name;
    } names[] = {
        {IS_STRING, "a string"}, {IS_NUMBER, "a number"}, {IS_BOOL, "true or false"},
        {IS_LIST, "a list"},     {IS_MAP, "a mapping"},   {IS_NULL, "nothing"},
    };
    unsigned left = kinds;
    if (kinds & IS_BOOL && kinds & IS_STRING && !(kinds & IS_NUMBER))
        left &= ~(unsigned)IS_STRING; /* a string there stands for a boolean */
    for (size_t i = 0; i < lengthof(names); i++) {
        if (!(left & names[i].kind))
            continue;
        left &= ~names[i].kind;
        buffer_printf(into, "%s%s", !into->length ? "" : left ? ", " : " or ", names[i].name);
    }
}

static bool check_kind(struct context *context, struct node *node, const struct key *key,
                       const struct trail *trail) {
    unsigned kind = 1u << node->kind;
    bool whole = node->kind == NODE_FLOAT && node->number == trunc(node->number) &&
                 isfinite(node->number) && !(key->flags & KEY_EXACT);
    if (kind & key->kinds || (whole && key->kinds & IS_INTEGER))
        return true;
    autobuffer struct buffer wanted = BUFFER_INIT;
    const char *hint = hint_shape(key, node);
    autofree char *where = trail_text(trail);
    kinds_text(key->kinds, &wanted);
    if (!*where)
        mistake(context, node, node->at, "a file must be %s, not %s", wanted.data,
                node_kind_name(node->kind));
    else if (node->kind == NODE_FLOAT && key->kinds & IS_INTEGER)
        mistake(context, node, node->at, "`%s` must be a whole number%s, not %s", where,
                key->flags & KEY_EXACT ? " without a point or an exponent" : "", node->text);
    else if (node->kind == NODE_NULL)
        mistake(context, node, node->key ? node->key_at : node->at,
                "`%s` must be %s, but it is empty%s%s", where, wanted.data, hint ? ": " : "",
                hint ? hint : "");
    else
        mistake(context, node, node->at, "`%s` must be %s, not %s%s%s", where, wanted.data,
                node_kind_name(node->kind), hint ? ": " : "", hint ? hint : "");
    return false;
}

static void check_number(struct context *context, struct node *node, const struct key *key,
                         const struct trail *trail) {
    double number = node->kind == NODE_INT ? (double)node->integer : node->number;
    if (node->kind != NODE_INT && node->kind != NODE_FLOAT)
        return;
    autofree char *where = trail_text(trail);
    if (node->kind == NODE_FLOAT && strpbrk(node->text, "IN"))
        mistake(context, node, node->at, "`%s` cannot be %s", where, node->text);
    if (!key || (!key->least && !key->most))
        return;
    if (number < (double)key->least)
        mistake(context, node, node->at, "`%s` must not be less than %lld", where, key->least);
    if (number > (double)key->most)
        mistake(context, node, node->at, "`%s` must not be more than %lld", where, key->most);
}

static void check_choice(struct context *context, struct node *node, const struct key *key,
                         const struct trail *trail) {
    size_t count = 0;
    autobuffer struct buffer list = BUFFER_INIT;
    if (node->kind != NODE_STRING || !key->choices)
        return;
    for (; key->choices[count]; count++) {
        if (!strcmp(key->choices[count], node->text))
            return;
        buffer_printf(&list, "%s%s", count ? ", " : "", key->choices[count]);
    }
    autofree char *where = trail_text(trail);
    mistake(context, node, node->at, "`%s` must be %s%s, not `%.100s`", where,
            count > 1 ? "one of " : "", list.data, node->text);
}

/* ---- Lists ---- */

static int compare_texts(const void *a, const void *b) {
    const struct node *x = *(struct node *const *)a, *y = *(struct node *const *)b;
    int order = strcmp(x->text, y->text);
    if (order)
        return order;
    return x->at.line != y->at.line ? x->at.line - y->at.line : x->at.column - y->at.column;
}

static void check_distinct(struct context *context, struct node *list, const struct trail *trail) {
    vec(const struct node *) items = {0};
    node_each (item, list)
        if (item->text)
            vec_push(&items, item);
    if (items.length)
        qsort(items.at, items.length, sizeof *items.at, compare_texts);
    for (size_t i = 1; i < items.length; i++) {
        if (!tree_equal(items.at[i - 1], items.at[i]))
            continue;
        autofree char *where = trail_text(trail);
        mistake(context, list, items.at[i]->at, "`%s` has `%.100s` twice", where,
                items.at[i]->text);
    }
    vec_free(&items);
}

/* ---- Maps ---- */

static bool is_name(const char *key) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (; *key; key++)
        if (!strchr(letters, *key) && !strchr("0123456789._-", *key))
            return false;
    return true;
}

static const char *shown_name(const struct key *key) {
    return key->flags & KEY_OWN ? key->name + strlen("x-") : key->name;
}

static void unknown_key(struct context *context, struct node *entry, const struct key *key,
                        const struct trail *trail) {
    vec(const char *) names = {0};
    for (const struct key *known = key->keys; known && known->name; known++)
        vec_push(&names, shown_name(known));
    const char *nearest = text_nearest(entry->key, names.at, names.length);
    const char *hint = hint_stranger(key, entry);
    autofree char *where = trail_text(trail->up);
    autofree char *meant = nearest ? xasprintf("did you mean `%s`?", nearest) : NULL;
    hint = hint ? hint : meant;
    mistake(context, entry, entry->key_at, "unknown key `%.100s`%s%s%s%s%s", entry->key,
            *where ? " in `" : "", where, *where ? "`" : "", hint ? ", " : "", hint ? hint : "");
    vec_free(&names);
}

/* Is it a key whose value can be looked at? */
static bool check_known(struct context *context, const struct node *map, struct node *entry,
                        const struct key *key, const struct trail *trail) {
    if (key->flags & KEY_NAMES && !is_name(entry->key))
        mistake(context, entry, entry->key_at,
                "`%.100s` cannot be a name: only letters, digits and . _ - are allowed",
                entry->key);
    if (!key->keys || schema_child(key, map, entry) || entry->flags & NODE_HIDDEN)
        return true;
    if (!strncmp(entry->key, "x-", 2) && !(key->flags & KEY_CLOSED))
        return true;
    if (key->flags & KEY_OPEN) {
        context_warn(context, entry->key_at, "the key `%s` means nothing here", entry->key);
        return true;
    }
    unknown_key(context, entry, key, trail);
    return false;
}

static void check_required(struct context *context, struct node *map, const struct key *key,
                           const struct trail *trail) {
    for (const struct key *known = key->keys; known && known->name; known++) {
        if (!(known->flags & KEY_REQUIRED) || tree_get(map, known->name))
            continue;
        autofree char *where = trail_text(trail);
        mistake(context, map, map->key ? map->key_at : map->at, "`%s` needs the key `%s`", where,
                known->name);
    }
}

static void walk(struct context *context, struct node *node, const struct key *key,
                 const struct trail *trail) {
    if (!key) { /* an extension: anything goes */
        check_number(context, node, NULL, trail);
    } else {
        if (!check_kind(context, node, key, trail))
            return;
        check_number(context, node, key, trail);
        check_choice(context, node, key, trail);
        if (node->kind == NODE_LIST && key->flags & KEY_DISTINCT)
            check_distinct(context, node, trail);
        if (node->kind == NODE_MAP)
            check_required(context, node, key, trail);
    }
    size_t index = 0;
    tree_each (child, node) {
        struct trail here = {trail, child, index++};
        if (!key || node->kind != NODE_MAP || check_known(context, node, child, key, &here))
            walk(context, child, schema_child(key, node, child), &here);
        node->flags |= child->flags & NODE_BROKEN;
    }
}

void check(struct context *context, struct node *root) {
    struct trail trail = {.node = root};
    walk(context, root, &schema_root, &trail);
    mistakes_mend(context, root);
}
