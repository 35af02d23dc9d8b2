/*
 * Build a service's image: by the engine's classic builder, which needs nothing else, or by
 * BuildKit where the file or the Dockerfile asks for what only that can do (docs/images.md).
 */
#include "run/environment.h"

#include "base/path.h"
#include "base/text.h"
#include "engine/dockerfile.h"
#include "run/credentials.h"

#include <string.h>
#include <unistd.h>

enum { DOCKERFILE_MAX = 4 << 20 };

static const struct planned_build *planned(const struct life *life) {
    return life->planned->build;
}

/* ---- The Dockerfile ---- */

static char *dockerfile_path(const struct planned_build *build) {
    return path_join(build->context, build->dockerfile ? build->dockerfile : "Dockerfile");
}

/* NULL: it cannot be read here, or now; its builder says why. */
static char *dockerfile_text(const struct planned_build *build) {
    struct err ignored = ERR_INIT;
    struct buffer text = BUFFER_INIT_MAX(DOCKERFILE_MAX);
    if (build->inlined)
        return xstrdup(build->inlined);
    if (context_is_remote(build->context))
        return NULL;
    autofree char *path = dockerfile_path(build);
    if (path_read(path, &text, &ignored))
        return buffer_detach(&text);
    err_release(&ignored);
    buffer_release(&text);
    return NULL;
}

/* Where its line is, as the user would name the file. */
static void blame_dockerfile(const struct planned_build *build,
                             const struct dockerfile_feature *feature, struct err *ret) {
    struct position at = build->inlined_at;
    autofree char *path = dockerfile_path(build);
    autofree char *here = getcwd(NULL, 0);
    const char *below = here ? path_below(path, here) : NULL;
    if (!build->inlined)
        at = (struct position){.file = below ? below : path, .line = feature->line};
    err_at(ret, at, "%s", feature->what);
}

/* ---- Which builder ---- */

static void find_need(struct life *life) {
    const struct planned_build *build = planned(life);
    struct dockerfile_feature feature;
    autofree char *text = dockerfile_text(build);
    if (build->needs)
        err_at(&life->buildkit, build->needs_at, "`build.%s`", build->needs);
    else if (text && dockerfile_needs_buildkit(text, json_get(build->query, "buildargs"), &feature))
        blame_dockerfile(build, &feature, &life->buildkit);
}

static bool by_buildkit(const struct life *life) {
    return err_is(&life->buildkit);
}

static struct task *begin_choose(void *subject, struct err *err) {
    struct life *life = subject;
    struct environment *environment = life->environment;
    (void)err;
    find_need(life);
    if (!by_buildkit(life))
        return NULL;
    return tolerate(environment->loop,
                    buildx_check(environment->engine, environment->options.process_environment),
                    &life->no_buildx);
}

static bool end_choose(void *subject, struct task *work, struct err *err) {
    struct life *life = subject;
    const struct err *need = &life->buildkit;
    (void)work;
    if (!err_is(&life->no_buildx))
        return true;
    err_at(err, (struct position){need->file, need->line, need->column},
           "cannot build the image of service `%s`: %s needs BuildKit, and %s: install Docker's "
           "buildx plugin (the package docker-buildx-plugin or docker-buildx)",
           life->name, need->message, life->no_buildx.message);
    err->kind = ERR_ENVIRONMENT;
    return false;
}

/* ---- The images that it is built upon ---- */

static enum task_status bases_are_there(void *context, struct err *err) {
    struct life *life = context;
    for (size_t i = 0; i < planned(life)->base_count; i++) {
        const struct life *base = environment_life(life->environment, planned(life)->bases[i]);
        if (base->failed_softly) {
            err_set(err, ERR_ENVIRONMENT, "it is built upon the image of `%s`, which failed",
                    base->name);
            return TASK_FAILED;
        }
        if (!base->image || !json_get(base->image, "Config"))
            return TASK_PENDING;
    }
    return TASK_DONE;
}

static struct task *begin_gate(void *subject, struct err *err) {
    struct life *life = subject;
    (void)err;
    if (!planned(life)->base_count)
        return NULL;
    return life->gate = gate_new(life->environment->loop, bases_are_there, life);
}

static bool end_gate(void *subject, struct task *work, struct err *err) {
    (void)work;
    (void)err;
    ((struct life *)subject)->gate = NULL;
    return true;
}

