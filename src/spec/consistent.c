/* What relates several parts of a model to each other: names that must be defined, keys that must
 * agree, no service that waits for itself. */
#include "spec/mistakes.h"
#include "spec/passes.h"

#include <envrun/graph.h>

#include "base/buffer.h"
#include "base/text.h"

#include <string.h>

struct consistency {
    struct context *context;
    const struct node *root, *services, *inactive;
};

/* ---- Names that must be defined ---- */

static const char *nearest_of(const char *name, const struct node *map) {
    vec(const char *) names = {0};
    node_each (entry, map)
        vec_push(&names, entry->key);
    const char *nearest = text_nearest(name, names.at, names.length);
    vec_free(&names);
    return nearest;
}

static void undefined(struct consistency *c, struct position at, const char *what, const char *name,
                      const struct node *section) {
    const char *nearest = nearest_of(name, section);
    if (!section && c->root->flags & NODE_BROKEN)
        return; /* it was left out */
    mistake(c->context, NULL, at, "there is no %s `%.100s`%s%s%s", what, name,
            nearest ? ", did you mean `" : "", nearest ? nearest : "", nearest ? "`?" : "");
}

static void check_networks(struct consistency *c, const struct node *service) {
    const struct node *section = node_get(c->root, "networks");
    const struct node *mode = node_get(service, "network_mode"),
                      *networks = node_get(service, "networks");
    if (mode && networks && networks->length)
        mistake(c->context, NULL, mode->key_at, "`network_mode` and `networks` exclude each other");
    node_each (network, networks) {
        if (!strncmp(network->key, "x-", 2))
            mistake(c->context, NULL, network->key_at,
                    "Compose takes `%s` for an extension here; give the network another name",
                    network->key);
        else if (!node_get(section, network->key))
            undefined(c, network->key_at, "network", network->key, section);
    }
}

static void check_mounts(struct consistency *c, const struct node *service) {
    const struct node *section = node_get(c->root, "volumes");
    node_each (volume, node_get(service, "volumes")) {
        const char *source = node_text(volume, "source", "");
        if (!*node_text(volume, "target", ""))
            mistake(c->context, NULL, volume->at, "this mount needs the key `target`");
        if (!strcmp(node_text(volume, "type", ""), "volume") && *source &&
            !node_get(section, source))
            undefined(c, volume->at, "volume", source, section);
    }
}

static void check_sources(struct consistency *c, const struct node *list, const char *section,
                          const char *what) {
    const struct node *defined = node_get(c->root, section);
    node_each (item, list) {
        const char *source = node_text(item, "source", "");
        if (!node_get(defined, source))
            undefined(c, item->at, what, source, defined);
    }
}

static void check_models(struct consistency *c, const struct node *service) {
    const struct node *defined = node_get(c->root, "models");
    node_each (model, node_get(service, "models"))
        if (!node_get(defined, model->key))
            undefined(c, model->key_at.file ? model->key_at : model->at, "model", model->key,
                      defined);
}

static void check_dependencies(struct consistency *c, const struct node *service) {
    node_each (dependency, node_get(service, "depends_on")) {
        const char *name = dependency->key;
        if (node_get(c->services, name))
            continue;
        if (!node_get(c->inactive, name))
            undefined(c, dependency->key_at, "service", name, c->services);
        else if (node_bool(dependency, "required", true))
            mistake(c->context, NULL, dependency->key_at,
                    "`%s` needs the service `%s`, whose profile is not active", service->key, name);
    }
}

/* ---- Keys of one service that must agree ---- */

static bool contains(const struct node *list, const char *text) {
    node_each (item, list)
        if (item->text && !strcmp(item->text, text))
            return true;
    return false;
}

static void check_contexts(struct consistency *c, const struct node *build) {
    node_each (context, node_get(build, "additional_contexts")) {
        if (!text_starts(context->text, "service:"))
            continue;
        const char *name = context->text + strlen("service:");
        const struct node *other = node_get(c->services, name);
        if (!other && node_get(c->inactive, name))
            mistake(c->context, NULL, context->at,
                    "the image of `%s` is needed, whose profile is not active", name);
        else if (!other)
            undefined(c, context->at, "service", name, c->services);
        else if (!node_get(other, "build"))
            mistake(c->context, NULL, context->at,
                    "the service `%s` is not built, so it cannot be a context", name);
    }
}

