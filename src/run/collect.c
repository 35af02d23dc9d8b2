/*
 * What a record wants of the services: their logs, samples of what they use, and how all objects
 * were at the end.
 */
#include "run/collect.h"

#include "base/text.h"

#include <string.h>

enum {
    LOGS_SHARE = 8 << 20,  /* bytes a second that all logs together are followed with, */
    LOG_SHARE = 512 << 10, /* and at least for each */
    SAMPLE_BEAT = 1000,    /* ms between two samples, */
    SAMPLE_BEAT_EACH = 50, /* and more for each container: a sample costs the engine 2 ms */
    SAMPLES_AT_ONCE = 64,  /* an engine answers at its own next look, up to 1 s later */
    LOOK_LIMIT = 2000,     /* ms for an answer about an object */
};

struct collector {
    struct task task;
    struct environment *environment;
    struct follower **followers; /* one per life; NULL where there is none */
    struct task_group *samples;  /* under way */
    struct timer beat;
};

/* ---- Samples ---- */

static bool can_be_sampled(const struct life *life) {
    return life->id && life->running && life->samples_in_vain < SAMPLES_IN_VAIN;
}

static struct task_group *take_samples(struct environment *environment) {
    struct task_group *group = task_group_new(environment->loop, GROUP_COLLECT, SAMPLES_AT_ONCE);
    for (size_t i = 0; i < environment->life_count; i++)
        if (can_be_sampled(&environment->lives[i]))
            task_group_add(group, sample_new(&environment->lives[i]));
    return group;
}

static void on_beat(struct timer *timer) {
    struct collector *collector = container_of(timer, struct collector, beat);
    struct environment *environment = collector->environment;
    if (!collector->samples && !environment->stopping) {
        collector->samples = take_samples(environment);
        task_start((struct task *)collector->samples, &collector->task);
    }
    timer_set(timer,
              loop_now() + SAMPLE_BEAT + SAMPLE_BEAT_EACH * (long long)environment->life_count);
}

static enum task_status collector_step(struct task *task) {
    struct collector *collector = (struct collector *)task;
    struct task *samples = (struct task *)collector->samples;
    if (samples && samples->status != TASK_PENDING)
        collector->samples = (struct task_group *)task_free(samples);
    return TASK_PENDING;
}

/* ---- Beginning and end ---- */

static void collector_release(struct task *task) {
    struct collector *collector = (struct collector *)task;
    timer_stop(&collector->beat);
    task_free(collector->samples);
    for (size_t i = 0; i < collector->environment->life_count; i++)
        follower_free(collector->followers[i]);
    free(collector->followers);
}

void collect_begin(struct environment *environment) {
    static const struct task_type type = {
        .name = "collector", .step = collector_step, .release = collector_release};
    if (!environment->options.record)
        return;
    struct collector *collector = task_new(sizeof *collector, &type, environment->loop);
    collector->environment = environment;
    collector->followers = xcalloc(environment->life_count, sizeof(struct follower *));
    timer_init(&collector->beat, environment->loop, on_beat);
    environment->collector = collector;
    task_start(&collector->task, NULL);
}

void collect_release(struct environment *environment) {
    if (environment->collector)
        task_free(environment->collector);
    environment->collector = NULL;
}

/* ---- Logs ---- */

/* The suite's own output is told by the suite. */
static struct follower *follower_of(struct life *life) {
    struct environment *environment = life->environment;
    struct collector *collector = environment->collector;
    if (!collector || life->is_suite)
        return NULL;
    struct follower **follower = &collector->followers[life - environment->lives];
    size_t share = LOGS_SHARE / environment->life_count;
    if (!*follower)
        *follower = follower_new(life, share < LOG_SHARE ? LOG_SHARE : share);
    return *follower;
}

static bool log_is_kept(const struct life *life) {
    return strcmp(json_text_or(life->planned->body, "HostConfig.LogConfig.Type", ""), "none") != 0;
}

