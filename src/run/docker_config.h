/*
 * docker_config.h: what the docker CLI's configuration says of registries and of proxies; pure but
 * for docker_config_load().
 *
 * The configuration is config.json in $DOCKER_CONFIG or ~/.docker, and over it the `auths` of
 * $DOCKER_AUTH_CONFIG. Its secrets are wiped when it is released; nothing here puts one into an
 * error.
 */
#ifndef RUN_DOCKER_CONFIG_H
#define RUN_DOCKER_CONFIG_H

#include <envrun/err.h>

#include "base/json.h"
#include "base/vector.h"

struct docker_config {
    cJSON *file;     /* config.json, or NULL */
    cJSON *variable; /* DOCKER_AUTH_CONFIG, or NULL */
    char *path;      /* of config.json, or NULL: there is no home */
};

/* $DOCKER_CONFIG, else ~/.docker, else NULL; to be freed by the caller. */
char *docker_config_directory(const char *const *environment);
/* Read what there is. False (ERR_FILE) if some of it is no JSON; the rest counts all the same. */
bool docker_config_load(struct docker_config *config, const char *const *environment,
                        struct err *err);
/* From texts; NULL: not there. */
bool docker_config_parse(struct docker_config *config, const char *file, const char *variable,
                         struct err *err);
void docker_config_release(struct docker_config *config);

/* The proxies for the containers of the engine at this address, as {NAME: VALUE} with each name in
 * upper and lower case; to be deleted by the caller. NULL: none. */
cJSON *docker_config_proxies(const struct docker_config *config, const char *engine);

/* The registry of an image: "docker.io", "localhost:5000"; to be freed by the caller. */
char *registry_of(const char *reference);
/* What it is called in the configuration and by the engine. */
const char *registry_server(const char *registry);

/* How to log in somewhere. */
struct credential {
    cJSON *auth;  /* what X-Registry-Auth holds, or NULL: nothing is known */
    char *helper; /* docker-credential-HELPER knows it; or NULL */
};

struct credential docker_config_find(const struct docker_config *config, const char *registry);
/* Take in what a helper has printed. False: it is not what a helper prints. */
bool credential_take_reply(struct credential *credential, const char *registry, const char *reply);
void credential_release(struct credential *credential);
/* As the header has it, to be freed by the caller. */
char *credential_header(const cJSON *auth);

/* Overwrite what a tree holds, and delete it. Takes NULL. */
void wipe_and_delete(cJSON *value);

/* As an entry of `auths` in config.json has it. */
cJSON *credential_entry(const cJSON *auth);

/* Add the registries that the configuration knows and a Dockerfile (or its arguments) names, and
 * docker.io. NULL text: all of them. */
void docker_config_named(const struct docker_config *config, const char *text,
                         struct strings *registries);

#endif
