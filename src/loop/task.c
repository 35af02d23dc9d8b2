#include "loop/task.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"

static void limit_passed(struct timer *timer) {
    struct task *task = container_of(timer, struct task, limit);
    if (task->status != TASK_PENDING)
        return;
    if (task->type->expire)
        task->type->expire(task);
    if (task->type->cancel)
        task->type->cancel(task);
    if (!err_is(&task->err))
        err_set(&task->err, ERR_TIMEOUT, "timed out");
    task_end(task, TASK_FAILED);
}

void *task_new(size_t size, const struct task_type *type, struct loop *loop) {
    struct task *task = xcalloc(1, size);
    task->type = type;
    task->loop = loop;
    timer_init(&task->limit, loop, limit_passed);
    return task;
}

void task_start(struct task *task, struct task *parent) {
    task->parent = parent;
    if (task->started)
        return;
    task->started = true;
    task_wake(task);
}

void task_wake(struct task *task) {
    if (task->started && task->status == TASK_PENDING)
        loop_make_ready(task->loop, task);
}

void task_limit(struct task *task, long long deadline) {
    if (deadline == DEADLINE_NEVER)
        timer_stop(&task->limit);
    else
        timer_set(&task->limit, deadline);
}

void task_end(struct task *task, enum task_status status) {
    if (task->status != TASK_PENDING || status == TASK_PENDING)
        return;
    task->status = status;
    timer_stop(&task->limit);
    loop_forget(task->loop, task);
    if (task->parent)
        task_wake(task->parent);
}

void task_step(struct task *task) {
    if (task->status == TASK_PENDING)
        task_end(task, task->type->step(task));
}

struct task *task_free(void *pointer) {
    struct task *task = pointer;
    if (!task)
        return NULL;
    if (task->started && task->status == TASK_PENDING && task->type->cancel)
        task->type->cancel(task);
    timer_stop(&task->limit);
    loop_forget(task->loop, task);
    if (task->type->release)
        task->type->release(task);
    err_release(&task->err);
    free(task);
    return NULL;
}

/* ---- Gate ---- */

struct gate {
    struct task task;
    enum task_status (*open)(void *context, struct err *err);
    void *context;
};

static enum task_status gate_step(struct task *task) {
    struct gate *gate = (struct gate *)task;
    return gate->open(gate->context, &task->err);
}

struct task *gate_new(struct loop *loop, enum task_status (*open)(void *context, struct err *err),
                      void *context) {
    static const struct task_type type = {.name = "gate", .step = gate_step};
    struct gate *gate = task_new(sizeof *gate, &type, loop);
    gate->open = open;
    gate->context = context;
    return &gate->task;
}

/* ---- Tolerate ---- */

struct tolerant {
    struct task task;
    struct task *child;
    struct err *ret_why;
};

static enum task_status tolerant_step(struct task *task) {
    struct tolerant *tolerant = (struct tolerant *)task;
    task_start(tolerant->child, task);
    if (tolerant->child->status == TASK_FAILED && tolerant->ret_why)
        err_move(tolerant->ret_why, &tolerant->child->err);
    return tolerant->child->status == TASK_PENDING ? TASK_PENDING : TASK_DONE;
}

static void tolerant_drop(struct task *task) {
    struct tolerant *tolerant = (struct tolerant *)task;
    tolerant->child = task_free(tolerant->child);
}

struct task *tolerate(struct loop *loop, struct task *child, struct err *ret_why) {
    static const struct task_type type = {.name = "tolerant",
                                          .step = tolerant_step,
                                          .cancel = tolerant_drop,
                                          .release = tolerant_drop};
    struct tolerant *tolerant = task_new(sizeof *tolerant, &type, loop);
    tolerant->child = child;
    tolerant->ret_why = ret_why;
    return &tolerant->task;
}

/* ---- Pause ---- */

struct pause {
    struct task task;
    struct timer timer;
    long long milliseconds;
};

