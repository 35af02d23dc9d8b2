/*
 * What comes before anything is made: the engine, how this host reaches it, the plan, and the
 * mistakes that can be told by then.
 */
#include "run/environment.h"

#include "base/arena.h"
#include "base/path.h"
#include "base/text.h"
#include "run/collect.h"
#include "run/credentials.h"

#include <string.h>

struct task *prepare_connection(void *subject, struct err *err) {
    struct environment *environment = subject;
    (void)err;
    return engine_connect(environment->engine);
}

struct task *prepare_reach(void *subject, struct err *err) {
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

/* Images that a wanted one is built upon must be there, whoever else wants them. There is no cycle.
 */
static void mark_bases(const struct life *life) {
    const struct planned_build *build = life->planned->build;
    for (size_t i = 0; build && i < build->base_count; i++) {
        struct life *base = environment_life(life->environment, build->bases[i]);
        base->is_base = base->is_idle;
        mark_bases(base);
    }
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
    for (size_t i = 0; i < environment->life_count; i++)
        if (!environment->lives[i].is_idle)
            mark_bases(&environment->lives[i]);
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

/* ---- Seccomp profiles: a file of this host, whose text the engine wants ---- */

static bool read_profile(struct planned_service *planned, struct err *err) {
    enum { PROFILE_MAX = 4 << 20 }; /* bytes */
    const struct node *options = node_get(planned->service->node, "security_opt");
    cJSON *host = cJSON_GetObjectItem(planned->body, "HostConfig");
    struct buffer text = BUFFER_INIT_MAX(PROFILE_MAX);
    bool read = path_read(planned->seccomp, &text, err);
    autojson cJSON *profile = read ? cJSON_Parse(text.data) : NULL;
    buffer_release(&text);
    if (read && !profile)
        err_set(err, ERR_FILE, "%s is not JSON", planned->seccomp);
    if (!profile)
        return err_locate(err, options->at);
    autofree char *line = json_line(profile);
    autofree char *option = xasprintf("seccomp=%s", line);
    json_append_text(json_array_at(host, "SecurityOpt"), option);
    return true;
}

static bool read_profiles(struct environment *environment, struct err *err) {
    for (size_t i = 0; i < environment->life_count; i++)
        if (environment->lives[i].planned->seccomp &&
            !read_profile(environment->lives[i].planned, err))
            return false;
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

/* An internal network's containers are reached by their own addresses or not at all. */
static bool check_hermetic(const struct environment *environment, struct err *err) {
    if (!environment->options.hermetic)
        return true;
    if (environment->options.ports_as_written)
        return err_set(
            err, ERR_USAGE,
            "--hermetic and --ports=written exclude each other: from an internal network "
            "the engine publishes no port");
    if (environment->reach == REACH_PUBLISH)
        return err_set(err, ERR_USAGE,
                       "--hermetic needs an engine whose containers are reached by their own "
                       "addresses, as they are on its own host or in a container beside them; at "
                       "%s there are only published ports, and an internal network has none",
                       engine_address(environment->engine)->url);
    return true;
}

/* The engine's socket as the engine sees it: where envrun runs in a container, it is mounted there.
 */
static const char *engine_socket(const struct environment *environment) {
    const struct engine_address *address = engine_address(environment->engine);
    const cJSON *mount;
    if (!address->unix_socket)
        return NULL;
    cJSON_ArrayForEach (mount, environment->own_mounts) {
        if (text_equal(json_text(mount, "Destination"), address->socket))
            return json_text(mount, "Source");
    }
    return address->socket;
}

/* A run is over then as a whole; an `up` has come up, and is held in another way. */
static long long deadline_of(const struct environment *environment) {
    const struct model *model = environment->model;
    return engine_time(environment->engine) +
           (lease_run(model, environment->options.suites) + environment->options.max_wait) / 1000;
}

/* Where an image's tag is, or NULL: a ':' before a '/' is a registry's port. */
static const char *tag_of(const char *image) {
    const char *slash = strrchr(image, '/');
    return strchr(slash ? slash : image, ':');
}

/* An image by its name and digest: "postgres@sha256:...". */
static void take_lock(struct environment *environment) {
    const struct environment_options *options = &environment->options;
    struct plan *plan = environment->plan;
    for (size_t i = 0; options->locked && i < plan->service_count; i++) {
        struct planned_service *planned = &plan->services[i];
        const char *digest = planned->image && !planned->build
                                 ? options->locked(options->lock, planned->image, planned->platform)
                                 : NULL;
        if (!digest)
            continue;
        const char *tag = tag_of(planned->image);
        int length = (int)(tag ? (size_t)(tag - planned->image) : strlen(planned->image));
        planned->image = arena_printf(plan->arena, "%.*s@%s", length, planned->image, digest);
    }
}

/* The password that an address has in it may also stand alone somewhere. */
static void hide_password(struct environment *environment, const char *url) {
    const char *begin = strstr(url, "://");
    autofree char *user = xstrdup(begin ? begin + 3 : url);
    user[strcspn(user, "/")] = '\0';
    char *end = strrchr(user, '@'), *password = strchr(user, ':');
    if (!end || !password || password > end)
        return;
    *end = '\0';
    autofree char *plain = text_percent_decode(password + 1);
    environment_hide(environment, "", password + 1);
    environment_hide(environment, "", plain);
}

/* For the containers. They come from outside of the files. */
static cJSON *proxies_of(struct environment *environment) {
    struct credentials *credentials = environment_credentials(environment);
    cJSON *proxies = credentials_proxies(credentials, engine_address(environment->engine)->url);
    const cJSON *proxy;
    cJSON_ArrayForEach (proxy, proxies) {
        environment_hide(environment, proxy->string, proxy->valuestring);
        hide_password(environment, proxy->valuestring);
    }
    return proxies;
}

struct task *prepare_plan(void *subject, struct err *err) {
    struct environment *environment = subject;
    if (!check_hermetic(environment, err))
        return NULL;
    environment->deadline = deadline_of(environment);
    autojson cJSON *proxies = proxies_of(environment);
    struct plan_options options = {
        .name = environment->name,
        .verb = environment->options.verb,
        .owner = environment->owner,
        .guest = environment->self,
        .deadline = environment->deadline,
        .created = engine_time(environment->engine),
        .api_minor = engine_info(environment->engine)->api_minor,
        .socket = engine_socket(environment),
        .reach = environment->reach,
        .publish_address = environment->publish_address,
        .ports_as_written = environment->options.ports_as_written,
        .hermetic = environment->options.hermetic,
        .proxies = proxies,
    };
    environment->plan = plan_make(environment->model, &options, err);
    if (!environment->plan)
        return NULL;
    take_lock(environment);
    make_lives(environment);
    collect_begin(environment);
    if (check_variables(environment, err) && check_bind_mounts(environment, err) &&
        read_profiles(environment, err))
        check_seeds(environment, err);
    return NULL;
}

struct task *prepare_containers(void *subject, struct err *err) {
    struct environment *environment = subject;
    autofree char *label = xasprintf("%s=%s", LABEL_ENVIRONMENT, environment->name);
    (void)err;
    return container_list(environment->engine, label);
}
