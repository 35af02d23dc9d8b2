/*
 * Remove whatever the engine has of an environment. It asks the engine by label, so that it needs
 * to know nothing of how the environment was made, or how far.
 */
#include "run/environment.h"

#include "base/text.h"
#include "run/lease.h"
#include "run/removal.h"

#include <string.h>

enum {
    ROUNDS = 6,           /* looks in a row at which no less is left, before it is reported */
    TRIES_LEAST = 3,      /* looks in vain, however long they take */
    AWAY_LIMIT = 20000,   /* ms that an engine is waited for which does not answer */
    ROUND_PAUSE = 300,    /* ms between two rounds that left something */
    SETTLE_LIMIT = 20000, /* ms that a create under way is waited for */
    LIST_LIMIT = 10000,   /* ms for an answer that lists objects */
    LAST_ROUND = 120000,  /* ms after which no further round begins */
    AT_ONCE = 4,          /* containers removed at once (life.c says why no more) */
};

struct teardown {
    struct task task;
    struct engine *engine;
    struct event_listener listener;
    char *label, *owner;
    bool has_reaper;
    long long began, run_began;
    struct sequence *round;
    int rounds;
    int looks;      /* rounds that the engine answered */
    int vain, left; /* the latest of them in a row at which so much was left */
    cJSON *containers, *networks, *volumes; /* what is left */
    bool counted;
    int removed_containers, removed_networks, removed_volumes;
    struct err unsettled; /* a request that was still unanswered */
    struct err last;      /* why something stayed */
};

/* An engine that has stopped answering must not hold us for ever. */
static struct task *limited(struct teardown *teardown, struct task *task, long long milliseconds) {
    task_limit(task, engine_deadline(teardown->engine, milliseconds));
    return task;
}

/* ---- One round ---- */

static int count_left(const struct teardown *teardown) {
    return cJSON_GetArraySize(teardown->containers) + cJSON_GetArraySize(teardown->networks) +
           cJSON_GetArraySize(teardown->volumes);
}

/* A busy engine is slow, and is waited for as long as it gets on. */
static void take_look(struct teardown *teardown) {
    int left = count_left(teardown);
    teardown->looks++;
    teardown->vain = left < teardown->left ? 1 : teardown->vain + 1;
    teardown->left = left;
}

static struct task *begin_settle(void *subject, struct err *err) {
    struct teardown *teardown = subject;
    (void)err;
    bool first = teardown->rounds == 1;
    if (!first && !err_is(&teardown->unsettled))
        return NULL;
    err_release(&teardown->unsettled);
    struct task *settle =
        limited(teardown, engine_settle(teardown->engine), first ? SETTLE_LIMIT : ROUND_PAUSE);
    return tolerate(teardown->task.loop, settle, &teardown->unsettled);
}

/* A round that left something is not repeated at once. */
static struct task *begin_pause(void *subject, struct err *err) {
    struct teardown *teardown = subject;
    (void)err;
    return teardown->rounds > 2 ? pause_new(teardown->task.loop, ROUND_PAUSE) : NULL;
}

static struct task *list_containers(void *subject, struct err *err) {
    struct teardown *teardown = subject;
    (void)err;
    return limited(teardown, container_list(teardown->engine, teardown->label), LIST_LIMIT);
}

static struct task *list_networks(void *subject, struct err *err) {
    struct teardown *teardown = subject;
    (void)err;
    return limited(teardown, network_list(teardown->engine, teardown->label), LIST_LIMIT);
}

static struct task *list_volumes(void *subject, struct err *err) {
    struct teardown *teardown = subject;
    (void)err;
    return limited(teardown, volume_list(teardown->engine, teardown->label), LIST_LIMIT);
}

/* Leave out what somebody else has made under this name. */
static void keep_own(const struct teardown *teardown, cJSON *list) {
    for (cJSON *item = list ? list->child : NULL, *next; item && teardown->owner; item = next) {
        next = item->next;
        if (strcmp(container_label(item, LABEL_OWNER), teardown->owner) != 0)
            cJSON_Delete(cJSON_DetachItemViaPointer(list, item));
    }
}

static bool take(const struct teardown *teardown, cJSON **list, cJSON *answer) {
    cJSON_Delete(*list);
    *list = answer;
    keep_own(teardown, answer);
    return true;
}

static bool take_containers(void *subject, struct task *work, struct err *err) {
    struct teardown *teardown = subject;
    cJSON *list = request_take_answer(work);
    (void)err;
    for (cJSON *item = list ? list->child : NULL, *next; item; item = next) {
        next = item->next;
        if (!lease_is_own(item))
            cJSON_Delete(cJSON_DetachItemViaPointer(list, item));
    }
    return take(teardown, &teardown->containers, list);
}

