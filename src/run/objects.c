/*
 * The environment's own networks and volumes; external ones are looked for.
 */
#include "run/environment.h"

#include "base/text.h"

#include <string.h>

static bool is_volume_used(const struct environment *environment, const char *name) {
    for (size_t i = 0; i < environment->life_count; i++) {
        const cJSON *mounts = json_get(environment->lives[i].planned->body, "HostConfig.Mounts");
        const cJSON *mount;
        cJSON_ArrayForEach (mount, mounts) {
            if (!environment->lives[i].is_idle && text_equal(json_text(mount, "Source"), name))
                return true;
        }
    }
    return false;
}

/* Say which object it was that the engine did not make or find. */
static enum task_status object_failed(struct task *task, struct task *work, const char *section,
                                      const char *key, struct position at) {
    err_move(&task->err, &work->err);
    err_prefix(&task->err, "%s `%s`", section, key);
    err_locate(&task->err, at);
    return TASK_FAILED;
}

/* A volume of ours is made, an external one looked for. */
struct volume_work {
    struct task task;
    const struct planned_volume *volume;
    struct task *work;
};

static enum task_status volume_step(struct task *task) {
    struct volume_work *volume = (struct volume_work *)task;
    task_start(volume->work, task);
    if (volume->work->status == TASK_FAILED)
        return object_failed(task, volume->work, "volume", volume->volume->key, volume->volume->at);
    return volume->work->status;
}

static void volume_release(struct task *task) {
    task_free(((struct volume_work *)task)->work);
}

static struct task *volume_new(struct environment *environment,
                               const struct planned_volume *planned) {
    static const struct task_type type = {
        .name = "volume", .step = volume_step, .release = volume_release};
    struct volume_work *volume = task_new(sizeof *volume, &type, environment->loop);
    volume->volume = planned;
    volume->work = planned->external
                       ? volume_inspect(environment->engine, planned->name)
                       : volume_create(environment->engine, cJSON_Duplicate(planned->body, true));
    return &volume->task;
}

struct task *objects_begin_volumes(void *subject, struct err *err) {
    struct environment *environment = subject;
    struct plan *plan = environment->plan;
    (void)err;
    struct task_group *group = task_group_new(environment->loop, GROUP_FAIL_FAST, 0);
    for (size_t i = 0; i < plan->volume_count; i++)
        if (is_volume_used(environment, plan->volumes[i].name))
            task_group_add(group, volume_new(environment, &plan->volumes[i]));
    return (struct task *)group;
}

/* A network of ours is made, an external one looked for; then envrun's own container joins it, if
 * it runs in one. */
struct network_work {
    struct task task;
    struct environment *environment;
    struct planned_network *network;
    struct task *work;
    bool joined;
};

/* How many containers join it. */
static size_t network_users(const struct environment *environment, const char *name) {
    size_t count = 0;
    for (size_t i = 0; i < environment->life_count; i++)
        for (const char **used = environment->lives[i].planned->networks; *used; used++)
            if (!environment->lives[i].is_idle && !strcmp(*used, name))
                count++;
    return count;
}

static struct task *first_work(struct network_work *network) {
    struct engine *engine = network->environment->engine;
    if (network->network->external) {
        autofree char *name = engine_escape(network->network->name);
        return engine_request(engine, "GET", NULL, "/networks/%s", name);
    }
    return subnets_make_network(network->environment, network->network,
                                network_users(network->environment, network->network->name));
}

static struct task *join_work(struct network_work *network) {
    cJSON *body = cJSON_CreateObject();
    json_put_text(body, "Container", network->environment->self);
    return network_connect(network->environment->engine, network->network->name, body);
}

static enum task_status network_step(struct task *task) {
    struct network_work *network = (struct network_work *)task;
    struct environment *environment = network->environment;
    if (!network->work)
        network->work = first_work(network);
    task_start(network->work, task);
    if (network->work->status == TASK_FAILED)
        return object_failed(task, network->work, "network", network->network->key,
                             network->network->at);
    if (network->work->status == TASK_PENDING)
        return TASK_PENDING;
    if (environment->reach == REACH_JOIN && !network->joined) {
        task_free(network->work);
        network->joined = true;
        network->work = join_work(network);
        task_start(network->work, task);
        return TASK_PENDING;
    }
    environment->networks_missing--;
    environment_changed(environment);
    return TASK_DONE;
}

static void network_release(struct task *task) {
    task_free(((struct network_work *)task)->work);
}

struct task *objects_connect(struct environment *environment, const cJSON *connections,
                             const char *container) {
    const cJSON *connection;
    if (!connections->child)
        return NULL;
    struct task_group *group = task_group_new(environment->loop, GROUP_FAIL_FAST, 0);
    cJSON_ArrayForEach (connection, connections) {
        cJSON *body = cJSON_Duplicate(connection, true);
        json_put_text(body, "Container", container);
        task_group_add(group, network_connect(environment->engine, connection->string, body));
    }
    return (struct task *)group;
}

void objects_add_networks(struct environment *environment, struct task_group *group) {
    static const struct task_type type = {
        .name = "network", .step = network_step, .release = network_release};
    struct plan *plan = environment->plan;
    for (size_t i = 0; i < plan->network_count; i++) {
        if (!network_users(environment, plan->networks[i].name))
            continue;
        struct network_work *network = task_new(sizeof *network, &type, environment->loop);
        network->environment = environment;
        network->network = &plan->networks[i];
        environment->networks_missing++;
        task_group_add(group, &network->task);
    }
}

/* ---- The hold: what lets an environment outlive its owner (lease.h) ---- */

struct hold {
    struct task task;
    struct environment *environment;
    long long deadline; /* UNIX time in seconds; 0: none */
    struct task *volume;
};

static enum task_status hold_step(struct task *task) {
    struct hold *hold = (struct hold *)task;
    task_start(hold->volume, task);
    if (hold->volume->status == TASK_FAILED)
        err_move(&task->err, &hold->volume->err);
    if (hold->volume->status == TASK_DONE)
        reaper_hold(hold->environment->reaper, hold->deadline);
    return hold->volume->status;
}

static void hold_release(struct task *task) {
    task_free(((struct hold *)task)->volume);
}

struct task *environment_hold(struct environment *environment, long long ttl) {
    static const struct task_type type = {
        .name = "hold", .step = hold_step, .release = hold_release};
    struct hold *hold = task_new(sizeof *hold, &type, environment->loop);
    struct engine *engine = environment->engine;
    hold->environment = environment;
    hold->deadline = ttl ? engine_time(engine) + (ttl + 999) / 1000 : 0;
    hold->volume = volume_create(engine, plan_hold(environment->plan, hold->deadline));
    return &hold->task;
}
