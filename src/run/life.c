/*
 * A service's life: image, create, copy in, wait for its dependencies, start, probe, seed.
 *
 * The stages stand in one table, in the order of enum event_phase; the sequence makes every
 * transition and tells it. Only "wait" waits for other services, so that a pull or a build never
 * waits for a database.
 */
#include "run/environment.h"

#include "base/text.h"
#include "run/collect.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { STARTS_AT_ONCE = 4 };

/* ---- Waiting ---- */

static struct task *wait_until(struct life *life,
                               enum task_status (*open)(void *context, struct err *err)) {
    return life->gate = gate_new(life->environment->loop, open, life);
}

/* Its gate is freed with its stage: nobody may wake it any more. */
static bool end_gate(void *subject, struct task *work, struct err *err) {
    (void)work;
    (void)err;
    ((struct life *)subject)->gate = NULL;
    return true;
}

/* ---- Image ---- */

static struct task *begin_image(void *subject, struct err *err) {
    (void)err;
    return image_prepare(subject);
}

static bool end_image(void *subject, struct task *work, struct err *err) {
    struct life *life = subject;
    (void)work;
    bool ok = plan_settle_image(life->environment->plan, life->planned, life->image, err);
    environment_changed(life->environment);
    return ok;
}

/* ---- Create ---- */

static bool networks_needed_first(const struct environment *environment) {
    /* Engine 20.10 takes a create before its network is there, and a network takes 60 ms. */
    return engine_info(environment->engine)->api_minor >= 44;
}

static bool is_settled(const struct life *life) {
    return life->image && json_get(life->image, "Config");
}

/* Are the containers created whose network or volumes it shares? */
static bool needed_are_created(const struct life *life) {
    for (size_t i = 0; i < life->planned->needed_count; i++) {
        const struct life *other = environment_life(life->environment, life->planned->needed[i]);
        if (other && !other->id)
            return false;
    }
    return true;
}

static enum task_status create_may_begin(void *context, struct err *err) {
    struct life *life = context;
    struct environment *environment = life->environment;
    (void)err;
    if (!needed_are_created(life))
        return TASK_PENDING;
    if (environment->networks_missing && networks_needed_first(environment))
        return TASK_PENDING;
    /* A suite's container is given the ports of all others, which their images settle. */
    for (size_t i = 0; life->is_suite && i < environment->life_count; i++)
        if (!environment->lives[i].is_idle && !is_settled(&environment->lives[i]))
            return TASK_PENDING;
    return TASK_DONE;
}

static struct task *begin_gate(void *subject, struct err *err) {
    (void)err;
    return wait_until(subject, create_may_begin);
}

static struct task *begin_volumes(void *subject, struct err *err) {
    struct life *life = subject;
    struct environment *environment = life->environment;
    const cJSON *body;
    (void)err;
    if (!cJSON_GetArraySize(life->planned->image_volumes))
        return NULL;
    struct task_group *group = task_group_new(environment->loop, GROUP_FAIL_FAST, 0);
    cJSON_ArrayForEach (body, life->planned->image_volumes) {
        task_group_add(group, volume_create(environment->engine, cJSON_Duplicate(body, true)));
    }
    return (struct task *)group;
}

static struct task *begin_container(void *subject, struct err *err) {
    struct life *life = subject;
    cJSON *body = cJSON_Duplicate(life->planned->body, true);
    json_put_text(body, "Image", json_text(life->image, "Id"));
    if (life->is_suite && !suite_prepare_body(life, body, err)) {
        cJSON_Delete(body);
        return NULL;
    }
    return container_create(life->environment->engine, life->planned->container_name, body);
}

static bool end_container(void *subject, struct task *work, struct err *err) {
    struct life *life = subject;
    const cJSON *answer = request_answer(work);
    const cJSON *warning;
    const char *id = json_text(answer, "Id");
    if (!id)
        return err_set(err, ERR_ENGINE, "the engine created a container and did not name its ID");
    life->id = xstrdup(id);
    environment_changed(life->environment); /* another may share its network */
    cJSON_ArrayForEach (warning, cJSON_GetObjectItem(answer, "Warnings")) {
        if (cJSON_IsString(warning))
            environment_warn(life->environment, "service `%s`: %s", life->name,
                             warning->valuestring);
    }
    return true;
}

