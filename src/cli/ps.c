/*
 * envrun ps: the containers of an environment.
 */
#include "cli/cli.h"

#include "base/json.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* "172.18.0.2 5432/tcp, 127.0.0.1:32768->80/tcp" */
static char *where(const cJSON *container) {
    autostrings struct strings parts = {0};
    const cJSON *networks = json_get(container, "NetworkSettings.Networks");
    const char *address = networks ? json_text(networks->child, "IPAddress") : NULL;
    const cJSON *port;
    if (address && *address)
        strings_add(&parts, address);
    cJSON_ArrayForEach (port, json_get(container, "Ports")) {
        long long from = json_number(port, "PublicPort", 0),
                  to = json_number(port, "PrivatePort", 0);
        const char *type = json_text_or(port, "Type", "tcp");
        if (from)
            strings_printf(&parts, "%s:%lld->%lld/%s", json_text_or(port, "IP", ""), from, to,
                           type);
        else
            strings_printf(&parts, "%lld/%s", to, type);
    }
    return strings_join(&parts, " ");
}

static void print_table(const cJSON *containers) {
    const cJSON *container;
    printf("%-16s %-10s %-26s %s\n", "SERVICE", "STATE", "STATUS", "WHERE");
    cJSON_ArrayForEach (container, containers) {
        autofree char *place = where(container), *name = container_name(container);
        printf("%-16s %-10s %-26s %s\n", name, json_text_or(container, "State", ""),
               json_text_or(container, "Status", ""), place);
    }
}

static void print_json(const cJSON *containers) {
    autojson cJSON *all = cJSON_CreateArray();
    const cJSON *container;
    cJSON_ArrayForEach (container, containers) {
        cJSON *one = cJSON_CreateObject();
        autofree char *place = where(container);
        json_put_text(one, "service", container_label(container, LABEL_SERVICE));
        json_put_number(one, "number", atoi(container_label(container, LABEL_NUMBER)));
        json_put_text(one, "id", json_text(container, "Id"));
        json_put_text(one, "image", json_text(container, "Image"));
        json_put_text(one, "state", json_text(container, "State"));
        json_put_text(one, "status", json_text(container, "Status"));
        json_put_text(one, "where", place);
        cJSON_AddItemToArray(all, one);
    }
    autofree char *text = cJSON_Print(all);
    puts(text);
}

bool format_is_listing(const char *format, struct err *err) {
    return !format || !strcmp(format, "table") || !strcmp(format, "json") ||
           err_set(err, ERR_USAGE, "--format is `table` or `json`, not `%s`", format);
}

int command_ps(struct options *options) {
    struct session session;
    struct err err = ERR_INIT;
    int code = 0;

    session_init(&session, options);
    cJSON *containers = NULL;
    if (format_is_listing(options->format, &err) && session_name(&session, &err) &&
        session_open(&session, &err))
        containers = session_containers(&session, &err);
    if (!containers)
        code = session_fail(&session, &err);
    else if (options->format && !strcmp(options->format, "json"))
        print_json(containers);
    else
        print_table(containers);
    cJSON_Delete(containers);
    session_release(&session);
    err_release(&err);
    return code;
}
