/* Every value takes the type and the form in which it is printed; what says nothing (0, "", [])
 * goes, and keys are put in the table's order. */
#include "spec/mistakes.h"
#include "spec/passes.h"

#include "spec/scalar.h"

#include "base/text.h"

#include <limits.h>
#include <math.h>
#include <string.h>
#include <strings.h>

struct typing {
    struct context *context;
    struct arena *arena;
    struct err *err;
};

static bool fail(struct typing *t, const struct node *node, const struct trail *trail,
                 const char *wanted) {
    autofree char *where = trail_text(trail);
    return err_at(t->err, node->at, "`%s` must be %s, not `%.100s`", where, wanted,
                  node->text ? node->text : "");
}

static void become_integer(struct typing *t, struct node *node, long long value) {
    tree_become(node, tree_integer(t->arena, node->at, value));
}

/* ---- Numbers ---- */

static bool whole_of(double number, long long *ret) {
    const double most = 9.2e18; /* below 2^63 */
    if (fabs(number) > most)
        return false;
    *ret = (long long)number;
    return true;
}

static bool to_integer(struct typing *t, struct node *node, const struct trail *trail,
                       bool negative) {
    long long value = node->integer;
    if (node->kind == NODE_NULL)
        return true;
    bool ok =
        node->kind == NODE_INT || (node->kind == NODE_FLOAT && whole_of(node->number, &value));
    if (!ok && (node->kind != NODE_STRING || !scalar_to_integer(node->text, &value)))
        return fail(t, node, trail, "a whole number");
    if (value < 0 && !negative)
        return fail(t, node, trail, "0 or more");
    become_integer(t, node, value);
    return true;
}

static bool to_float(struct typing *t, struct node *node, const struct trail *trail) {
    if (node->kind == NODE_STRING && !scalar_to_float(node->text, &node->number))
        return fail(t, node, trail, "a number");
    if (node->kind == NODE_STRING || node->kind == NODE_FLOAT) {
        double number = node->number;
        tree_become_text(node, scalar_float_text(t->arena, number, true));
        node->kind = NODE_FLOAT;
        node->number = number;
    }
    return true;
}

static bool to_size(struct typing *t, struct node *node, const struct key *key,
                    const struct trail *trail) {
    long long size = node->integer;
    if (node->kind == NODE_NULL)
        return true;
    bool ok = node->kind != NODE_FLOAT || whole_of(node->number, &size);
    if (key->least < 0 && !strcmp(node->text, "-1")) /* without a limit */
        size = -1;
    else if (!ok || (node->kind == NODE_STRING && !size_parse(node->text, &size)))
        return fail(t, node, trail, "a size like 64m or 1gb");
    tree_become_text(node, arena_printf(t->arena, "%lld", size));
    return true;
}

static bool to_duration(struct typing *t, struct node *node, const struct trail *trail) {
    long long nanoseconds;
    if (node->kind == NODE_NULL)
        return true;
    if (!node->text || !duration_parse_nanoseconds(node->text, &nanoseconds))
        return fail(t, node, trail, "a duration like 90s or 1m30s");
    tree_become_text(node, duration_text(t->arena, nanoseconds));
    return true;
}

static bool to_count(struct typing *t, struct node *node, const struct trail *trail) {
    long number;
    if (node->kind != NODE_STRING)
        return to_integer(t, node, trail, true);
    if (!strcasecmp(node->text, "all"))
        number = -1;
    else if (!text_to_long(node->text, LONG_MIN, LONG_MAX, &number))
        return fail(t, node, trail, "a number or all");
    become_integer(t, node, number);
    return true;
}

/* Both 0 is what a plain 0 is. */
static bool to_ulimit(struct typing *t, struct node *node, const struct trail *trail) {
    if (node->kind != NODE_MAP)
        return to_integer(t, node, trail, true);
    const struct node *soft = tree_get(node, "soft"), *hard = tree_get(node, "hard");
    if (node_is(soft, NODE_INT) && node_is(hard, NODE_INT) && !soft->integer && !hard->integer)
        become_integer(t, node, 0);
    return true;
}

/* ---- Lists and maps ---- */

static void to_strings(struct typing *t, struct node *node) {
    if (node->kind != NODE_LIST && node->kind != NODE_NULL) {
        struct node *list = tree_new(t->arena, NODE_LIST, node->at);
        tree_append(list, tree_text(t->arena, node->at, node->text));
        list->first->flags = node->flags;
        tree_become(node, list);
    }
    tree_each (item, node)
        tree_become_text(item, item->text ? item->text : "");
}

