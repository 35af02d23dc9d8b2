#include "run/sweep.h"

#include <envrun/run.h>

enum {
    ROUNDS = 5,         /* looks that may find something */
    ROUND_PAUSE = 1000, /* ms before the next look, for what is still on its way */
    AT_ONCE = 4,        /* environments removed at once */
};

struct sweep {
    struct task task;
    struct engine *engine;
    struct sweep_listener listener;
    struct sequence *round;
    struct leases first, second; /* the two looks */
    int rounds;
    bool found;
};

/* ---- One environment ---- */

struct removing {
    struct task task;
    struct sweep *sweep;
    const struct lease *lease;
    struct task *teardown;
};

static enum task_status removing_step(struct task *task) {
    struct removing *removing = (struct removing *)task;
    struct sweep_listener listener = removing->sweep->listener;
    struct task *teardown = removing->teardown;
    task_start(teardown, task);
    if (teardown->status == TASK_PENDING)
        return TASK_PENDING;
    bool failed = teardown->status == TASK_FAILED;
    if (listener.swept)
        listener.swept(listener.context, removing->lease, failed ? &teardown->err : NULL);
    if (failed)
        err_move(&task->err, &teardown->err);
    return teardown->status;
}

static void removing_release(struct task *task) {
    task_free(((struct removing *)task)->teardown);
}

static struct task *removing_new(struct sweep *sweep, const struct lease *lease) {
    static const struct task_type type = {
        .name = "removing", .step = removing_step, .release = removing_release};
    struct removing *removing = task_new(sizeof *removing, &type, sweep->task.loop);
    removing->sweep = sweep;
    removing->lease = lease;
    removing->teardown =
        teardown_new(sweep->task.loop, sweep->engine,
                     &(struct teardown_options){.name = lease->name, .owner = lease->owner});
    return &removing->task;
}

/* ---- A round ---- */

static bool some_are_over(const struct leases *leases) {
    vec_each (lease, leases)
        if (lease_is_over(lease))
            return true;
    return false;
}

static void forget(struct sweep *sweep) {
    leases_release(&sweep->first);
    leases_release(&sweep->second);
}

static struct task *begin_first(void *subject, struct err *err) {
    struct sweep *sweep = subject;
    (void)err;
    forget(sweep);
    return census_new(sweep->task.loop, sweep->engine, NULL);
}

static bool end_first(void *subject, struct task *work, struct err *err) {
    (void)err;
    ((struct sweep *)subject)->first = census_take(work);
    return true;
}

static struct task *begin_second(void *subject, struct err *err) {
    struct sweep *sweep = subject;
    (void)err;
    return some_are_over(&sweep->first) ? census_new(sweep->task.loop, sweep->engine, NULL) : NULL;
}

static bool end_second(void *subject, struct task *work, struct err *err) {
    (void)err;
    ((struct sweep *)subject)->second = census_take(work);
    return true;
}

static struct task *begin_removing(void *subject, struct err *err) {
    struct sweep *sweep = subject;
    (void)err;
    struct task_group *group = task_group_new(sweep->task.loop, GROUP_COLLECT, AT_ONCE);
    sweep->found = false;
    vec_each (lease, &sweep->second) {
        const struct lease *before = leases_find(&sweep->first, lease->name, lease->owner);
        if (!lease_is_over(lease) || !before || !lease_is_over(before))
            continue;
        sweep->found = true;
        task_group_add(group, removing_new(sweep, lease));
    }
    return (struct task *)group;
}

static struct task *begin_pause(void *subject, struct err *err) {
    struct sweep *sweep = subject;
    (void)err;
    return sweep->found ? pause_new(sweep->task.loop, ROUND_PAUSE) : NULL;
}

static const struct stage stages[] = {
    {"look", begin_first, end_first},
    {"look again", begin_second, end_second},
    {"remove", begin_removing, NULL},
    {"pause", begin_pause, NULL},
    {0},
};

/* ---- Rounds ---- */

static void begin_round(struct sweep *sweep) {
    task_free(sweep->round);
    sweep->rounds++;
    sweep->round = sequence_new(sweep->task.loop, stages, sweep, NULL);
    task_start(&sweep->round->task, &sweep->task);
}

static enum task_status sweep_step(struct task *task) {
    struct sweep *sweep = (struct sweep *)task;
    if (!sweep->round)
        begin_round(sweep);
    struct task *round = &sweep->round->task;
    if (round->status == TASK_FAILED)
        err_move(&task->err, &round->err);
    if (round->status != TASK_DONE || !sweep->found || sweep->rounds >= ROUNDS)
        return round->status;
    begin_round(sweep);
    return TASK_PENDING;
}

static void sweep_release(struct task *task) {
    struct sweep *sweep = (struct sweep *)task;
    task_free(sweep->round);
    forget(sweep);
}

struct task *sweep_new(struct loop *loop, struct engine *engine, struct sweep_listener listener) {
    static const struct task_type type = {
        .name = "sweep", .step = sweep_step, .release = sweep_release};
    struct sweep *sweep = task_new(sizeof *sweep, &type, loop);
    sweep->engine = engine;
    sweep->listener = listener;
    return &sweep->task;
}
