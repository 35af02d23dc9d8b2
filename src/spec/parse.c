#include "spec/parse.h"

#include "spec/scalar.h"

#include "base/text.h"

#include <string.h>
#include <yaml.h>

struct anchor {
    const char *name;
    const struct node *node;
};

struct parser {
    yaml_parser_t yaml;
    yaml_event_t event;
    struct arena *arena;
    const char *file;
    size_t *nodes; /* made so far */
    vec(struct anchor) anchors;
    struct err *err;
};

static struct position position_of(const struct parser *p, yaml_mark_t mark) {
    return (struct position){p->file, (int)mark.line + 1, (int)mark.column + 1};
}

/* ---- Events ---- */

static bool is_alias_mistake(const yaml_parser_t *yaml) {
    return yaml->context && strstr(yaml->context, "alias");
}

static bool fail_from_yaml(struct parser *p) {
    const yaml_parser_t *yaml = &p->yaml;
    struct position at = position_of(p, yaml->problem_mark);
    if (is_alias_mistake(yaml))
        return err_at(p->err, position_of(p, yaml->context_mark),
                      "a text that begins with * must be quoted: in YAML it is an alias");
    if (yaml->problem && strstr(yaml->problem, "cannot start any token"))
        return err_at(p->err, at, "this character cannot begin a YAML value%s",
                      yaml->context ? "" : ": quote the text, and indent with spaces, not tabs");
    if (!yaml->problem)
        return err_at(p->err, at, "this is not YAML");
    return err_at(p->err, at, "this is not YAML: %s%s%s", yaml->context ? yaml->context : "",
                  yaml->context ? ", " : "", yaml->problem);
}

static bool next(struct parser *p) {
    yaml_event_delete(&p->event);
    if (yaml_parser_parse(&p->yaml, &p->event))
        return true;
    return fail_from_yaml(p);
}

/* ---- Nodes ---- */

static struct node *node_new(struct parser *p, enum node_kind kind) {
    if (++*p->nodes > SPEC_NODES_MAX) {
        err_at(p->err, position_of(p, p->event.start_mark),
               "the files have more than %d values, aliases expanded", SPEC_NODES_MAX);
        return NULL;
    }
    return tree_new(p->arena, kind, position_of(p, p->event.start_mark));
}

static size_t count_nodes(const struct node *node) {
    size_t count = 1;
    node_each (child, node)
        count += count_nodes(child);
    return count;
}

static struct node *copy_of(struct parser *p, const struct node *node) {
    *p->nodes += count_nodes(node);
    if (*p->nodes > SPEC_NODES_MAX) {
        err_at(p->err, position_of(p, p->event.start_mark),
               "the files have more than %d values, aliases expanded", SPEC_NODES_MAX);
        return NULL;
    }
    return tree_copy(p->arena, node);
}

static void remember(struct parser *p, const yaml_char_t *anchor, const struct node *node) {
    if (anchor)
        vec_push(&p->anchors, (struct anchor){arena_strdup(p->arena, (const char *)anchor), node});
}

static const struct node *anchored(struct parser *p) {
    const char *name = (const char *)p->event.data.alias.anchor;
    for (size_t i = p->anchors.length; i; i--)
        if (!strcmp(p->anchors.at[i - 1].name, name))
            return p->anchors.at[i - 1].node;
    err_at(p->err, position_of(p, p->event.start_mark),
           "the alias *%s has no anchor &%s before it; a text that begins with * must be quoted",
           name, name);
    return NULL;
}

static struct node *parse_alias(struct parser *p) {
    const struct node *node = anchored(p);
    return node ? copy_of(p, node) : NULL;
}

/* !reset leaves a placeholder, !override a mark; other tags of one's own mean nothing here. */
static void apply_tag(struct node *node, const yaml_char_t *tag) {
    if (!tag)
        return;
    if (!strcmp((const char *)tag, "!override"))
        node->flags |= NODE_OVERRIDE;
    if (!strcmp((const char *)tag, "!reset")) {
        node->flags |= NODE_RESET;
        node->kind = NODE_NULL;
        node->text = NULL;
        node->first = node->last = NULL;
        node->length = 0;
    }
}

static bool is_tag(const yaml_char_t *tag, const char *name) {
    return tag && text_starts((const char *)tag, "tag:yaml.org,2002:") &&
           !strcmp((const char *)tag + strlen("tag:yaml.org,2002:"), name);
}

