/*
 * From the model to the bodies of the requests, and who waits for whom.
 */
#include "plan/internal.h"

#include "base/text.h"

#include <string.h>

/* ---- Labels ---- */

static void label_set(cJSON *labels, const char *name, const char *value) {
    cJSON_DeleteItemFromObjectCaseSensitive(labels, name);
    json_put_text(labels, name, value);
}

static void label_time(cJSON *labels, const char *name, long long time) {
    autofree char *text = xasprintf("%lld", time);
    label_set(labels, name, text);
}

static cJSON *environment_labels(const struct plan *plan, const struct plan_options *options) {
    const struct model *model = plan->model;
    cJSON *labels = cJSON_CreateObject();
    autostrings struct strings files = {0};

    for (const char **file = model->files; file && *file; file++)
        strings_add(&files, *file);
    autofree char *joined = strings_join(&files, ",");
    json_put_text(labels, LABEL_VERSION, "1");
    json_put_text(labels, LABEL_ENVIRONMENT, plan->name);
    json_put_text(labels, LABEL_FOLDER, model->directory);
    json_put_text(labels, LABEL_FILES, joined);
    json_put_text(labels, LABEL_VERB, options->verb);
    json_put_text(labels, LABEL_OWNER, options->owner);
    json_put_text(labels, LABEL_GUEST, options->guest);
    label_time(labels, LABEL_CREATED, options->created);
    if (options->deadline)
        label_time(labels, LABEL_DEADLINE, options->deadline);
    return labels;
}

cJSON *plan_labels(const struct plan *plan) {
    return cJSON_Duplicate(plan->labels, true);
}

cJSON *plan_hold(const struct plan *plan, long long deadline) {
    cJSON *body = cJSON_CreateObject(), *labels = json_put(body, "Labels", plan_labels(plan));
    autofree char *name = xasprintf("%s.hold", plan->name);
    json_put_text(body, "Name", name);
    json_put_text(labels, LABEL_HOLD, "1");
    cJSON_DeleteItemFromObjectCaseSensitive(labels, LABEL_DEADLINE);
    if (deadline)
        label_time(labels, LABEL_DEADLINE, deadline);
    return body;
}

void labels_add(cJSON *labels, const struct node *map) {
    node_each (item, map)
        if (!text_starts(item->key, "envrun.")) /* ours are how things are found again */
            label_set(labels, item->key, scalar_text(item));
}

/* Compose's labels let tools that group by them show the environment. There is no config-hash and
 * networks and volumes carry none, so that Compose never adopts or removes anything of ours. */
static cJSON *container_labels(const struct plan *plan, const char *service, int number) {
    autofree char *digits = xasprintf("%d", number);
    cJSON *labels = plan_labels(plan);
    json_put_text(labels, LABEL_SERVICE, service);
    json_put_text(labels, "com.docker.compose.project", plan->name);
    json_put_text(labels, "com.docker.compose.service", service);
    json_put_text(labels, LABEL_NUMBER, digits);
    json_put_text(labels, "com.docker.compose.oneoff", "False");
    const cJSON *files = cJSON_GetObjectItemCaseSensitive(plan->labels, LABEL_FILES);
    json_put_text(labels, "com.docker.compose.project.config_files", cJSON_GetStringValue(files));
    json_put_text(labels, "com.docker.compose.project.working_dir", plan->model->directory);
    return labels;
}

/* ---- Services ---- */

/* `daily`, `weekly`, `every_12h`, or `refresh` with `pull_refresh_after`. */
static long long refresh_after(const struct node *service, const char *policy) {
    enum { DAY = 24 * 3600 * 1000 };
    long long milliseconds;
    if (!strcmp(policy, "weekly"))
        return 7LL * DAY;
    if (!strcmp(policy, "refresh"))
        return node_milliseconds(service, "pull_refresh_after", DAY);
    if (text_starts(policy, "every_") &&
        duration_parse_days(policy + strlen("every_"), &milliseconds))
        return milliseconds;
    return strcmp(policy, "daily") != 0 ? -1 : DAY;
}

static bool plan_image_source(struct plan *plan, struct planned_service *planned, struct err *err) {
    const struct node *node = planned->service->node;
    const struct node *build = node_get(node, "build");

    planned->image = node_text(node, "image", NULL);
    planned->platform = node_text(node, "platform", NULL);
    planned->pull_policy = node_text(node, "pull_policy", "missing");
    planned->refresh_after = refresh_after(node, planned->pull_policy);
    if (build && build->kind != NODE_NULL) {
        planned->build = plan_build(plan, planned->service, err);
        if (!planned->build)
            return false;
    }
    if (!planned->image && !planned->build && !node_get(node, "provider"))
        return err_at(err, planned->at, "service `%s` has neither `image` nor `build`",
                      planned->name);
    return true;
}

static bool plan_kind(struct plan *plan, struct planned_service *planned, struct err *err) {
    const char *kind = planned->service->kind;
    if (kind) {
        planned->kind = kinds_named(plan->kinds, kind);
        if (!planned->kind && strcmp(kind, "none") != 0) {
            autofree char *names = kinds_names(plan->kinds);
            return err_at(err, planned->at, "`kind: %s` of service `%s` is none of %s (or none)",
                          kind, planned->name, names);
        }
    } else if (planned->image) {
        planned->kind = kinds_of_image(plan->kinds, planned->image);
    }
    return true;
}

/* The first container has the service's name, the further ones a number behind it. */
static const char *numbered_name(struct plan *plan, const struct service *service, int number) {
    return number == 1 ? service->name : arena_printf(plan->arena, "%s-%d", service->name, number);
}

