/* Compose Specification, "Unique resources": in some lists an item stands for something that can be
 * there once: the later one wins, in the place of the earlier. */
#include "spec/passes.h"

#include "base/buffer.h"

#include <string.h>

static void name_of(const struct node *item, struct buffer *into) {
    buffer_add(into, item->text, strcspn(item->text, "="));
}

static void target_of_volume(struct context *context, const struct node *item,
                             struct buffer *into) {
    struct err ignored = ERR_INIT; /* check() tells of it */
    if (item->kind == NODE_MAP) {
        buffer_puts(into, node_text(item, "target", ""));
        return;
    }
    const struct node *volume = volume_parse(context->arena, item->text, item->at, &ignored);
    buffer_puts(into, volume ? node_text(volume, "target", "") : item->text);
    err_release(&ignored);
}

static void target_of_device(const struct node *item, struct buffer *into) {
    if (item->kind == NODE_MAP) {
        buffer_puts(into, node_text(item, "target", ""));
        return;
    }
    const char *colon = strchr(item->text, ':');
    const char *target = colon ? colon + 1 : item->text;
    buffer_add(into, target, strcspn(target, ":"));
}

static void target_of_file(const struct node *item, const char *directory, struct buffer *into) {
    const char *target = item->kind == NODE_MAP ? node_text(item, "target", NULL) : NULL;
    const char *source = item->kind == NODE_MAP ? node_text(item, "source", "") : item->text;
    if (target)
        buffer_puts(into, target);
    else
        buffer_printf(into, "%s/%s", directory, source);
}

static void key_of_port(const struct node *item, struct buffer *into) {
    if (item->kind == NODE_MAP)
        buffer_printf(into, "%s:%s:%s/%s", node_text(item, "host_ip", "0.0.0.0"),
                      node_text(item, "published", "<nil>"), node_text(item, "target", ""),
                      node_text(item, "protocol", "tcp"));
    else
        buffer_puts(into, item->text);
}

/* What an item stands for; false if it cannot be told. */
static bool key_of(struct context *context, const struct node *item, enum unique_rule rule,
                   struct buffer *into) {
    bool map = item->kind == NODE_MAP;
    bool plain = rule == UNIQUE_NAME || rule == UNIQUE_TEXT;
    if (map ? plain : !item->text)
        return false;
    switch (rule) {
    case UNIQUE_NONE:
        return false;
    case UNIQUE_NAME:
        name_of(item, into);
        break;
    case UNIQUE_TEXT:
        buffer_puts(into, item->text);
        break;
    case UNIQUE_VOLUME:
        target_of_volume(context, item, into);
        break;
    case UNIQUE_DEVICE:
        target_of_device(item, into);
        break;
    case UNIQUE_SECRET:
        target_of_file(item, "/run/secrets", into);
        break;
    case UNIQUE_CONFIG:
        target_of_file(item, "", into);
        break;
    case UNIQUE_PORT:
        key_of_port(item, into);
        break;
    case UNIQUE_ENV_FILE:
        buffer_puts(into, map ? node_text(item, "path", "") : item->text);
        break;
    }
    return true;
}

struct seen {
    char *key;
    struct node *item;
    size_t index;
};

static int compare_seen(const void *a, const void *b) {
    const struct seen *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    return order ? order : x->index < y->index ? -1 : 1;
}

static bool is_dropped(const struct node *item) {
    return item->flags & NODE_RESET;
}

/* Items with one key: the first takes the value of the last, the others go. */
static void drop_doubles(struct node *list, struct seen *seen, size_t count) {
    bool any = false;
    qsort(seen, count, sizeof *seen, compare_seen);
    for (size_t i = 0, j; i < count; i = j) {
        for (j = i + 1; j < count && !strcmp(seen[i].key, seen[j].key); j++)
            seen[j].item->flags |= NODE_RESET;
        if (j > i + 1) {
            struct node last = *seen[j - 1].item;
            last.flags &= ~(unsigned)NODE_RESET;
            tree_become(seen[i].item, &last);
            any = true;
        }
    }
    if (any)
        tree_drop(list, is_dropped);
}

static void unique_list(struct context *context, struct node *list, enum unique_rule rule) {
    vec(struct seen) seen = {0};
    size_t index = 0;
    tree_each (item, list) {
        struct buffer key = BUFFER_INIT;
        if (key_of(context, item, rule, &key))
            vec_push(&seen, (struct seen){buffer_detach(&key), item, index++});
        else
            buffer_release(&key);
    }
    if (seen.length > 1)
        drop_doubles(list, seen.at, seen.length);
    vec_each (one, &seen)
        free(one->key);
    vec_free(&seen);
}

static void walk(struct context *context, struct node *node, const struct key *key) {
    if (!key)
        return;
    if (node->kind == NODE_LIST && key->unique)
        unique_list(context, node, key->unique);
    tree_each (child, node)
        walk(context, child, schema_child(key, node, child));
}

void unique(struct context *context, struct node *root) {
    walk(context, root, &schema_root);
}
