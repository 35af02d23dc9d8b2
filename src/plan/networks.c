/*
 * The environment's networks and volumes, and how a container joins its networks.
 */
#include "plan/internal.h"

#include <string.h>

/* ---- Top-level networks and volumes ---- */

static bool is_external(const struct node *definition) {
    const struct node *external = node_get(definition, "external");
    return external && (external->kind == NODE_MAP || external->boolean);
}

/* The name on the engine: an external one's own, else one that belongs to this environment alone,
 * whatever `name` says: copies must not meet. */
static const char *object_name(struct plan *plan, const struct node *definition) {
    if (is_external(definition))
        return node_text(definition, "name", definition->key);
    return arena_printf(plan->arena, "%s_%s", plan->name, definition->key);
}

static void put_options(cJSON *body, const char *field, const struct node *options) {
    node_each (item, options)
        json_put_text(json_object_at(body, field), item->key, scalar_text(item));
}

static cJSON *ipam_body(const struct node *ipam) {
    cJSON *body = cJSON_CreateObject();
    json_put_text(body, "Driver", node_text(ipam, "driver", "default"));
    put_options(body, "Options", node_get(ipam, "options"));
    node_each (item, node_get(ipam, "config")) {
        cJSON *config = cJSON_CreateObject();
        json_put_text(config, "Subnet", node_text(item, "subnet", NULL));
        json_put_text(config, "Gateway", node_text(item, "gateway", NULL));
        json_put_text(config, "IPRange", node_text(item, "ip_range", NULL));
        put_options(config, "AuxiliaryAddresses", node_get(item, "aux_addresses"));
        cJSON_AddItemToArray(json_array_at(body, "Config"), config);
    }
    return body;
}

static cJSON *network_body(struct plan *plan, const char *name, const struct node *definition) {
    cJSON *body = cJSON_CreateObject();
    json_put_text(body, "Name", name);
    json_put_bool(body, "CheckDuplicate", true); /* names are not unique before Engine 25 */
    json_put_text(body, "Driver", node_text(definition, "driver", "bridge"));
    if (plan->hermetic || node_bool(definition, "internal", false))
        json_put_bool(body, "Internal", true);
    if (node_bool(definition, "attachable", false))
        json_put_bool(body, "Attachable", true);
    if (node_get(definition, "enable_ipv4"))
        json_put_bool(body, "EnableIPv4", node_bool(definition, "enable_ipv4", true));
    if (node_bool(definition, "enable_ipv6", false))
        json_put_bool(body, "EnableIPv6", true);
    put_options(body, "Options", node_get(definition, "driver_opts"));
    const struct node *ipam = node_get(definition, "ipam");
    if (ipam && ipam->length)
        json_put(body, "IPAM", ipam_body(ipam));
    cJSON *labels = json_put(body, "Labels", plan_labels(plan));
    labels_add(labels, node_get(definition, "labels"));
    json_put_text(labels, LABEL_KEY, definition->key);
    return body;
}

static cJSON *volume_body(struct plan *plan, const char *name, const struct node *definition) {
    cJSON *body = cJSON_CreateObject();
    json_put_text(body, "Name", name);
    json_put_text(body, "Driver", node_text(definition, "driver", NULL));
    put_options(body, "DriverOpts", node_get(definition, "driver_opts"));
    cJSON *labels = json_put(body, "Labels", plan_labels(plan));
    labels_add(labels, node_get(definition, "labels"));
    json_put_text(labels, LABEL_KEY, definition->key);
    return body;
}

/* Only a bridge's subnet is its own affair; and what the file or an IPAM driver says stands. */
static bool wants_subnet(const struct node *definition) {
    const struct node *ipam = node_get(definition, "ipam"), *config = node_get(ipam, "config");
    return !strcmp(node_text(definition, "driver", "bridge"), "bridge") &&
           !strcmp(node_text(ipam, "driver", "default"), "default") && !(config && config->length);
}

/* Docker Engine 27 is the first that filters IPv6 unless it is told to. */
static bool check_hermetic(const struct plan *plan, const struct node *definition,
                           struct err *err) {
    enum { FILTERS_IPV6 = 47 };
    if (!plan->hermetic)
        return true;
    if (is_external(definition))
        return err_at(err, definition->key_at,
                      "--hermetic: network `%s` is external, and may lead anywhere",
                      definition->key);
    if (node_bool(definition, "enable_ipv6", false) && plan->api_minor < FILTERS_IPV6)
        return err_at(err, definition->key_at,
                      "--hermetic: this engine does not keep IPv6 inside network `%s`; Docker "
                      "Engine 27 does",
                      definition->key);
    return true;
}

