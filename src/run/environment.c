/*
 * An environment: what is done once for all services, and how it comes up.
 */
#include "run/environment.h"

#include "base/path.h"
#include "base/text.h"
#include "run/owner.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { HEARTBEAT = 10000 }; /* ms */

/* ---- Telling ---- */

void environment_tell(struct environment *environment, struct event *event) {
    struct event_listener listener = environment->options.listener;
    event->ms = loop_now() - environment->began;
    event_stamp(event);
    if (listener.event)
        listener.event(listener.context, event);
    event_release(event);
}

void environment_warn(struct environment *environment, const char *format, ...) {
    struct buffer text = BUFFER_INIT;
    va_list args;
    va_start(args, format);
    buffer_vprintf(&text, format, args);
    va_end(args);
    struct event event = {.kind = EVENT_WARNING, .text = buffer_detach(&text)};
    environment_tell(environment, &event);
}

void environment_changed(struct environment *environment) {
    for (size_t i = 0; i < environment->life_count; i++)
        if (environment->lives[i].gate)
            task_wake(environment->lives[i].gate);
    if (environment->observe_gate)
        task_wake(environment->observe_gate);
}

struct life *environment_life(struct environment *environment, const char *service) {
    for (size_t i = 0; i < environment->life_count; i++)
        if (!strcmp(environment->lives[i].name, service))
            return &environment->lives[i];
    return NULL;
}

void environment_doom(struct environment *environment, struct life *life, struct err *err) {
    if (err_is(&environment->doom))
        return;
    err_move(&environment->doom, err);
    environment->culprit = life;
    environment->culprit_phase = PHASE_UP;
    if (environment->coming_up)
        task_wake(environment->coming_up);
}

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

/* ---- Making and freeing ---- */

struct environment *environment_new(struct loop *loop, struct engine *engine,
                                    const struct environment_options *options) {
    struct environment *environment = xnew(struct environment);
    environment->loop = loop;
    environment->engine = engine;
    environment->options = *options;
    environment->model = options->model;
    environment->name = xstrdup(options->name);
    environment->owner = owner_of_this_process();
    environment->began = loop_now();
    timer_init(&environment->heartbeat, loop, beat);
    return environment;
}

struct environment *environment_free(struct environment *environment) {
    if (!environment)
        return NULL;
    timer_stop(&environment->heartbeat);
    task_free(environment->observer);
    for (size_t i = 0; i < environment->life_count; i++)
        life_release(&environment->lives[i]);
    free(environment->lives);
    plan_free(environment->plan);
    cJSON_Delete(environment->own_mounts);
    err_release(&environment->doom);
    strings_release(&environment->variables);
    free(environment->self);
    free(environment->publish_address);
    free(environment->publish_host);
    free(environment->publish_number);
    free(environment->owner);
    free(environment->name);
    free(environment);
    return NULL;
}

int environment_suite_code(const struct environment *environment) {
    return environment->suite_code;
}

int environment_deaths(const struct environment *environment) {
    return environment->suite_deaths;
}

bool environment_has_begun(const struct environment *environment) {
    return environment->has_begun;
}

/* ---- The plan ---- */

static struct task *begin_connect(void *subject, struct err *err) {
    struct environment *environment = subject;
    (void)err;
    return engine_connect(environment->engine);
}

static struct task *begin_reach(void *subject, struct err *err) {
    (void)err;
    return reach_decide(subject);
}

static bool is_suite_service(const struct environment *environment, const char *service) {
    const struct suite *const *suite = environment->options.suites;
    for (; suite && *suite; suite++)
        if (text_equal((*suite)->service, service))
            return true;
    return false;
}

/* Is it the service of some suite that is not run now, and needed by nobody? */
static bool is_idle_suite(const struct environment *environment, const struct plan *plan,
                          size_t index) {
    const struct model *model = environment->model;
    bool of_a_suite = false;
    for (size_t i = 0; i < model->suite_count; i++)
        of_a_suite =
            of_a_suite || text_equal(model->suites[i].service, plan->services[index].service->name);
    for (size_t i = 0; i < plan->service_count; i++)
        for (size_t e = 0; e < plan->services[i].edge_count; e++)
            if (plan->services[i].edges[e].to == index)
                return false;
    return of_a_suite && !is_suite_service(environment, plan->services[index].service->name);
}

static void make_lives(struct environment *environment) {
    struct plan *plan = environment->plan;
    environment->life_count = plan->service_count;
    environment->lives = xcalloc(plan->service_count, sizeof *environment->lives);
    for (size_t i = 0; i < plan->service_count; i++)
        environment->lives[i] = (struct life){
            .environment = environment,
            .planned = &plan->services[i],
            .name = plan->services[i].name,
            .is_suite = is_suite_service(environment, plan->services[i].name),
            .is_idle = is_idle_suite(environment, plan, i),
        };
}