static struct node *parse_scalar(struct parser *p) {
    const yaml_char_t *tag = p->event.data.scalar.tag;
    struct node *node = node_new(p, NODE_STRING);
    if (!node)
        return NULL;
    char *text = arena_strndup(p->arena, (const char *)p->event.data.scalar.value,
                               p->event.data.scalar.length);
    if (strlen(text) != p->event.data.scalar.length) {
        err_at(p->err, node->at, "a text must not contain NUL");
        return NULL;
    }
    node->text = text;
    bool plain = p->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !is_tag(tag, "str");
    if (plain || is_tag(tag, "int") || is_tag(tag, "bool") || is_tag(tag, "float"))
        scalar_resolve(p->arena, node, text);
    if (is_tag(tag, "float") && node->kind == NODE_INT) {
        node->kind = NODE_FLOAT;
        node->number = (double)node->integer;
    }
    apply_tag(node, tag);
    remember(p, p->event.data.scalar.anchor, node);
    return node;
}

static struct node *parse_node(struct parser *p, int depth);

static struct node *parse_list(struct parser *p, int depth) {
    struct node *list = node_new(p, NODE_LIST);
    char *anchor = xstrdup_or_null((const char *)p->event.data.sequence_start.anchor);
    char *tag = xstrdup_or_null((const char *)p->event.data.sequence_start.tag);
    while (list) {
        if (!next(p))
            list = NULL;
        if (!list || p->event.type == YAML_SEQUENCE_END_EVENT)
            break;
        struct node *item = parse_node(p, depth + 1);
        if (item && !(item->flags & NODE_RESET))
            tree_append(list, item);
        if (!item)
            list = NULL;
    }
    if (list) {
        apply_tag(list, (yaml_char_t *)tag);
        remember(p, (yaml_char_t *)anchor, list);
    }
    free(anchor);
    free(tag);
    return list;
}

/* Merge keys: entries that the map does not have itself; of several maps the first wins. */
static bool merge_map(struct parser *p, struct node *into, const struct node *from) {
    if (from->kind != NODE_MAP)
        return err_at(p->err, from->at, "<< takes a mapping or a list of mappings, not %s",
                      node_kind_name(from->kind));
    node_each (entry, from) {
        if (tree_entry(into, entry->key))
            continue;
        struct node *copy = copy_of(p, entry);
        if (!copy)
            return false;
        tree_append(into, copy);
    }
    return true;
}

static bool merge_key(struct parser *p, struct node *into, const struct node *value) {
    if (value->kind != NODE_LIST)
        return merge_map(p, into, value);
    node_each (item, value)
        if (!merge_map(p, into, item))
            return false;
    return true;
}

static bool is_merge_key(const yaml_event_t *event) {
    return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           !strcmp((const char *)event->data.scalar.value, "<<");
}

/* The key at hand; false if it is none. */
static bool parse_key(struct parser *p, struct node *key, bool *merge) {
    struct node *node = NULL;
    if (p->event.type == YAML_ALIAS_EVENT) {
        node = parse_alias(p);
    } else if (p->event.type == YAML_SCALAR_EVENT) {
        *merge = is_merge_key(&p->event);
        node = parse_scalar(p);
    } else {
        return err_at(p->err, position_of(p, p->event.start_mark),
                      "a key must be a string, not a list or a mapping");
    }
    if (!node)
        return false;
    *key = *node;
    key->at = position_of(p, p->event.start_mark);
    if (node->kind != NODE_STRING)
        return err_at(p->err, key->at, "a key must be a string, not %s: quote it",
                      node_kind_name(node->kind));
    return true;
}

static int compare_entries(const void *a, const void *b) {
    const struct node *x = *(struct node *const *)a, *y = *(struct node *const *)b;
    int order = strcmp(x->key, y->key);
    if (order)
        return order;
    return x->key_at.line != y->key_at.line ? x->key_at.line - y->key_at.line
                                            : x->key_at.column - y->key_at.column;
}

static bool check_duplicates(struct parser *p, const struct node *map) {
    vec(const struct node *) entries = {0};
    node_each (entry, map)
        vec_push(&entries, entry);
    bool ok = true;
    if (entries.length)
        qsort(entries.at, entries.length, sizeof *entries.at, compare_entries);
    for (size_t i = 1; ok && i < entries.length; i++)
        if (!strcmp(entries.at[i - 1]->key, entries.at[i]->key))
            ok = err_at(p->err, entries.at[i]->key_at,
                        "the key `%s` is there twice; the first is in line %d", entries.at[i]->key,
                        entries.at[i - 1]->key_at.line);
    vec_free(&entries);
    return ok;
}