static void put_own_labels(struct plan *plan, struct planned_service *planned) {
    cJSON *labels = json_put(planned->body, "Labels",
                             container_labels(plan, planned->service->name, planned->number));
    if (planned->grace < 0)
        return;
    autofree char *seconds = xasprintf("%lld", (planned->grace + 999) / 1000);
    json_put_text(labels, LABEL_GRACE, seconds);
}

static bool plan_service(struct plan *plan, const struct service *service, int number,
                         struct planned_service *planned, struct err *err) {
    *planned = (struct planned_service){
        .service = service,
        .name = numbered_name(plan, service, number),
        .number = number,
        .at = service->at,
        .container_name = arena_printf(plan->arena, "%s-%s-%d", plan->name, service->name, number),
        .body = cJSON_CreateObject(),
        .connections = cJSON_CreateObject(),
        .image_volumes = cJSON_CreateArray(),
        .grace = node_milliseconds(service->node, "stop_grace_period", -1),
        .tty = node_bool(service->node, "tty", false),
        .networks = arena_alloc(plan->arena, sizeof(char *)),
    };
    put_own_labels(plan, planned);
    json_put_bool(planned->body, "AttachStdout", true);
    json_put_bool(planned->body, "AttachStderr", true);
    json_put(planned->body, "HostConfig", cJSON_CreateObject());
    struct draft draft = {
        .plan = plan,
        .service = planned,
        .node = service->node,
        .body = planned->body,
        .host = cJSON_GetObjectItem(planned->body, "HostConfig"),
        .err = err,
    };
    bool ok = plan_image_source(plan, planned, err);
    if (service->snapshot)
        ok = err_at(err, service->at, "services.%s.snapshot: this key %s", service->name,
                    plan_coverage("services", "snapshot").reason);
    ok = plan_kind(plan, planned, err) && ok;
    ok = draft_container(&draft) && ok;
    draft_pre_start(&draft);
    return ok;
}

int container_count(const struct service *service) {
    long long replicas = node_integer(node_get(service->node, "deploy"), "replicas", 1);
    return (int)node_integer(service->node, "scale", replicas);
}

static struct planned_edge *add_edges(const struct plan *plan, const struct dependency *dependency,
                                      struct planned_edge *into) {
    for (size_t i = 0; i < plan->service_count; i++)
        if (!strcmp(plan->services[i].service->name, dependency->service))
            *into++ = (struct planned_edge){
                .to = i, .condition = dependency->condition, .required = dependency->required};
    return into;
}

/* To every container of every service it depends on; there is none of an optional one whose profile
 * is not active. */
static void plan_edges(struct plan *plan, struct planned_service *planned) {
    const struct service *service = planned->service;
    struct planned_edge *end = arena_alloc(
        plan->arena, service->dependency_count * plan->service_count * sizeof *planned->edges);
    planned->edges = end;
    for (size_t i = 0; i < service->dependency_count; i++)
        end = add_edges(plan, &service->dependencies[i], end);
    planned->edge_count = (size_t)(end - planned->edges);
}

static bool plan_services(struct plan *plan, struct err *err) {
    const struct model *model = plan->model;
    size_t most = 0;
    bool ok = true;
    for (size_t i = 0; i < model->service_count; i++)
        most += (size_t)container_count(&model->services[i]);
    plan->services = arena_alloc(plan->arena, most * sizeof *plan->services);
    for (size_t i = 0; i < model->service_count; i++)
        for (int number = 1; number <= container_count(&model->services[i]); number++) {
            struct err one = ERR_INIT;
            struct planned_service *planned = &plan->services[plan->service_count++];
            if (!plan_service(plan, &model->services[i], number, planned, &one) && number == 1)
                ok = err_join(err, &one);
            err_release(&one);
        }
    for (size_t i = 0; i < plan->service_count; i++)
        plan_edges(plan, &plan->services[i]);
    return ok;
}

struct plan *plan_make(const struct model *model, const struct plan_options *options,
                       struct err *err) {
    struct plan *plan = xnew(struct plan);
    plan->arena = arena_new();
    plan->model = model;
    plan->name = xstrdup(options->name);
    plan->reach = options->reach;
    plan->api_minor = options->api_minor;
    plan->socket = xstrdup(options->socket ? options->socket : "/var/run/docker.sock");
    plan->publish_address =
        xstrdup(options->publish_address ? options->publish_address : "127.0.0.1");
    plan->ports_as_written = options->ports_as_written;
    plan->hermetic = options->hermetic;
    plan->proxies = cJSON_Duplicate(options->proxies, true);
    plan->labels = environment_labels(plan, options);
    plan->kinds = kinds_load(err);
    if (!plan->kinds || !check_keys("", "", model->root, err) || !plan_networks(plan, err) ||
        !plan_volumes(plan, err) || !plan_services(plan, err))
        return plan_free(plan);
    return plan;
}

static void free_service(struct planned_service *service) {
    cJSON_Delete(service->body);
    cJSON_Delete(service->connections);
    cJSON_Delete(service->image_volumes);
    cJSON_Delete(service->image_environment);
    for (size_t i = 0; i < service->init_count; i++)
        init_release(&service->inits[i]);
    plan_build_release(service->build);
}

struct plan *plan_free(struct plan *plan) {
    if (!plan)
        return NULL;
    for (size_t i = 0; i < plan->service_count; i++)
        free_service(&plan->services[i]);
    for (size_t i = 0; i < plan->network_count; i++)
        cJSON_Delete(plan->networks[i].body);
    for (size_t i = 0; i < plan->volume_count; i++)
        cJSON_Delete(plan->volumes[i].body);
    cJSON_Delete(plan->labels);
    cJSON_Delete(plan->proxies);
    kinds_free(plan->kinds);
    free(plan->name);
    free(plan->socket);
    free(plan->publish_address);
    arena_free(plan->arena);
    free(plan);
    return NULL;
}
