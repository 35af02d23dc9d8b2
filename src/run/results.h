/*
 * results.h: what a suite's result files say.
 */
#ifndef RUN_RESULTS_H
#define RUN_RESULTS_H

#include "run/left.h"

/* Read the results that were found, a slice at a time; tell EVENT_TESTS, and EVENT_TEST for each
 * test that failed. For a record each file is told too, as EVENT_RESULTS. It does not fail: what
 * cannot be read, or is not there, is a warning. */
struct task *results_new(struct left *left);

#endif
