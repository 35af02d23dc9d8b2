#include "loop/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

/* ---- Outlet ---- */

/* A descriptor that polls as writable takes at least PIPE_BUF bytes without blocking. */
enum { WRITE_AT_ONCE = 4096 };

static void write_some(struct outlet *outlet) {
    size_t length = outlet->pending.length;
    ssize_t put = write(outlet->watch.fd, outlet->pending.data,
                        length < WRITE_AT_ONCE ? length : WRITE_AT_ONCE);
    if (put > 0) {
        buffer_consume(&outlet->pending, (size_t)put);
    } else if (put < 0 && errno != EINTR && errno != EAGAIN) {
        outlet->broken = errno;
        buffer_truncate(&outlet->pending, 0);
    }
}

static bool is_writable(const struct outlet *outlet, int most_ms) {
    struct pollfd poll_fd = {.fd = outlet->watch.fd, .events = POLLOUT};
    return poll(&poll_fd, 1, most_ms) > 0;
}

static void outlet_ready(struct watch *watch, uint32_t events) {
    struct outlet *outlet = container_of(watch, struct outlet, watch);
    (void)events;
    for (int i = 0; i < 16 && outlet->pending.length && is_writable(outlet, 0); i++)
        write_some(outlet);
    if (outlet->pending.length)
        return;
    watch_set(watch, 0);
    if (outlet->drained)
        outlet->drained(outlet->context);
}

void outlet_init(struct outlet *outlet, struct loop *loop, int fd) {
    *outlet = (struct outlet){.pending = BUFFER_INIT};
    watch_init(&outlet->watch, loop, fd, outlet_ready);
}

void outlet_flush(struct outlet *outlet, long long most_ms) {
    long long end = loop_now() + most_ms;
    while (outlet->pending.length && is_writable(outlet, (int)(end - loop_now())))
        write_some(outlet);
}

void outlet_write(struct outlet *outlet, const char *data, size_t length) {
    if (outlet->heard)
        outlet->heard(outlet->listener, data, length);
    if (outlet->broken)
        return;
    buffer_add(&outlet->pending, data, length);
    while (outlet->pending.length && is_writable(outlet, 0))
        write_some(outlet);
    while (outlet->pending.length >= 4 * OUTLET_HIGH_WATER && is_writable(outlet, -1))
        write_some(outlet); /* the source could not be paused: wait for the reader */
    if (outlet->pending.length && !watch_set(&outlet->watch, EPOLLOUT))
        outlet_flush(outlet, 1000); /* a regular file is always ready */
}

void outlet_release(struct outlet *outlet) {
    watch_set(&outlet->watch, 0);
    buffer_release(&outlet->pending);
}

/* ---- Relay ---- */

struct relay {
    struct task task;
    struct watch watch;
    struct outlet *to;
    int from;
};

/* False once there is nothing more to come. */
static bool read_some(struct relay *relay) {
    char chunk[1 << 16];
    ssize_t got = read(relay->from, chunk, sizeof chunk);
    if (got > 0) {
        outlet_write(relay->to, chunk, (size_t)got);
        return true;
    }
    return got < 0 && (errno == EAGAIN || errno == EINTR); /* a pty ends with EIO */
}

static void relay_ready(struct watch *watch, uint32_t events) {
    struct relay *relay = container_of(watch, struct relay, watch);
    (void)events;
    if (!read_some(relay)) {
        watch_set(watch, 0);
        task_end(&relay->task, TASK_DONE);
    } else if (outlet_is_full(relay->to)) {
        watch_set(watch, 0);
    }
}

static void relay_go_on(void *context) {
    struct relay *relay = context;
    if (relay->task.status == TASK_PENDING)
        watch_set(&relay->watch, EPOLLIN);
}

static enum task_status relay_step(struct task *task) {
    struct relay *relay = (struct relay *)task;
    if (!outlet_is_full(relay->to))
        watch_set(&relay->watch, EPOLLIN);
    return TASK_PENDING;
}

static void relay_release(struct task *task) {
    struct relay *relay = (struct relay *)task;
    watch_set(&relay->watch, 0);
    relay->to->drained = NULL;
    close(relay->from);
}

struct task *relay_new(struct loop *loop, int from, struct outlet *to) {
    static const struct task_type type = {
        .name = "relay", .step = relay_step, .release = relay_release};
    struct relay *relay = task_new(sizeof *relay, &type, loop);
    fcntl(from, F_SETFL, fcntl(from, F_GETFL) | O_NONBLOCK);
    relay->from = from;
    relay->to = to;
    to->drained = relay_go_on;
    to->context = relay;
    watch_init(&relay->watch, loop, from, relay_ready);
    return &relay->task;
}

void relay_finish(struct task *task) {
    struct relay *relay = (struct relay *)task;
    struct pollfd more = {.fd = relay->from, .events = POLLIN};
    if (task->status != TASK_PENDING)
        return;
    while (poll(&more, 1, 0) > 0 && (more.revents & POLLIN) && read_some(relay))
        ;
    watch_set(&relay->watch, 0);
    task_end(task, TASK_DONE);
}
