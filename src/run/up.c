/*
 * Coming up: the stages that are gone through once, the services all at once in the last of them,
 * and the explanation if it fails.
 */
#include "run/environment.h"

#include "base/text.h"

#include <string.h>

enum { HEARTBEAT = 10000 }; /* ms */

/* ---- The heartbeat ---- */

/* "db (ready 12 s): connection refused" */
static void add_waiting(struct event *event, const struct life *life) {
    autofree char *time = text_milliseconds(loop_now() - life->phase_began);
    autofree char *line =
        xasprintf("%s (%s %s)%s%s", life->name, event_phase_name(life->phase), time,
                  life->reason ? ": " : "", life->reason ? life->reason : "");
    event_add_line(event, line);
}

static void beat(struct timer *timer) {
    struct environment *environment = container_of(timer, struct environment, heartbeat);
    struct event event = {.kind = EVENT_WAITING};
    for (size_t i = 0; i < environment->life_count; i++)
        if (environment->lives[i].sequence)
            add_waiting(&event, &environment->lives[i]);
    environment_tell(environment, &event);
    timer_set(timer, loop_now() + HEARTBEAT);
}

/* ---- Observing ---- */

static enum task_status is_observing(void *context, struct err *err) {
    struct environment *environment = context;
    if (environment->observer->status == TASK_FAILED) {
        err_copy(err, &environment->observer->err);
        return TASK_FAILED;
    }
    return environment->observing ? TASK_DONE : TASK_PENDING;
}

static struct task *begin_observing(void *subject, struct err *err) {
    struct environment *environment = subject;
    (void)err;
    environment->observer = observer_new(environment);
    environment->observe_gate = gate_new(environment->loop, is_observing, environment);
    task_start(environment->observer, environment->observe_gate);
    return environment->observe_gate;
}

static bool end_observing(void *subject, struct task *work, struct err *err) {
    struct environment *environment = subject;
    (void)work;
    (void)err;
    environment->observe_gate = NULL;
    task_start(environment->observer, environment->coming_up);
    return true;
}

/* ---- The limit, which the lease counts on ---- */

static long long most_to_come_up(const struct environment *environment) {
    return lease_coming_up(environment->model) + environment->options.max_wait;
}

static void give_up(struct timer *timer) {
    struct environment *environment = container_of(timer, struct environment, come_up_limit);
    struct err err = ERR_INIT;
    autofree char *time = text_milliseconds(most_to_come_up(environment));
    err_set(&err, ERR_ENVIRONMENT, "it is not up within %s, which is all that its limits allow",
            time);
    environment_doom(environment, NULL, &err);
}

static void limit_coming_up(struct environment *environment) {
    environment->come_up_limit.fire = give_up;
    timer_set(&environment->come_up_limit, loop_now() + most_to_come_up(environment));
}

/* ---- Services ---- */

static void tell_began(struct environment *environment) {
    struct event event = {.kind = EVENT_BEGAN,
                          .text = xstrdup(environment->name),
                          .detail = xstrdup(environment->options.verb)};
    for (size_t i = 0; i < environment->life_count; i++)
        if (!environment->lives[i].is_idle && !environment->lives[i].is_suite)
            event_add_line(&event, environment->lives[i].name);
    environment_tell(environment, &event);
}

static struct task *begin_services(void *subject, struct err *err) {
    struct environment *environment = subject;
    (void)err;
    tell_began(environment);
    struct task_group *group = task_group_new(environment->loop, GROUP_FAIL_FAST, 0);
    objects_add_networks(environment, group);
    for (size_t i = 0; i < environment->life_count; i++)
        if (!environment->lives[i].is_idle || environment->lives[i].is_base)
            task_group_add(group, life_new(&environment->lives[i]));
    environment->heartbeat.fire = beat;
    timer_set(&environment->heartbeat, loop_now() + HEARTBEAT);
    return (struct task *)group;
}

static struct task *begin_hold(void *subject, struct err *err) {
    struct environment *environment = subject;
    (void)err;
    return environment->options.is_held ? environment_hold(environment, environment->options.ttl)
                                        : NULL;
}

static const struct stage up_stages[] = {
    {"connect", prepare_connection, NULL},
    {"reach", prepare_reach, NULL},
    {"plan", prepare_plan, NULL},
    {"namesakes", begin_namesakes, end_namesakes},
    {"clear the name", begin_clear_name, NULL},
    {"reaper", begin_reaper, NULL},
    {"line", line_begin, NULL},
    {"subnets", subnets_ask, subnets_learn},
    {"observe", begin_observing, end_observing},
    {"volumes", objects_begin_volumes, NULL},
    {"services", begin_services, NULL},
    {"look", observer_begin_look, NULL},
    {"hold", begin_hold, NULL},
    {0},
};