/* Two services whose names give one variable's name would hide each other. */
static bool check_variables(const struct environment *environment, struct err *err) {
    for (size_t i = 0; i < environment->life_count; i++)
        for (size_t k = 0; k < i; k++) {
            autofree char *a = text_variable_name(environment->lives[i].name);
            autofree char *b = text_variable_name(environment->lives[k].name);
            if (!strcmp(a, b))
                return err_at(err, environment->lives[i].planned->at,
                              "services `%s` and `%s` both give the suite's variables %s_HOST and "
                              "so on; rename one",
                              environment->lives[k].name, environment->lives[i].name, a);
        }
    return true;
}

/* Inside a container that shares the engine's socket, a path means something else to the engine,
 * unless it is mounted at the same place. */
static bool engine_sees(const struct environment *environment, const char *path) {
    const cJSON *mount;
    cJSON_ArrayForEach (mount, environment->own_mounts) {
        const char *source = json_text(mount, "Source");
        size_t length = source ? strlen(source) : 0;
        if (source && text_equal(source, json_text(mount, "Destination")) &&
            !strncmp(path, source, length) && (!path[length] || path[length] == '/'))
            return true;
    }
    return false;
}

static bool check_bind_mounts(const struct environment *environment, struct err *err) {
    for (size_t i = 0; environment->self && i < environment->life_count; i++) {
        const struct node *service = environment->lives[i].planned->service->node;
        node_each (volume, node_get(service, "volumes")) {
            const char *source = node_text(volume, "source", "");
            if (!strcmp(node_text(volume, "type", ""), "bind") && !engine_sees(environment, source))
                return err_at(err, volume->at,
                              "the engine cannot see %s: envrun runs in a container, and that "
                              "path is not mounted there from the same place of the host",
                              source);
        }
    }
    return true;
}

static bool check_seeds(struct environment *environment, struct err *err) {
    bool ok = true;
    for (size_t i = 0; i < environment->life_count; i++) {
        struct err one = ERR_INIT;
        if (!environment->lives[i].is_idle && !seeds_check(&environment->lives[i], &one))
            ok = err_join(err, &one);
    }
    return ok;
}

static struct task *begin_plan(void *subject, struct err *err) {
    struct environment *environment = subject;
    struct plan_options options = {
        .name = environment->name,
        .verb = environment->options.verb,
        .owner = environment->owner,
        .created = (long long)time(NULL),
        .api_minor = engine_info(environment->engine)->api_minor,
        .reach = environment->reach,
        .publish_address = environment->publish_address,
        .ports_as_written = environment->options.ports_as_written,
    };
    environment->plan = plan_make(environment->model, &options, err);
    if (!environment->plan)
        return NULL;
    make_lives(environment);
    if (check_variables(environment, err) && check_bind_mounts(environment, err))
        check_seeds(environment, err);
    return NULL;
}

/* ---- The name ---- */

static struct task *begin_name(void *subject, struct err *err) {
    struct environment *environment = subject;
    autofree char *label = xasprintf("%s=%s", LABEL_ENVIRONMENT, environment->name);
    (void)err;
    return container_list(environment->engine, label);
}

