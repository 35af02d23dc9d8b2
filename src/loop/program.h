/*
 * program.h: a process of ours whose output is read here, as a task.
 *
 * It is done when the process has ended; what is in the pipe by then has been handed on. A stray
 * that still holds the pipe is not waited for. Cancelling kills it.
 */
#ifndef LOOP_PROGRAM_H
#define LOOP_PROGRAM_H

#include "loop/child.h"

enum { PROGRAM_INPUT_MAX = 1024 }; /* bytes: less than a pipe holds */

struct program_options {
    const char *const *argv, *const *environment; /* as in struct child_options */
    const char *directory;                        /* or NULL: ours */
    const char *input; /* what it reads, at most PROGRAM_INPUT_MAX; NULL: nothing */
    bool errors_too;   /* its standard error comes, too, in order */
    void (*output)(void *context, const char *data, size_t length);
    void *context;
    struct child_guard guard;
};

/* The arrays must live until it has been spawned. It fails as a child does (child.h). */
struct task *program_new(struct loop *loop, const struct program_options *options);
/* Once it is done. */
int program_exit_code(const struct task *program);

#endif
