/*
 * lock.h: envrun.lock: which image each name means.
 *
 * {"version": 1, "images": {"postgres:15": {"linux/amd64": "sha256:...", ...}}}, by ascending
 * names. `envrun lock` asks the registries; `run` and `up` take the images that it says. It is
 * stale when the files name an image that it does not, or no longer name one that it does.
 */
#ifndef REPLAY_LOCK_H
#define REPLAY_LOCK_H

#include <envrun/run.h>

#include "base/vector.h"

#include <cjson/cJSON.h>

#define LOCK_NAME "envrun.lock"

/* NULL without err: there is no lock file in the project's folder. ERR_FILE if it is none. */
cJSON *lock_read(const struct model *model, struct err *err);
/* What does not fit together, a line each. */
void lock_compare(const cJSON *lock, const struct model *model, struct strings *ret);
/* The digest of an image for a platform ("linux/amd64"; NULL: this host's), or NULL. */
const char *lock_digest(const void *lock, const char *image, const char *platform);

/* Ask the registries for every image of the model, and make the lock file anew. An image that no
 * registry has is ERR_ENVIRONMENT. */
struct task *lock_make(struct environment *environment);
/* How many images it has, once it is done. */
int lock_count(const struct task *make);

#endif