static bool end_name(void *subject, struct task *work, struct err *err) {
    struct environment *environment = subject;
    if (!cJSON_GetArraySize(request_answer(work)))
        return environment->has_begun = true;
    return err_set(err, ERR_ENVIRONMENT,
                   "an environment named `%s` is up already; look at it with `envrun ps -p %s` or "
                   "take it down with `envrun down -p %s`",
                   environment->name, environment->name, environment->name);
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

/* ---- Volumes and networks ---- */

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

static struct task *begin_volumes(void *subject, struct err *err) {
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

static struct task *first_work(struct network_work *network) {
    struct engine *engine = network->environment->engine;
    if (network->network->external) {
        autofree char *name = engine_escape(network->network->name);
        return engine_request(engine, "GET", NULL, "/networks/%s", name);
    }
    return network_create(engine, cJSON_Duplicate(network->network->body, true));
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

static bool is_network_used(const struct environment *environment, const char *name) {
    for (size_t i = 0; i < environment->life_count; i++)
        for (const char **used = environment->lives[i].planned->networks; *used; used++)
            if (!environment->lives[i].is_idle && !strcmp(*used, name))
                return true;
    return false;
}

static void add_networks(struct environment *environment, struct task_group *group) {
    static const struct task_type type = {
        .name = "network", .step = network_step, .release = network_release};
    struct plan *plan = environment->plan;
    for (size_t i = 0; i < plan->network_count; i++) {
        if (!is_network_used(environment, plan->networks[i].name))
            continue;
        struct network_work *network = task_new(sizeof *network, &type, environment->loop);
        network->environment = environment;
        network->network = &plan->networks[i];
        environment->networks_missing++;
        task_group_add(group, &network->task);
    }
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
    add_networks(environment, group);
    for (size_t i = 0; i < environment->life_count; i++)
        if (!environment->lives[i].is_idle)
            task_group_add(group, life_new(&environment->lives[i]));
    timer_set(&environment->heartbeat, loop_now() + HEARTBEAT);
    return (struct task *)group;
}

static const struct stage up_stages[] = {
    {"connect", begin_connect, NULL},
    {"reach", begin_reach, NULL},
    {"plan", begin_plan, NULL},
    {"name", begin_name, end_name},
    {"observe", begin_observing, end_observing},
    {"volumes", begin_volumes, NULL},
    {"services", begin_services, NULL},
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
    timer_stop(&up->environment->heartbeat);
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
    return coming_up_new(environment, up_stages);
}

/* ---- Finding one that is up ---- */

static struct life *life_of_labels(struct environment *environment, const cJSON *labels) {
    const char *service =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(labels, LABEL_SERVICE));
    const char *number =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(labels, LABEL_NUMBER));
    for (size_t i = 0; service && number && i < environment->life_count; i++) {
        const struct planned_service *planned = environment->lives[i].planned;
        if (!strcmp(planned->service->name, service) && planned->number == atoi(number))
            return &environment->lives[i];
    }
    return NULL;
}

static bool take_containers(void *subject, struct task *work, struct err *err) {
    struct environment *environment = subject;
    const cJSON *container;
    cJSON_ArrayForEach (container, request_answer(work)) {
        const cJSON *labels = json_get(container, "Labels");
        struct life *life = life_of_labels(environment, labels);
        if (!life)
            continue;
        free(life->id);
        life->id = xstrdup(json_text_or(container, "Id", ""));
        life->started = !strcmp(json_text_or(container, "State", ""), "running");
    }
    if (cJSON_GetArraySize(request_answer(work)))
        return true;
    return err_set(err, ERR_USAGE, "no environment named `%s` is up; `envrun up` makes one",
                   environment->name);
}

static struct task *begin_find_container(void *subject, struct err *err) {
    struct life *life = subject;
    (void)err;
    return container_inspect(life->environment->engine, life->id);
}

static bool end_find_container(void *subject, struct task *work, struct err *err) {
    struct life *life = subject;
    (void)err;
    life_learn(life, request_answer(work));
    life->image = cJSON_CreateObject();
    json_put_text(life->image, "Id", json_text(request_answer(work), "Image"));
    return true;
}

static struct task *begin_find_image(void *subject, struct err *err) {
    struct life *life = subject;
    (void)err;
    return image_inspect(life->environment->engine, json_text_or(life->image, "Id", ""));
}

static bool end_find_image(void *subject, struct task *work, struct err *err) {
    struct life *life = subject;
    cJSON_Delete(life->image);
    life->image = request_take_answer(work);
    return plan_settle_image(life->environment->plan, life->planned, life->image, err);
}

static const struct stage find_life_stages[] = {
    {"container", begin_find_container, end_find_container},
    {"image", begin_find_image, end_find_image},
    {0},
};

static struct task *begin_find_lives(void *subject, struct err *err) {
    struct environment *environment = subject;
    (void)err;
    struct task_group *group = task_group_new(environment->loop, GROUP_FAIL_FAST, 0);
    for (size_t i = 0; i < environment->life_count; i++)
        if (environment->lives[i].id)
            task_group_add(group, &sequence_new(environment->loop, find_life_stages,
                                                &environment->lives[i], NULL)
                                       ->task);
    return (struct task *)group;
}

static const struct stage find_stages[] = {
    {"connect", begin_connect, NULL},  {"reach", begin_reach, NULL},
    {"plan", begin_plan, NULL},        {"containers", begin_name, take_containers},
    {"lives", begin_find_lives, NULL}, {0},
};

struct task *environment_find(struct environment *environment) {
    return &sequence_new(environment->loop, find_stages, environment, NULL)->task;
}

/* ---- What is asked of one that is up ---- */

bool environment_variables(struct environment *environment, const char *const **ret,
                           struct err *err) {
    strings_release(&environment->variables);
    if (!variables_add(environment, false, &environment->variables, err))
        return false;
    const struct suite *const *suite = environment->options.suites;
    for (; suite && *suite; suite++)
        if (!variables_add_suite(environment, *suite, true, &environment->variables, err))
            return false;
    *ret = (const char *const *)strings_argv(&environment->variables);
    return true;
}

void environment_tell_endpoints(struct environment *environment) {
    for (size_t i = 0; i < environment->life_count; i++) {
        const struct life *life = &environment->lives[i];
        for (size_t p = 0; life->started && p < life->planned->port_count; p++) {
            const struct planned_port *port = &life->planned->ports[p];
            const char *host;
            int number;
            if (strcmp(port->protocol, "tcp") || !life_endpoint(life, port->target, &host, &number))
                continue;
            struct event event = {.kind = EVENT_ENDPOINT,
                                  .service = xstrdup(life->name),
                                  .text = xasprintf("%s:%d -> %d/tcp", host, number, port->target)};
            environment_tell(environment, &event);
        }
    }
}
