/*
 * An environment's two ends: the last steps before something is made (the name is free, and
 * somebody will clean up), and its removal.
 */
#include "run/environment.h"

/* ---- The name ---- */

struct task *begin_namesakes(void *subject, struct err *err) {
    struct environment *environment = subject;
    (void)err;
    return census_new(environment->loop, environment->engine, environment->name);
}

/* Remains of one whose envrun was killed are nobody's. */
bool end_namesakes(void *subject, struct task *work, struct err *err) {
    struct environment *environment = subject;
    environment->namesakes = census_take(work);
    vec_each (lease, &environment->namesakes)
        if (!lease_is_over(lease))
            return err_set(err, ERR_ENVIRONMENT,
                           "an environment named `%s` is up already; look at it with `envrun ps "
                           "-p %s` or take it down with `envrun down -p %s`",
                           environment->name, environment->name, environment->name);
    return true;
}

struct task *begin_clear_name(void *subject, struct err *err) {
    struct environment *environment = subject;
    (void)err;
    if (!environment->namesakes.length)
        return NULL;
    struct task_group *group = task_group_new(environment->loop, GROUP_COLLECT, 0);
    vec_each (lease, &environment->namesakes)
        task_group_add(group, teardown_new(environment->loop, environment->engine,
                                           &(struct teardown_options){.name = lease->name,
                                                                      .owner = lease->owner}));
    return (struct task *)group;
}

/* ---- The reaper ---- */

/* Without one there is less to rely on, but nothing to fail for. */
struct task *begin_reaper(void *subject, struct err *err) {
    struct environment *environment = subject;
    struct err why = ERR_INIT;
    (void)err;
    struct reaper_charge charge = {
        .name = environment->name,
        .owner = environment->owner,
        .deadline = environment->deadline,
    };
    environment->has_begun = true;
    environment->reaper = reaper_start(environment->engine, &charge, &why);
    if (!environment->reaper)
        environment_warn(environment, "nobody will clean up if envrun is killed: %s", why.message);
    err_release(&why);
    return NULL;
}

/* ---- The end ---- */

struct remove {
    struct task task;
    struct environment *environment;
    struct task *teardown;
};

static enum task_status remove_step(struct task *task) {
    struct remove *remove = (struct remove *)task;
    task_start(remove->teardown, task);
    if (remove->teardown->status == TASK_FAILED)
        err_move(&task->err, &remove->teardown->err); /* the reaper goes on */
    if (remove->teardown->status == TASK_DONE)
        reaper_dismiss(remove->environment->reaper);
    return remove->teardown->status;
}

static void remove_release(struct task *task) {
    task_free(((struct remove *)task)->teardown);
}

struct task *environment_remove(struct environment *environment) {
    static const struct task_type type = {
        .name = "remove", .step = remove_step, .release = remove_release};
    struct remove *remove = task_new(sizeof *remove, &type, environment->loop);
    remove->environment = environment;
    remove->teardown = teardown_new(environment->loop, environment->engine,
                                    &(struct teardown_options){
                                        .name = environment->name,
                                        .owner = environment->owner,
                                        .has_reaper = environment->reaper,
                                        .listener = environment->options.listener,
                                        .began = environment->began,
                                    });
    return &remove->task;
}