static enum task_status networks_are_there(void *context, struct err *err) {
    struct life *life = context;
    (void)err;
    return life->environment->networks_missing ? TASK_PENDING : TASK_DONE;
}

static struct task *begin_network_gate(void *subject, struct err *err) {
    struct life *life = subject;
    (void)err;
    return life->planned->connections->child ? wait_until(life, networks_are_there) : NULL;
}

static struct task *begin_connections(void *subject, struct err *err) {
    struct life *life = subject;
    (void)err;
    return objects_connect(life->environment, life->planned->connections, life->id);
}

static const struct stage create_stages[] = {
    {"gate", begin_gate, end_gate},
    {"volumes", begin_volumes, NULL},
    {"container", begin_container, end_container},
    {"network gate", begin_network_gate, end_gate},
    {"connections", begin_connections, NULL},
    {0},
};

static struct task *begin_create(void *subject, struct err *err) {
    struct life *life = subject;
    (void)err;
    return &sequence_new(life->environment->loop, create_stages, life, NULL)->task;
}

/* ---- Copy in: secrets, configs, credentials ---- */

static struct task *begin_files(void *subject, struct err *err) {
    struct life *life = subject;
    (void)err;
    return files_copy(life, life->id);
}

static struct task *begin_credentials(void *subject, struct err *err) {
    struct life *life = subject;
    (void)err;
    return life->planned->registry_config ? files_copy_credentials(life) : NULL;
}

/* What a replay puts into its volumes. */
static struct task *begin_data(void *subject, struct err *err) {
    struct life *life = subject;
    const struct environment_options *options = &life->environment->options;
    struct task_group *group = task_group_new(life->environment->loop, GROUP_FAIL_FAST, 0);
    for (size_t i = 0; i < options->data_count; i++) {
        const struct initial_data *data = &options->data[i];
        int fd = strcmp(data->service, life->name) ? -1 : open(data->file, O_RDONLY | O_CLOEXEC);
        if (fd >= 0)
            task_group_add(
                group, container_load_folder(life->environment->engine, life->id, data->path, fd));
        else if (!strcmp(data->service, life->name))
            err_set(err, ERR_FILE, "cannot read %s: %s", data->file, strerror(errno));
    }
    return err_is(err) ? task_free(group) : (struct task *)group;
}

static const struct stage copy_stages[] = {
    {"data", begin_data, NULL},
    {"files", begin_files, NULL},
    {"credentials", begin_credentials, NULL},
    {0},
};

static struct task *begin_copy(void *subject, struct err *err) {
    struct life *life = subject;
    (void)err;
    return &sequence_new(life->environment->loop, copy_stages, life, NULL)->task;
}

/* ---- Wait for its dependencies ---- */

static bool has_a_probe(const struct life *life) {
    return life->planned->probe_kind || life->planned->probe.kind != PROBE_NONE;
}

/* Is what the edge waits for there? False with err set: it never will be. */
static bool edge_is_open(struct life *life, const struct planned_edge *edge, struct err *err) {
    struct life *other = &life->environment->lives[edge->to];
    if (other->failed_softly)
        return true;
    switch (edge->condition) {
    case CONDITION_STARTED:
        return other->started;
    case CONDITION_READY:
        return other->up;
    case CONDITION_HEALTHY:
        if (other->ready && !has_a_probe(other))
            return err_at(err, life->planned->at,
                          "service `%s` waits for `%s` to be healthy, which has neither a "
                          "healthcheck nor `ready`",
                          life->name, other->name);
        return other->ready;
    case CONDITION_COMPLETED:
        if (!other->exited || !other->exit_code)
            return other->exited;
        life->let_down_by = other;
        return err_set(err, ERR_ENVIRONMENT,
                       "service `%s` waits for `%s` to complete, which exited with code %d",
                       life->name, other->name, other->exit_code);
    }
    return false;
}

static enum task_status dependencies_are_there(void *context, struct err *err) {
    struct life *life = context;
    for (size_t i = 0; i < life->planned->edge_count; i++) {
        if (edge_is_open(life, &life->planned->edges[i], err))
            continue;
        return err_is(err) ? TASK_FAILED : TASK_PENDING;
    }
    return TASK_DONE;
}

