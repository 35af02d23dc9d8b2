/*
 * unused.h: images that envrun built and nobody needs.
 *
 * A build's labels say which name it was given and for which folder. An image is unused if no
 * container has it, and no environment of its folder is there that may be about to; an image that
 * has another name by now is somebody else's.
 */
#ifndef RUN_UNUSED_H
#define RUN_UNUSED_H

#include "base/vector.h"
#include "loop/task.h"

struct engine;

struct unused_image {
    char *reference; /* its name, or its ID if it has none any more */
    long long bytes;
};

struct unused_images {
    struct unused_image *at;
    size_t length, capacity;
};

/* The engine must be connected. */
struct task *unused_new(struct loop *loop, struct engine *engine);
/* Once it is done; to be released by the caller. */
struct unused_images unused_take(struct task *task);
void unused_release(struct unused_images *images);

#endif
