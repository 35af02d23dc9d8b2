/*
 * bundle.h: a run in one file, to be stood up again elsewhere (docs/bundles.md).
 *
 * In three steps: bundle_begin(), before the run; bundle_capture(), before it is taken down;
 * bundle_write(), when the record is whole. None of them ever fails a run: what cannot be had is
 * left out and noted in the manifest, and a disk that is full costs the bundle.
 */
#ifndef REPLAY_BUNDLE_H
#define REPLAY_BUNDLE_H

#include <envrun/run.h>

#include "replay/ending.h"

enum { BUNDLE_MIB_DEFAULT = 2048 }; /* of its files together, unpacked */

struct bundle_options {
    struct environment *environment;
    const struct environment_options *run; /* what it was made with */
    struct redactor *redactor;             /* whose values nothing of it may hold */
    const char *out;                       /* the folder for it, absolute */
    bool data, all_images;
    unsigned long long most; /* bytes of its files together, unpacked */
};

struct bundle;

/* The options are copied, but not what they point to. NULL and err if there is no place for it. */
struct bundle *bundle_begin(const struct bundle_options *options, struct err *err);
/* Ask the engine for what is gone after the teardown. Always done, within minutes. */
struct task *bundle_capture(struct bundle *bundle);
/* `record`: the folder of the run's record, or NULL. */
struct task *bundle_write(struct bundle *bundle, const struct ending *ending, const char *record);
/* Where it is, or will be; absolute. */
const char *bundle_path(const struct bundle *bundle);
/* How many things are left out. */
int bundle_left_out(const struct bundle *bundle);
/* Removes what was spooled. */
struct bundle *bundle_free(struct bundle *bundle);

/* Tell a CI system where it is: GITHUB_OUTPUT, GITHUB_STEP_SUMMARY, and for GitLab a path below the
 * project's folder (docs/ci-github.md, docs/ci-gitlab.md). */
void bundle_hand_out(const struct bundle *bundle, const struct ending *ending,
                     const char *const *environment);

#endif
