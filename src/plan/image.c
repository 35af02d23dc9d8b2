/*
 * What a service's image settles: its VOLUME paths, its ports, how it is probed.
 */
#include "plan/internal.h"

#include "base/text.h"

#include <string.h>

/* ---- Volumes ---- */

static void settle_volumes(struct plan *plan, struct planned_service *service,
                           const cJSON *config) {
    const cJSON *path;
    cJSON_ArrayForEach (path, cJSON_GetObjectItem(config, "Volumes")) {
        plan_image_volume(plan, service, path->string);
    }
}

/* ---- Images beside its own ---- */

void draft_image(struct draft *draft, const char *reference, struct position at) {
    struct planned_service *service = draft->service;
    size_t count = service->further_image_count;
    struct planned_image *images = arena_alloc(draft->plan->arena, (count + 1) * sizeof *images);
    if (count)
        memcpy(images, service->further_images, count * sizeof *images);
    images[count] = (struct planned_image){reference, at};
    service->further_images = images;
    service->further_image_count = count + 1;
}

/* ---- Probe: ready, else the file's healthcheck, else the kind's, else the image's HEALTHCHECK,
 * else running ---- */

static const char **strings_of_json(struct arena *arena, const cJSON *array) {
    const char **list = arena_alloc(arena, ((size_t)cJSON_GetArraySize(array) + 1) * sizeof *list);
    const cJSON *item;
    size_t count = 0;
    cJSON_ArrayForEach (item, array) {
        if (cJSON_IsString(item))
            list[count++] = arena_strdup(arena, item->valuestring);
    }
    return list;
}

/* ["CMD", "a", "b"] or ["CMD-SHELL", "a b"]; [] and ["NONE"] are no test. */
static bool command_of_test(struct plan *plan, const cJSON *test, struct command *ret) {
    const char **words = strings_of_json(plan->arena, test);
    if (!words[0] || !words[1])
        return false;
    if (!strcmp(words[0], "CMD")) {
        *ret = (struct command){.argv = words + 1};
        return true;
    }
    if (strcmp(words[0], "CMD-SHELL") != 0)
        return false;
    const char **argv = arena_alloc(plan->arena, 4 * sizeof *argv);
    argv[0] = "sh";
    argv[1] = "-c";
    argv[2] = words[1];
    *ret = (struct command){.shell = true, .argv = argv};
    return true;
}

static long long milliseconds_of(const cJSON *health, const char *field, long long otherwise) {
    long long nanoseconds = json_number(health, field, 0);
    return nanoseconds > 0 ? nanoseconds / 1000000 : otherwise;
}

/* How long a healthcheck may take as a whole: what Compose's own rules would allow it, and a minute
 * at least. */
static long long healthcheck_limit(const cJSON *health) {
    long long retries = json_number(health, "Retries", 0);
    long long each =
        milliseconds_of(health, "Interval", 30000) + milliseconds_of(health, "Timeout", 30000);
    long long limit = milliseconds_of(health, "StartPeriod", 0) + (retries ? retries : 3) * each;
    return limit > PROBE_TIMEOUT_DEFAULT ? limit : PROBE_TIMEOUT_DEFAULT;
}

static bool probe_of_health(struct plan *plan, struct planned_service *service,
                            const cJSON *health) {
    struct probe probe = {.kind = PROBE_HEALTHCHECK, .at = service->at};
    if (!command_of_test(plan, cJSON_GetObjectItem(health, "Test"), &probe.command))
        return false;
    probe.timeout = healthcheck_limit(health);
    service->probe = probe;
    return true;
}

/* The file's healthcheck, laid over the image's: a test that is not given is the image's. */
static cJSON *merged_health(const struct planned_service *service, const cJSON *config) {
    const cJSON *own = cJSON_GetObjectItem(service->body, "Healthcheck");
    const cJSON *image = cJSON_GetObjectItem(config, "Healthcheck");
    cJSON *merged = image ? cJSON_Duplicate(image, true) : cJSON_CreateObject();
    const cJSON *item;
    cJSON_ArrayForEach (item, own) {
        cJSON_DeleteItemFromObjectCaseSensitive(merged, item->string);
        json_put(merged, item->string, cJSON_Duplicate(item, true));
    }
    return merged;
}

static bool settle_ready(struct plan *plan, struct planned_service *service, const cJSON *health,
                         struct err *err) {
    struct probe ready = service->service->ready;
    if (ready.kind != PROBE_HEALTHCHECK) {
        service->probe = ready;
        return true;
    }
    if (!probe_of_health(plan, service, health))
        return err_at(err, ready.at,
                      "`ready: healthcheck` of service `%s`: neither the file nor the image has "
                      "a healthcheck",
                      service->name);
    service->probe.at = ready.at;
    if (ready.timeout)
        service->probe.timeout = ready.timeout;
    return true;
}

static bool settle_probe(struct plan *plan, struct planned_service *service, const cJSON *config,
                         struct err *err) {
    bool own_health = cJSON_GetObjectItem(service->body, "Healthcheck") != NULL;
    autojson cJSON *health = merged_health(service, config);

    if (service->service->ready.at.file || service->service->ready.kind != PROBE_NONE)
        return settle_ready(plan, service, health, err);
    if (own_health && probe_of_health(plan, service, health))
        return true;
    if (service->kind && !own_health)
        service->probe_kind = service->kind;
    else
        probe_of_health(plan, service, health);
    return true;
}

bool plan_settle_image(struct plan *plan, struct planned_service *service, const cJSON *image,
                       struct err *err) {
    const cJSON *config = json_get(image, "Config");
    service->image_environment = cJSON_Duplicate(cJSON_GetObjectItem(config, "Env"), true);
    settle_volumes(plan, service, config);
    ports_of_image(plan, service, config);
    if (service->kind && service->kind->port)
        ports_add(plan, service,
                  (struct planned_port){.target = service->kind->port, .protocol = "tcp"});
    if (service->service->ready.port)
        ports_add(plan, service,
                  (struct planned_port){.target = service->service->ready.port, .protocol = "tcp"});
    ports_bind(plan, service);
    return settle_probe(plan, service, config, err);
}

static const char *value_in(const cJSON *list, const char *name) {
    size_t length = strlen(name);
    const cJSON *item;
    cJSON_ArrayForEach (item, list) {
        const char *entry = cJSON_GetStringValue(item);
        if (entry && !strncmp(entry, name, length) && entry[length] == '=')
            return entry + length + 1;
    }
    return NULL;
}

static bool takes_away(const cJSON *list, const char *name) {
    const cJSON *item;
    cJSON_ArrayForEach (item, list) {
        if (text_equal(cJSON_GetStringValue(item), name))
            return true;
    }
    return false;
}

const char *plan_environment(const struct planned_service *service, const char *name) {
    const cJSON *own = cJSON_GetObjectItem(service->body, "Env");
    const char *value = value_in(own, name);
    return value || takes_away(own, name) ? value : value_in(service->image_environment, name);
}

int plan_main_port(const struct planned_service *service) {
    if (service->kind && service->kind->port)
        return service->kind->port;
    for (size_t i = 0; i < service->port_count; i++)
        if (service->ports[i].written)
            return service->ports[i].target;
    return service->port_count ? service->ports[0].target : 0;
}
