/*
 * One stream of the engine's events says what becomes of the containers; nothing is polled.
 */
#include "run/environment.h"

#include "base/instant.h"
#include "base/text.h"
#include "run/collect.h"

#include <stdio.h>
#include <string.h>

enum {
    RECONNECTS = 5,        /* in a row, before the engine counts as gone */
    RECONNECT_PAUSE = 200, /* ms */
    KILLED = 128 + 9,
};

struct observer {
    struct task task;
    struct environment *environment;
    struct task *stream; /* the events, or the pause before the next try */
    bool pausing;
    int failures;
    bool broken;      /* events may have been missed */
    bool catching_up; /* ... and the looks under way will tell */
    char since[32];   /* the time of the latest event, to miss none when the stream breaks */
    vec(struct task *) looks; /* inspects of containers that were started again */
};

/* ---- A container's end ---- */

/* Will the restart policy let it stay ended? (Docker's "Restart policies") */
static bool is_final(const struct life *life) {
    const struct planned_service *planned = life->planned;
    if (planned->restarts_always)
        return false;
    if (!planned->restarts || !life->exit_code)
        return true;
    return planned->restart_most && life->deaths > planned->restart_most;
}

/* Told once: a look at the container may have come before the event. */
static void ended(struct life *life, int code, long long at) {
    if (!life->running)
        return;
    life->running = false;
    life->exit_code = code;
    life->ended_at = at;
    life->starved_at = 0; /* that is why */
    life->deaths++;
    life->exited = is_final(life);
    if (life->exited)
        life_died(life);
    else
        suite_life_ended(life->environment, life, true);
}

/* ---- Looking at a container: its address may be another after a new start, and it may have ended
 * while the engine's events did not come in ---- */

struct look {
    struct task task;
    struct life *life;
    struct task *inspect;
};

static void take_in(struct life *life, const cJSON *container) {
    const char *status = json_text_or(container, "State.Status", "");
    if (!strcmp(status, "exited") || !strcmp(status, "dead"))
        ended(life, (int)json_number(container, "State.ExitCode", KILLED),
              life_finished_at(container, instant_now()));
    else
        life_learn(life, container);
}

static enum task_status look_step(struct task *task) {
    struct look *look = (struct look *)task;
    if (!look->inspect) {
        look->inspect = container_inspect(look->life->environment->engine, look->life->id);
        task_start(look->inspect, task);
    }
    if (look->inspect->status == TASK_PENDING)
        return TASK_PENDING;
    if (look->inspect->status == TASK_DONE)
        take_in(look->life, request_answer(look->inspect));
    else if (look->inspect->err.code == 404)
        ended(look->life, KILLED, instant_now());
    return TASK_DONE;
}

static void look_release(struct task *task) {
    task_free(((struct look *)task)->inspect);
}

static struct task *look_new(struct life *life) {
    static const struct task_type type = {
        .name = "look", .step = look_step, .release = look_release};
    struct look *look = task_new(sizeof *look, &type, life->environment->loop);
    look->life = life;
    return &look->task;
}

static bool is_worth_a_look(const struct life *life) {
    return life->id && life->running;
}

struct task *observer_begin_look(void *subject, struct err *err) {
    struct environment *environment = subject;
    (void)err;
    struct task_group *group = task_group_new(environment->loop, GROUP_COLLECT, 0);
    for (size_t i = 0; i < environment->life_count; i++)
        if (is_worth_a_look(&environment->lives[i]))
            task_group_add(group, look_new(&environment->lives[i]));
    return (struct task *)group;
}

static void look_again(struct observer *observer, struct life *life) {
    struct task *look = look_new(life);
    vec_push(&observer->looks, look);
    task_start(look, &observer->task);
}

/* What happened while no events came in. */
static void look_at_all(struct observer *observer) {
    struct environment *environment = observer->environment;
    for (size_t i = 0; i < environment->life_count; i++)
        if (is_worth_a_look(&environment->lives[i]))
            look_again(observer, &environment->lives[i]);
}

/* From here on events come in, and none was missed. */
static void caught_up(struct observer *observer) {
    observer->catching_up = false;
    observer->environment->observing = true;
    environment_changed(observer->environment);
}

