/*
 * pattern.h: patterns of absolute paths, as glob(3) knows them, where there is no glob().
 */
#ifndef RUN_PATTERN_H
#define RUN_PATTERN_H

#include <stdbool.h>

/* The path that all matches of a pattern lie at or below: its components before the first with a
 * wildcard or a backslash. `ret_below`: below, for there is one. To be freed by the caller. */
char *pattern_root(const char *pattern, bool *ret_below);
/* Does the path match? */
bool pattern_is(const char *pattern, const char *path);
/* ... or a folder above it? */
bool pattern_has(const char *pattern, const char *path);

#endif
