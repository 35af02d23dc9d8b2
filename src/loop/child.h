/*
 * child.h: a process of ours, as a task.
 *
 * It leads a session and a process group of its own, so that it can be stopped with everything it
 * started. Every descriptor of envrun's is closed for it; the signal mask, the dispositions and the
 * limit of open files are as envrun found them.
 */
#ifndef LOOP_CHILD_H
#define LOOP_CHILD_H

#include "loop/task.h"

#include <sys/types.h>

/* Who wants to know of a child's process group, so as to end it should we be killed: told in the
 * new process before it runs the program, so that there is never one that nobody knows of; and when
 * the task is freed. */
struct child_guard {
    void (*begins)(void *context, pid_t group); /* NULL: nobody does */
    void (*ended)(void *context, pid_t group);
    void *context;
};

struct child_options {
    const char *const *argv;        /* NULL-terminated; argv[0] is looked up in PATH */
    const char *const *environment; /* NAME=VALUE, NULL-terminated */
    const char *directory;
    int input, output, errors; /* descriptors, or -1 for /dev/null */
    bool terminal;             /* `output` is a terminal: make it the controlling one */
    struct child_guard guard;
};

/* Spawned by its first step. It fails with ERR_SUITE (126: cannot be run, 127: not found), else it
 * is done when the process has ended. The options' arrays must live until then. */
struct task *child_new(struct loop *loop, const struct child_options *options);
/* Once it is done: the exit code, or 128 plus the signal that killed it. */
int child_exit_code(const struct task *child);
/* It has been spawned and holds its descriptors. */
bool child_is_running(const struct task *child);
/* Send a signal to its whole process group. */
void child_signal(struct task *child, int signal);

/* Let processes that lose their parent become ours, so that a daemon which a child left behind can
 * be found. Not where we have children from before (`dockerd & exec envrun run`): theirs and ours
 * could not be told apart, and no strays are looked for. */
void children_adopt(void);
/* Send a signal to every process below this one but one; the number of those found. Ended ones are
 * reaped. */
int children_signal_strays(int signal, pid_t spared);
/* In a new process: the signal mask and dispositions as envrun found them. */
void child_reset_signals(void);

#endif