static enum task_status is_attached(void *context, struct err *err) {
    (void)err;
    return follower_is_attached(follower_of(context)) ? TASK_DONE : TASK_PENDING;
}

struct task *collect_attach(struct life *life) {
    struct follower *follower = follower_of(life);
    if (!follower || log_is_kept(life))
        return NULL;
    follower_attach(follower);
    return gate_new(life->environment->loop, is_attached, life);
}

void collect_started(struct life *life) {
    struct follower *follower = follower_of(life);
    if (follower)
        follower_started(follower);
    if (follower && !timer_is_set(&life->environment->collector->beat))
        timer_set(&life->environment->collector->beat, loop_now() + SAMPLE_BEAT);
}

/* ---- Objects ---- */

struct look {
    struct task task;
    struct environment *environment;
    const char *kind;        /* "container", "network", "volume" */
    const struct life *life; /* or NULL */
    struct task *request;
};

static void tell_object(struct environment *environment, const char *kind, const char *service,
                        const cJSON *object) {
    struct event event = {.kind = EVENT_OBJECT,
                          .detail = xstrdup(kind),
                          .service = xstrdup_or_null(service),
                          .text = json_line(object)};
    environment_tell(environment, &event);
}

/* One object, or a list of them, or of volumes. */
static void tell_looked(const struct look *look, const cJSON *answer) {
    const cJSON *list = cJSON_IsArray(answer) ? answer : json_get(answer, "Volumes"), *object;
    if (!strcmp(look->kind, "container"))
        tell_object(look->environment, look->kind, look->life->name, answer);
    else
        cJSON_ArrayForEach (object, list) {
            tell_object(look->environment, look->kind, NULL, object);
        }
}

static enum task_status look_step(struct task *task) {
    struct look *look = (struct look *)task;
    task_start(look->request, task);
    if (look->request->status == TASK_DONE)
        tell_looked(look, request_answer(look->request));
    return look->request->status == TASK_PENDING ? TASK_PENDING : TASK_DONE;
}

static void look_release(struct task *task) {
    task_free(((struct look *)task)->request);
}

static struct task *look_new(struct environment *environment, const char *kind,
                             const struct life *life, struct task *request) {
    static const struct task_type type = {
        .name = "look", .step = look_step, .release = look_release};
    struct look *look = task_new(sizeof *look, &type, environment->loop);
    look->environment = environment;
    look->kind = kind;
    look->life = life;
    look->request = request;
    task_limit(request, loop_now() + LOOK_LIMIT);
    return &look->task;
}

static void tell_images(struct environment *environment) {
    for (size_t i = 0; i < environment->life_count; i++)
        if (environment->lives[i].image)
            tell_object(environment, "image", environment->lives[i].name,
                        environment->lives[i].image);
}

static void add_looks(struct environment *environment, struct task_group *group) {
    struct engine *engine = environment->engine;
    autofree char *label = xasprintf("%s=%s", LABEL_ENVIRONMENT, environment->name);
    for (size_t i = 0; i < environment->life_count; i++) {
        struct life *life = &environment->lives[i];
        if (life->id)
            task_group_add(group, look_new(environment, "container", life,
                                           container_inspect(engine, life->id)));
    }
    task_group_add(group, look_new(environment, "network", NULL, network_list(engine, label)));
    task_group_add(group, look_new(environment, "volume", NULL, volume_list(engine, label)));
}

/* Samples are not waited for: an engine takes up to a second for each. */
struct task *environment_collect(struct environment *environment) {
    struct collector *collector = environment->collector;
    struct task_group *group = task_group_new(environment->loop, GROUP_COLLECT, 0);
    environment->stopping = true;
    if (!collector)
        return (struct task *)group;
    tell_images(environment);
    add_looks(environment, group);
    for (size_t i = 0; i < environment->life_count; i++)
        if (collector->followers[i])
            task_group_add(group, follower_drain(collector->followers[i]));
    return tolerate(environment->loop, (struct task *)group, NULL);
}
