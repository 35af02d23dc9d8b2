#include "run/clearing.h"

#include <envrun/run.h>

#include "base/memory.h"

enum { RETRY_MOST = 5000 }; /* ms between two tries while it fails */

/* ms before each further look that must find nothing */
static const long long quiet[] = {200, 400, 800, 1600, 3200};

struct clearing {
    struct task task;
    struct engine *engine;
    char *name, *owner;
    struct sequence *attempt; /* or NULL: pausing */
    struct task *pause;
    size_t looks;    /* in a row that found nothing */
    long long retry; /* ms before the next try */
    long long give_up;
    int found;
};

static struct task *begin_connect(void *subject, struct err *err) {
    (void)err;
    return engine_connect(((struct clearing *)subject)->engine);
}

static struct task *begin_teardown(void *subject, struct err *err) {
    struct clearing *clearing = subject;
    (void)err;
    return teardown_new(
        clearing->task.loop, clearing->engine,
        &(struct teardown_options){.name = clearing->name, .owner = clearing->owner});
}

static bool end_teardown(void *subject, struct task *work, struct err *err) {
    (void)err;
    ((struct clearing *)subject)->found = teardown_found(work);
    return true;
}

static const struct stage stages[] = {
    {"connect", begin_connect, NULL},
    {"teardown", begin_teardown, end_teardown},
    {0},
};

static void begin_attempt(struct clearing *clearing) {
    clearing->pause = task_free(clearing->pause);
    clearing->attempt = sequence_new(clearing->task.loop, stages, clearing, NULL);
    task_start(&clearing->attempt->task, &clearing->task);
}

static enum task_status pause_for(struct clearing *clearing, long long milliseconds) {
    clearing->attempt = (struct sequence *)task_free(clearing->attempt);
    clearing->pause = pause_new(clearing->task.loop, milliseconds);
    task_start(clearing->pause, &clearing->task);
    return TASK_PENDING;
}

static enum task_status after_failure(struct clearing *clearing) {
    if (loop_now() > clearing->give_up) {
        err_move(&clearing->task.err, &clearing->attempt->task.err);
        return TASK_FAILED;
    }
    clearing->looks = 0;
    clearing->retry = clearing->retry * 3 / 2;
    if (clearing->retry > RETRY_MOST)
        clearing->retry = RETRY_MOST;
    return pause_for(clearing, clearing->retry);
}

static enum task_status after_look(struct clearing *clearing) {
    clearing->looks = clearing->found ? 0 : clearing->looks + 1;
    if (clearing->looks > lengthof(quiet) - 1)
        return TASK_DONE;
    return pause_for(clearing, quiet[clearing->looks]);
}

static enum task_status clearing_step(struct task *task) {
    struct clearing *clearing = (struct clearing *)task;
    if (clearing->pause && clearing->pause->status == TASK_PENDING)
        return TASK_PENDING;
    if (!clearing->attempt)
        begin_attempt(clearing);
    switch (clearing->attempt->task.status) {
    case TASK_DONE:
        return after_look(clearing);
    case TASK_FAILED:
        return after_failure(clearing);
    default:
        return TASK_PENDING;
    }
}

static void clearing_release(struct task *task) {
    struct clearing *clearing = (struct clearing *)task;
    task_free(clearing->attempt);
    task_free(clearing->pause);
    free(clearing->name);
    free(clearing->owner);
}

struct task *clearing_new(struct loop *loop, struct engine *engine, const char *name,
                          const char *owner) {
    static const struct task_type type = {
        .name = "clearing", .step = clearing_step, .release = clearing_release};
    struct clearing *clearing = task_new(sizeof *clearing, &type, loop);
    clearing->engine = engine;
    clearing->name = xstrdup(name);
    clearing->owner = xstrdup(owner);
    clearing->retry = 200;
    clearing->give_up = loop_now() + CLEARING_LIMIT;
    return &clearing->task;
}
