/*
 * Limits and devices (Compose Specification, "blkio_config", "devices", "gpus"; Deploy
 * Specification).
 */
#include "plan/internal.h"

#include "base/text.h"

#include <string.h>

cJSON *ulimits_to_json(const struct node *map) {
    cJSON *list = cJSON_CreateArray();
    node_each (item, map) {
        bool both = item->kind != NODE_MAP;
        cJSON *limit = cJSON_CreateObject();
        json_put_text(limit, "Name", item->key);
        json_put_number(limit, "Soft", both ? item->integer : node_integer(item, "soft", 0));
        json_put_number(limit, "Hard", both ? item->integer : node_integer(item, "hard", 0));
        cJSON_AddItemToArray(list, limit);
    }
    return list;
}

bool draft_ulimits(struct draft *draft, const struct node *map) {
    json_put(draft->host, "Ulimits", ulimits_to_json(map));
    return true;
}

/* ---- Block devices ---- */

static void put_device_rates(cJSON *host, const char *field, const struct node *list,
                             const char *key, const char *engine_key) {
    node_each (item, list) {
        long long number = 0;
        cJSON *device = cJSON_CreateObject();
        bytes_parse(scalar_text(node_get(item, key)), &number);
        json_put_text(device, "Path", node_text(item, "path", ""));
        json_put_number(device, engine_key, number);
        cJSON_AddItemToArray(json_array_at(host, field), device);
    }
}

bool draft_blkio(struct draft *draft, const struct node *map) {
    static const struct {
        const char *key, *field;
    } rates[] = {
        {"device_read_bps", "BlkioDeviceReadBps"},
        {"device_read_iops", "BlkioDeviceReadIOps"},
        {"device_write_bps", "BlkioDeviceWriteBps"},
        {"device_write_iops", "BlkioDeviceWriteIOps"},
    };
    if (node_get(map, "weight"))
        json_put_number(draft->host, "BlkioWeight", node_integer(map, "weight", 0));
    put_device_rates(draft->host, "BlkioWeightDevice", node_get(map, "weight_device"), "weight",
                     "Weight");
    for (size_t i = 0; i < lengthof(rates); i++)
        put_device_rates(draft->host, rates[i].field, node_get(map, rates[i].key), "rate", "Rate");
    return true;
}

/* ---- Devices ---- */

/* "vendor.com/class=name": a device by its name in the Container Device Interface. */
static bool is_cdi_name(const char *source) {
    const char *slash = strchr(source, '/'), *equals = strchr(source, '=');
    if (!slash || !equals)
        return false;
    return slash > source && equals > slash + 1 && equals[1] && !strchr(slash + 1, '/');
}

static void add_cdi_device(struct draft *draft, const char *name) {
    cJSON *request, *requests = json_array_at(draft->host, "DeviceRequests");
    cJSON_ArrayForEach (request, requests) {
        if (!strcmp(json_text_or(request, "Driver", ""), "cdi"))
            break;
    }
    if (!request) {
        request = cJSON_CreateObject();
        json_put_text(request, "Driver", "cdi");
        cJSON_AddItemToArray(requests, request);
    }
    json_append_text(json_array_at(request, "DeviceIDs"), name);
}

bool draft_devices(struct draft *draft, const struct node *list) {
    node_each (item, list) {
        const char *source = node_text(item, "source", "");
        if (is_cdi_name(source) && !strcmp(source, node_text(item, "target", source))) {
            add_cdi_device(draft, source);
            continue;
        }
        cJSON *device = cJSON_CreateObject();
        json_put_text(device, "PathOnHost", node_text(item, "source", ""));
        json_put_text(device, "PathInContainer", node_text(item, "target", ""));
        json_put_text(device, "CgroupPermissions", node_text(item, "permissions", "rwm"));
        cJSON_AddItemToArray(json_array_at(draft->host, "Devices"), device);
    }
    return true;
}

/* A request for whatever device has these capabilities: all of one inner list. */
static void add_device_request(struct draft *draft, const struct node *item,
                               const char *capability) {
    cJSON *request = cJSON_CreateObject();
    cJSON *all = cJSON_CreateArray();
    node_each (name, node_get(item, "capabilities"))
        json_append_text(all, scalar_text(name));
    if (capability)
        json_append_text(all, capability);
    cJSON_AddItemToArray(json_array_at(request, "Capabilities"), all);
    json_put_text(request, "Driver", node_text(item, "driver", NULL));
    if (node_get(item, "count"))
        json_put_number(request, "Count", node_integer(item, "count", 0));
    node_each (id, node_get(item, "device_ids"))
        json_append_text(json_array_at(request, "DeviceIDs"), scalar_text(id));
    node_each (option, node_get(item, "options"))
        json_put_text(json_object_at(request, "Options"), option->key, scalar_text(option));
    cJSON_AddItemToArray(json_array_at(draft->host, "DeviceRequests"), request);
}

bool draft_gpus(struct draft *draft, const struct node *list) {
    node_each (item, list)
        add_device_request(draft, item, "gpu");
    return true;
}

/* ---- deploy ---- */

static void set_number(cJSON *host, const char *field, long long number) {
    cJSON_DeleteItemFromObjectCaseSensitive(host, field);
    json_put_number(host, field, number);
}

static void put_memory(cJSON *host, const char *field, const struct node *memory) {
    long long bytes;
    if (memory && bytes_parse(scalar_text(memory), &bytes))
        set_number(host, field, bytes);
}

static void put_resources(struct draft *draft, const struct node *resources) {
    const struct node *limits = node_get(resources, "limits");
    const struct node *reservations = node_get(resources, "reservations");
    const struct node *cpus = node_get(limits, "cpus");

    if (cpus)
        set_number(draft->host, "NanoCpus",
                   (long long)(strtod(scalar_text(cpus), NULL) * 1e9 + 0.5));
    put_memory(draft->host, "Memory", node_get(limits, "memory"));
    if (node_get(limits, "pids"))
        set_number(draft->host, "PidsLimit", node_integer(limits, "pids", 0));
    put_memory(draft->host, "MemoryReservation", node_get(reservations, "memory"));
    node_each (device, node_get(reservations, "devices"))
        add_device_request(draft, device, NULL);
}

static void put_deployed_restart(struct draft *draft, const struct node *policy) {
    const char *condition = node_text(policy, "condition", "any");
    bool always = !strcmp(condition, "any") || !strcmp(condition, "always");
    const char *name = !strcmp(condition, "none") ? "no" : always ? "always" : condition;
    draft_restart_policy(draft, name, (long)node_integer(policy, "max_attempts", 0));
}

/* `replicas` is plan_services()'s matter. */
bool draft_deploy(struct draft *draft, const struct node *map) {
    const struct node *policy = node_get(map, "restart_policy");
    if (!check_keys("deploy", draft->service->name, map, draft->err))
        return false;
    put_resources(draft, node_get(map, "resources"));
    if (policy)
        put_deployed_restart(draft, policy);
    return true;
}