static void pause_over(struct timer *timer) {
    task_end(&container_of(timer, struct pause, timer)->task, TASK_DONE);
}

static enum task_status pause_step(struct task *task) {
    struct pause *pause = (struct pause *)task;
    if (!timer_is_set(&pause->timer))
        timer_set(&pause->timer, loop_now() + pause->milliseconds);
    return TASK_PENDING;
}

static void pause_release(struct task *task) {
    timer_stop(&((struct pause *)task)->timer);
}

struct task *pause_new(struct loop *loop, long long milliseconds) {
    static const struct task_type type = {
        .name = "pause", .step = pause_step, .release = pause_release};
    struct pause *pause = task_new(sizeof *pause, &type, loop);
    timer_init(&pause->timer, loop, pause_over);
    pause->milliseconds = milliseconds;
    return &pause->task;
}

/* ---- Retry ---- */

static void retry_again(struct timer *timer) {
    task_wake(&container_of(timer, struct retry, timer)->task);
}

static void retry_pause(struct retry *retry) {
    timer_set(&retry->timer, loop_now() + retry->pause);
    retry->pause += retry->pause / 2 + 1;
    if (retry->pause > retry->beat.most)
        retry->pause = retry->beat.most;
}

static enum task_status retry_step(struct task *task) {
    struct retry *retry = (struct retry *)task;
    if (timer_is_set(&retry->timer))
        return TASK_PENDING;
    if (!retry->child) {
        retry->tries++;
        retry->child = retry->attempt(retry->context);
        task_start(retry->child, task);
    }
    if (retry->child->status == TASK_PENDING)
        return TASK_PENDING;
    bool done = retry->child->status == TASK_DONE;
    if (!done) {
        err_move(&retry->last, &retry->child->err);
        if (retry->failed)
            retry->failed(retry->context, &retry->last, retry->tries);
    }
    retry->child = task_free(retry->child);
    if (done)
        return TASK_DONE;
    retry_pause(retry);
    return TASK_PENDING;
}

static void retry_cancel(struct task *task) {
    struct retry *retry = (struct retry *)task;
    timer_stop(&retry->timer);
    retry->child = task_free(retry->child);
}

static void retry_release(struct task *task) {
    struct retry *retry = (struct retry *)task;
    retry_cancel(task);
    err_release(&retry->last);
}

struct retry *retry_new(struct loop *loop, struct task *(*attempt)(void *context), void *context,
                        struct retry_beat beat) {
    static const struct task_type type = {
        .name = "retry", .step = retry_step, .cancel = retry_cancel, .release = retry_release};
    struct retry *retry = task_new(sizeof *retry, &type, loop);
    retry->attempt = attempt;
    retry->context = context;
    retry->beat = beat;
    retry->pause = beat.first;
    timer_init(&retry->timer, loop, retry_again);
    return retry;
}

/* ---- Group ---- */

struct task_group {
    struct task task;
    enum task_group_policy policy;
    size_t limit;
    vec(struct task *) children;
    size_t next, pending; /* children[next..] are not started */
};

static void group_drop_children(struct task *task) {
    struct task_group *group = (struct task_group *)task;
    vec_each (child, &group->children)
        task_free(*child);
    vec_free(&group->children);
    group->next = group->pending = 0;
}

static void group_start_more(struct task_group *group) {
    while (group->next < group->children.length &&
           (!group->limit || group->pending < group->limit)) {
        group->pending++;
        task_start(group->children.at[group->next++], &group->task);
    }
}

/* Free the children that have ended; false once one has failed and that is to be the end. */
static bool group_harvest(struct task_group *group) {
    size_t kept = 0;
    bool go_on = true;
    for (size_t i = 0; i < group->children.length; i++) {
        struct task *child = group->children.at[i];
        if (i >= group->next || child->status == TASK_PENDING) {
            group->children.at[kept++] = child;
            continue;
        }
        if (child->status == TASK_FAILED) {
            err_join(&group->task.err, &child->err);
            go_on = go_on && group->policy == GROUP_COLLECT;
        }
        group->pending--;
        task_free(child);
    }
    group->next -= group->children.length - kept;
    group->children.length = kept;
    return go_on;
}