static struct task *begin_wait(void *subject, struct err *err) {
    (void)err;
    return wait_until(subject, dependencies_are_there);
}

/* "db, cache": what it waits for now, or NULL; to be freed by the caller. */
static char *awaited(struct life *life) {
    autostrings struct strings names = {0};
    for (size_t i = 0; i < life->planned->edge_count; i++) {
        struct err ignored = ERR_INIT;
        if (!edge_is_open(life, &life->planned->edges[i], &ignored))
            strings_add(&names, life->environment->lives[life->planned->edges[i].to].name);
        err_release(&ignored);
    }
    return names.length ? strings_join(&names, ", ") : NULL;
}

/* ---- Start ---- */

static struct task *begin_start_gate(void *subject, struct err *err) {
    (void)err;
    return wait_until(subject, networks_are_there);
}

static struct task *begin_first_gate(void *subject, struct err *err) {
    struct life *life = subject;
    bool has_hooks = node_get(life->planned->service->node, "pre_start") != NULL;
    (void)err;
    return has_hooks ? wait_until(subject, inits_of_first_are_done) : NULL;
}

static struct task *begin_pre_start(void *subject, struct err *err) {
    (void)err;
    return inits_new(subject);
}

static struct task *begin_attach(void *subject, struct err *err) {
    struct life *life = subject;
    (void)err;
    return life->gate = collect_attach(life);
}

/* More at once come up no sooner. And Engine 20.10 counts a network's endpoints wrongly when
 * many come and go at the same moment; such a network cannot be removed any more. */
static enum task_status start_may_begin(void *context, struct err *err) {
    const struct environment *environment = ((struct life *)context)->environment;
    int starting = 0;
    (void)err;
    for (size_t i = 0; i < environment->life_count; i++)
        starting += environment->lives[i].is_starting;
    return starting < STARTS_AT_ONCE ? TASK_DONE : TASK_PENDING;
}

static struct task *begin_turn(void *subject, struct err *err) {
    (void)err;
    return wait_until(subject, start_may_begin);
}

static struct task *begin_container_start(void *subject, struct err *err) {
    struct life *life = subject;
    (void)err;
    life->running = life->is_prepared = life->is_starting = true;
    environment_changed(life->environment);
    return container_start(life->environment->engine, life->id);
}

static bool end_container_start(void *subject, struct task *work, struct err *err) {
    struct life *life = subject;
    (void)work;
    (void)err;
    collect_started(life);
    life->is_starting = false;
    environment_changed(life->environment);
    return true;
}

static struct task *begin_inspect(void *subject, struct err *err) {
    struct life *life = subject;
    (void)err;
    return container_inspect(life->environment->engine, life->id);
}

static bool end_inspect(void *subject, struct task *work, struct err *err) {
    (void)err;
    life_learn(subject, request_answer(work));
    return true;
}

static struct task *run_hook(struct life *life, const struct planned_hook *hook) {
    struct container_command command = {
        .id = life->id,
        .exec = {.argv = hook->argv,
                 .environment = hook->environment,
                 .user = hook->user,
                 .working_dir = hook->working_dir,
                 .privileged = hook->privileged},
        .what = "a post_start hook",
    };
    return command_new(life->environment->loop, life->environment->engine, &command);
}

/* One after the other. */
struct task *post_start_new(struct life *life) {
    if (!life->planned->post_start_count)
        return NULL;
    struct task_group *group = task_group_new(life->environment->loop, GROUP_FAIL_FAST, 1);
    for (size_t i = 0; i < life->planned->post_start_count; i++)
        task_group_add(group, run_hook(life, &life->planned->post_start[i]));
    return (struct task *)group;
}

static struct task *begin_post_start(void *subject, struct err *err) {
    (void)err;
    return post_start_new(subject);
}

static const struct stage start_stages[] = {
    {"gate", begin_start_gate, end_gate},
    {"first gate", begin_first_gate, end_gate},
    {"pre_start", begin_pre_start, NULL},
    {"attach", begin_attach, end_gate},
    {"turn", begin_turn, end_gate},
    {"start", begin_container_start, end_container_start},
    {"inspect", begin_inspect, end_inspect},
    {"post_start", begin_post_start, NULL},
    {0},
};