/* NAME=VALUE items and scalars become a map of strings. */
static void to_texts(struct typing *t, struct node *node, bool keep_null) {
    if (node->kind == NODE_LIST) {
        struct node *map = tree_new(t->arena, NODE_MAP, node->at);
        struct variables index = VARIABLES_INIT(t->arena);
        map->flags = node->flags;
        for (struct node *item = node->first, *next; item; item = next) {
            next = item->next;
            const char *sign = strchr(item->text, '=');
            size_t length = sign ? (size_t)(sign - item->text) : strlen(item->text);
            const char *name = arena_strndup(t->arena, item->text, length);
            struct position at = item->at;
            if (sign)
                tree_become_text(item, sign + 1);
            else {
                item->kind = NODE_NULL;
                item->text = NULL;
            }
            if (variables_get(&index, name)) {
                tree_put(map, name, at, item);
                continue;
            }
            variables_set(&index, name, "");
            item->key = name;
            item->key_at = at;
            tree_append(map, item);
        }
        tree_become(node, map);
    }
    tree_each (entry, node)
        if (entry->kind != NODE_NULL || !keep_null)
            tree_become_text(entry, entry->text ? entry->text : "");
}

static bool to_command(struct typing *t, struct node *node, const struct trail *trail) {
    autostrings struct strings words = {0};
    if (node->kind != NODE_STRING)
        return true;
    const char *rest;
    if (!command_split(node->text, &words, &rest))
        return fail(t, node, trail, "a command whose quotes and brackets are closed");
    if (*rest)
        context_warn(t->context, node->at,
                     "no shell reads this command: `%.100s` is left out, as Compose does", rest);
    struct node *list = tree_new(t->arena, NODE_LIST, node->at);
    vec_each (word, &words)
        tree_append(list, tree_text(t->arena, node->at, *word));
    tree_become(node, list);
    return true;
}

static void to_test(struct typing *t, struct node *node) {
    if (node->kind != NODE_STRING)
        return;
    struct node *list = tree_new(t->arena, NODE_LIST, node->at);
    tree_append(list, tree_text(t->arena, node->at, "CMD-SHELL"));
    tree_append(list, tree_text(t->arena, node->at, node->text));
    tree_become(node, list);
}

static void to_ssh(struct typing *t, struct node *node) {
    struct node *list = tree_new(t->arena, NODE_LIST, node->at);
    if (node->kind != NODE_MAP)
        return;
    tree_sort(node);
    node_each (entry, node)
        tree_append(list, tree_text(t->arena, entry->at,
                                    entry->text && *entry->text
                                        ? arena_printf(t->arena, "%s=%s", entry->key, entry->text)
                                        : entry->key));
    tree_become(node, list);
}

/* ---- extra_hosts ---- */

static bool add_host(struct typing *t, struct strings *hosts, const struct node *at,
                     const char *host, const char *address) {
    size_t length = strlen(address);
    bool brackets = length > 2 && *address == '[' && address[length - 1] == ']';
    if (!*host || strpbrk(host, ":="))
        return err_at(t->err, at->at, "`%.200s` is not a host's name", host);
    strings_printf(hosts, "%s=%.*s", host, (int)(length - 2 * brackets), address + brackets);
    return true;
}

static bool add_host_text(struct typing *t, struct strings *hosts, const struct node *item) {
    const char *sign = strchr(item->text, '=');
    if (!sign)
        sign = strchr(item->text, ':');
    if (!sign)
        return err_at(t->err, item->at, "`%.200s` must be HOST=ADDRESS", item->text);
    autofree char *host = xstrndup(item->text, (size_t)(sign - item->text));
    autostrings struct strings addresses = {0};
    text_split(sign + 1, ',', &addresses);
    vec_each (address, &addresses)
        if (!add_host(t, hosts, item, host, *address))
            return false;
    return true;
}

static bool add_host_entry(struct typing *t, struct strings *hosts, const struct node *entry) {
    if (entry->kind != NODE_LIST)
        return add_host(t, hosts, entry, entry->key, entry->text ? entry->text : "");
    node_each (address, entry)
        if (!add_host(t, hosts, address, entry->key, address->text ? address->text : ""))
            return false;
    return true;
}

static bool to_hosts(struct typing *t, struct node *node) {
    autostrings struct strings hosts = {0};
    struct node *list = tree_new(t->arena, NODE_LIST, node->at);
    node_each (child, node)
        if (!(node->kind == NODE_LIST ? add_host_text(t, &hosts, child)
                                      : add_host_entry(t, &hosts, child)))
            return false;
    strings_sort(&hosts);
    vec_each (host, &hosts)
        tree_append(list, tree_text(t->arena, node->at, *host));
    tree_become(node, list);
    return true;
}

/* ---- The walk ---- */

