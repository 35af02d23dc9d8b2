#include "loop/loop.h"

#include "base/memory.h"
#include "loop/task.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_PER_TURN = 64 };

struct loop {
    int epoll;
    struct epoll_event batch[EVENTS_PER_TURN]; /* the events being served */
    int batch_length;

    struct timer **heap; /* heap[1..timers], the earliest first */
    size_t timers, heap_capacity;

    struct task *first_ready, *last_ready;
    size_t ready;

    struct watch signals;
    void (*signal_arrived)(void *context, int signal);
    void *signal_context;
};

struct loop *loop_new(struct err *err) {
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) {
        err_system(err, errno, "cannot make an epoll");
        return NULL;
    }
    struct loop *loop = xnew(struct loop);
    loop->epoll = epoll;
    loop->signals.fd = -1;
    return loop;
}

struct loop *loop_free(struct loop *loop) {
    if (!loop)
        return NULL;
    if (loop->signals.fd >= 0)
        close(loop->signals.fd);
    close(loop->epoll);
    free(loop->heap);
    free(loop);
    return NULL;
}

long long loop_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- Timers: a binary heap ---- */

static void put(struct loop *loop, size_t slot, struct timer *timer) {
    loop->heap[slot] = timer;
    timer->slot = slot;
}

static void sift_up(struct loop *loop, size_t slot, struct timer *timer) {
    for (; slot > 1 && timer->at < loop->heap[slot / 2]->at; slot /= 2)
        put(loop, slot, loop->heap[slot / 2]);
    put(loop, slot, timer);
}

static void sift_down(struct loop *loop, size_t slot, struct timer *timer) {
    for (size_t child; (child = slot * 2) <= loop->timers; slot = child) {
        if (child < loop->timers && loop->heap[child + 1]->at < loop->heap[child]->at)
            child++;
        if (timer->at <= loop->heap[child]->at)
            break;
        put(loop, slot, loop->heap[child]);
    }
    put(loop, slot, timer);
}

void timer_init(struct timer *timer, struct loop *loop, void (*fire)(struct timer *timer)) {
    *timer = (struct timer){.loop = loop, .fire = fire};
}

void timer_set(struct timer *timer, long long at) {
    struct loop *loop = timer->loop;
    timer_stop(timer);
    timer->at = at;
    if (loop->timers + 2 > loop->heap_capacity) {
        loop->heap_capacity = loop->heap_capacity ? loop->heap_capacity * 2 : 32;
        loop->heap = xrealloc(loop->heap, loop->heap_capacity * sizeof(struct timer *));
    }
    sift_up(loop, ++loop->timers, timer);
}

void timer_stop(struct timer *timer) {
    struct loop *loop = timer->loop;
    size_t slot = timer->slot;
    if (!slot)
        return;
    timer->slot = 0;
    struct timer *last = loop->heap[loop->timers--];
    if (last == timer)
        return;
    if (slot > 1 && last->at < loop->heap[slot / 2]->at)
        sift_up(loop, slot, last);
    else
        sift_down(loop, slot, last);
}

static void fire_timers(struct loop *loop) {
    long long now = loop_now();
    while (loop->timers && loop->heap[1]->at <= now) {
        struct timer *timer = loop->heap[1];
        timer_stop(timer);
        timer->fire(timer);
    }
}

/* ---- Descriptors ---- */

void watch_init(struct watch *watch, struct loop *loop, int fd,
                void (*ready)(struct watch *watch, uint32_t events)) {
    *watch = (struct watch){.loop = loop, .fd = fd, .ready = ready};
}

/* An event that was fetched but not yet served must not reach a watch that was stopped. */
static void forget_fetched(struct loop *loop, const struct watch *watch) {
    for (int i = 0; i < loop->batch_length; i++)
        if (loop->batch[i].data.ptr == watch)
            loop->batch[i].data.ptr = NULL;
}

bool watch_set(struct watch *watch, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = watch};
    int verb = !events ? EPOLL_CTL_DEL : watch->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    if (events == watch->events)
        return true;
    if (!events)
        forget_fetched(watch->loop, watch);
    watch->events = 0;
    if (epoll_ctl(watch->loop->epoll, verb, watch->fd, &event))
        return !events; /* a descriptor that is already closed is no longer watched either */
    watch->events = events;
    return true;
}

/* ---- Signals ---- */

static void read_signals(struct watch *watch, uint32_t events) {
    struct loop *loop = watch->loop;
    struct signalfd_siginfo info;
    (void)events;
    while (read(watch->fd, &info, sizeof info) == sizeof info)
        loop->signal_arrived(loop->signal_context, (int)info.ssi_signo);
}

bool loop_take_signals(struct loop *loop, void (*arrived)(void *context, int signal), void *context,
                       struct err *err) {
    struct sigaction hangup;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (sigaction(SIGHUP, NULL, &hangup) || hangup.sa_handler != SIG_IGN)
        sigaddset(&set, SIGHUP); /* nohup wants it ignored */
    sigaddset(&set, SIGWINCH);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return err_system(err, errno, "cannot make a signalfd");
    loop->signal_arrived = arrived;
    loop->signal_context = context;
    watch_init(&loop->signals, loop, fd, read_signals);
    return watch_set(&loop->signals, EPOLLIN);
}

/* ---- Tasks that are ready ---- */

void loop_make_ready(struct loop *loop, struct task *task) {
    if (task->ready)
        return;
    task->ready = true;
    loop->ready++;
    task->next_ready = NULL;
    task->previous_ready = loop->last_ready;
    if (loop->last_ready)
        loop->last_ready->next_ready = task;
    else
        loop->first_ready = task;
    loop->last_ready = task;
}

void loop_forget(struct loop *loop, struct task *task) {
    if (!task->ready)
        return;
    task->ready = false;
    loop->ready--;
    if (task->previous_ready)
        task->previous_ready->next_ready = task->next_ready;
    else
        loop->first_ready = task->next_ready;
    if (task->next_ready)
        task->next_ready->previous_ready = task->previous_ready;
    else
        loop->last_ready = task->previous_ready;
}

static void step_ready(struct loop *loop) {
    /* What becomes ready meanwhile waits for the next turn. */
    for (size_t left = loop->ready; left && loop->first_ready; left--) {
        struct task *task = loop->first_ready;
        loop_forget(loop, task);
        task_step(task);
    }
}

static int milliseconds_to_wait(const struct loop *loop, long long most) {
    if (loop->first_ready)
        return 0;
    if (loop->timers) {
        long long left = loop->heap[1]->at - loop_now();
        if (left < 0)
            left = 0;
        if (most < 0 || left < most)
            most = left;
    }
    return most > INT32_MAX ? INT32_MAX : (int)most;
}

void loop_turn(struct loop *loop, long long most_ms) {
    int wait = milliseconds_to_wait(loop, most_ms);
    int count = epoll_wait(loop->epoll, loop->batch, EVENTS_PER_TURN, wait);

    loop->batch_length = count > 0 ? count : 0;
    for (int i = 0; i < loop->batch_length; i++) {
        struct watch *watch = loop->batch[i].data.ptr;
        if (watch)
            watch->ready(watch, loop->batch[i].events);
    }
    loop->batch_length = 0;
    fire_timers(loop);
    step_ready(loop);
}

void loop_run(struct loop *loop, const struct task *task) {
    while (task->status == TASK_PENDING)
        loop_turn(loop, -1);
}