static bool take_networks(void *subject, struct task *work, struct err *err) {
    struct teardown *teardown = subject;
    (void)err;
    return take(teardown, &teardown->networks, request_take_answer(work));
}

/* An environment's hold and its place in the line are nobody's data. */
static int count_volumes(const cJSON *volumes) {
    const cJSON *volume;
    int count = 0;
    cJSON_ArrayForEach (volume, volumes) {
        count += !*container_label(volume, LABEL_HOLD) && !*container_label(volume, LABEL_PLACE);
    }
    return count;
}

/* What the first look found is what will have been removed. */
static void count_found(struct teardown *teardown) {
    if (teardown->counted)
        return;
    teardown->counted = true;
    teardown->removed_containers = cJSON_GetArraySize(teardown->containers);
    teardown->removed_networks = cJSON_GetArraySize(teardown->networks);
    teardown->removed_volumes = count_volumes(teardown->volumes);
}

static bool take_volumes(void *subject, struct task *work, struct err *err) {
    struct teardown *teardown = subject;
    (void)err;
    take(teardown, &teardown->volumes,
         cJSON_Duplicate(json_get(request_answer(work), "Volumes"), true));
    count_found(teardown);
    return true;
}

/* A group whose failures only mean another round. */
static struct task *tolerant(struct teardown *teardown, struct task_group *group) {
    return tolerate(teardown->task.loop, (struct task *)group, &teardown->last);
}

static struct task *begin_containers(void *subject, struct err *err) {
    struct teardown *teardown = subject;
    const cJSON *container;
    (void)err;
    if (!cJSON_GetArraySize(teardown->containers))
        return NULL;
    struct task_group *group = task_group_new(teardown->task.loop, GROUP_COLLECT, AT_ONCE);
    cJSON_ArrayForEach (container, teardown->containers) {
        task_group_add(group, removal_new(teardown->task.loop, teardown->engine, container));
    }
    return tolerant(teardown, group);
}

/* A network that envrun's own container has joined would stay in use. */
static struct task *begin_leave(void *subject, struct err *err) {
    struct teardown *teardown = subject;
    const cJSON *network;
    (void)err;
    struct task_group *group = task_group_new(teardown->task.loop, GROUP_COLLECT, 0);
    cJSON_ArrayForEach (network, teardown->networks) {
        const char *guest = container_label(network, LABEL_GUEST);
        if (!*guest)
            continue;
        struct task *leave =
            network_disconnect(teardown->engine, json_text_or(network, "Id", ""), guest);
        task_group_add(group, limited(teardown, leave, REMOVE_LIMIT));
    }
    return tolerate(teardown->task.loop, (struct task *)group, NULL);
}

static struct task *begin_rest(void *subject, struct err *err) {
    struct teardown *teardown = subject;
    const cJSON *item;
    (void)err;
    struct task_group *group = task_group_new(teardown->task.loop, GROUP_COLLECT, 0);
    cJSON_ArrayForEach (item, teardown->networks) {
        struct task *work = network_remove(teardown->engine, json_text_or(item, "Id", ""));
        task_group_add(group, limited(teardown, work, REMOVE_LIMIT));
    }
    cJSON_ArrayForEach (item, teardown->volumes) {
        autofree char *name = engine_escape(json_text_or(item, "Name", ""));
        task_group_add(group,
                       limited(teardown, volume_remove(teardown->engine, name), REMOVE_LIMIT));
    }
    return tolerant(teardown, group);
}

static const struct stage round_stages[] = {
    {"settle", begin_settle, NULL},
    {"pause", begin_pause, NULL},
    {"containers", list_containers, take_containers},
    {"networks", list_networks, take_networks},
    {"volumes", list_volumes, take_volumes},
    {"remove containers", begin_containers, NULL},
    {"leave networks", begin_leave, NULL},
    {"remove networks and volumes", begin_rest, NULL},
    {0},
};

/* ---- Rounds until nothing is left ---- */

static void tell(struct teardown *teardown, enum event_status status, struct event *event) {
    event->kind = EVENT_TEARDOWN;
    event->status = status;
    event->ms = loop_now() - teardown->run_began;
    if (status != STATUS_BEGAN)
        event->duration = loop_now() - teardown->began;
    event_tell(event, &teardown->listener);
}

static void add_count(struct strings *parts, int count, const char *what) {
    if (count)
        strings_printf(parts, "%d %s%s", count, what, count == 1 ? "" : "s");
}

static void tell_done(struct teardown *teardown) {
    autostrings struct strings parts = {0};
    add_count(&parts, teardown->removed_containers, "container");
    add_count(&parts, teardown->removed_networks, "network");
    add_count(&parts, teardown->removed_volumes, "volume");
    autofree char *what = strings_join(&parts, ", ");
    struct event event = {.text = xasprintf("removed %s", parts.length ? what : "nothing")};
    tell(teardown, STATUS_DONE, &event);
}

