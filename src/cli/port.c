/*
 * envrun port: where a service's port answers.
 */
#include "cli/cli.h"

#include "base/json.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* Published: there. Else its own address, where this host reaches it. */
static bool print_place(const cJSON *container, long port, const char *protocol, struct err *err) {
    const cJSON *item, *networks = json_get(container, "NetworkSettings.Networks");
    const char *address = networks ? json_text(networks->child, "IPAddress") : NULL;
    bool known = false;
    cJSON_ArrayForEach (item, json_get(container, "Ports")) {
        if (json_number(item, "PrivatePort", 0) != port ||
            strcmp(json_text_or(item, "Type", "tcp"), protocol) != 0)
            continue;
        known = true;
        long long public = json_number(item, "PublicPort", 0);
        if (public) {
            printf("%s:%lld\n", json_text_or(item, "IP", ""), public);
            return true;
        }
    }
    if (!known || !address || !*address)
        return err_set(err, ERR_USAGE, "service `%s` has no port %ld/%s that answers here",
                       container_label(container, LABEL_SERVICE), port, protocol);
    printf("%s:%ld\n", address, port);
    return true;
}

static bool parse(const struct options *options, long *ret_port, struct err *err) {
    if (options->word_count != 2)
        return err_set(err, ERR_USAGE, "envrun port needs a service and a port");
    return text_to_long(options->words[1], 1, 65535, ret_port) ||
           err_set(err, ERR_USAGE, "`%s` is not a port", options->words[1]);
}

int command_port(struct options *options) {
    struct session session;
    struct err err = ERR_INIT;
    int code = 0;
    long port;

    session_init(&session, options);
    cJSON *containers = NULL;
    const cJSON *container = NULL;
    if (parse(options, &port, &err) && session_name(&session, &err) && session_open(&session, &err))
        containers = session_containers(&session, &err);
    if (containers)
        container = containers_service(containers, options->words[0], options->index, &err);
    if (!container ||
        !print_place(container, port, options->protocol ? options->protocol : "tcp", &err))
        code = session_fail(&session, &err);
    cJSON_Delete(containers);
    session_release(&session);
    err_release(&err);
    return code;
}
