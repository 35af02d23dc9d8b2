/*
 * What a container may do to its host: security options, and the engine's own socket.
 */
#include "plan/internal.h"

#include "base/path.h"
#include "base/text.h"

#include <string.h>

/* The file of "seccomp=FILE", or NULL: another option, or a profile that the engine has. */
static const char *seccomp_file(const char *option) {
    static const char name[] = "seccomp";
    const char *value = option + strlen(name);
    if (!text_starts(option, name) || (*value != '=' && *value != ':'))
        return NULL;
    value++;
    return strcmp(value, "unconfined") && strcmp(value, "builtin") ? value : NULL;
}

/* As the docker CLI does: a profile is a file of this host, whose text the engine wants, and
 * `systempaths` is a word of the CLI for two fields. */
bool draft_security_opt(struct draft *draft, const struct node *list) {
    cJSON *options = json_array_at(draft->host, "SecurityOpt");
    node_each (item, list) {
        const char *option = scalar_text(item), *profile = seccomp_file(option);
        if (profile) {
            autofree char *path = path_join(draft->plan->model->directory, profile);
            draft->service->seccomp = arena_strdup(draft->plan->arena, path);
        } else if (!strcmp(option, "systempaths=unconfined")) {
            json_array_at(draft->host, "MaskedPaths");
            json_array_at(draft->host, "ReadonlyPaths");
        } else {
            json_append_text(options, option);
        }
    }
    return true;
}

/* Of Windows containers; the engine says so if it has none. */
bool draft_credential_spec(struct draft *draft, const struct node *map) {
    static const char *const sources[] = {"file", "registry"};
    const struct node *config = node_get(map, "config");
    if (config)
        return err_at(draft->err, config->key_at,
                      "services.%s.credential_spec.config: this key means a config of a swarm, "
                      "which only a swarm's services can read; use `file` or `registry`",
                      draft->service->name);
    for (size_t i = 0; i < lengthof(sources); i++) {
        const char *value = node_text(map, sources[i], NULL);
        if (!value)
            continue;
        autofree char *option = xasprintf("credentialspec=%s://%s", sources[i], value);
        json_append_text(json_array_at(draft->host, "SecurityOpt"), option);
    }
    return true;
}

/* ---- use_api_socket ---- */

static bool bind_socket(struct draft *draft) {
    cJSON *mount = cJSON_CreateObject();
    json_put_text(mount, "Type", "bind");
    json_put_text(mount, "Source", draft->plan->socket);
    json_put_text(mount, "Target", "/var/run/docker.sock");
    cJSON_AddItemToArray(json_array_at(draft->host, "Mounts"), mount);
    return true;
}

/* Where the docker CLI finds the credentials, unless the file says that it knows better. */
bool draft_api_socket(struct draft *draft, const struct node *value) {
    static const char folder[] = "/run/secrets/docker";
    const struct node *environment = node_get(draft->node, "environment");
    if (value->kind != NODE_BOOL || !value->boolean)
        return true;
    if (node_get(environment, "DOCKER_CONFIG"))
        return bind_socket(draft);
    if (node_bool(draft->node, "read_only", false))
        return err_at(draft->err, value->key_at,
                      "service `%s` is `read_only`: the registries' credentials cannot be copied "
                      "into it; set its environment's DOCKER_CONFIG to do without them",
                      draft->service->name);
    autofree char *variable = xasprintf("DOCKER_CONFIG=%s", folder);
    json_append_text(json_array_at(draft->body, "Env"), variable);
    draft->service->registry_config = arena_printf(draft->plan->arena, "%s/config.json", folder);
    return bind_socket(draft);
}
