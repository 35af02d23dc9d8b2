/*
 * `build` (Compose Build Specification): one table says for each key how the engine's classic
 * builder and how BuildKit is asked for it.
 */
#include "plan/internal.h"

#include "base/text.h"

#include <string.h>

struct drafted {
    struct plan *plan;
    const struct service *service;
    struct planned_build *build;
    struct strings bases;
    struct err *err; /* mistakes are joined here */
};

struct build_rule {
    const char *key;
    const char *parameter; /* of POST /build; NULL: only BuildKit can do it */
    const char *option;    /* of `docker buildx build`; NULL: it does not know it */
    /* NULL: plan_build() has taken it in. */
    void (*put)(struct drafted *drafted, const struct build_rule *rule, const struct node *value);
};

/* ---- Help ---- */

static void need_buildkit(struct drafted *drafted, const char *key, struct position at) {
    if (drafted->build->needs)
        return;
    drafted->build->needs = key;
    drafted->build->needs_at = at;
}

static void mistake(struct drafted *drafted, struct position at, const char *format,
                    const char *name) {
    struct err one = ERR_INIT;
    autofree char *text = xasprintf(format, name);
    err_at(&one, at, "%s", text);
    err_join(drafted->err, &one);
}

static void add_word(struct drafted *drafted, const struct build_rule *rule, const char *word) {
    if (!rule->option)
        return;
    json_append_text(drafted->build->arguments, rule->option);
    json_append_text(drafted->build->arguments, word);
}

/* An option that only BuildKit knows. */
static void add_only_word(struct drafted *drafted, const struct build_rule *rule,
                          const struct node *value, const char *word) {
    need_buildkit(drafted, rule->key, value->at);
    add_word(drafted, rule, word);
}

static void put_parameter(struct drafted *drafted, const struct build_rule *rule, cJSON *value) {
    json_put(drafted->build->query, rule->parameter, value);
}

static void put_as_text(struct drafted *drafted, const struct build_rule *rule,
                        const cJSON *value) {
    autofree char *text = json_line(value);
    put_parameter(drafted, rule, cJSON_CreateString(text));
}

/* ---- Keys that both builders know ---- */

static void put_text(struct drafted *drafted, const struct build_rule *rule,
                     const struct node *value) {
    if (!*scalar_text(value))
        return;
    put_parameter(drafted, rule, cJSON_CreateString(scalar_text(value)));
    add_word(drafted, rule, scalar_text(value));
}

static void put_flag(struct drafted *drafted, const struct build_rule *rule,
                     const struct node *value) {
    if (!value->boolean)
        return;
    put_parameter(drafted, rule, cJSON_CreateString("1"));
    json_append_text(drafted->build->arguments, rule->option);
}

static void put_size(struct drafted *drafted, const struct build_rule *rule,
                     const struct node *value) {
    long long bytes;
    if (!bytes_parse(scalar_text(value), &bytes)) {
        mistake(drafted, value->at, "`%s` is not a size such as 64m", scalar_text(value));
        return;
    }
    autofree char *text = xasprintf("%lld", bytes);
    put_parameter(drafted, rule, cJSON_CreateString(text));
    add_word(drafted, rule, text);
}

static bool has_outside(const struct model *model, const char *text) {
    for (size_t i = 0; i < model->outside_count; i++)
        if (strstr(text, model->outside[i].value))
            return true;
    return false;
}

/* Everyone on this host can list a program's arguments, but not its variables: what came from
 * outside goes that way, unless it would steer the program. */
static void add_arg(struct drafted *drafted, const struct build_rule *rule, const char *name,
                    const char *value) {
    autofree char *word = xasprintf("%s=%s", name, value);
    bool steers = text_starts(name, "DOCKER_") || text_starts(name, "BUILD");
    bool hidden = !steers && has_outside(drafted->plan->model, value);
    if (hidden)
        json_put_text(drafted->build->variables, name, value);
    add_word(drafted, rule, hidden ? name : word);
}