static struct task *begin_start(void *subject, struct err *err) {
    struct life *life = subject;
    (void)err;
    return &sequence_new(life->environment->loop, start_stages, life, NULL)->task;
}

static bool end_start(void *subject, struct task *work, struct err *err) {
    struct life *life = subject;
    (void)work;
    (void)err;
    life->started = true;
    environment_changed(life->environment);
    return true;
}

/* The first network's address, where this host reaches it. */
static void learn_address(struct life *life, const cJSON *networks) {
    const char *first = life->planned->networks[0];
    const cJSON *network = first ? cJSON_GetObjectItemCaseSensitive(networks, first) : NULL;
    const char *address = json_text(network, "IPAddress");
    const struct life *shared = life->planned->network_of
                                    ? environment_life(life->environment, life->planned->network_of)
                                    : NULL;
    if (shared)
        address = shared->address;
    else if (text_equal(life->planned->network_mode, "host") &&
             life->environment->reach == REACH_DIRECT)
        address = "127.0.0.1";
    char *old = life->address;
    life->address = NULL;
    if (life->environment->reach != REACH_PUBLISH && address && *address)
        life->address = xstrdup(address);
    free(old);
}

void life_learn(struct life *life, const cJSON *container) {
    learn_address(life, json_get(container, "NetworkSettings.Networks"));
    cJSON_Delete(life->published);
    life->published = cJSON_Duplicate(json_get(container, "NetworkSettings.Ports"), true);
}

bool life_endpoint(const struct life *life, int port, const char **ret_host, int *ret_port) {
    if (life->address) {
        *ret_host = life->address;
        *ret_port = port;
        return true;
    }
    autofree char *key = xasprintf("%d/tcp", port);
    const cJSON *bindings = cJSON_GetObjectItemCaseSensitive(life->published, key);
    const char *published = json_text(cJSON_GetArrayItem(bindings, 0), "HostPort");
    long number;
    if (!published || !text_to_long(published, 1, 65535, &number))
        return false;
    *ret_host = life->environment->publish_host;
    *ret_port = (int)number;
    return true;
}

/* ---- Ready, seed, up ---- */

static struct task *begin_ready(void *subject, struct err *err) {
    struct life *life = subject;
    (void)err;
    if (life->exited || !has_a_probe(life))
        return NULL; /* a job may be done before it can be asked */
    return life->probing = probe_new(life);
}

static bool end_ready(void *subject, struct task *work, struct err *err) {
    struct life *life = subject;
    (void)work;
    (void)err;
    life->probing = NULL;
    return true;
}

static struct task *begin_seed(void *subject, struct err *err) {
    struct life *life = subject;
    life->ready = true;
    environment_changed(life->environment);
    (void)err;
    return life->planned->service->seed_count ? seeds_new(life) : NULL;
}

static struct task *begin_up(void *subject, struct err *err) {
    struct life *life = subject;
    (void)err;
    life->up = true;
    environment_changed(life->environment);
    return NULL;
}

/* ---- The table ---- */

static const struct stage stages[] = {
    [PHASE_NONE] = {"", NULL, NULL},
    [PHASE_IMAGE] = {"image", begin_image, end_image},
    [PHASE_CREATE] = {"create", begin_create, NULL},
    [PHASE_COPY] = {"copy", begin_copy, NULL},
    [PHASE_WAIT] = {"wait", begin_wait, end_gate},
    [PHASE_START] = {"start", begin_start, end_start},
    [PHASE_READY] = {"ready", begin_ready, end_ready},
    [PHASE_SEED] = {"seed", begin_seed, NULL},
    [PHASE_UP] = {"up", begin_up, NULL},
    [PHASE_UP + 1] = {0},
};

/* A suite's service is made ready to start; the suite starts it. */
static const struct stage suite_stages[] = {
    [PHASE_NONE] = {"", NULL, NULL},
    [PHASE_IMAGE] = {"image", begin_image, end_image},
    [PHASE_CREATE] = {"create", begin_create, NULL},
    [PHASE_COPY] = {"copy", begin_copy, NULL},
    [PHASE_COPY + 1] = {0},
};

/* Only its image is wanted. */
static const struct stage base_stages[] = {
    [PHASE_NONE] = {"", NULL, NULL},
    [PHASE_IMAGE] = {"image", begin_image, end_image},
    [PHASE_IMAGE + 1] = {0},
};

