/*
 * The table of service kinds: kinds.yaml, which is part of the program, as structures.
 */
#include "plan/internal.h"

#include "base/arena.h"
#include "base/text.h"
#include "base/vector.h"

#include <string.h>

static const char kinds_yaml[] = {
#include "kinds_yaml.inc"
};

struct kinds {
    struct document *document; /* the strings below live there */
    struct arena *arena;
    vec(struct service_kind) all;
};

static const char **names_of(struct arena *arena, const struct node *list) {
    const char **names = arena_alloc(arena, (list->length + 1) * sizeof *names);
    size_t count = 0;
    node_each (item, list)
        names[count++] = item->text;
    return names;
}

/* "200" or "200-401" */
static void read_status(const struct node *http, struct probe *probe) {
    const char *text = node_text(http, "status", NULL);
    probe->status_least = 200;
    probe->status_most = 399;
    if (!text)
        return;
    const char *dash = strchr(text, '-');
    probe->status_least = atoi(text);
    probe->status_most = dash ? atoi(dash + 1) : probe->status_least;
}

static struct probe read_http(const struct node *http) {
    struct probe probe = {.kind = http ? PROBE_HTTP : PROBE_NONE};
    if (!http)
        return probe;
    probe.port = (int)node_integer(http, "port", 80);
    probe.scheme = "http";
    probe.method = "GET";
    probe.path = node_text(http, "path", "/");
    read_status(http, &probe);
    return probe;
}

static struct service_kind read_kind(struct arena *arena, const struct node *node) {
    const struct node *ready = node_get(node, "ready");
    return (struct service_kind){
        .name = node->key,
        .images = names_of(arena, node_get(node, "images")),
        .port = (int)node_integer(node, "port", 0),
        .url = node_text(node, "url", NULL),
        .ready =
            {
                .port = (int)node_integer(ready, "port", 0),
                .send = node_text(ready, "send", NULL),
                .expect = node_text(ready, "expect", NULL),
                .inside = node_text(ready, "inside", NULL),
                .log = node_text(ready, "log", NULL),
                .http = read_http(node_get(ready, "http")),
            },
        .sql = node_text(node, "sql", NULL),
        .sql_error = node_text(node, "error", NULL),
    };
}

struct kinds *kinds_load(struct err *err) {
    struct kinds *kinds = xnew(struct kinds);
    kinds->arena = arena_new();
    const struct node *root =
        document_parse(kinds_yaml, sizeof kinds_yaml, "kinds.yaml", &kinds->document, err);
    if (!root)
        return kinds_free(kinds);
    node_each (node, root)
        vec_push(&kinds->all, read_kind(kinds->arena, node));
    return kinds;
}

struct kinds *kinds_free(struct kinds *kinds) {
    if (!kinds)
        return NULL;
    vec_free(&kinds->all);
    arena_free(kinds->arena);
    document_free(kinds->document);
    free(kinds);
    return NULL;
}

/* Does the image's name (without tag) end in these path components? */
static bool image_ends(const char *image, const char *name) {
    size_t length = strlen(image), end = strlen(name);
    if (length < end || strcmp(image + length - end, name) != 0)
        return false;
    return length == end || image[length - end - 1] == '/';
}

/* "host:5000/library/postgres:15@sha256:..." without its tag and digest. */
static char *without_tag(const char *reference) {
    char *name = xstrndup(reference, strcspn(reference, "@"));
    char *slash = strrchr(name, '/');
    char *colon = strchr(slash ? slash : name, ':');
    if (colon)
        *colon = '\0';
    return name;
}

const struct service_kind *kinds_of_image(const struct kinds *kinds, const char *reference) {
    autofree char *image = without_tag(reference);
    vec_each (kind, &kinds->all)
        for (const char **name = kind->images; *name; name++)
            if (image_ends(image, *name))
                return kind;
    return NULL;
}

const struct service_kind *kinds_named(const struct kinds *kinds, const char *name) {
    vec_each (kind, &kinds->all)
        if (!strcmp(kind->name, name))
            return kind;
    return kinds_of_image(kinds, name);
}

char *kinds_names(const struct kinds *kinds) {
    autostrings struct strings names = {0};
    vec_each (kind, &kinds->all)
        strings_add(&names, kind->name);
    return strings_join(&names, ", ");
}
