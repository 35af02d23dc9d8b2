#include "run/docker_config.h"

#include "base/base64.h"
#include "base/path.h"
#include "base/text.h"

#include <string.h>

#define HUB "docker.io"
#define HUB_SERVER "https://index.docker.io/v1/"

enum { CONFIG_MAX = 1 << 20, HELPER_NAME_MAX = 100 };

/* ---- Secrets are not left in memory ---- */

static void wipe(cJSON *value) {
    cJSON *item;
    if (cJSON_IsString(value))
        explicit_bzero(value->valuestring, strlen(value->valuestring));
    cJSON_ArrayForEach (item, value) {
        wipe(item);
    }
}

void wipe_and_delete(cJSON *value) {
    wipe(value);
    cJSON_Delete(value);
}

static void wipe_and_free(char *text) {
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

/* ---- Where it is ---- */

char *docker_config_directory(const char *const *environment) {
    const char *directory = environment_value(environment, "DOCKER_CONFIG");
    const char *home = environment_value(environment, "HOME");
    if (directory)
        return xstrdup(directory);
    return home ? path_join(home, ".docker") : NULL;
}

static bool parse(cJSON **ret, const char *text, const char *name, struct err *err) {
    if (!text)
        return true;
    *ret = cJSON_Parse(text);
    if (cJSON_IsObject(*ret))
        return true;
    wipe_and_delete(*ret);
    *ret = NULL;
    return err_set(err, ERR_FILE, "%s is not a JSON object", name);
}

bool docker_config_parse(struct docker_config *config, const char *file, const char *variable,
                         struct err *err) {
    struct err further = ERR_INIT;
    bool ok = parse(&config->file, file, config->path ? config->path : "config.json", err);
    if (parse(&config->variable, variable, "DOCKER_AUTH_CONFIG", &further))
        return ok;
    return ok ? err_move(err, &further) : err_join(err, &further);
}

bool docker_config_load(struct docker_config *config, const char *const *environment,
                        struct err *err) {
    struct err unreadable = ERR_INIT;
    struct buffer text = BUFFER_INIT_MAX(CONFIG_MAX);
    autofree char *directory = docker_config_directory(environment);
    config->path = directory ? path_join(directory, "config.json") : NULL;
    bool exists = config->path && path_exists(config->path);
    bool read = exists && path_read(config->path, &text, &unreadable);
    bool ok = docker_config_parse(config, read ? text.data : NULL,
                                  environment_value(environment, "DOCKER_AUTH_CONFIG"), err);
    if (text.capacity)
        explicit_bzero(text.data, text.length);
    buffer_release(&text);
    if (!exists || read)
        return ok;
    return ok ? err_move(err, &unreadable) : err_join(err, &unreadable);
}

void docker_config_release(struct docker_config *config) {
    wipe_and_delete(config->file);
    wipe_and_delete(config->variable);
    free(config->path);
    *config = (struct docker_config){0};
}

/* ---- Proxies ---- */

cJSON *docker_config_proxies(const struct docker_config *config, const char *engine) {
    static const char *const names[][3] = {
        {"httpProxy", "HTTP_PROXY", "http_proxy"}, {"httpsProxy", "HTTPS_PROXY", "https_proxy"},
        {"noProxy", "NO_PROXY", "no_proxy"},       {"ftpProxy", "FTP_PROXY", "ftp_proxy"},
        {"allProxy", "ALL_PROXY", "all_proxy"},
    };
    const cJSON *proxies = json_get(config->file, "proxies");
    const cJSON *chosen = cJSON_GetObjectItemCaseSensitive(proxies, engine);
    cJSON *variables = NULL;
    if (!chosen)
        chosen = json_get(proxies, "default");
    for (size_t i = 0; i < lengthof(names); i++) {
        const char *value = json_text(chosen, names[i][0]);
        if (!value || !*value)
            continue;
        variables = variables ? variables : cJSON_CreateObject();
        json_put_text(variables, names[i][1], value);
        json_put_text(variables, names[i][2], value);
    }
    return variables;
}

/* ---- Registries ---- */

/* The first part of a name is a host if it looks like one. */
char *registry_of(const char *reference) {
    const char *slash = strchr(reference, '/');
    autofree char *first = slash ? xstrndup(reference, (size_t)(slash - reference)) : xstrdup("");
    bool is_host = strpbrk(first, ".:") || !strcmp(first, "localhost");
    if (!is_host || !strcmp(first, "index." HUB))
        return xstrdup(HUB);
    return steal(first);
}

const char *registry_server(const char *registry) {
    return strcmp(registry, HUB) != 0 ? registry : HUB_SERVER;
}

/* The registry that a key of the configuration means ("https://index.docker.io/v1/"). */
static char *registry_of_key(const char *key) {
    const char *scheme = strstr(key, "://");
    const char *host = scheme ? scheme + 3 : key;
    autofree char *name = xstrndup(host, strcspn(host, "/"));
    if (!strcmp(name, "index." HUB) || !strcmp(name, "registry-1." HUB))
        return xstrdup(HUB);
    return steal(name);
}

/* The value for a registry: under the name it has for the engine, else under one that means it. */
static const cJSON *entry_of(const cJSON *map, const char *registry) {
    const cJSON *entry = cJSON_GetObjectItemCaseSensitive(map, registry_server(registry));
    if (entry)
        return entry;
    cJSON_ArrayForEach (entry, map) {
        autofree char *meant = registry_of_key(entry->string);
        if (!strcmp(meant, registry))
            return entry;
    }
    return NULL;
}

/* ---- Credentials ---- */

/* "auth" is NAME:PASSWORD in base64. */
static void put_name_and_password(cJSON *auth, const char *text) {
    size_t length;
    char *both = base64_decode(text, &length);
    char *colon = both ? strchr(both, ':') : NULL;
    if (colon) {
        *colon = '\0';
        json_put_text(auth, "username", both);
        json_put_text(auth, "password", colon + 1);
    }
    if (both)
        explicit_bzero(both, length);
    free(both);
}

static cJSON *auth_of_entry(const cJSON *entry, const char *registry) {
    static const char *const fields[] = {"username", "password", "identitytoken", "registrytoken"};
    cJSON *auth = cJSON_CreateObject();
    const char *both = json_text(entry, "auth");
    if (both && *both)
        put_name_and_password(auth, both);
    for (size_t i = 0; i < lengthof(fields); i++) {
        const char *text = json_text(entry, fields[i]);
        if (text && *text && !json_get(auth, fields[i]))
            json_put_text(auth, fields[i], text);
    }
    if (auth->child) {
        json_put_text(auth, "serveraddress", registry_server(registry));
        return auth;
    }
    cJSON_Delete(auth);
    return NULL;
}

/* It becomes part of a program's name. */
static bool is_helper_name(const char *name) {
    return name && *name && strlen(name) <= HELPER_NAME_MAX &&
           !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")];
}

struct credential docker_config_find(const struct docker_config *config, const char *registry) {
    struct credential credential = {0};
    const cJSON *given = entry_of(json_get(config->variable, "auths"), registry);
    credential.auth = given ? auth_of_entry(given, registry) : NULL;
    if (credential.auth)
        return credential;
    const char *helper =
        cJSON_GetStringValue(entry_of(json_get(config->file, "credHelpers"), registry));
    if (!helper || !*helper)
        helper = json_text(config->file, "credsStore");
    if (is_helper_name(helper))
        credential.helper = xstrdup(helper);
    else
        credential.auth =
            auth_of_entry(entry_of(json_get(config->file, "auths"), registry), registry);
    return credential;
}

bool credential_take_reply(struct credential *credential, const char *registry, const char *reply) {
    cJSON *answer = cJSON_Parse(reply);
    const char *name = json_text(answer, "Username"), *secret = json_text(answer, "Secret");
    bool ok = name && secret;
    if (ok) {
        bool is_token = !strcmp(name, "<token>");
        wipe_and_delete(credential->auth);
        credential->auth = cJSON_CreateObject();
        if (!is_token)
            json_put_text(credential->auth, "username", name);
        json_put_text(credential->auth, is_token ? "identitytoken" : "password", secret);
        json_put_text(credential->auth, "serveraddress", registry_server(registry));
    }
    wipe_and_delete(answer);
    return ok;
}

void credential_release(struct credential *credential) {
    wipe_and_delete(credential->auth);
    free(credential->helper);
    *credential = (struct credential){0};
}

char *credential_header(const cJSON *auth) {
    char *line = json_line(auth);
    char *header = base64_encode_url(line, strlen(line));
    wipe_and_free(line);
    return header;
}

cJSON *credential_entry(const cJSON *auth) {
    const char *token = json_text(auth, "identitytoken");
    char *both =
        xasprintf("%s:%s", json_text_or(auth, "username", ""), json_text_or(auth, "password", ""));
    char *encoded = base64_encode(both, strlen(both));
    cJSON *entry = cJSON_CreateObject();
    json_put_text(entry, "auth", encoded);
    json_put_text(entry, "identitytoken", token);
    wipe_and_free(encoded);
    wipe_and_free(both);
    return entry;
}

/* ---- Which of them a build may need ---- */

static void add_named(const cJSON *map, const char *text, struct strings *registries) {
    const cJSON *entry;
    cJSON_ArrayForEach (entry, map) {
        autofree char *registry = registry_of_key(entry->string);
        if (*registry && (!text || strstr(text, registry)) && !strings_has(registries, registry))
            strings_add(registries, registry);
    }
}

void docker_config_named(const struct docker_config *config, const char *text,
                         struct strings *registries) {
    strings_add(registries, HUB);
    add_named(json_get(config->variable, "auths"), text, registries);
    add_named(json_get(config->file, "credHelpers"), text, registries);
    add_named(json_get(config->file, "auths"), text, registries);
}