static bool check_network(const struct plan *plan, const struct node *definition, struct err *err) {
    const struct node *ipv4 = node_get(definition, "enable_ipv4");
    autofree char *what = xasprintf("networks.%s.enable_ipv4", definition->key);
    return check_keys("networks", definition->key, definition, err) &&
           check_hermetic(plan, definition, err) &&
           (!ipv4 || needs_api(plan, ipv4->key_at, what, 48, err));
}

bool plan_networks(struct plan *plan, struct err *err) {
    const struct node *all = node_get(plan->model->root, "networks");
    plan->networks = arena_alloc(plan->arena, (all ? all->length : 0) * sizeof *plan->networks);
    node_each (item, all) {
        const char *name = object_name(plan, item);
        if (!check_network(plan, item, err))
            return false;
        plan->networks[plan->network_count++] = (struct planned_network){
            .key = item->key,
            .name = name,
            .external = is_external(item),
            .wants_subnet = !is_external(item) && wants_subnet(item),
            .body = is_external(item) ? NULL : network_body(plan, name, item),
            .at = item->key_at,
        };
    }
    return true;
}

bool plan_volumes(struct plan *plan, struct err *err) {
    const struct node *all = node_get(plan->model->root, "volumes");
    plan->volumes = arena_alloc(plan->arena, (all ? all->length : 0) * sizeof *plan->volumes);
    node_each (item, all) {
        const char *name = object_name(plan, item);
        if (!check_keys("volumes", item->key, item, err))
            return false;
        plan->volumes[plan->volume_count++] = (struct planned_volume){
            .key = item->key,
            .name = name,
            .external = is_external(item),
            .body = is_external(item) ? NULL : volume_body(plan, name, item),
            .at = item->key_at,
        };
    }
    return true;
}

const struct planned_network *plan_network(const struct plan *plan, const char *key) {
    for (size_t i = 0; i < plan->network_count; i++)
        if (!strcmp(plan->networks[i].key, key))
            return &plan->networks[i];
    return NULL;
}

const struct planned_volume *plan_volume(const struct plan *plan, const char *key) {
    for (size_t i = 0; i < plan->volume_count; i++)
        if (!strcmp(plan->volumes[i].key, key))
            return &plan->volumes[i];
    return NULL;
}

/* ---- A container's networks ---- */

/* "service[:alias]" becomes "CONTAINER:alias"; external ones name the container themselves. */
static void add_links(struct draft *draft, cJSON *endpoint) {
    node_each (link, node_get(draft->node, "links")) {
        const char *text = scalar_text(link), *colon = strchr(text, ':');
        autofree char *service = xstrndup(text, strcspn(text, ":"));
        autofree char *entry =
            xasprintf("%s-%s-1:%s", draft->plan->name, service, colon ? colon + 1 : service);
        json_append_text(json_array_at(endpoint, "Links"), entry);
    }
    node_each (link, node_get(draft->node, "external_links")) {
        const char *text = scalar_text(link);
        autofree char *entry = strchr(text, ':') ? xstrdup(text) : xasprintf("%s:%s", text, text);
        json_append_text(json_array_at(endpoint, "Links"), entry);
    }
}

/* Of a key of an attachment, such as services.a.networks.back.mac_address. */
static bool attachment_needs_api(struct draft *draft, const struct node *attachment,
                                 const char *key, int minor) {
    const struct node *value = node_get(attachment, key);
    autofree char *what =
        xasprintf("services.%s.networks.%s.%s", draft->service->name, attachment->key, key);
    return !value || needs_api(draft->plan, value->key_at, what, minor, draft->err);
}

/* Since API 1.44 an endpoint has one; before, the container, which is that of its first network. */
static bool add_mac_address(struct draft *draft, const struct node *attachment, bool first,
                            cJSON *endpoint) {
    const char *own = first ? node_text(draft->node, "mac_address", NULL) : NULL;
    const char *address = node_text(attachment, "mac_address", own);
    if (address && draft->plan->api_minor >= 44)
        json_put_text(endpoint, "MacAddress", address);
    else if (address && first)
        json_put_text(draft->body, "MacAddress", address);
    return first || attachment_needs_api(draft, attachment, "mac_address", 44);
}

