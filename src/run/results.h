/*
 * results.h: what a suite's result files say.
 */
#ifndef RUN_RESULTS_H
#define RUN_RESULTS_H

#include "run/environment.h"

/* Read the files that match the `junit` of a suite on this host and were written since it began
 * (UNIX time in seconds); tell EVENT_TESTS, and EVENT_TEST for each test that failed. What cannot
 * be read is a warning. */
void results_read(struct environment *environment, const struct suite *suite, long long since);

#endif
