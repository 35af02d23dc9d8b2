/*
 * What a container shares with another one, or with the host: network, ipc, pid, volumes.
 *
 * "service:X" is the container of a service of this environment; the engine wants it created first.
 */
#include "plan/internal.h"

#include "base/text.h"

#include <string.h>

/* Make the service's create wait for another one's. */
static void need(struct draft *draft, const char *other) {
    struct planned_service *service = draft->service;
    const char **names =
        arena_alloc(draft->plan->arena, (service->needed_count + 1) * sizeof *names);
    if (service->needed_count)
        memcpy(names, service->needed, service->needed_count * sizeof *names);
    names[service->needed_count++] = other;
    service->needed = names;
}

static const char *container_of_service(struct draft *draft, const char *service) {
    return arena_printf(draft->plan->arena, "%s-%s-1", draft->plan->name, service);
}

/* "service:X" -> "container:NAME-X-1"; anything else stays. */
static const char *resolve(struct draft *draft, const char *mode) {
    static const char prefix[] = "service:";
    if (!text_starts(mode, prefix))
        return mode;
    const char *service = arena_strdup(draft->plan->arena, mode + strlen(prefix));
    need(draft, service);
    return arena_printf(draft->plan->arena, "container:%s", container_of_service(draft, service));
}

bool draft_network_mode(struct draft *draft, const struct node *value) {
    const char *mode = resolve(draft, scalar_text(value));
    bool is_inside = text_starts(scalar_text(value), "service:") || !strcmp(mode, "none");
    if (draft->plan->hermetic && !is_inside)
        return err_at(draft->err, value->at,
                      "--hermetic: `network_mode: %s` leads out of the environment's networks",
                      mode);
    json_put_text(draft->host, "NetworkMode", mode);
    draft->service->network_mode = mode;
    if (text_starts(scalar_text(value), "service:"))
        draft->service->network_of = draft->service->needed[draft->service->needed_count - 1];
    return true;
}

bool draft_ipc(struct draft *draft, const struct node *value) {
    json_put_text(draft->host, "IpcMode", resolve(draft, scalar_text(value)));
    return true;
}

bool draft_pid(struct draft *draft, const struct node *value) {
    json_put_text(draft->host, "PidMode", resolve(draft, scalar_text(value)));
    return true;
}

/* "SERVICE[:ro]" or "container:NAME[:ro]" */
bool draft_volumes_from(struct draft *draft, const struct node *list) {
    cJSON *all = json_put(draft->host, "VolumesFrom", cJSON_CreateArray());
    node_each (item, list) {
        const char *text = scalar_text(item);
        if (text_starts(text, "container:")) {
            json_append_text(all, text + strlen("container:"));
            continue;
        }
        size_t length = strcspn(text, ":");
        const char *service = arena_strndup(draft->plan->arena, text, length);
        autofree char *entry =
            xasprintf("%s%s", container_of_service(draft, service), text + length);
        need(draft, service);
        json_append_text(all, entry);
    }
    return true;
}
