#include "report/output.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

enum {
    BRIEFLY = 20, /* ms; the program has other things to do */
    AT_THE_LIMIT = 5000,
    AT_THE_END = 5000,
};

static long long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void close_output(struct output *output) {
    output->closed = true;
    buffer_release(&output->pending);
}

/* Waits until the descriptor takes something; false if it is not going to before the end. */
static bool wait_until_writable(int fd, long long end) {
    long long left = end - now_ms();
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    if (left <= 0)
        return false;
    return poll(&writable, 1, (int)left) > 0 || errno == EINTR;
}

bool output_flush(struct output *output, int patience_ms) {
    long long end = now_ms() + patience_ms;
    size_t done = 0;
    while (!output->closed && done < output->pending.length) {
        ssize_t n = write(output->fd, output->pending.data + done, output->pending.length - done);
        if (n >= 0)
            done += (size_t)n;
        else if (errno == EAGAIN || errno == EINTR) {
            if (errno == EAGAIN && !wait_until_writable(output->fd, end))
                break;
        } else
            close_output(output);
    }
    if (!output->closed)
        buffer_consume(&output->pending, done);
    return !output->pending.length;
}

void output_put(struct output *output, const char *data, size_t length) {
    if (output->closed)
        return;
    if (!buffer_fits(&output->pending, length))
        output_flush(output, AT_THE_LIMIT);
    if (output->closed || !buffer_fits(&output->pending, length))
        return;
    buffer_add(&output->pending, data, length);
    output_flush(output, BRIEFLY);
}

void output_release(struct output *output) {
    output_flush(output, AT_THE_END);
    close_output(output);
}
