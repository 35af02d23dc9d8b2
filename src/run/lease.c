/*
 * The census: what the labels on the engine say, as leases. And how long a lease is.
 */
#include "run/lease.h"

#include <envrun/engine.h>
#include <envrun/plan.h>

#include "base/json.h"
#include "base/text.h"
#include "run/environment.h"

#include <limits.h>
#include <string.h>

enum {
    IMAGES_BOUND = 3600000,  /* ms for all images of an environment */
    READY_BOUND = 600000,    /* ms for a service's readiness where the file gives no limit */
    EXPLAIN_BOUND = 60000,   /* ms to say why a suite failed */
    TEARDOWN_BOUND = 600000, /* ms, without the grace periods that the file gives */
    CENSUS_LIMIT = 10000,    /* ms for an answer that lists objects */
};

/* ---- How long it may take ---- */

static long long ready_bound(const struct service *service) {
    return service->ready.timeout ? service->ready.timeout : READY_BOUND;
}

static long long seeds_bound(const struct service *service) {
    long long sum = 0;
    for (size_t i = 0; i < service->seed_count; i++)
        sum += service->seeds[i].timeout ? service->seeds[i].timeout : SEED_TIMEOUT_DEFAULT;
    return sum;
}

long long lease_coming_up(const struct model *model) {
    long long sum = IMAGES_BOUND;
    for (size_t i = 0; i < model->service_count; i++)
        sum += ready_bound(&model->services[i]) + seeds_bound(&model->services[i]);
    return sum;
}

static long long teardown_bound(const struct model *model) {
    long long sum = TEARDOWN_BOUND;
    for (size_t i = 0; i < model->service_count; i++)
        sum += node_milliseconds(model->services[i].node, "stop_grace_period", 0);
    return sum;
}

long long lease_run(const struct model *model, const struct suite *const *suites) {
    long long sum = lease_coming_up(model) + teardown_bound(model);
    for (; suites && *suites; suites++)
        sum += (*suites)->timeout + STOP_GRACE + EXPLAIN_BOUND;
    return sum;
}

/* ---- One lease ---- */

const char *lease_state_name(enum lease_state state) {
    static const char *const names[] = {"owned", "held", "unseen", "orphan", "expired"};
    return names[state];
}

static void lease_judge(struct lease *lease, long long now) {
    lease->owner_state = owner_look(lease->owner);
    if (!lease->held && lease->owner_state == OWNER_ALIVE)
        lease->state = LEASE_OWNED;
    else if (!lease->held && lease->owner_state == OWNER_DEAD)
        lease->state = LEASE_ORPHAN;
    else if (lease->deadline && lease->deadline <= now)
        lease->state = LEASE_EXPIRED;
    else
        lease->state = lease->held ? LEASE_HELD : LEASE_UNSEEN;
}

const struct lease *leases_find(const struct leases *leases, const char *name, const char *owner) {
    vec_each (lease, leases)
        if (!strcmp(lease->name, name) && !strcmp(lease->owner, owner))
            return lease;
    return NULL;
}

void leases_release(struct leases *leases) {
    vec_each (lease, leases) {
        free(lease->name);
        free(lease->owner);
        free(lease->verb);
        free(lease->folder);
    }
    vec_free(leases);
}

static long long label_time(const cJSON *object, const char *label) {
    long time = 0;
    text_to_long(container_label(object, label), 0, LONG_MAX, &time);
    return time;
}

bool lease_is_own(const cJSON *container) {
    const char *environment = container_label(container, LABEL_ENVIRONMENT);
    const cJSON *name;
    cJSON_ArrayForEach (name, json_get(container, "Names")) {
        const char *text = cJSON_GetStringValue(name);
        if (text && text_starts(text + 1, environment) && text[1 + strlen(environment)] == '-')
            return true;
    }
    return false;
}