static void check_build(struct consistency *c, const struct node *service) {
    const struct node *build = node_get(service, "build");
    const struct node *inlined = node_get(build, "dockerfile_inline");
    const struct node *platform = node_get(service, "platform"),
                      *platforms = node_get(build, "platforms");
    if (!build && !node_get(service, "image") && !node_get(service, "provider") &&
        !(service->flags & NODE_BROKEN))
        mistake(c->context, NULL, service->key_at,
                "the service `%s` has neither `image` nor `build`", service->key);
    if (inlined && node_get(build, "dockerfile"))
        mistake(c->context, NULL, inlined->key_at,
                "`dockerfile` and `dockerfile_inline` exclude each other");
    if (platforms && platform && !contains(platforms, platform->text))
        mistake(c->context, NULL, platform->at,
                "`build.platforms` must have `platform`, which is %s", platform->text);
    check_contexts(c, build);
    check_sources(c, node_get(build, "secrets"), "secrets", "secret");
}

static void check_pull_policy(struct consistency *c, const struct node *service) {
    static const char *const known[] = {"always", "never",  "missing", "build",
                                        "daily",  "weekly", "refresh", "if_not_present"};
    const struct node *policy = node_get(service, "pull_policy");
    long long milliseconds;
    if (!policy || (text_starts(policy->text, "every_") &&
                    duration_parse_days(policy->text + strlen("every_"), &milliseconds)))
        return;
    for (size_t i = 0; i < lengthof(known); i++)
        if (!strcmp(policy->text, known[i]))
            return;
    mistake(c->context, NULL, policy->at,
            "`pull_policy` must be always, never, missing, build, daily, weekly or every_DURATION, "
            "not `%.50s`",
            policy->text);
}

static void check_healthcheck(struct consistency *c, const struct node *service) {
    const struct node *test = node_path(service, "healthcheck.test");
    static const char *const first[] = {"CMD", "CMD-SHELL", "NONE"};
    if (!test || !test->first)
        return;
    for (size_t i = 0; i < lengthof(first); i++)
        if (!strcmp(test->first->text, first[i]))
            return;
    mistake(c->context, NULL, test->at,
            "`healthcheck.test` must begin with CMD, CMD-SHELL or NONE, not `%.100s`",
            test->first->text);
}

static bool same_number(const struct node *a, const struct node *b) {
    if (!a || !b)
        return false;
    if (a->kind == NODE_STRING || b->kind == NODE_STRING)
        return tree_equal(a, b);
    double x = a->kind == NODE_INT ? (double)a->integer : a->number;
    double y = b->kind == NODE_INT ? (double)b->integer : b->number;
    return (float)x == (float)y;
}

/* The same limit may be written in two places. */
static void check_limits(struct consistency *c, const struct node *service) {
    static const struct {
        const char *key, *section, *name;
    } pairs[] = {
        {"cpus", "deploy.resources.limits", "cpus"},
        {"mem_limit", "deploy.resources.limits", "memory"},
        {"mem_reservation", "deploy.resources.reservations", "memory"},
        {"pids_limit", "deploy.resources.limits", "pids"},
    };
    for (size_t i = 0; i < lengthof(pairs); i++) {
        const struct node *one = node_get(service, pairs[i].key);
        const struct node *section = node_path(service, pairs[i].section);
        if (one && section && !same_number(one, node_get(section, pairs[i].name)))
            mistake(c->context, NULL, one->key_at, "`%s` and `%s.%s` differ", pairs[i].key,
                    pairs[i].section, pairs[i].name);
    }
}

static void check_scale(struct consistency *c, const struct node *service) {
    const struct node *scale = node_get(service, "scale");
    const struct node *replicas = node_path(service, "deploy.replicas");
    const struct node *name = node_get(service, "container_name");
    if (scale && replicas && scale->integer != replicas->integer)
        mistake(c->context, NULL, scale->key_at, "`scale` and `deploy.replicas` differ");
    const struct node *count = scale ? scale : replicas;
    if (name && count && count->integer > 1)
        mistake(c->context, NULL, name->key_at,
                "`container_name` is for one container, but `%s` asks for %lld of them",
                scale ? "scale" : "deploy.replicas", count->integer);
    node_each (watch, node_path(service, "develop.watch")) {
        const char *action = node_text(watch, "action", "");
        if (!node_get(watch, "target") && strcmp(action, "rebuild") && strcmp(action, "restart"))
            mistake(c->context, NULL, watch->at, "`%s` needs the key `target`", action);
    }
}