/* The name that its interface has inside. */
static bool add_interface_name(struct draft *draft, const struct node *attachment,
                               cJSON *endpoint) {
    static const char option[] = "com.docker.network.endpoint.ifname";
    const char *name = node_text(attachment, "interface_name", NULL);
    if (name && !node_get(node_get(attachment, "driver_opts"), option))
        json_put_text(json_object_at(endpoint, "DriverOpts"), option, name);
    return attachment_needs_api(draft, attachment, "interface_name", 49);
}

static bool add_gateway_priority(struct draft *draft, const struct node *attachment,
                                 cJSON *endpoint) {
    if (node_get(attachment, "gw_priority"))
        json_put_number(endpoint, "GwPriority", node_integer(attachment, "gw_priority", 0));
    return attachment_needs_api(draft, attachment, "gw_priority", 48);
}

static void add_addresses(const struct node *attachment, cJSON *endpoint) {
    const char *ipv4 = node_text(attachment, "ipv4_address", NULL);
    const char *ipv6 = node_text(attachment, "ipv6_address", NULL);
    const struct node *local = node_get(attachment, "link_local_ips");
    if (ipv4)
        json_put_text(json_object_at(endpoint, "IPAMConfig"), "IPv4Address", ipv4);
    if (ipv6)
        json_put_text(json_object_at(endpoint, "IPAMConfig"), "IPv6Address", ipv6);
    node_each (address, local)
        json_append_text(json_array_at(json_object_at(endpoint, "IPAMConfig"), "LinkLocalIPs"),
                         scalar_text(address));
}

static bool fill_endpoint(struct draft *draft, const struct node *attachment, bool first,
                          cJSON *endpoint) {
    cJSON *aliases = json_put(endpoint, "Aliases", cJSON_CreateArray());
    const char *container_name = node_text(draft->node, "container_name", NULL);

    json_append_text(aliases, draft->service->service->name);
    if (container_name)
        json_append_text(aliases, container_name);
    node_each (alias, node_get(attachment, "aliases"))
        json_append_text(aliases, scalar_text(alias));
    add_addresses(attachment, endpoint);
    put_options(endpoint, "DriverOpts", node_get(attachment, "driver_opts"));
    add_links(draft, endpoint);
    return add_mac_address(draft, attachment, first, endpoint) &&
           add_interface_name(draft, attachment, endpoint) &&
           add_gateway_priority(draft, attachment, endpoint);
}

/* Before API 1.44 a create takes one network; the others are connected before the start. */
static cJSON *new_endpoint(struct draft *draft, const char *network, bool first) {
    if (first || draft->plan->api_minor >= 44) {
        cJSON *config = json_object_at(draft->body, "NetworkingConfig");
        return json_object_at(json_object_at(config, "EndpointsConfig"), network);
    }
    return json_object_at(json_object_at(draft->service->connections, network), "EndpointConfig");
}

/* The network with the highest priority comes first, then those in the file's order. */
static const struct node *first_network(const struct node *networks) {
    const struct node *first = networks->first;
    node_each (item, networks)
        if (node_integer(item, "priority", 0) > node_integer(first, "priority", 0))
            first = item;
    return first;
}

static bool attach(struct draft *draft, const struct node *attachment, bool first) {
    const struct planned_network *network = plan_network(draft->plan, attachment->key);
    struct planned_service *service = draft->service;
    size_t count = 0;

    if (!network)
        return err_at(draft->err, attachment->at, "network `%s` is not defined under `networks`",
                      attachment->key);
    if (!fill_endpoint(draft, attachment, first, new_endpoint(draft, network->name, first)))
        return false;
    if (first)
        json_put_text(draft->host, "NetworkMode", network->name);
    while (service->networks[count])
        count++;
    service->networks[count] = network->name;
    return true;
}

bool draft_networks(struct draft *draft, const struct node *networks) {
    const struct node *first = first_network(networks);
    draft->service->networks =
        arena_alloc(draft->plan->arena, (networks->length + 1) * sizeof *draft->service->networks);
    if (first && !attach(draft, first, true))
        return false;
    node_each (item, networks)
        if (item != first && !attach(draft, item, false))
            return false;
    return true;
}
