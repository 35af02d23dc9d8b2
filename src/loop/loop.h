/*
 * loop.h: one epoll, and what hangs on it: descriptors, timers, signals, tasks that are ready.
 *
 * Times are milliseconds of the monotonic clock. Nothing here blocks but loop_run() itself. One
 * thread; many loops can live in one process, but only one of them may own the signals.
 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <envrun/err.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct task;

struct loop *loop_new(struct err *err);
struct loop *loop_free(struct loop *loop);

/* Milliseconds of the monotonic clock. */
long long loop_now(void);

/* Run until `task` is done or failed. */
void loop_run(struct loop *loop, const struct task *task);
/* Serve what is ready, waiting for it at most this long (-1: as long as it takes). */
void loop_turn(struct loop *loop, long long most_ms);

/* ---- Deadlines: absolute; a child inherits the earlier one ---- */

#define DEADLINE_NEVER INT64_MAX

static inline long long deadline_in(long long milliseconds) {
    return milliseconds ? loop_now() + milliseconds : DEADLINE_NEVER;
}
static inline long long deadline_earlier(long long a, long long b) {
    return a < b ? a : b;
}

/* ---- Timers: owned by whoever embeds them; fire once ---- */

struct timer {
    struct loop *loop;
    long long at;
    size_t slot; /* its place in the loop's heap, from 1; 0: not set */
    void (*fire)(struct timer *timer);
};

void timer_init(struct timer *timer, struct loop *loop, void (*fire)(struct timer *timer));
/* Set or set anew. */
void timer_set(struct timer *timer, long long at);
void timer_stop(struct timer *timer);
static inline bool timer_is_set(const struct timer *timer) {
    return timer->slot != 0;
}

/* ---- Watched descriptors: owned by whoever embeds them; the descriptor stays the caller's ---- */

struct watch {
    struct loop *loop;
    int fd;
    uint32_t events; /* EPOLLIN, EPOLLOUT; 0: not watched */
    void (*ready)(struct watch *watch, uint32_t events);
};

void watch_init(struct watch *watch, struct loop *loop, int fd,
                void (*ready)(struct watch *watch, uint32_t events));
/* Watch for these events from now on (0: none). False if the descriptor cannot be watched, as a
 * regular file cannot; it is then always ready. Closing the descriptor needs watch_set(w, 0) first.
 */
bool watch_set(struct watch *watch, uint32_t events);

/* ---- Signals ---- */

/* Take SIGINT, SIGTERM, SIGHUP and SIGWINCH from now on; `arrived` is called in the loop. */
bool loop_take_signals(struct loop *loop, void (*arrived)(void *context, int signal), void *context,
                       struct err *err);

/* ---- For task.c ---- */

void loop_make_ready(struct loop *loop, struct task *task);
void loop_forget(struct loop *loop, struct task *task);

#endif
