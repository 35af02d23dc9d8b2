/*
 * artifacts.h: the files that a suite leaves.
 */
#ifndef RUN_ARTIFACTS_H
#define RUN_ARTIFACTS_H

#include "run/left.h"

/* Copy the artifacts that were found to the folder options.out, and tell EVENT_ARTIFACT for each
 * file. It does not fail. */
struct task *artifacts_new(struct left *left);

#endif
