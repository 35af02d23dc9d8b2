/*
 * relay.h: bytes from where they come to where they go, never more than a bounded number between.
 *
 * An outlet writes to a descriptor that stays blocking, as a terminal or a pipe to another program
 * must: it writes only as much as can be taken at once. A relay reads a descriptor into an outlet;
 * a full outlet pauses the source.
 */
#ifndef LOOP_RELAY_H
#define LOOP_RELAY_H

#include "base/buffer.h"
#include "loop/task.h"

enum { OUTLET_HIGH_WATER = 256 << 10 }; /* bytes */

struct outlet {
    struct buffer pending;
    struct watch watch;
    int broken; /* errno of the write that failed: what comes is dropped */
    void (*heard)(void *listener, const char *data, size_t length); /* gets it all too; or NULL */
    void *listener;
    void (*drained)(void *context);
    void *context;
};

void outlet_init(struct outlet *outlet, struct loop *loop, int fd);
/* Take bytes; beyond the high-water mark it waits until they are written. */
void outlet_write(struct outlet *outlet, const char *data, size_t length);
static inline bool outlet_is_full(const struct outlet *outlet) {
    return outlet->pending.length >= OUTLET_HIGH_WATER;
}
/* Write what is pending, waiting for it at most this long (ms). */
void outlet_flush(struct outlet *outlet, long long most_ms);
void outlet_release(struct outlet *outlet);

/* Relay from a descriptor, which it closes in the end, to an outlet. Done at the end of the file;
 * relay_finish() takes what is there and ends it earlier, for a pipe that a stray holds open. */
struct task *relay_new(struct loop *loop, int from, struct outlet *to);
void relay_finish(struct task *relay);

#endif