/* NAME without a value, which the environment has not either: the Dockerfile's default holds. */
static void put_args(struct drafted *drafted, const struct build_rule *rule,
                     const struct node *map) {
    cJSON *args = json_put(drafted->build->query, rule->parameter, cJSON_CreateObject());
    node_each (item, map) {
        if (item->kind == NODE_NULL)
            continue;
        json_put_text(args, item->key, scalar_text(item));
        add_arg(drafted, rule, item->key, scalar_text(item));
    }
}

static void put_labels(struct drafted *drafted, const struct build_rule *rule,
                       const struct node *map) {
    put_parameter(drafted, rule, map_to_json(map));
    node_each (item, map) {
        autofree char *word = xasprintf("%s=%s", item->key, scalar_text(item));
        add_word(drafted, rule, word);
    }
}

static void put_hosts(struct drafted *drafted, const struct build_rule *rule,
                      const struct node *list) {
    cJSON *hosts = hosts_to_json(list);
    const cJSON *host;
    put_parameter(drafted, rule, hosts);
    cJSON_ArrayForEach (host, hosts) {
        add_word(drafted, rule, host->valuestring);
    }
}

static void put_tags(struct drafted *drafted, const struct build_rule *rule,
                     const struct node *list) {
    cJSON *tags = json_put(drafted->build->query, rule->parameter, cJSON_CreateArray());
    node_each (item, list) {
        json_append_text(tags, scalar_text(item));
        add_word(drafted, rule, scalar_text(item));
    }
}

static void put_ulimits(struct drafted *drafted, const struct build_rule *rule,
                        const struct node *map) {
    autojson cJSON *limits = ulimits_to_json(map);
    const cJSON *limit;
    put_as_text(drafted, rule, limits);
    cJSON_ArrayForEach (limit, limits) {
        autofree char *word =
            xasprintf("%s=%lld:%lld", json_text(limit, "Name"), json_number(limit, "Soft", 0),
                      json_number(limit, "Hard", 0));
        add_word(drafted, rule, word);
    }
}

/* An image, or "type=KIND,...": of those only `registry` is something that the classic builder has
 * a word for. */
static void put_cache_from(struct drafted *drafted, const struct build_rule *rule,
                           const struct node *list) {
    static const char registry[] = "type=registry,ref=";
    autojson cJSON *images = cJSON_CreateArray();
    node_each (item, list) {
        const char *text = scalar_text(item);
        bool is_image = !strchr(text, '=');
        if (text_starts(text, registry) && !strchr(text + strlen(registry), ','))
            json_append_text(images, text + strlen(registry));
        else if (is_image)
            json_append_text(images, text);
        else
            need_buildkit(drafted, rule->key, item->at);
        add_word(drafted, rule, text);
    }
    put_as_text(drafted, rule, images);
}

/* ---- Keys that only BuildKit knows ---- */

static void put_each(struct drafted *drafted, const struct build_rule *rule,
                     const struct node *list) {
    node_each (item, list)
        add_only_word(drafted, rule, item, scalar_text(item));
}

static void put_privileged(struct drafted *drafted, const struct build_rule *rule,
                           const struct node *value) {
    if (value->boolean)
        add_only_word(drafted, rule, value, "security.insecure");
}

/* The classic builder attests nothing, so `false` asks it for nothing. */
static void put_attestation(struct drafted *drafted, const struct build_rule *rule,
                            const struct node *value) {
    if (strcmp(scalar_text(value), "false") != 0)
        add_only_word(drafted, rule, value, scalar_text(value));
    else
        add_word(drafted, rule, "false");
}

static const char *tag_of(struct plan *plan, const struct service *service) {
    const char *image = node_text(service->node, "image", NULL);
    return image ? image : arena_printf(plan->arena, "%s-%s", plan->model->name, service->name);
}

