/*
 * output.h: text to a descriptor, whole and in order.
 *
 * A descriptor that takes nothing at the moment is waited for only briefly; what it did not take is
 * kept and written first the next time. One that is closed is written to no more.
 */
#ifndef REPORT_OUTPUT_H
#define REPORT_OUTPUT_H

#include "base/buffer.h"

#include <stdbool.h>

struct output {
    int fd;
    bool closed;
    struct buffer pending;
};

enum { OUTPUT_PENDING_MAX = 16 << 20 };
#define OUTPUT_INIT(descriptor)                                                                    \
    ((struct output){.fd = (descriptor), .pending = BUFFER_INIT_MAX(OUTPUT_PENDING_MAX)})

/* What finds no room even after a long wait is left out as a whole. */
void output_put(struct output *output, const char *data, size_t length);
/* True if nothing waits to be written any more. */
bool output_flush(struct output *output, int patience_ms);
/* Gives a slow reader a last chance. */
void output_release(struct output *output);

#endif
