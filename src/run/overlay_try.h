/*
 * overlay_try.h: can this engine mount an overlay as a volume? Asked by doing it once, never
 * decided by a version.
 *
 * The local volume driver mounts an overlay whose lower directory is one volume, and whose upper
 * and work directories are in another one; a file written through it shows that it works. What it
 * makes for that carries labels like an environment of its own, and is removed again.
 */
#ifndef RUN_OVERLAY_TRY_H
#define RUN_OVERLAY_TRY_H

#include "loop/task.h"

struct engine;

/* The engine must be connected. Done: it can. ERR_ANSWER: it cannot, and why; ERR_ENVIRONMENT: it
 * has no image to make a container from. */
struct task *overlay_try_new(struct loop *loop, struct engine *engine);

#endif