static void put_service_context(struct drafted *drafted, const struct build_rule *rule,
                                const struct node *context, const char *name) {
    const struct service *base = model_service(drafted->plan->model, name);
    if (!base || !container_count(base)) {
        mistake(drafted, context->at,
                "the image of `%s` is needed for a build, but that service is not among those that "
                "come up: name it, too",
                name);
        return;
    }
    autofree char *word =
        xasprintf("%s=docker-image://%s", context->key, tag_of(drafted->plan, base));
    strings_add(&drafted->bases, name);
    add_only_word(drafted, rule, context, word);
}

static void put_contexts(struct drafted *drafted, const struct build_rule *rule,
                         const struct node *map) {
    static const char service[] = "service:";
    node_each (context, map) {
        const char *where = scalar_text(context);
        autofree char *word = xasprintf("%s=%s", context->key, where);
        if (text_starts(where, service))
            put_service_context(drafted, rule, context, where + strlen(service));
        else
            add_only_word(drafted, rule, context, word);
    }
}

/* One field of the comma-separated values that buildx reads. */
static void add_field(struct buffer *to, const char *name, const char *value) {
    bool quoted = strpbrk(value, ",\"\n");
    buffer_printf(to, "%s%s%s=", to->length ? "," : "", quoted ? "\"" : "", name);
    for (; *value; value++)
        buffer_puts(to, *value == '"' ? "\"\"" : (char[]){*value, '\0'});
    if (quoted)
        buffer_putc(to, '"');
}

/* One that is not a file goes through the environment of buildx, where only its owner can see it.
 */
static void put_secret(struct drafted *drafted, const struct build_rule *rule,
                       const struct node *grant) {
    const char *source = node_text(grant, "source", "");
    const struct node *secret = node_get(node_get(drafted->plan->model->root, "secrets"), source);
    const char *file = node_text(secret, "file", NULL);
    const char *content = node_text(secret, "content", node_text(secret, "#content", NULL));
    autobuffer struct buffer word = BUFFER_INIT;

    if (!file && !content) {
        mistake(drafted, grant->at,
                "secrets.%s has neither `file` nor an `environment` variable that is set", source);
        return;
    }
    add_field(&word, "id", node_text(grant, "target", source));
    if (file) {
        add_field(&word, "src", file);
    } else {
        autofree char *name = xasprintf("ENVRUN_SECRET_%s", source);
        json_put_text(drafted->build->variables, name, content);
        add_field(&word, "env", name);
    }
    add_only_word(drafted, rule, grant, word.data);
}

static void put_secrets(struct drafted *drafted, const struct build_rule *rule,
                        const struct node *list) {
    node_each (grant, list)
        put_secret(drafted, rule, grant);
}

/* ---- The table ---- */

static const struct build_rule build_rules[] = {
    {"additional_contexts", NULL, "--build-context", put_contexts},
    {"args", "buildargs", "--build-arg", put_args},
    {"cache_from", "cachefrom", "--cache-from", put_cache_from},
    {"cache_to", NULL, "--cache-to", put_each},
    {"context", "remote", NULL, NULL},
    {"dockerfile", "dockerfile", "--file", NULL},
    {"dockerfile_inline", "dockerfile", "--file", NULL},
    {"entitlements", NULL, "--allow", put_each},
    {"extra_hosts", "extrahosts", "--add-host", put_hosts},
    {"isolation", "isolation", NULL, put_text},
    {"labels", "labels", "--label", put_labels},
    {"network", "networkmode", "--network", put_text},
    {"no_cache", "nocache", "--no-cache", put_flag},
    {"platforms", "platform", "--platform", NULL},
    {"privileged", NULL, "--allow", put_privileged},
    {"provenance", NULL, "--provenance", put_attestation},
    {"pull", "pull", "--pull", put_flag},
    {"sbom", NULL, "--sbom", put_attestation},
    {"secrets", NULL, "--secret", put_secrets},
    {"shm_size", "shmsize", "--shm-size", put_size},
    {"ssh", NULL, "--ssh", put_each},
    {"tags", "t", "--tag", put_tags},
    {"target", "target", "--target", put_text},
    {"ulimits", "ulimits", "--ulimit", put_ulimits},
};

