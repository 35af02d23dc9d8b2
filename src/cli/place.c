#include "cli/place.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "run/docker_config.h"

#include <string.h>

#define NO_CONTEXT "default" /* the name of what is no context */

enum { FILE_MAX = 1 << 20 };

static cJSON *read_json(const char *path) {
    struct err ignored = ERR_INIT;
    struct buffer text = BUFFER_INIT_MAX(FILE_MAX);
    cJSON *value = path_read(path, &text, &ignored) ? cJSON_Parse(text.data) : NULL;
    err_release(&ignored);
    buffer_release(&text);
    return value;
}

/* ---- Contexts ---- */

static char *chosen_context(const char *const *environment, const char *directory) {
    const char *named = environment_value(environment, "DOCKER_CONTEXT");
    autofree char *path = directory ? path_join(directory, "config.json") : NULL;
    autojson cJSON *config = path && !named ? read_json(path) : NULL;
    if (!named)
        named = json_text(config, "currentContext");
    return named && *named && strcmp(named, NO_CONTEXT) != 0 ? xstrdup(named) : NULL;
}

/* A context's files lie under the hash of its name. */
static bool take_context(struct place *place, const char *directory, struct err *err) {
    char hash[HASH_TEXT_SIZE];
    hash_bytes(place->context, strlen(place->context), hash);
    autofree char *path = xasprintf("%s/contexts/meta/%s/meta.json", directory, hash);
    autofree char *tls = xasprintf("%s/contexts/tls/%s/docker", directory, hash);
    autojson cJSON *meta = read_json(path);
    const char *host = json_text(meta, "Endpoints.docker.Host");
    if (!meta)
        return err_set(err, ERR_USAGE,
                       "there is no docker context `%s` in %s/contexts: see `docker context ls`",
                       place->context, directory);
    if (!host || !*host)
        return err_set(err, ERR_USAGE, "the docker context `%s` names no engine", place->context);
    place->host = xstrdup(host);
    place->verify = !json_true(meta, "Endpoints.docker.SkipTLSVerify");
    if (path_is_directory(tls))
        place->certificates = steal(tls);
    return true;
}

/* ---- DOCKER_HOST ---- */

static void take_host(struct place *place, const char *const *environment, const char *directory) {
    const char *host = environment_value(environment, "DOCKER_HOST");
    const char *certificates = environment_value(environment, "DOCKER_CERT_PATH");
    place->host = xstrdup_or_null(host);
    place->verify = environment_value(environment, "DOCKER_TLS_VERIFY");
    if (place->verify || environment_value(environment, "DOCKER_TLS"))
        place->certificates = xstrdup_or_null(certificates ? certificates : directory);
}

static void take_usual(struct place *place, const char *const *environment, const char *usual) {
    const char *runtime = environment_value(environment, "XDG_RUNTIME_DIR");
    if (!runtime || path_exists(usual))
        return;
    autofree char *rootless = path_join(runtime, "docker.sock");
    if (path_exists(rootless))
        place->host = xasprintf("unix://%s", rootless);
}

static bool refuse_ssh(const struct place *place, struct err *err) {
    if (!place->host || !text_starts(place->host, "ssh://"))
        return true;
    const char *target = place->host + strlen("ssh://");
    err_set(err, ERR_USAGE,
            "envrun does not speak ssh: forward the engine's socket with `ssh -nNT -L "
            "/tmp/docker.sock:/var/run/docker.sock %.*s` and set "
            "DOCKER_HOST=unix:///tmp/docker.sock",
            (int)strcspn(target, "/"), target);
    return err_prefix(err, place->context ? "docker context `%s`" : "DOCKER_HOST=%s",
                      place->context ? place->context : place->host);
}

bool place_find(const char *const *environment, const char *usual, struct place *place,
                struct err *err) {
    autofree char *directory = docker_config_directory(environment);
    *place = (struct place){0};
    if (!environment_value(environment, "DOCKER_HOST"))
        place->context = chosen_context(environment, directory);
    if (place->context && !take_context(place, directory ? directory : "~/.docker", err))
        return false;
    if (!place->context)
        take_host(place, environment, directory);
    if (!place->host)
        take_usual(place, environment, usual);
    return refuse_ssh(place, err);
}

void place_release(struct place *place) {
    free(place->host);
    free(place->context);
    free(place->certificates);
    *place = (struct place){0};
}
