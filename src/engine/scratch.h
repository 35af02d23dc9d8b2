/*
 * scratch.h: a folder for the files that another program reads from us, or writes for us.
 *
 * It is its owner's alone, and locked (flock) as long as it is in use: whoever makes one removes
 * those that a killed envrun has left there.
 */
#ifndef ENGINE_SCRATCH_H
#define ENGINE_SCRATCH_H

#include <envrun/err.h>

#include <stdbool.h>

struct scratch {
    char *path; /* NULL: there is none */
    int fd;
};

/* In $TMPDIR of that environment, else in /tmp. */
bool scratch_make(struct scratch *scratch, const char *const *environment, struct err *err);
/* With all files in it; folders it has none. */
void scratch_remove(struct scratch *scratch);

#endif