static const struct build_rule *rule_for(const char *key) {
    for (size_t i = 0; i < lengthof(build_rules); i++)
        if (!strcmp(build_rules[i].key, key))
            return &build_rules[i];
    return NULL;
}

const char *build_takes_key(const char *key) {
    const struct build_rule *rule = rule_for(key);
    if (!rule)
        return NULL;
    return rule->parameter ? "" : "by BuildKit: takes the docker CLI's buildx";
}

/* ---- A build ---- */

/* What comes up has one platform: the service's, else the only one of the list, else the builder
 * decides. So does Compose, but for `docker compose build`. */
static void put_platform(struct drafted *drafted) {
    const struct node *node = drafted->service->node;
    const struct node *platform = node_get(node, "platform");
    const struct node *platforms = node_path(node, "build.platforms");
    const struct build_rule *rule = rule_for("platforms");
    if (!platform && platforms && platforms->length == 1)
        platform = platforms->first;
    if (platform && rule)
        put_text(drafted, rule, platform);
}

static void put_dockerfile(struct drafted *drafted, const struct node *node) {
    const struct node *inlined = node_get(node, "dockerfile_inline");
    struct planned_build *build = drafted->build;
    build->dockerfile = node_text(node, "dockerfile", NULL);
    if (!inlined || inlined->kind == NODE_NULL)
        return;
    build->inlined = scalar_text(inlined);
    build->inlined_at = inlined->at;
    if (*build->context != '/')
        mistake(drafted, inlined->key_at,
                "`dockerfile_inline` needs a `context` on this host, not %s", build->context);
}

static void put_keys(struct drafted *drafted, const struct node *node) {
    put_dockerfile(drafted, node);
    put_platform(drafted);
    node_each (value, node) {
        struct err one = ERR_INIT;
        const struct build_rule *rule = rule_for(value->key);
        if (!check_key("build", drafted->service->name, value, &one))
            err_join(drafted->err, &one);
        else if (rule && rule->put && value->kind != NODE_NULL)
            rule->put(drafted, rule, value);
    }
    proxies_add_arguments(drafted->plan, drafted->build->query); /* buildx does so by itself */
}

struct planned_build *plan_build(struct plan *plan, const struct service *service,
                                 struct err *err) {
    const struct node *node = node_get(service->node, "build");
    struct planned_build *build = arena_new_object(plan->arena, struct planned_build);
    struct err mistakes = ERR_INIT;
    struct drafted drafted = {.plan = plan, .service = service, .build = build, .err = &mistakes};
    *build = (struct planned_build){
        .context = node_text(node, "context", plan->model->directory),
        .tag = tag_of(plan, service),
        .query = cJSON_CreateObject(),
        .arguments = cJSON_CreateArray(),
        .variables = cJSON_CreateObject(),
        .at = node->at,
    };
    put_keys(&drafted, node);
    build->base_count = drafted.bases.length;
    build->bases = arena_alloc(plan->arena, (build->base_count + 1) * sizeof *build->bases);
    for (size_t i = 0; i < build->base_count; i++)
        build->bases[i] = arena_strdup(plan->arena, drafted.bases.at[i]);
    strings_release(&drafted.bases);
    if (!err_is(&mistakes))
        return build;
    plan_build_release(build);
    err_join(err, &mistakes);
    return NULL;
}

void plan_build_release(struct planned_build *build) {
    if (!build)
        return;
    cJSON_Delete(build->query);
    cJSON_Delete(build->arguments);
    cJSON_Delete(build->variables);
}
