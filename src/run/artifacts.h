/*
 * artifacts.h: the files that a suite leaves.
 */
#ifndef RUN_ARTIFACTS_H
#define RUN_ARTIFACTS_H

#include "run/environment.h"

/* Copy what was written to the suite's `artifacts` since a UNIX time (in seconds) to the folder
 * options.out, and tell EVENT_ARTIFACT for each file. It does not fail. */
struct task *artifacts_new(struct environment *environment, const struct suite *suite,
                           long long since);

#endif
