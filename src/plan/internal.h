/*
 * internal.h: what the files of the plan floor share.
 */
#ifndef PLAN_INTERNAL_H
#define PLAN_INTERNAL_H

#include <envrun/plan.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/vector.h"

/* What is put together for one service. */
struct draft {
    struct plan *plan;
    struct planned_service *service;
    const struct node *node; /* the canonical service */
    cJSON *body;             /* service->body */
    cJSON *host;             /* .HostConfig */
    struct err *err;         /* mistakes are joined here */
};

/* container.c: the service's keys, through one table. */
bool draft_container(struct draft *draft);
/* Is the key in its tables? */
bool container_takes_key(const char *key);
bool draft_needs_api(struct draft *draft, const struct node *value, int minor);
cJSON *texts_to_json(const struct node *list);
/* "NAME=VALUE"; "NAME" is taken away. */
void environment_add(cJSON *list, const struct node *variable);
/* A mistake unless the engine's API is so new. */
bool needs_api(const struct plan *plan, struct position at, const char *what, int minor,
               struct err *err);
/* An image that must be there beside the service's own. */
void draft_image(struct draft *draft, const char *reference, struct position at);
/* "NAME:ADDRESS" for each. */
cJSON *hosts_to_json(const struct node *list);
cJSON *map_to_json(const struct node *map);
void draft_restart_policy(struct draft *draft, const char *name, long most);

/* coverage.c: refuse a key that is not handled, by its name and place: nothing the file says is
 * dropped in silence. `owner` is what the key stands in ("db"). */
bool check_key(const char *section, const char *owner, const struct node *value, struct err *err);
bool check_keys(const char *section, const char *owner, const struct node *map, struct err *err);

/* build.c: NULL if the file asks for what cannot be. */
struct planned_build *plan_build(struct plan *plan, const struct service *service, struct err *err);
void plan_build_release(struct planned_build *build); /* takes NULL */
/* NULL: there is no such key; else what it takes, or "". */
const char *build_takes_key(const char *key);

/* proxies.c: where a list of NAME=VALUE, or a build's `buildargs`, has no other value. */
void proxies_add(const struct plan *plan, cJSON *list);
void proxies_add_arguments(const struct plan *plan, cJSON *query);

/* resources.c: limits, devices, deploy. */
cJSON *ulimits_to_json(const struct node *map);
bool draft_ulimits(struct draft *draft, const struct node *map);
bool draft_blkio(struct draft *draft, const struct node *map);
bool draft_devices(struct draft *draft, const struct node *list);
bool draft_gpus(struct draft *draft, const struct node *list);
bool draft_deploy(struct draft *draft, const struct node *map);

/* hooks.c */
bool draft_post_start(struct draft *draft, const struct node *list);
bool draft_pre_stop(struct draft *draft, const struct node *list);

/* init.c: of a service that is drafted otherwise. */
void draft_pre_start(struct draft *draft);
void init_release(struct planned_init *init);

/* security.c: what goes into SecurityOpt, and the engine's socket. */
bool draft_security_opt(struct draft *draft, const struct node *list);
bool draft_credential_spec(struct draft *draft, const struct node *map);
bool draft_api_socket(struct draft *draft, const struct node *value);

/* sharing.c: what a container shares with another one, or with the host. */
bool draft_network_mode(struct draft *draft, const struct node *value);
bool draft_ipc(struct draft *draft, const struct node *value);
bool draft_pid(struct draft *draft, const struct node *value);
bool draft_volumes_from(struct draft *draft, const struct node *list);

/* mounts.c: volumes, tmpfs, secrets, configs. */
bool draft_volumes(struct draft *draft, const struct node *volumes);
bool draft_tmpfs(struct draft *draft, const struct node *tmpfs);
bool draft_files(struct draft *draft, const struct node *grants);
/* The paths at which something is mounted already. */
bool mounts_has_target(const cJSON *host, const char *target);

/* A labelled volume for a VOLUME path of the image, unless something is mounted there. */
void plan_image_volume(struct plan *plan, struct planned_service *service, const char *target);

/* ports.c */
bool draft_ports(struct draft *draft, const struct node *ports);
bool draft_expose(struct draft *draft, const struct node *expose);
/* Publish what this host could not reach otherwise, and what the file publishes. */
void ports_bind(struct plan *plan, struct planned_service *service);
/* Those that the image EXPOSEs. */
void ports_of_image(struct plan *plan, struct planned_service *service, const cJSON *config);
/* One that is there already is not added again. */
void ports_add(struct plan *plan, struct planned_service *service, struct planned_port port);

/* networks.c */
bool plan_networks(struct plan *plan, struct err *err);
bool plan_volumes(struct plan *plan, struct err *err);
bool draft_networks(struct draft *draft, const struct node *networks);
const struct planned_network *plan_network(const struct plan *plan, const char *key);
const struct planned_volume *plan_volume(const struct plan *plan, const char *key);

/* plan.c: how many containers a service has, by `scale` or `deploy.replicas`. */
int container_count(const struct service *service);
/* The environment's labels, then a list or map of the file's. */
cJSON *plan_labels(const struct plan *plan);
void labels_add(cJSON *labels, const struct node *map);

/* kinds.c: "postgres, mysql, ..." to be freed by the caller. */
char *kinds_names(const struct kinds *kinds);

/* A scalar as the engine wants a string: null is "". */
const char *scalar_text(const struct node *node);

/* "64m", "1gb", "1024" in bytes; false if it is none (Compose Specification, "Specifying byte
 * values"). */
bool bytes_parse(const char *text, long long *ret_bytes);

#endif
