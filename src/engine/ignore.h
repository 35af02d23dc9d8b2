/*
 * ignore.h: .dockerignore, with Docker's rules.
 *
 * One pattern per line, '#' begins a comment; '*' and '?' match within one name, '**' any number of
 * directories; a pattern matches a file or a directory above it; '!' takes files in again; the last
 * pattern that matches decides.
 */
#ifndef ENGINE_IGNORE_H
#define ENGINE_IGNORE_H

#include "base/vector.h"

#include <stdbool.h>

struct ignore_pattern {
    char *glob; /* cleaned, relative to the context */
    bool take_in;
};

struct ignore {
    vec(struct ignore_pattern) patterns;
    bool takes_in; /* some pattern does */
};

/* Add the lines of a .dockerignore. */
void ignore_parse(struct ignore *ignore, const char *text);
/* Is this path (relative, without a '/' at its ends) left out? */
bool ignore_matches(const struct ignore *ignore, const char *path);
/* A directory that is left out: may something below it be taken in again? */
bool ignore_may_take_in_below(const struct ignore *ignore, const char *directory);
void ignore_release(struct ignore *ignore);

/* One pattern against one whole path. */
bool ignore_glob(const char *glob, const char *path);

#endif