static void sweep_looks(struct observer *observer) {
    size_t kept = 0;
    vec_each (look, &observer->looks) {
        if ((*look)->status == TASK_PENDING)
            observer->looks.at[kept++] = *look;
        else
            task_free(*look);
    }
    observer->looks.length = kept;
    if (observer->catching_up && !kept)
        caught_up(observer);
}

/* ---- Events ---- */

static void on_die(struct life *life, const cJSON *attributes, long long at) {
    long code = -1;
    text_to_long(json_text_or(attributes, "exitCode", ""), 0, 255, &code);
    ended(life, (int)code, at);
}

/* If it ends of it, its death comes next. */
static void on_oom(struct life *life, long long at) {
    life->out_of_memory = true;
    life->starved_at = at;
}

static void on_start(struct observer *observer, struct life *life) {
    bool again = life->deaths > 0;
    life->running = true;
    life->exited = false;
    life->out_of_memory = false;
    life->starved_at = 0;
    collect_started(life); /* it may be dead before the answer to its start comes */
    if (again)
        look_again(observer, life);
}

static struct life *life_of_container(struct environment *environment, const char *id) {
    for (size_t i = 0; id && i < environment->life_count; i++)
        if (text_equal(environment->lives[i].id, id))
            return &environment->lives[i];
    return NULL;
}

static void on_event(void *context, const cJSON *event) {
    struct observer *observer = context;
    const cJSON *attributes = json_get(event, "Actor.Attributes");
    const char *action = json_text_or(event, "Action", "");
    long long nanoseconds = json_number(event, "timeNano", 0);

    observer->failures = 0;
    if (nanoseconds)
        snprintf(observer->since, sizeof observer->since, "%lld.%09lld", nanoseconds / 1000000000,
                 nanoseconds % 1000000000);
    struct life *life = life_of_container(observer->environment, json_text(event, "Actor.ID"));
    if (!life)
        return;
    if (!strcmp(action, "oom"))
        on_oom(life, nanoseconds);
    else if (!strcmp(action, "die"))
        on_die(life, attributes, nanoseconds ? nanoseconds : instant_now());
    else if (!strcmp(action, "start"))
        on_start(observer, life);
}

static void on_listening(void *context) {
    struct observer *observer = context;
    if (observer->broken)
        look_at_all(observer);
    observer->broken = false;
    observer->catching_up = true;
    if (!observer->looks.length)
        caught_up(observer);
}

/* ---- The stream, and its way back when it breaks ---- */

static cJSON *filters(const struct environment *environment) {
    cJSON *all = cJSON_CreateObject();
    autofree char *label = xasprintf("%s=%s", LABEL_ENVIRONMENT, environment->name);
    json_append_text(json_array_at(all, "label"), label);
    json_append_text(json_array_at(all, "type"), "container");
    return all;
}

static struct task *listen_now(struct observer *observer) {
    return engine_events(observer->environment->engine, filters(observer->environment),
                         *observer->since ? observer->since : NULL,
                         (struct event_sink){on_listening, on_event, observer});
}

static bool stream_ended(struct observer *observer) {
    struct task *ended = observer->stream;
    if (!observer->pausing && ++observer->failures > RECONNECTS)
        return err_move(&observer->task.err, &ended->err);
    observer->environment->observing = false;
    observer->broken = true;
    observer->catching_up = false;
    observer->pausing = !observer->pausing;
    observer->stream =
        observer->pausing ? pause_new(observer->task.loop, RECONNECT_PAUSE) : listen_now(observer);
    task_free(ended);
    task_start(observer->stream, &observer->task);
    return true;
}

static enum task_status observer_step(struct task *task) {
    struct observer *observer = (struct observer *)task;
    sweep_looks(observer);
    if (!observer->stream) {
        observer->stream = listen_now(observer);
        task_start(observer->stream, task);
    }
    if (observer->stream->status != TASK_PENDING && !stream_ended(observer))
        return TASK_FAILED;
    return TASK_PENDING;
}

static void observer_release(struct task *task) {
    struct observer *observer = (struct observer *)task;
    task_free(observer->stream);
    vec_each (look, &observer->looks)
        task_free(*look);
    vec_free(&observer->looks);
}

struct task *observer_new(struct environment *environment) {
    static const struct task_type type = {
        .name = "observer", .step = observer_step, .release = observer_release};
    struct observer *observer = task_new(sizeof *observer, &type, environment->loop);
    observer->environment = environment;
    return &observer->task;
}
