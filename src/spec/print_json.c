#include "spec/print.h"

#include "base/text.h"

#include <string.h>

bool print_has(const struct printing *p, const struct node *entry, const struct key *key, bool json,
               bool root) {
    if (entry->flags & NODE_HIDDEN)
        return false;
    if (key && key->flags & KEY_UNPRINTED && !p->complete)
        return false;
    if (key && key->flags & KEY_SERVICE && p->complete && !node_get(p->services, entry->key))
        return false; /* not active, and not required */
    /* Compose drops extensions from JSON except at the top. */
    return !json || root || key || strncmp(entry->key, "x-", 2) != 0;
}

static void put_text(struct buffer *out, const char *text, bool doubled) {
    buffer_putc(out, '"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            buffer_printf(out, "\\%c", c);
        else if (c == '\n')
            buffer_puts(out, "\\n");
        else if (c == '\t')
            buffer_puts(out, "\\t");
        else if (c < 0x20 || c == 0x7f)
            buffer_printf(out, "\\u%04x", c);
        else
            buffer_putc(out, (char)c);
        if (c == '$' && doubled)
            buffer_putc(out, '$');
    }
    buffer_putc(out, '"');
}

static void indent(struct printing *p, int depth) {
    buffer_printf(&p->out, "\n%*s", depth * 2, "");
}

static void put(struct printing *p, const struct node *node, const struct key *key, int depth);

/* ---- Texts for another place ---- */

/* The keys whose text, or whose list of texts, names files; and the source of a bind mount. */
static bool is_path(const struct node *parent, const struct key *parent_key,
                    const struct node *child, const struct key *key) {
    if (*child->text != '/')
        return false;
    if (parent->kind == NODE_LIST)
        return parent_key && parent_key->path != PATH_NONE && parent_key->path != PATH_MOUNT;
    if (parent_key && parent_key->path == PATH_MOUNT)
        return !strcmp(child->key, "source") && !strcmp(node_text(parent, "type", ""), "bind");
    return key && key->path != PATH_NONE && key->path != PATH_MOUNT;
}

static char *text_elsewhere(const struct printing *p, const struct node *node, bool path) {
    const struct model_texts *texts = p->texts;
    bool raw = node->flags & NODE_RAW;
    if (!texts)
        return NULL;
    char *text = path ? texts->path(texts->context, node->text) : NULL;
    return text ? text : texts->text(texts->context, node->text, raw);
}

static void put_string(struct printing *p, const struct node *node, bool path) {
    autofree char *other = text_elsewhere(p, node, path);
    if (other)
        put_text(&p->out, other, false);
    else
        put_text(&p->out, node->text, !(node->flags & NODE_RAW));
}

static void put_children(struct printing *p, const struct node *node, const struct key *key,
                         int depth) {
    bool map = node->kind == NODE_MAP, any = false;
    buffer_putc(&p->out, map ? '{' : '[');
    node_each (child, node) {
        const struct key *known = schema_child(key, node, child);
        if (map && !print_has(p, child, known, true, !depth))
            continue;
        if (any)
            buffer_putc(&p->out, ',');
        any = true;
        indent(p, depth + 1);
        if (map) {
            put_text(&p->out, known && known->json ? known->json : child->key,
                     !(child->flags & NODE_RAW));
            buffer_puts(&p->out, ": ");
        }
        bool inside = schema_is_inside(known, node);
        if (child->kind == NODE_STRING)
            put_string(p, child, !inside && is_path(node, key, child, known));
        else
            put(p, child, inside ? NULL : known, depth + 1);
    }
    if (any)
        indent(p, depth);
    buffer_putc(&p->out, map ? '}' : ']');
}

static void put(struct printing *p, const struct node *node, const struct key *key, int depth) {
    switch (node->kind) {
    case NODE_NULL:
        buffer_puts(&p->out, "null");
        break;
    case NODE_BOOL:
    case NODE_INT:
    case NODE_FLOAT:
        buffer_puts(&p->out, node->text);
        break;
    case NODE_STRING:
        put_string(p, node, false);
        break;
    case NODE_LIST:
    case NODE_MAP:
        put_children(p, node, key, depth);
        break;
    }
}

void print_json(struct printing *p, const struct node *root) {
    put(p, root, &schema_root, 0);
    buffer_putc(&p->out, '\n');
}

void print_json_line(struct buffer *into, const struct node *node) {
    bool any = false;
    switch (node->kind) {
    case NODE_STRING:
        put_text(into, node->text, false);
        return;
    case NODE_LIST:
    case NODE_MAP:
        break;
    default:
        buffer_puts(into, node->text ? node->text : "null");
        return;
    }
    buffer_putc(into, node->kind == NODE_MAP ? '{' : '[');
    node_each (child, node) {
        buffer_puts(into, any ? "," : "");
        any = true;
        if (node->kind == NODE_MAP) {
            put_text(into, child->key, false);
            buffer_putc(into, ':');
        }
        print_json_line(into, child);
    }
    buffer_putc(into, node->kind == NODE_MAP ? '}' : ']');
}
