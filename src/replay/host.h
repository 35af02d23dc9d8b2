/*
 * host.h: facts of a host and its engine, as a bundle has them and a replay compares them.
 */
#ifndef REPLAY_HOST_H
#define REPLAY_HOST_H

#include "base/vector.h"

#include <cjson/cJSON.h>

/* {"kernel", "cpus", "memory", ..., "engine", "storage_driver", ...}: texts and numbers. `engine`
 * is
 * {"info": GET /info, "version": GET /version}, or NULL. */
cJSON *host_facts(const cJSON *engine);

struct host_difference {
    const char *what; /* the fact's name; belongs to the JSON */
    char *then, *now;
};
struct host_differences {
    struct host_difference *at;
    size_t length, capacity;
};
/* What is not the same, in the order of the first. */
void host_compare(const cJSON *then, const cJSON *now, struct host_differences *ret);
void host_differences_release(struct host_differences *differences);

#endif