static bool to_form(struct typing *t, struct node *node, const struct key *key,
                    const struct trail *trail) {
    switch (key->form) {
    case AS_IS:
        return true;
    case AS_STRING:
        if (node->kind == NODE_INT || node->kind == NODE_FLOAT || node->kind == NODE_BOOL)
            tree_become_text(node, node->text);
        return true;
    case AS_BOOL:
        return node->kind == NODE_BOOL || node->kind == NODE_NULL ||
               fail(t, node, trail, "true or false");
    case AS_INTEGER:
        return to_integer(t, node, trail, true);
    case AS_UNSIGNED:
        return to_integer(t, node, trail, false);
    case AS_FLOAT:
        return to_float(t, node, trail);
    case AS_SIZE:
        return to_size(t, node, key, trail);
    case AS_DURATION:
        return to_duration(t, node, trail);
    case AS_COUNT:
        return to_count(t, node, trail);
    case AS_ULIMIT:
        return to_ulimit(t, node, trail);
    case AS_STRINGS:
        to_strings(t, node);
        return true;
    case AS_VARIABLES:
    case AS_TEXTS:
        to_texts(t, node, key->form == AS_VARIABLES);
        return true;
    case AS_COMMAND:
        return to_command(t, node, trail);
    case AS_TEST:
        to_test(t, node);
        return true;
    case AS_HOSTS:
        return to_hosts(t, node);
    case AS_SSH:
        to_ssh(t, node);
        return true;
    }
    return true;
}

static bool says_nothing(const struct node *node, const struct key *key) {
    switch (node->kind) {
    case NODE_NULL:
        return true;
    case NODE_BOOL:
        return !node->boolean;
    case NODE_INT:
        return !node->integer;
    case NODE_FLOAT:
        return node->number == 0;
    case NODE_STRING:
        return !*node->text || (key->form == AS_SIZE && !strcmp(node->text, "0")) ||
               (key->form == AS_DURATION && !strcmp(node->text, "0s"));
    case NODE_LIST:
    case NODE_MAP:
        return !node->length;
    }
    return false;
}

static bool is_kept(const struct node *node, const struct key *key) {
    if (key->flags & KEY_SPENT)
        return false;
    if (key->flags & KEY_KEPT)
        return node->kind != NODE_NULL || key->flags & (KEY_NULL | KEY_ALWAYS);
    return !says_nothing(node, key);
}

/* What Compose prints for a key that it always prints. */
static struct node *nothing_of(struct arena *arena, const struct key *key, struct position at) {
    switch (key->form) {
    case AS_STRING:
        return tree_text(arena, at, "");
    case AS_SIZE:
        return tree_text(arena, at, "0");
    case AS_INTEGER:
    case AS_UNSIGNED:
        return tree_integer(arena, at, 0);
    default:
        return tree_new(arena, NODE_NULL, at);
    }
}

/* The known keys that say something in the table's order, then the others by name. */
static void arrange(struct arena *arena, struct node *map, const struct key *keys) {
    struct node others = {.kind = NODE_MAP};
    size_t count = 0;
    while (keys[count].name)
        count++;
    autofree struct node **known = xcalloc(count + 1, sizeof *known);
    for (struct node *entry = map->first, *next; entry; entry = next) {
        const struct key *key = schema_find(keys, entry->key);
        next = entry->next;
        if (key)
            known[key - keys] = entry;
        else
            tree_append(&others, entry);
    }
    tree_sort(&others);
    tree_take_children(map, &(struct node){.kind = NODE_MAP});
    for (size_t i = 0; i < count; i++) {
        if (!known[i] && keys[i].flags & KEY_ALWAYS)
            known[i] = nothing_of(arena, &keys[i], map->at);
        if (!known[i] || !is_kept(known[i], &keys[i]))
            continue;
        known[i]->key = keys[i].name;
        tree_append(map, known[i]);
    }
    for (struct node *entry = others.first, *next; entry; entry = next) {
        next = entry->next;
        tree_append(map, entry);
    }
}

static void walk(struct typing *t, struct node *node, const struct key *key,
                 const struct trail *trail) {
    size_t index = 0;
    if (!key)
        return;
    if (!to_form(t, node, key, trail)) {
        mistake_take(t->context, node, t->err);
        return;
    }
    tree_each (child, node) {
        struct trail here = {trail, child, index++};
        walk(t, child, schema_child(key, node, child), &here);
        node->flags |= child->flags & NODE_BROKEN;
    }
    if (node->kind == NODE_MAP && key->keys)
        arrange(t->arena, node, key->keys);
    else if (node->kind == NODE_MAP && !(key->flags & KEY_ORDERED))
        tree_sort(node);
}

void values_arrange(struct arena *arena, struct node *service) {
    arrange(arena, service, schema_service.keys);
}

void values(struct context *context, struct node *root) {
    struct err one = ERR_INIT; /* taken at once */
    struct typing t = {context, context->arena, &one};
    struct trail trail = {.node = root};
    walk(&t, root, &schema_root, &trail);
    mistakes_mend(context, root);
}