/* BuildKit finds them by their tags alone, which another job may have moved meanwhile. */
static struct task *begin_tags(void *subject, struct err *err) {
    struct life *life = subject;
    struct environment *environment = life->environment;
    (void)err;
    if (!planned(life)->base_count)
        return NULL;
    struct task_group *group = task_group_new(environment->loop, GROUP_FAIL_FAST, 0);
    for (size_t i = 0; i < planned(life)->base_count; i++) {
        const struct life *base = environment_life(environment, planned(life)->bases[i]);
        task_group_add(group, image_tag(environment->engine, json_text(base->image, "Id"),
                                        planned(base)->tag));
    }
    return (struct task *)group;
}

/* ---- Credentials: buildx finds them by itself ---- */

/* What may name a registry: the Dockerfile and its arguments; NULL if it cannot be read now. */
static char *names_of_build(const struct planned_build *build) {
    autofree char *text = dockerfile_text(build);
    autofree char *query = json_line(build->query);
    return text ? xasprintf("%s\n%s", text, query) : NULL;
}

/* Those that it may want for what it is FROM. */
static struct task *begin_ask(void *subject, struct err *err) {
    struct life *life = subject;
    struct credentials *credentials = environment_credentials(life->environment);
    (void)err;
    if (by_buildkit(life))
        return NULL;
    autofree char *names = names_of_build(planned(life));
    credentials_named(credentials, names, &life->registries);
    struct task_group *group = task_group_new(life->environment->loop, GROUP_COLLECT, 0);
    vec_each (registry, &life->registries)
        task_group_add(group, credentials_ask(credentials, *registry));
    return (struct task *)group;
}

/* ---- The build ---- */

static void add_label(cJSON *query, cJSON *arguments, const char *name, const char *value) {
    autofree char *word = xasprintf("%s=%s", name, value);
    json_put_text(json_object_at(query, "labels"), name, value);
    json_append_text(arguments, "--label");
    json_append_text(arguments, word);
}

/* By these `gc --images` knows it again. They are the same each time, so that the next build finds
 * it in the cache. */
static void add_labels(const struct life *life, cJSON *query, cJSON *arguments) {
    add_label(query, arguments, LABEL_IMAGE, planned(life)->tag);
    add_label(query, arguments, LABEL_FOLDER, life->environment->model->directory);
}

static struct task *begin_build(void *subject, struct err *err) {
    struct life *life = subject;
    struct environment *environment = life->environment;
    const struct planned_build *build = planned(life);
    struct engine_progress progress = {.line = life_emit_progress, .context = life};
    (void)err;
    autofree char *registries =
        by_buildkit(life)
            ? NULL
            : credentials_headers(environment_credentials(environment), &life->registries);
    autojson cJSON *query = cJSON_Duplicate(build->query, true);
    autojson cJSON *arguments = cJSON_Duplicate(build->arguments, true);
    struct child_guard guard = reaper_guard(environment->reaper);
    add_labels(life, query, arguments);
    struct build_options options = {
        .left_out = "**/.envrun\n**/envrun-out\n", /* a record grows while the context is sent */
        .context = build->context,
        .dockerfile = build->dockerfile,
        .inlined = build->inlined,
        .tag = build->tag,
        .query = query,
        .registries = registries,
        .arguments = arguments,
        .variables = build->variables,
        .environment = environment->options.process_environment,
        .guard = &guard,
    };
    life_tell_image_verb(life, "build");
    return by_buildkit(life) ? buildx_build(environment->engine, &options, progress)
                             : image_build(environment->engine, &options, progress);
}

/* Its ID, kept in `image` until an inspect replaces it. */
static bool end_build(void *subject, struct task *work, struct err *err) {
    struct life *life = subject;
    (void)err;
    cJSON_Delete(life->image);
    life->image = cJSON_CreateObject();
    json_put_text(life->image, "Id",
                  by_buildkit(life) ? buildx_image_id(work) : image_build_id(work));
    return true;
}

struct task *build_new(struct life *life) {
    static const struct stage stages[] = {
        {"choose", begin_choose, end_choose}, {"gate", begin_gate, end_gate},
        {"tags", begin_tags, NULL},           {"ask", begin_ask, NULL},
        {"build", begin_build, end_build},    {0},
    };
    return &sequence_new(life->environment->loop, stages, life, NULL)->task;
}