static bool parse_entry(struct parser *p, struct node *map, struct node **merged, int depth) {
    struct node key = {0};
    bool merge = false;
    if (!parse_key(p, &key, &merge) || !next(p))
        return false;
    struct node *value = parse_node(p, depth + 1);
    if (!value)
        return false;
    if (!merge) {
        value->key = key.text;
        value->key_at = key.at;
        tree_append(map, value);
        return true;
    }
    if (*merged)
        return err_at(p->err, key.at, "the key `<<` is there twice; give it a list");
    *merged = value;
    return true;
}

static struct node *parse_map(struct parser *p, int depth) {
    struct node *map = node_new(p, NODE_MAP), *merged = NULL;
    char *anchor = xstrdup_or_null((const char *)p->event.data.mapping_start.anchor);
    char *tag = xstrdup_or_null((const char *)p->event.data.mapping_start.tag);
    while (map) {
        if (!next(p))
            map = NULL;
        if (!map || p->event.type == YAML_MAPPING_END_EVENT)
            break;
        if (!parse_entry(p, map, &merged, depth))
            map = NULL;
    }
    if (map && (!check_duplicates(p, map) || (merged && !merge_key(p, map, merged))))
        map = NULL;
    if (map) {
        apply_tag(map, (yaml_char_t *)tag);
        remember(p, (yaml_char_t *)anchor, map);
    }
    free(anchor);
    free(tag);
    return map;
}

static struct node *parse_node(struct parser *p, int depth) {
    if (depth > SPEC_DEPTH_MAX) {
        err_at(p->err, position_of(p, p->event.start_mark), "more than %d levels are nested here",
               SPEC_DEPTH_MAX);
        return NULL;
    }
    switch (p->event.type) {
    case YAML_ALIAS_EVENT:
        return parse_alias(p);
    case YAML_SCALAR_EVENT:
        return parse_scalar(p);
    case YAML_SEQUENCE_START_EVENT:
        return parse_list(p, depth);
    case YAML_MAPPING_START_EVENT:
        return parse_map(p, depth);
    default:
        err_at(p->err, position_of(p, p->event.start_mark), "a value is missing here");
        return NULL;
    }
}

/* ---- Documents ---- */

static bool parse_documents(struct parser *p, struct documents *documents) {
    for (;;) {
        if (!next(p))
            return false;
        if (p->event.type == YAML_STREAM_END_EVENT)
            return true;
        if (p->event.type != YAML_DOCUMENT_START_EVENT)
            continue;
        p->anchors.length = 0;
        if (!next(p))
            return false;
        struct node *root = parse_node(p, 0);
        if (!root)
            return false;
        vec_push(documents, root);
    }
}

/* The line of a byte. */
static struct position line_of(const char *text, size_t offset, const char *name) {
    struct position at = {name, 1, 1};
    for (size_t i = 0; i < offset; i++) {
        at.column++;
        if (text[i] == '\n') {
            at.line++;
            at.column = 1;
        }
    }
    return at;
}

static bool check_encoding(const char *text, size_t length, const char *name, struct err *err) {
    if (length > 1 && (!memcmp(text, "\xff\xfe", 2) || !memcmp(text, "\xfe\xff", 2)))
        return err_at(err, (struct position){name, 1, 1}, "the file is UTF-16; save it as UTF-8");
    const char *nul = memchr(text, '\0', length);
    if (nul)
        return err_at(err, line_of(text, (size_t)(nul - text), name),
                      "the file contains NUL; it must be UTF-8");
    if (text_is_utf8(text, length))
        return true;
    size_t start = 0, line = 0; /* the first line that is wrong, then the first byte in it */
    for (; start < length; start += line) {
        const char *end = memchr(text + start, '\n', length - start);
        line = end ? (size_t)(end - text) - start + 1 : length - start;
        if (!text_is_utf8(text + start, line))
            break;
    }
    size_t good = 0;
    while (good + 1 < line &&
           (text_is_utf8(text + start, good + 1) || text_utf8_tail(text + start, good + 1)))
        good++;
    return err_at(err, line_of(text, start + good, name), "the file is not UTF-8 here");
}

bool parse_yaml(struct arena *arena, size_t *nodes, const char *text, size_t length,
                const char *name, struct documents *documents, struct err *err) {
    struct parser p = {.arena = arena, .file = name, .nodes = nodes, .err = err};
    if (!check_encoding(text, length, name, err))
        return false;
    if (!yaml_parser_initialize(&p.yaml))
        abort();
    yaml_parser_set_encoding(&p.yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p.yaml, (const unsigned char *)text, length);
    bool ok = parse_documents(&p, documents);
    yaml_event_delete(&p.event);
    yaml_parser_delete(&p.yaml);
    vec_free(&p.anchors);
    return ok;
}
