/*
 * detached.h: this very program once more, as a process that outlives this one.
 */
#ifndef LOOP_DETACHED_H
#define LOOP_DETACHED_H

#include <envrun/err.h>

#include <sys/types.h>

/* Start the program that we are, also where its file has been replaced, with these arguments. It is
 * nobody's child, in a session of its own without a terminal, in the root directory, with an
 * environment that says next to nothing. Its standard input is `input`, which stays the caller's;
 * it has no other descriptor of ours, the signal mask and dispositions as child.h has them. Answers
 * its process number, or 0 and err (ERR_BUG). */
pid_t detached_start(const char *const *argv, int input, struct err *err);

#endif
