/*
 * clearing.h: a teardown for what somebody was making when he was killed.
 *
 * A request that was cut off may still take effect, and the engine may be away just now. So it is
 * tried again while that fails, and looked again, at growing intervals, until nothing more comes.
 */
#ifndef RUN_CLEARING_H
#define RUN_CLEARING_H

#include "loop/task.h"

struct engine;

enum { CLEARING_LIMIT = 120000 }; /* ms in which it must have worked once */

/* As teardown_new(); the engine need not be connected. */
struct task *clearing_new(struct loop *loop, struct engine *engine, const char *name,
                          const char *owner);

#endif
