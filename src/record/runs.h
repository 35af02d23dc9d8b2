/*
 * runs.h: the folders of a folder of runs.
 */
#ifndef RECORD_RUNS_H
#define RECORD_RUNS_H

#include "base/vector.h"

/* The names of those that can be records, the oldest first. */
void runs_names(const char *runs, struct strings *into);

#endif
