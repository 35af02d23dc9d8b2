/*
 * left.h: what a suite leaves: the files with its results (`junit`), and its artifacts.
 *
 * Those of a suite on this host are found where they lie (left_host.c); those of one in the graph
 * are copied out of its container, which has ended, into a folder of ours (left_inside.c). From
 * there on both are the same: results are read, told and kept in the record (results.h), artifacts
 * are copied (artifacts.h).
 */
#ifndef RUN_LEFT_H
#define RUN_LEFT_H

#include "engine/scratch.h"
#include "run/environment.h"

enum {
    RESULTS_MOST = 1000,      /* files of a suite */
    RESULTS_BYTES = 16 << 20, /* of a suite, in all */
    ARTIFACTS_MOST = 10000,
};
#define ARTIFACTS_BYTES (1LL << 30) /* of a suite */

struct left_file {
    char *name;  /* as it is told: its path, in a container "SERVICE:PATH" */
    char *path;  /* where it lies on this host */
    char *place; /* below the project's folder, or the container's working directory; elsewhere its
                    whole path, without the first '/' */
};

struct left {
    struct environment *environment;
    const struct suite *suite;
    long long began; /* the suite: UNIX time in seconds */
    vec(struct left_file) results, artifacts;
    struct strings stale;   /* names of results that were written before it began */
    struct scratch scratch; /* has what was copied out; or nothing */
};

/* Find, read, tell and copy what a suite that has ended has left. It does not fail: what cannot be
 * had is a warning. */
struct task *left_new(struct environment *environment, const struct suite *suite, long long began);

/* ---- For the finders ---- */

/* One more file, unless there are too many. `path` is that on this host, `name` the whole path as
 * the patterns know it, `folder` what they are seen from. */
void left_add_result(struct left *left, const char *path, const char *name, const char *folder);
void left_add_artifact(struct left *left, const char *path, const char *name, const char *folder);
/* A result that is not of this run. */
void left_add_stale(struct left *left, const char *name);

/* ---- left_host.c ---- */

void left_find(struct left *left);

/* ---- left_inside.c ---- */

/* Always done. */
struct task *left_copy_out(struct left *left);

#endif
