/*
 * Ports: what the file publishes, and what must be published so that this host can reach it.
 *
 * Ports written in the file are remapped to ephemeral ones on 127.0.0.1, so that copies of one
 * environment never collide; `--ports=written` keeps them, on 127.0.0.1 too unless the file names
 * an address: who shares the network has no business with them.
 */
#include "plan/internal.h"

#include <stdio.h>
#include <string.h>

void ports_add(struct plan *plan, struct planned_service *service, struct planned_port port) {
    for (size_t i = 0; i < service->port_count; i++) {
        struct planned_port *there = &service->ports[i];
        if (there->target != port.target || strcmp(there->protocol, port.protocol) != 0)
            continue;
        if (!there->written)
            *there = port; /* only exposed so far */
        if (!port.written || !strcmp(there->written, port.written))
            return;
    }
    struct planned_port *ports =
        arena_alloc(plan->arena, (service->port_count + 1) * sizeof *ports);
    if (service->port_count)
        memcpy(ports, service->ports, service->port_count * sizeof *ports);
    ports[service->port_count++] = port;
    service->ports = ports;
}

bool draft_ports(struct draft *draft, const struct node *ports) {
    node_each (item, ports) {
        ports_add(draft->plan, draft->service,
                  (struct planned_port){
                      .target = (int)node_integer(item, "target", 0),
                      .protocol = node_text(item, "protocol", "tcp"),
                      .written = node_text(item, "published", ""),
                      .written_ip = node_text(item, "host_ip", NULL),
                  });
    }
    return true;
}

/* "8080", "8080/udp" or "8080-8082" */
static bool add_exposed(struct plan *plan, struct planned_service *service, const char *text) {
    char protocol[8] = "tcp";
    int first = 0, last = 0;
    if (sscanf(text, "%d-%d/%7[a-z]", &first, &last, protocol) < 2) {
        if (sscanf(text, "%d/%7[a-z]", &first, protocol) < 1)
            return false;
        last = first;
    }
    if (first < 1 || last > 65535 || last < first)
        return false;
    for (int port = first; port <= last; port++)
        ports_add(
            plan, service,
            (struct planned_port){.target = port, .protocol = arena_strdup(plan->arena, protocol)});
    return true;
}

bool draft_expose(struct draft *draft, const struct node *expose) {
    node_each (item, expose)
        if (!add_exposed(draft->plan, draft->service, scalar_text(item)))
            return err_at(draft->err, item->at, "`%s` is not a port or a range of ports",
                          scalar_text(item));
    return true;
}

void ports_of_image(struct plan *plan, struct planned_service *service, const cJSON *config) {
    const cJSON *port;
    cJSON_ArrayForEach (port, cJSON_GetObjectItem(config, "ExposedPorts")) {
        add_exposed(plan, service, port->string);
    }
}

/* From an internal network the engine publishes nothing, and does not say so. */
static bool is_published(const struct plan *plan, const struct planned_port *port) {
    return !plan->hermetic && (port->written || plan->reach == REACH_PUBLISH);
}

static cJSON *binding_of(const struct plan *plan, const struct planned_port *port) {
    bool as_written = plan->ports_as_written && port->written;
    cJSON *binding = cJSON_CreateObject();
    const char *ip = as_written ? port->written_ip : NULL;
    json_put_text(binding, "HostIp", ip ? ip : plan->publish_address);
    json_put_text(binding, "HostPort", as_written ? port->written : "");
    return binding;
}

/* Who uses another's network publishes nothing of its own; the engine refuses it. */
static bool has_own_network(const struct planned_service *service) {
    return !service->network_mode || !strcmp(service->network_mode, "bridge");
}

void ports_bind(struct plan *plan, struct planned_service *service) {
    cJSON *host = cJSON_GetObjectItem(service->body, "HostConfig");
    if (!has_own_network(service))
        return;
    for (size_t i = 0; i < service->port_count; i++) {
        const struct planned_port *port = &service->ports[i];
        autofree char *key = xasprintf("%d/%s", port->target, port->protocol);
        json_object_at(json_object_at(service->body, "ExposedPorts"), key);
        if (is_published(plan, port))
            cJSON_AddItemToArray(json_array_at(json_object_at(host, "PortBindings"), key),
                                 binding_of(plan, port));
    }
}