/* ---- Coming up, as a task: the stages, and the explanation if they fail ---- */

struct coming_up {
    struct task task;
    struct environment *environment;
    struct sequence *sequence;
    struct task *explaining;
};

/* An answer of the engine says what is wrong, but not with what. */
static void name_the_culprit(const struct life *life, enum event_phase phase, struct err *err) {
    static const char *const doing[] = {
        [PHASE_CREATE] = "cannot create the container of",
        [PHASE_COPY] = "cannot copy files into",
        [PHASE_START] = "cannot start",
    };
    const char *verb = phase < lengthof(doing) ? doing[phase] : NULL;
    if (phase == PHASE_IMAGE && life->planned->build)
        err_prefix(err, "cannot build the image of service `%s`", life->name);
    else if (phase == PHASE_IMAGE)
        err_prefix(err, "cannot %s image `%s` of service `%s`",
                   life->image_verb ? life->image_verb : "look up", life->planned->image,
                   life->name);
    else
        err_prefix(err, "%s service `%s`", verb ? verb : "cannot bring up", life->name);
    err_locate(err, life->planned->at);
}

static enum task_status come_up_failed(struct coming_up *up) {
    struct environment *environment = up->environment;
    environment->stopping = true;
    timer_stop(&environment->heartbeat);
    if (environment->observer)
        task_start(environment->observer, &up->task);
    up->sequence = (struct sequence *)task_free(up->sequence);
    for (size_t i = 0; i < environment->life_count; i++)
        environment->lives[i].sequence = NULL;
    if (environment->culprit && environment->culprit_phase <= PHASE_START &&
        environment->culprit_phase != PHASE_WAIT && !up->task.err.file &&
        (up->task.err.kind == ERR_ANSWER || up->task.err.kind == ERR_FILE ||
         environment->culprit_phase == PHASE_IMAGE))
        name_the_culprit(environment->culprit, environment->culprit_phase, &up->task.err);
    else if (up->task.err.kind == ERR_ANSWER && !up->task.err.file)
        err_prefix(&up->task.err, "the Docker engine at %s answers",
                   engine_address(environment->engine)->url);
    up->explaining = explain_failure(environment, &up->task.err);
    task_start(up->explaining, &up->task);
    return TASK_PENDING;
}

/* What went wrong beside the stages: a service that was up died, or the engine vanished. */
static bool is_doomed(struct coming_up *up) {
    struct environment *environment = up->environment;
    struct task *observer = environment->observer;
    if (err_is(&environment->doom))
        return !err_move(&up->task.err, &environment->doom);
    if (observer && observer->status == TASK_FAILED && !err_is(&up->task.err)) {
        err_copy(&up->task.err, &observer->err);
        return true;
    }
    return false;
}

static enum task_status coming_up_step(struct task *task) {
    struct coming_up *up = (struct coming_up *)task;
    if (up->explaining)
        return up->explaining->status == TASK_PENDING ? TASK_PENDING : TASK_FAILED;
    if (is_doomed(up))
        return come_up_failed(up);
    if (up->sequence->task.status == TASK_FAILED) {
        err_move(&task->err, &up->sequence->task.err);
        return come_up_failed(up);
    }
    task_start(&up->sequence->task, task);
    if (up->sequence->task.status == TASK_PENDING)
        return TASK_PENDING;
    if (is_doomed(up)) /* by what the last look has found, or word that came since */
        return come_up_failed(up);
    timer_stop(&up->environment->heartbeat);
    timer_stop(&up->environment->come_up_limit);
    up->environment->is_up = true;
    return TASK_DONE;
}

static void coming_up_release(struct task *task) {
    struct coming_up *up = (struct coming_up *)task;
    struct environment *environment = up->environment;
    if (task->status != TASK_DONE)
        environment->stopping = true;
    environment->coming_up = NULL;
    environment->observe_gate = NULL;
    if (environment->observer)
        task_start(environment->observer, NULL);
    timer_stop(&environment->heartbeat);
    timer_stop(&environment->come_up_limit);
    task_free(up->sequence);
    task_free(up->explaining);
    for (size_t i = 0; i < environment->life_count; i++) {
        environment->lives[i].sequence = NULL;
        environment->lives[i].gate = environment->lives[i].probing = NULL;
    }
}

static struct task *coming_up_new(struct environment *environment, const struct stage *stages) {
    static const struct task_type type = {
        .name = "up", .step = coming_up_step, .release = coming_up_release};
    struct coming_up *up = task_new(sizeof *up, &type, environment->loop);
    up->environment = environment;
    up->sequence = sequence_new(environment->loop, stages, environment, NULL);
    environment->coming_up = &up->task;
    return &up->task;
}

struct task *environment_up(struct environment *environment) {
    limit_coming_up(environment);
    return coming_up_new(environment, up_stages);
}
