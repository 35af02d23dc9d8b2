/*
 * replay.h: a bundle that has been unpacked, made ready to be run again.
 *
 * Everything in it was written by somebody else. replay_read() takes only what the bundle may say;
 * what would touch this host beyond the bundle's own folder is listed, so that the user can see it
 * first (replay_describe()).
 */
#ifndef REPLAY_REPLAY_H
#define REPLAY_REPLAY_H

#include <envrun/run.h>

#include "replay/ending.h"
#include "replay/manifest.h"

struct replay {
    char *folder;  /* where it is unpacked, absolute */
    char *project; /* the project's folder in it */
    cJSON *about, *model, *suite, *images, *data, *host;
    struct ending then;               /* how the run ended */
    struct strings asked;             /* variables that it needs, in the model or for the suite */
    struct strings suites;            /* to be run; */
    struct strings command;           /* in their place, or empty */
    vec(struct initial_data) volumes; /* what was in them at the failure */
};

/* Read what lies in the folder. ERR_FILE if it is not what a bundle has. */
bool replay_read(const char *folder, const struct manifest *manifest, struct replay *ret,
                 struct err *err);
void replay_release(struct replay *replay);

/* ---- The model ---- */

/* Services whose volumes are restored are not seeded again. */
void replay_from_failure(struct replay *replay);
/* No more CPUs and memory than the host had on which it failed. */
void replay_limit(struct replay *replay);

/* Variables for the model: those that are asked for, out of an environment, and no others. */
void replay_environment(const struct replay *replay, const char *const *environment,
                        struct strings *ret);
/* Write the model where model_load() can read it; answers its path, to be freed. */
char *replay_write_model(const struct replay *replay, struct err *err);

/* One line each: what will run on this host, and what of this host its containers will have. */
void replay_describe(const struct replay *replay, const struct model *model, struct strings *ret);

/* ---- The images ---- */

/* Load those that the bundle has, under names of their own that begin with `name`, check that they
 * are what it says, and put their IDs into the model. */
struct task *replay_load_images(struct replay *replay, struct engine *engine, struct loop *loop,
                                const char *name);
/* Remove those names again. Fails with a sentence for each that stays: somebody uses it. */
struct task *replay_remove_images(const struct replay *replay, struct engine *engine,
                                  struct loop *loop, const char *name);

#endif
