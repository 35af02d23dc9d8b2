/*
 * credentials.h: the credentials of registries, each looked up once.
 *
 * They never fail: where none can be had, the registry is asked without, as it may not want any;
 * why not is told as a warning.
 */
#ifndef RUN_CREDENTIALS_H
#define RUN_CREDENTIALS_H

#include "base/vector.h"
#include "loop/task.h"

#include <cjson/cJSON.h>

struct credentials;

/* Who is told of them. */
struct credentials_listener {
    void (*warn)(void *context, const char *text);
    void (*secret)(void *context, const char *value); /* a password or a token; or NULL */
    void *context;
};

/* `environment` (NAME=VALUE) must outlive it. The configuration is read when it is first needed. */
struct credentials *credentials_new(struct loop *loop, const char *const *environment,
                                    struct credentials_listener listener);
/* Free its tasks first. Takes NULL. */
struct credentials *credentials_free(struct credentials *credentials);

/* What the same configuration says of proxies, see docker_config_proxies(). */
cJSON *credentials_proxies(struct credentials *credentials, const char *engine);

/* Done when the credentials for a registry (see registry_of()) are known, or that there are none.
 */
struct task *credentials_ask(struct credentials *credentials, const char *registry);
/* After that: the value of X-Registry-Auth to be freed by the caller, or NULL: none are known. */
char *credentials_header(const struct credentials *credentials, const char *registry);

/* The registries that a build with this Dockerfile may want credentials for; NULL: all. */
void credentials_named(struct credentials *credentials, const char *text,
                       struct strings *registries);
/* Those of registries that have been asked for, as X-Registry-Config, to be freed by the caller;
 * or NULL. */
char *credentials_headers(const struct credentials *credentials, const struct strings *registries);

/* The same as the text of a config.json for the docker CLI; to be wiped and freed by the caller. */
char *credentials_config(const struct credentials *credentials, const struct strings *registries);

#endif