static void check_service(struct consistency *c, const struct node *service) {
    check_build(c, service);
    check_pull_policy(c, service);
    check_networks(c, service);
    check_healthcheck(c, service);
    check_dependencies(c, service);
    check_mounts(c, service);
    check_sources(c, node_get(service, "configs"), "configs", "config");
    check_sources(c, node_get(service, "secrets"), "secrets", "secret");
    check_models(c, service);
    check_limits(c, service);
    check_scale(c, service);
}

/* ---- The whole ---- */

static void check_secrets(struct consistency *c) {
    node_each (secret, node_get(c->root, "secrets"))
        if (!node_bool(secret, "external", false) && !node_get(secret, "file") &&
            !node_get(secret, "environment"))
            mistake(c->context, NULL, secret->key_at,
                    "the secret `%s` needs `file` or `environment`", secret->key);
}

struct named {
    const char *name;
    size_t index;
};

static int compare_named(const void *a, const void *b) {
    return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static const struct node *child_at(const struct node *map, size_t index) {
    node_each (child, map)
        if (!index--)
            return child;
    return NULL;
}

/* How services may wait for each other. */
struct waiting {
    const char *path;   /* of the key whose entries name the others */
    const char *prefix; /* of an entry's value that names one; NULL: its key does */
    const char *what;
};

static const char *awaited(const struct waiting *waiting, const struct node *entry) {
    if (!waiting->prefix)
        return entry->key;
    return text_starts(entry->text, waiting->prefix) ? entry->text + strlen(waiting->prefix) : "";
}

/* The entry of a service that names another. */
static const struct node *edge_to(const struct waiting *waiting, const struct node *service,
                                  const char *name) {
    node_each (entry, node_path(service, waiting->path))
        if (!strcmp(awaited(waiting, entry), name))
            return entry;
    return service;
}

static void check_cycle(struct consistency *c, const struct waiting *waiting) {
    size_t count = c->services ? c->services->length : 0, index = 0;
    autofree struct named *sorted = xcalloc(count + 1, sizeof *sorted);
    autofree const char **names = xcalloc(count + 1, sizeof *names);
    autofree size_t *path = xcalloc(count + 1, sizeof *path);
    struct graph graph;

    graph_init(&graph, count);
    node_each (service, c->services) {
        names[index] = service->key;
        sorted[index] = (struct named){service->key, index};
        index++;
    }
    qsort(sorted, count, sizeof *sorted, compare_named);
    index = 0;
    node_each (service, c->services) {
        node_each (entry, node_path(service, waiting->path)) {
            struct named wanted = {awaited(waiting, entry), 0};
            struct named *found = bsearch(&wanted, sorted, count, sizeof *sorted, compare_named);
            if (found)
                graph_add(&graph, index, found->index);
        }
        index++;
    }
    size_t length = graph_cycle(&graph, path);
    if (length) {
        autofree char *text = graph_cycle_text(&graph, names);
        const struct node *from = child_at(c->services, path[length - 2]);
        const struct node *edge = edge_to(waiting, from, names[path[length - 1]]);
        mistake(c->context, NULL, edge->key_at, "%s: %s", waiting->what, text);
    }
    graph_release(&graph);
}

/* DB_HOST and so on are made from the services' names. */
static void check_variables(struct consistency *c) {
    struct variables seen = VARIABLES_INIT(c->context->arena);
    node_each (service, c->services) {
        autofree char *variable = text_variable_name(service->key);
        const char *other = variables_get(&seen, variable);
        if (other)
            mistake(c->context, NULL, service->key_at,
                    "the services `%s` and `%s` would have the same variables, %s_HOST and so on; "
                    "rename one",
                    other, service->key, variable);
        variables_set(&seen, variable, service->key);
    }
}

static const struct waiting waitings[] = {
    {"depends_on", NULL, "services wait for each other"},
    {"build.additional_contexts", "service:", "images are built upon each other"},
};

void consistent(struct context *context, const struct node *root, const struct node *inactive) {
    struct consistency c = {context, root, node_get(root, "services"), inactive};
    node_each (service, c.services)
        check_service(&c, service);
    check_secrets(&c);
    for (size_t i = 0; i < lengthof(waitings); i++)
        check_cycle(&c, &waitings[i]);
    check_variables(&c);
}
