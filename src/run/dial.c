#include "run/dial.h"

#include "base/buffer.h"
#include "base/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    DIAL_TIMEOUT = 2000, /* ms for one try as a whole */
    HOLD_TIME = 100,     /* ms that a connection must stay open */
    ANSWER_MAX = 4096,   /* bytes of an answer that are looked at */
};

struct dial {
    struct task task;
    struct dial_options options;
    char *host;
    struct watch watch; /* of the socket */
    struct timer held;
    bool connected;
    struct buffer answer;
};

static bool refuse(struct dial *dial, const char *reason) {
    return err_set(&dial->task.err, ERR_ENVIRONMENT, "%s at %s:%d", reason, dial->host,
                   dial->options.port);
}

static void dial_end(struct dial *dial, bool ok) {
    watch_set(&dial->watch, 0);
    timer_stop(&dial->held);
    task_end(&dial->task, ok ? TASK_DONE : TASK_FAILED);
}

static const char *reason_of(int number) {
    switch (number) {
    case ECONNREFUSED:
        return "connection refused";
    case EHOSTUNREACH:
    case ENETUNREACH:
        return "no route to the service";
    case ETIMEDOUT:
        return "no answer";
    default:
        return err_reason(number);
    }
}

static bool send_first(struct dial *dial) {
    autobuffer struct buffer bytes = BUFFER_INIT;
    unsigned byte;
    for (const char *at = dial->options.send; at && sscanf(at, "%2x", &byte) == 1; at += 2)
        buffer_putc(&bytes, (char)byte);
    return send(dial->watch.fd, bytes.data, bytes.length, MSG_NOSIGNAL) == (ssize_t)bytes.length ||
           refuse(dial, "the service closed the connection");
}

static void held_long_enough(struct timer *timer) {
    dial_end(container_of(timer, struct dial, held), true);
}

/* The connection stands: what is still wanted? */
static void dial_connected(struct dial *dial) {
    int reason = 0;
    socklen_t size = sizeof reason;
    getsockopt(dial->watch.fd, SOL_SOCKET, SO_ERROR, &reason, &size);
    if (reason) {
        refuse(dial, reason_of(reason));
        dial_end(dial, false);
        return;
    }
    dial->connected = true;
    if (dial->options.send && !send_first(dial)) {
        dial_end(dial, false);
    } else if (dial->options.expect) {
        watch_set(&dial->watch, EPOLLIN);
    } else if (dial->options.hold) {
        watch_set(&dial->watch, EPOLLIN);
        timer_set(&dial->held, loop_now() + HOLD_TIME);
    } else {
        dial_end(dial, true);
    }
}

/* NULs would end the text that the expression is matched with. */
static bool answer_matches(struct dial *dial) {
    for (size_t i = 0; i < dial->answer.length; i++)
        if (!dial->answer.data[i])
            dial->answer.data[i] = '.';
    return !regexec(dial->options.expect, dial->answer.data, 0, NULL, 0);
}

static void dial_answered(struct dial *dial) {
    char chunk[ANSWER_MAX];
    ssize_t got = recv(dial->watch.fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got > 0)
        buffer_add_capped(&dial->answer, chunk, (size_t)got);
    if (dial->options.expect && answer_matches(dial)) {
        dial_end(dial, true);
    } else if (got <= 0) {
        refuse(dial, dial->answer.length ? "the service is not ready and closed the connection"
                                         : "the service closed the connection");
        dial_end(dial, false);
    } else if (!dial->options.expect) {
        dial_end(dial, true); /* it speaks first: it is there */
    }
}

static void dial_ready(struct watch *watch, uint32_t events) {
    struct dial *dial = container_of(watch, struct dial, watch);
    (void)events;
    if (dial->connected)
        dial_answered(dial);
    else
        dial_connected(dial);
}

static bool dial_begin(struct dial *dial) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)dial->options.port)};
    if (inet_pton(AF_INET, dial->host, &address.sin_addr) != 1)
        return refuse(dial, "no numeric address");
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    watch_init(&dial->watch, dial->task.loop, fd, dial_ready);
    if (fd < 0)
        return refuse(dial, err_reason(errno));
    if (connect(fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)
        return refuse(dial, reason_of(errno));
    watch_set(&dial->watch, EPOLLOUT);
    return true;
}

static enum task_status dial_step(struct task *task) {
    struct dial *dial = (struct dial *)task;
    if (dial->watch.fd < 0 && !dial_begin(dial))
        return TASK_FAILED;
    return TASK_PENDING;
}

static void dial_expire(struct task *task) {
    refuse((struct dial *)task, "no answer");
}

static void dial_release(struct task *task) {
    struct dial *dial = (struct dial *)task;
    if (dial->watch.fd >= 0) {
        watch_set(&dial->watch, 0);
        close(dial->watch.fd);
    }
    timer_stop(&dial->held);
    buffer_release(&dial->answer);
    free(dial->host);
}

struct task *dial_new(struct loop *loop, const struct dial_options *options) {
    static const struct task_type type = {
        .name = "dial", .step = dial_step, .expire = dial_expire, .release = dial_release};
    struct dial *dial = task_new(sizeof *dial, &type, loop);
    dial->options = *options;
    dial->host = xstrdup(options->host);
    dial->answer = BUFFER_INIT_MAX(ANSWER_MAX);
    dial->watch.fd = -1;
    timer_init(&dial->held, loop, held_long_enough);
    task_limit(&dial->task, loop_now() + DIAL_TIMEOUT);
    return &dial->task;
}
