/*
 * task.h: something under way, and the ways to combine several.
 *
 * A task is a small state machine. step() takes it as far as it goes without waiting and answers
 * PENDING, DONE or FAILED; it may be called without need and never frees its task. When a task
 * ends, its parent is woken, looks at it and frees it. Cancelling is immediate and local: it drops
 * handles, timers and buffers, and never waits; undoing what was done is teardown's work.
 *
 * A concrete task embeds struct task as its first member.
 */
#ifndef LOOP_TASK_H
#define LOOP_TASK_H

#include <envrun/err.h>

#include "loop/loop.h"

enum task_status {
    TASK_PENDING,
    TASK_DONE,
    TASK_FAILED,
};

struct task_type {
    const char *name;
    /* Go on. On TASK_FAILED, task->err says why. */
    enum task_status (*step)(struct task *task);
    /* Drop everything under way; called at most once, only while pending. May be NULL. */
    void (*cancel)(struct task *task);
    /* Its limit has passed: say in task->err what was waited for; cancel() follows. May be NULL. */
    void (*expire)(struct task *task);
    /* Release what the task owns, but not the task. May be NULL. */
    void (*release)(struct task *task);
};

struct task {
    const struct task_type *type;
    struct loop *loop;
    struct task *parent; /* woken when this task ends; or NULL */
    enum task_status status;
    bool started;
    struct err err;     /* why it failed */
    struct timer limit; /* see task_limit() */
    bool ready;         /* queued in the loop */
    struct task *next_ready, *previous_ready;
};

/* A zeroed task of `size` bytes, to be freed with task_free(). */
void *task_new(size_t size, const struct task_type *type, struct loop *loop);
/* Let it run; its first step is taken in the loop. Starting it again only changes the parent. */
void task_start(struct task *task, struct task *parent);
/* Have step() called soon. Waking a task that is not started or has ended does nothing. */
void task_wake(struct task *task);
/* When the deadline passes, cancel the task and fail it with ERR_TIMEOUT, unless
 * its type's expire() says better than "timed out" what was waited for. */
void task_limit(struct task *task, long long deadline);
/* End it from outside, as if step() had answered so; for ends that are noticed in a callback. */
void task_end(struct task *task, enum task_status status);
/* Cancel if it is pending, release and free. Takes NULL, answers NULL. */
struct task *task_free(void *task);

/* ---- Called by loop.c ---- */
void task_step(struct task *task);

/* ---- Group: several tasks at once ---- */

enum task_group_policy {
    GROUP_FAIL_FAST, /* the first failure cancels the rest and fails the group */
    GROUP_COLLECT,   /* all run to their ends; failures are joined */
};

struct task_group;
/* limit: how many may run at once; 0: all. */
struct task_group *task_group_new(struct loop *loop, enum task_group_policy policy, size_t limit);
/* Add a task that is not started; the group owns it from now on. */
void task_group_add(struct task_group *group, struct task *child);
size_t task_group_pending(const struct task_group *group);

/* ---- Gate: wait until something is true ---- */

/* A task that asks `open` whenever it is woken. */
struct task *gate_new(struct loop *loop, enum task_status (*open)(void *context, struct err *err),
                      void *context);

/* ---- Tolerate: a task whose failure is no failure ---- */

/* Done when the child has ended in either way; why it failed goes to ret_why (may be NULL). The
 * child is owned from now on. */
struct task *tolerate(struct loop *loop, struct task *child, struct err *ret_why);

/* ---- Pause: wait for a time ---- */

struct task *pause_new(struct loop *loop, long long milliseconds);

/* ---- Retry: try until it works ---- */

struct retry_beat {
    long long first; /* ms between the first two tries */
    long long most;  /* ms; the pause grows by half each time up to this */
};

struct retry {
    struct task task;
    struct task *(*attempt)(void *context); /* a fresh task, not started */
    void *context;
    struct retry_beat beat;
    long long pause; /* ms before the next try */
    struct task *child;
    struct timer timer;
    struct err last; /* why the latest try failed */
    unsigned tries;
    /* Told of each try that failed; or NULL. */
    void (*failed)(void *context, const struct err *why, unsigned tries);
};

/* The first try is made at once. It ends when a try is done; limit it with task_limit(). */
struct retry *retry_new(struct loop *loop, struct task *(*attempt)(void *context), void *context,
                        struct retry_beat beat);

/* ---- Sequence: a linear life as a table of stages ---- */

struct stage {
    const char *name;
    /* The stage's work as a task that is not started. NULL: nothing to do (err untouched) or failed
     * (err set). */
    struct task *(*begin)(void *subject, struct err *err);
    /* Look at the work that is done, before it is freed; false (err set) fails the sequence. May be
     * NULL. */
    bool (*end)(void *subject, struct task *work, struct err *err);
};

struct sequence {
    struct task task;
    void *subject;
    /* Every transition passes here: a stage begins (PENDING), or the one before has ended. */
    void (*transition)(void *subject, const struct stage *stage, enum task_status status,
                       const struct err *err);
    const struct stage *at; /* the current stage; the one behind the last has no name */
    struct task *work;
};

struct sequence *sequence_new(struct loop *loop, const struct stage *stages, void *subject,
                              void (*transition)(void *subject, const struct stage *stage,
                                                 enum task_status status, const struct err *err));

/* Fail it from outside: the current stage's work is dropped, the transition told. `err` is taken.
 */
void sequence_abort(struct sequence *sequence, struct err *err);

#endif
