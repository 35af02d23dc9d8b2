/*
 * What a suite is told: NAME_HOST, NAME_PORT, NAME_PORT_5432, NAME_URL for every service, then what
 * the file and -e say.
 */
#include "run/environment.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

const char *environ_get(const struct strings *list, const char *name) {
    size_t length = strlen(name);
    const char *found = NULL;
    vec_each (entry, list)
        if (!strncmp(*entry, name, length) && (*entry)[length] == '=')
            found = *entry + length + 1;
    return found;
}

void environ_set(struct strings *list, const char *name, const char *value) {
    size_t length = strlen(name);
    vec_each (entry, list)
        if (!strncmp(*entry, name, length) && (*entry)[length] == '=') {
            free(*entry);
            *entry = xasprintf("%s=%s", name, value);
            return;
        }
    strings_printf(list, "%s=%s", name, value);
}

/* Names that a process needs as they are. */
static bool is_reserved(const char *name) {
    static const char *const reserved[] = {"DOCKER_HOST", "XDG_RUNTIME_DIR", "SSH_AUTH_SOCK"};
    for (size_t i = 0; i < lengthof(reserved); i++)
        if (!strcmp(reserved[i], name))
            return true;
    return false;
}

static void set(struct strings *to, const char *prefix, const char *suffix, const char *value) {
    autofree char *name = xasprintf("%s_%s", prefix, suffix);
    if (!is_reserved(name))
        environ_set(to, name, value);
}

/* ---- The URL of a known kind ---- */

struct url_names {
    const struct life *life;
    const char *host;
    char port[8];
    struct strings values; /* keeps what was looked up */
};

/* HOST, PORT, else the container's own environment, escaped as a URL wants it. */
static const char *url_value(void *context, const char *name) {
    struct url_names *names = context;
    if (!strcmp(name, "HOST"))
        return names->host;
    if (!strcmp(name, "PORT"))
        return names->port;
    const char *value = plan_environment(names->life->planned, name);
    if (!value)
        return NULL;
    strings_take(&names->values, engine_escape(value));
    return names->values.at[names->values.length - 1];
}

static bool set_url(struct strings *to, const char *prefix, const struct life *life,
                    const char *host, int port, struct err *err) {
    const struct service_kind *kind = life->planned->kind;
    struct url_names names = {.life = life, .host = host};
    char *url = NULL;
    if (!kind || !kind->url)
        return true;
    snprintf(names.port, sizeof names.port, "%d", port);
    bool ok = spec_interpolate(kind->url, url_value, &names, NULL, life->planned->at, &url, err);
    if (ok)
        set(to, prefix, "URL", url);
    free(url);
    strings_release(&names.values);
    return ok;
}

/* ---- One service ---- */

/* The service's name means any of its containers; a further one has the container's own. */
static const char *inside_host(const struct life *life) {
    return life->planned->number == 1 ? life->name : life->planned->container_name;
}

static bool endpoint(const struct life *life, bool inside, int target, const char **ret_host,
                     int *ret_port) {
    if (!inside)
        return life->started && life_endpoint(life, target, ret_host, ret_port);
    *ret_host = inside_host(life);
    *ret_port = target;
    return true;
}

static bool add_service(struct life *life, bool inside, struct strings *to, struct err *err) {
    autofree char *prefix = text_variable_name(life->name);
    int main_port = plan_main_port(life->planned), port;
    const char *host;

    for (size_t i = 0; i < life->planned->port_count; i++) {
        const struct planned_port *own = &life->planned->ports[i];
        autofree char *suffix = xasprintf("PORT_%d", own->target);
        autofree char *number = NULL;
        if (strcmp(own->protocol, "tcp") || !endpoint(life, inside, own->target, &host, &port))
            continue;
        number = xasprintf("%d", port);
        set(to, prefix, suffix, number);
    }
    if (!main_port) {
        if (inside || life->address)
            set(to, prefix, "HOST", inside ? inside_host(life) : life->address);
        return true;
    }
    if (!endpoint(life, inside, main_port, &host, &port))
        return true;
    autofree char *number = xasprintf("%d", port);
    set(to, prefix, "HOST", host);
    set(to, prefix, "PORT", number);
    return set_url(to, prefix, life, host, port, err);
}

void variables_add_host(const struct environment *environment, struct strings *to) {
    const char *const *entry = environment->options.process_environment;
    for (; entry && *entry; entry++)
        strings_add(to, *entry);
    for (const char **own = environment->model->dotenv; own && *own; own++)
        strings_add(to, *own);
}

bool variables_add(struct environment *environment, bool inside, struct strings *to,
                   struct err *err) {
    for (size_t i = 0; i < environment->life_count; i++)
        if (!environment->lives[i].is_suite &&
            !add_service(&environment->lives[i], inside, to, err))
            return false;
    return true;
}

/* ---- The suite's own ---- */

struct known {
    struct environment *environment;
    struct strings names; /* NAME=VALUE */
};

static bool is_of_process(const struct environment *environment, const char *name,
                          const char *value) {
    size_t length = strlen(name);
    const char *const *entry = environment->options.process_environment;
    for (; entry && *entry; entry++)
        if (!strncmp(*entry, name, length) && (*entry)[length] == '=')
            return !strcmp(*entry + length + 1, value);
    return false;
}

static const char *known_value(void *context, const char *name) {
    struct known *known = context;
    const char *value = environ_get(&known->names, name);
    if (value && is_of_process(known->environment, name, value))
        environment_hide(known->environment, name, value);
    return value;
}

static bool put_values(struct known *known, const struct suite *suite, struct strings *to,
                       struct err *err) {
    for (size_t i = 0; i < suite->environment_count; i++) {
        const struct variable *variable = &suite->environment[i];
        autofree char *value = NULL;
        if (!spec_interpolate(variable->value ? variable->value : "", known_value, known, NULL,
                              suite->at, &value, err))
            return err_prefix(err, "suite.environment.%s", variable->name);
        environ_set(to, variable->name, value);
        environ_set(&known->names, variable->name, value);
    }
    return true;
}

bool variables_add_suite(struct environment *environment, const struct suite *suite, bool inside,
                         struct strings *to, struct err *err) {
    /* Inside, the host's variables may be named in a value, but are not handed on. */
    struct known known = {.environment = environment};
    if (inside)
        variables_add_host(environment, &known.names);
    vec_each (own, to)
        strings_add(&known.names, *own);
    bool ok = put_values(&known, suite, to, err);
    strings_release(&known.names);
    if (!ok)
        return false;
    const char *const *entry = environment->options.suite_variables;
    for (; entry && *entry; entry++) {
        autofree char *name = xstrndup(*entry, strcspn(*entry, "="));
        environ_set(to, name, strchrnul(*entry, '=') + (strchr(*entry, '=') != NULL));
    }
    return true;
}