static void add_left(struct event *event, const cJSON *list, const char *kind, const char *name) {
    const cJSON *item;
    cJSON_ArrayForEach (item, list) {
        const cJSON *names = json_get(item, "Names");
        const char *text =
            names ? cJSON_GetStringValue(cJSON_GetArrayItem(names, 0)) : json_text(item, name);
        autofree char *line = xasprintf("%s %s", kind, text ? text + (*text == '/') : "?");
        event_add_line(event, line);
    }
}

/* An engine that has miscounted (life.c) keeps a network that no container is in. */
static const char *what_else_helps(const struct teardown *teardown, const char *why) {
    bool miscounted = !cJSON_GetArraySize(teardown->containers) && why &&
                      strstr(why, "has active endpoints") != NULL;
    return miscounted ? "if no container is in it, the engine frees it when it is restarted; " : "";
}

/* Why not all is gone, and how to try again. */
static char *why_left(const struct teardown *teardown) {
    const char *name = strchr(teardown->label, '=') + 1;
    const struct err *why = err_is(&teardown->unsettled) ? &teardown->unsettled : &teardown->last;
    return xasprintf("%s; %s%s`envrun down -p %s` tries again",
                     why->message ? why->message : "something is still there",
                     what_else_helps(teardown, why->message),
                     teardown->has_reaper ? "its reaper goes on trying, and " : "", name);
}

static enum task_status report_left(struct teardown *teardown) {
    struct event event = {.detail = why_left(teardown)};
    add_left(&event, teardown->containers, "container", "Id");
    add_left(&event, teardown->networks, "network", "Name");
    add_left(&event, teardown->volumes, "volume", "Name");
    err_set(&teardown->task.err, ERR_LEFTOVER, "something could not be removed: %s", event.detail);
    tell(teardown, STATUS_FAILED, &event);
    return TASK_FAILED;
}

static void begin_round(struct teardown *teardown) {
    teardown->rounds++;
    teardown->round = sequence_new(teardown->task.loop, round_stages, teardown, NULL);
    task_start(&teardown->round->task, &teardown->task);
}

/* An engine that is started again comes back within seconds. */
static bool may_go_on(const struct teardown *teardown, bool looked) {
    if (!looked && teardown->rounds - teardown->looks < TRIES_LEAST)
        return true;
    if (!looked)
        return loop_now() < teardown->began + engine_at_most(teardown->engine, AWAY_LIMIT);
    return teardown->vain < ROUNDS && loop_now() <= teardown->began + LAST_ROUND;
}

static enum task_status teardown_step(struct task *task) {
    struct teardown *teardown = (struct teardown *)task;
    if (!teardown->rounds) {
        struct event event = {0};
        teardown->began = loop_now();
        tell(teardown, STATUS_BEGAN, &event);
        begin_round(teardown);
    }
    if (teardown->round->task.status == TASK_PENDING)
        return TASK_PENDING;
    if (teardown->round->task.status == TASK_FAILED)
        err_move(&teardown->last, &teardown->round->task.err);
    bool looked = teardown->round->task.status == TASK_DONE;
    if (looked)
        take_look(teardown);
    task_free(teardown->round);
    teardown->round = NULL;
    bool all_gone = looked && !count_left(teardown);
    if (all_gone && !err_is(&teardown->unsettled)) {
        tell_done(teardown);
        return TASK_DONE;
    }
    if (!may_go_on(teardown, looked))
        return report_left(teardown);
    begin_round(teardown);
    return TASK_PENDING;
}

static void teardown_release(struct task *task) {
    struct teardown *teardown = (struct teardown *)task;
    task_free(teardown->round);
    cJSON_Delete(teardown->containers);
    cJSON_Delete(teardown->networks);
    cJSON_Delete(teardown->volumes);
    err_release(&teardown->unsettled);
    err_release(&teardown->last);
    free(teardown->label);
    free(teardown->owner);
}

struct task *teardown_new(struct loop *loop, struct engine *engine,
                          const struct teardown_options *options) {
    static const struct task_type type = {
        .name = "teardown", .step = teardown_step, .release = teardown_release};
    struct teardown *teardown = task_new(sizeof *teardown, &type, loop);
    teardown->engine = engine;
    teardown->listener = options->listener;
    teardown->has_reaper = options->has_reaper;
    teardown->run_began = options->began;
    teardown->label = xasprintf("%s=%s", LABEL_ENVIRONMENT, options->name);
    teardown->owner = xstrdup_or_null(options->owner);
    return &teardown->task;
}

int teardown_found(const struct task *task) {
    const struct teardown *teardown = (const struct teardown *)task;
    return teardown->removed_containers + teardown->removed_networks + teardown->removed_volumes;
}