static struct lease *lease_of(struct leases *leases, const cJSON *object) {
    const char *name = container_label(object, LABEL_ENVIRONMENT);
    const char *owner = container_label(object, LABEL_OWNER);
    const struct lease *known = leases_find(leases, name, owner);
    if (known)
        return &leases->at[known - leases->at];
    struct lease lease = {
        .name = xstrdup(name),
        .owner = xstrdup(owner),
        .verb = xstrdup(container_label(object, LABEL_VERB)),
        .folder = xstrdup(container_label(object, LABEL_FOLDER)),
        .created = label_time(object, LABEL_CREATED),
        .deadline = label_time(object, LABEL_DEADLINE),
    };
    vec_push(leases, lease);
    return &leases->at[leases->length - 1];
}

/* ---- The census ---- */

enum { CONTAINERS, NETWORKS, VOLUMES, KINDS };

struct census {
    struct task task;
    struct engine *engine;
    struct task *lists[KINDS];
    struct leases leases;
};

static void take_hold(struct lease *lease, const cJSON *volume) {
    lease->held = true;
    lease->deadline = label_time(volume, LABEL_DEADLINE);
}

static void take_objects(struct census *census) {
    const cJSON *object;
    cJSON_ArrayForEach (object, request_answer(census->lists[CONTAINERS])) {
        if (lease_is_own(object))
            lease_of(&census->leases, object)->containers++;
    }
    cJSON_ArrayForEach (object, request_answer(census->lists[NETWORKS])) {
        lease_of(&census->leases, object)->networks++;
    }
    cJSON_ArrayForEach (object, json_get(request_answer(census->lists[VOLUMES]), "Volumes")) {
        struct lease *lease = lease_of(&census->leases, object);
        if (*container_label(object, LABEL_HOLD))
            take_hold(lease, object);
        else if (!strcmp(container_label(object, LABEL_PLACE), "comes"))
            lease->comes = true;
        else if (*container_label(object, LABEL_PLACE))
            lease->place = label_time(object, LABEL_PLACE);
        else
            lease->volumes++;
    }
}

static int by_name(const void *a, const void *b) {
    const struct lease *first = a, *second = b;
    int order = strcmp(first->name, second->name);
    return order ? order : strcmp(first->owner, second->owner);
}

static void judge(struct census *census) {
    struct leases *leases = &census->leases;
    take_objects(census);
    vec_each (lease, leases)
        lease_judge(lease, engine_time(census->engine));
    if (leases->length)
        qsort(leases->at, leases->length, sizeof *leases->at, by_name);
}

static enum task_status census_step(struct task *task) {
    struct census *census = (struct census *)task;
    enum task_status status = TASK_DONE;
    for (int kind = 0; kind < KINDS; kind++) {
        struct task *list = census->lists[kind];
        task_start(list, task);
        if (list->status == TASK_FAILED) {
            err_move(&task->err, &list->err);
            return TASK_FAILED;
        }
        if (list->status == TASK_PENDING)
            status = TASK_PENDING;
    }
    if (status == TASK_DONE)
        judge(census);
    return status;
}

static void census_release(struct task *task) {
    struct census *census = (struct census *)task;
    for (int kind = 0; kind < KINDS; kind++)
        task_free(census->lists[kind]);
    leases_release(&census->leases);
}

struct task *census_new(struct loop *loop, struct engine *engine, const char *name) {
    static const struct task_type type = {
        .name = "census", .step = census_step, .release = census_release};
    struct census *census = task_new(sizeof *census, &type, loop);
    autofree char *label = name ? xasprintf("%s=%s", LABEL_ENVIRONMENT, name) : NULL;
    const char *which = label ? label : LABEL_ENVIRONMENT;
    census->engine = engine;
    census->lists[CONTAINERS] = container_list(engine, which);
    census->lists[NETWORKS] = network_list(engine, which);
    census->lists[VOLUMES] = volume_list(engine, which);
    for (int kind = 0; kind < KINDS; kind++)
        task_limit(census->lists[kind], loop_now() + CENSUS_LIMIT);
    return &census->task;
}

struct leases census_take(struct task *task) {
    struct census *census = (struct census *)task;
    struct leases leases = census->leases;
    census->leases = (struct leases){0};
    return leases;
}