static enum task_status group_step(struct task *task) {
    struct task_group *group = (struct task_group *)task;
    if (!group_harvest(group)) {
        group_drop_children(task);
        return TASK_FAILED;
    }
    group_start_more(group);
    if (group->children.length)
        return TASK_PENDING;
    return err_is(&task->err) ? TASK_FAILED : TASK_DONE;
}

struct task_group *task_group_new(struct loop *loop, enum task_group_policy policy, size_t limit) {
    static const struct task_type type = {.name = "group",
                                          .step = group_step,
                                          .cancel = group_drop_children,
                                          .release = group_drop_children};
    struct task_group *group = task_new(sizeof *group, &type, loop);
    group->policy = policy;
    group->limit = limit;
    return group;
}

void task_group_add(struct task_group *group, struct task *child) {
    vec_push(&group->children, child);
    task_wake(&group->task);
}

size_t task_group_pending(const struct task_group *group) {
    return group->children.length;
}

/* ---- Sequence ---- */

static void sequence_tell(struct sequence *sequence, enum task_status status) {
    if (sequence->transition)
        sequence->transition(sequence->subject, sequence->at, status, &sequence->task.err);
}

static enum task_status sequence_fail(struct sequence *sequence) {
    sequence_tell(sequence, TASK_FAILED);
    return TASK_FAILED;
}

/* Begin the current stage; false if it failed. */
static bool stage_begin(struct sequence *sequence) {
    sequence_tell(sequence, TASK_PENDING);
    sequence->work = sequence->at->begin(sequence->subject, &sequence->task.err);
    if (!sequence->work)
        return !err_is(&sequence->task.err);
    task_start(sequence->work, &sequence->task);
    return true;
}

/* The current stage's work has ended; false if it failed. */
static bool stage_end(struct sequence *sequence) {
    struct task *work = sequence->work;
    struct err *err = &sequence->task.err;
    bool ok = work->status == TASK_DONE;
    if (!ok)
        err_move(err, &work->err);
    else if (sequence->at->end)
        ok = sequence->at->end(sequence->subject, work, err);
    sequence->work = task_free(work);
    return ok;
}

static enum task_status sequence_step(struct task *task) {
    struct sequence *sequence = (struct sequence *)task;
    if (sequence->work) {
        if (sequence->work->status == TASK_PENDING)
            return TASK_PENDING;
        if (!stage_end(sequence))
            return sequence_fail(sequence);
        sequence_tell(sequence, TASK_DONE);
        sequence->at++;
    }
    for (; sequence->at->name; sequence->at++) {
        if (!stage_begin(sequence))
            return sequence_fail(sequence);
        if (sequence->work)
            return TASK_PENDING;
        sequence_tell(sequence, TASK_DONE);
    }
    return TASK_DONE;
}

void sequence_abort(struct sequence *sequence, struct err *err) {
    if (sequence->task.status != TASK_PENDING)
        return;
    sequence->work = task_free(sequence->work);
    err_move(&sequence->task.err, err);
    sequence_fail(sequence);
    task_end(&sequence->task, TASK_FAILED);
}

static void sequence_drop(struct task *task) {
    struct sequence *sequence = (struct sequence *)task;
    sequence->work = task_free(sequence->work);
}

struct sequence *sequence_new(struct loop *loop, const struct stage *stages, void *subject,
                              void (*transition)(void *subject, const struct stage *stage,
                                                 enum task_status status, const struct err *err)) {
    static const struct task_type type = {.name = "sequence",
                                          .step = sequence_step,
                                          .cancel = sequence_drop,
                                          .release = sequence_drop};
    struct sequence *sequence = task_new(sizeof *sequence, &type, loop);
    sequence->at = stages;
    sequence->subject = subject;
    sequence->transition = transition;
    return sequence;
}
