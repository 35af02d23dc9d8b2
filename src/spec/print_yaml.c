#include "spec/print.h"

#include "spec/scalar.h"

#include "base/text.h"

#include <string.h>
#include <strings.h>

/* ---- Texts ---- */

static bool is_word(const char *text) {
    static const char *const words[] = {"y", "n", "yes", "no", "on", "off", "<<", "=", "---"};
    for (size_t i = 0; i < lengthof(words); i++)
        if (!strcasecmp(text, words[i]))
            return true;
    return false;
}

static bool reads_as_text(const char *text) {
    struct arena *arena = arena_new();
    struct node node = {0};
    scalar_resolve(arena, &node, text);
    bool same = node.kind == NODE_STRING && !strcmp(node.text, text);
    arena_free(arena);
    return same;
}

/* Can a text stand without quotes? Rather too few do. */
static bool is_plain(const char *text) {
    static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789_-./+=$ :()\\^;<~";
    size_t length = strlen(text);
    if (!length || length > 500 || is_word(text) || strspn(text, harmless) != length)
        return false;
    if (strchr("-=: <~", *text) || strchr(": ", text[length - 1]) || strstr(text, ": ") ||
        text_starts(text, "..."))
        return false;
    return reads_as_text(text);
}

/* Lines that a literal block can hold as they are. */
static bool is_block(const char *text) {
    size_t length = strlen(text);
    const char *end = strchr(text, '\n');
    if (!end || strchr(" \n\t", *text) || (length > 1 && !strcmp(text + length - 2, "\n\n")))
        return false;
    for (const char *c = text; *c; c++)
        if (((unsigned char)*c < 0x20 && *c != '\n') || *c == 0x7f || (unsigned char)*c >= 0x80 ||
            (*c == ' ' && (c[1] == '\n' || !c[1])))
            return false;
    return true;
}

static void put_characters(struct buffer *out, const char *text, size_t length, bool doubled) {
    for (size_t i = 0; i < length; i++) {
        buffer_putc(out, text[i]);
        if (text[i] == '$' && doubled)
            buffer_putc(out, '$');
    }
}

static void put_quoted(struct buffer *out, const char *text, bool doubled) {
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
            buffer_printf(out, "\\x%02x", c);
        else
            put_characters(out, text, 1, doubled);
    }
    buffer_putc(out, '"');
}

static void put_block(struct buffer *out, const char *text, int depth, bool doubled) {
    buffer_puts(out, text_ends(text, "\n") ? "|" : "|-");
    while (*text) {
        size_t length = strcspn(text, "\n");
        buffer_putc(out, '\n');
        if (length)
            buffer_printf(out, "%*s", depth * 2, "");
        put_characters(out, text, length, doubled);
        text += length + (text[length] == '\n');
    }
}

static void put_text(struct buffer *out, const char *text, int depth, bool doubled) {
    if (is_plain(text))
        put_characters(out, text, strlen(text), doubled);
    else if (depth && is_block(text))
        put_block(out, text, depth, doubled);
    else
        put_quoted(out, text, doubled);
}

/* ---- Lists and maps ---- */

/* A value behind its key's colon or its item's dash; depth is that of its children. */
static void put(struct printing *p, const struct node *node, const struct key *key, int depth,
                bool in_list);

static bool has_entries(const struct printing *p, const struct node *map, const struct key *key) {
    node_each (entry, map)
        if (print_has(p, entry, schema_child(key, map, entry), false, false))
            return true;
    return false;
}

static void put_map(struct printing *p, const struct node *map, const struct key *key, int depth,
                    bool in_list) {
    bool first = true;
    node_each (entry, map) {
        const struct key *known = schema_child(key, map, entry);
        if (!print_has(p, entry, known, false, false))
            continue;
        if (!(first && in_list) && p->out.length)
            buffer_printf(&p->out, "\n%*s", depth * 2, "");
        first = false;
        put_text(&p->out, entry->key, 0, !(entry->flags & NODE_RAW));
        buffer_putc(&p->out, ':');
        put(p, entry, known, depth + 1, false);
    }
}

static void put_list(struct printing *p, const struct node *list, const struct key *key,
                     int depth) {
    node_each (item, list) {
        buffer_printf(&p->out, "\n%*s-", depth * 2, "");
        put(p, item, schema_child(key, list, item), depth + 1, true);
    }
}

static void put(struct printing *p, const struct node *node, const struct key *key, int depth,
                bool in_list) {
    switch (node->kind) {
    case NODE_NULL:
        buffer_puts(&p->out, " null");
        break;
    case NODE_BOOL:
    case NODE_INT:
    case NODE_FLOAT:
        buffer_printf(&p->out, " %s", node->text);
        break;
    case NODE_STRING:
        buffer_putc(&p->out, ' ');
        put_text(&p->out, node->text, depth, !(node->flags & NODE_RAW));
        break;
    case NODE_LIST:
        if (!node->length)
            buffer_puts(&p->out, " []");
        put_list(p, node, key, depth);
        break;
    case NODE_MAP:
        if (!has_entries(p, node, key))
            buffer_puts(&p->out, " {}");
        else if (in_list)
            buffer_putc(&p->out, ' ');
        put_map(p, node, key, depth, in_list);
        break;
    }
}

void print_yaml(struct printing *p, const struct node *root) {
    put_map(p, root, &schema_root, 0, false);
    buffer_putc(&p->out, '\n');
}
