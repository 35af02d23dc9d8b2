/*
 * sweep.h: remove the environments whose leases are over.
 *
 * It looks twice before it removes: an `up` that ended well between the first lists may have got
 * its hold just then, and of an owner that was dead at the first look nothing new can come. What a
 * killed owner had asked for may still appear, so that it looks until nothing is found.
 */
#ifndef RUN_SWEEP_H
#define RUN_SWEEP_H

#include "run/lease.h"

struct sweep_listener {
    /* It is removed, or (err) something of it is left. */
    void (*swept)(void *context, const struct lease *lease, const struct err *err);
    void *context;
};

/* The engine must be connected. Fails if something could not be removed, or not be looked for. */
struct task *sweep_new(struct loop *loop, struct engine *engine, struct sweep_listener listener);

#endif
