/*
 * removal.h: how one container goes: its pre_stop hooks, its stop signal if the file gives it a
 * grace period, then by force. What each needs stands in the container's labels, so that a process
 * that has never seen the files can do it.
 */
#ifndef RUN_REMOVAL_H
#define RUN_REMOVAL_H

#include "base/json.h"
#include "loop/task.h"

struct engine;

enum { REMOVE_LIMIT = 60000 }; /* ms for the engine's answer to a removal */

/* `container` is an entry of the engine's list. Hooks and the stop may fail: it is removed all the
 * same. */
struct task *removal_new(struct loop *loop, struct engine *engine, const cJSON *container);

#endif