static const struct stage *stages_of(const struct life *life) {
    return life->is_base ? base_stages : life->is_suite ? suite_stages : stages;
}

bool life_is_optional(const struct life *life) {
    const struct environment *environment = life->environment;
    size_t self = (size_t)(life - environment->lives);
    bool wanted_by_some = false;
    for (size_t i = 0; i < environment->life_count; i++)
        for (size_t e = 0; e < environment->lives[i].planned->edge_count; e++) {
            const struct planned_edge *edge = &environment->lives[i].planned->edges[e];
            if (edge->to == self && edge->required)
                return false;
            wanted_by_some = wanted_by_some || edge->to == self;
        }
    return wanted_by_some;
}

static void tell_transition(struct life *life, enum task_status status, const struct err *err) {
    struct event event = {
        .kind = EVENT_PHASE,
        .service = xstrdup(life->name),
        .phase = life->phase,
        .status = status == TASK_PENDING ? STATUS_BEGAN
                  : status == TASK_DONE  ? STATUS_DONE
                                         : STATUS_FAILED,
    };
    if (status != TASK_PENDING)
        event.duration = loop_now() - life->phase_began;
    if (life->phase == PHASE_IMAGE)
        event.detail = xstrdup_or_null(life->image_verb);
    if (life->phase == PHASE_UP && life->exited)
        event.text = xstrdup("done");
    if (status == TASK_FAILED)
        event.text = xstrdup_or_null(err->message);
    else if (status == TASK_PENDING && life->phase == PHASE_WAIT)
        event.text = awaited(life);
    environment_tell(life->environment, &event);
}

void life_tell_image_verb(struct life *life, const char *verb) {
    life->image_verb = verb;
    tell_transition(life, TASK_PENDING, NULL);
}

void life_fail_softly(struct life *life) {
    life->failed_softly = true;
    environment_warn(life->environment,
                     "service `%s` did not come up; what depends on it goes on without it",
                     life->name);
    environment_changed(life->environment);
}

static void life_failed(struct life *life) {
    struct environment *environment = life->environment;
    life->is_starting = false;
    if (life_is_optional(life)) {
        life_fail_softly(life);
    } else if (life->let_down_by) {
        environment->culprit = life->let_down_by;
        environment->culprit_phase = PHASE_UP;
    } else if (!environment->culprit) {
        environment->culprit = life;
        environment->culprit_phase = life->phase;
    }
}

static void transition(void *subject, const struct stage *stage, enum task_status status,
                       const struct err *err) {
    struct life *life = subject;
    if (status == TASK_PENDING) {
        life->phase = (enum event_phase)(stage - stages_of(life));
        life->phase_began = loop_now();
        free(life->reason);
        life->reason = NULL;
    }
    tell_transition(life, status, err);
    if (status == TASK_FAILED) {
        life->gate = life->probing = NULL; /* they go with their stage */
        life_failed(life);
    }
    /* Whoever owns the sequence frees it after its end. */
    if (status == TASK_FAILED || (status == TASK_DONE && !stage[1].name))
        life->sequence = NULL;
}

/* ---- What its image says while it is made ---- */

void life_emit_progress(void *context, const char *line) {
    struct life *life = context;
    struct event event = {.kind = EVENT_PROGRESS,
                          .service = xstrdup(life->name),
                          .phase = life->phase,
                          .text = xstrdup(line)};
    strings_add_last(&life->last_words, line, LAST_LINES);
    environment_tell(life->environment, &event);
}

/* ---- The life as a task of the environment's group ---- */

struct task *life_new(struct life *life) {
    struct loop *loop = life->environment->loop;
    life->sequence = sequence_new(loop, stages_of(life) + PHASE_IMAGE, life, transition);
    struct task *task = &life->sequence->task;
    return life_is_optional(life) ? tolerate(loop, task, NULL) : task;
}

void life_release(struct life *life) {
    cJSON_Delete(life->image);
    cJSON_Delete(life->published);
    strings_release(&life->last_words);
    strings_release(&life->registries);
    err_release(&life->not_pulled);
    err_release(&life->buildkit);
    err_release(&life->no_buildx);
    free(life->id);
    free(life->address);
    free(life->reason);
}
