#include "run/overlay_try.h"

#include <envrun/engine.h>
#include <envrun/plan.h>
#include <envrun/run.h>

#include "base/json.h"
#include "run/owner.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

struct overlay_try {
    struct task task;
    struct engine *engine;
    char *name, *owner;
    char *image;           /* one that others hardly make or remove just now */
    char *lower, *scratch; /* mount points */
    char *container;       /* the latest */
    struct sequence *trying;
    struct task *teardown;
};

/* ---- What is made ---- */

static cJSON *labels_of(const struct overlay_try *attempt) {
    cJSON *labels = cJSON_CreateObject();
    autofree char *now = xasprintf("%lld", engine_time(attempt->engine));
    json_put_text(labels, LABEL_VERSION, "1");
    json_put_text(labels, LABEL_ENVIRONMENT, attempt->name);
    json_put_text(labels, LABEL_VERB, "doctor");
    json_put_text(labels, LABEL_OWNER, attempt->owner);
    json_put_text(labels, LABEL_CREATED, now);
    return labels;
}

static struct task *make_volume(struct overlay_try *attempt, const char *which, cJSON *options) {
    cJSON *body = cJSON_CreateObject();
    autofree char *name = xasprintf("%s-%s", attempt->name, which);
    json_put_text(body, "Name", name);
    json_put(body, "Labels", labels_of(attempt));
    if (options)
        json_put(body, "DriverOpts", options);
    return volume_create(attempt->engine, body);
}

/* A container that is never started: copying into it mounts the volume. */
static struct task *make_container(struct overlay_try *attempt, const char *which) {
    cJSON *body = cJSON_CreateObject();
    autofree char *name = xasprintf("%s-%s", attempt->name, which);
    autofree char *bind = xasprintf("%s:/envrun:nocopy", name);
    json_put_text(body, "Image", attempt->image);
    json_append_text(json_array_at(body, "Entrypoint"), "true");
    json_put(body, "Labels", labels_of(attempt));
    json_append_text(json_array_at(json_object_at(body, "HostConfig"), "Binds"), bind);
    return container_create(attempt->engine, name, body);
}

static bool take_container(void *subject, struct task *work, struct err *err) {
    struct overlay_try *attempt = subject;
    (void)err;
    free(attempt->container);
    attempt->container = xstrdup(json_text_or(request_answer(work), "Id", ""));
    return true;
}

/* ---- The stages ---- */

static struct task *begin_images(void *subject, struct err *err) {
    (void)err;
    return engine_request(((struct overlay_try *)subject)->engine, "GET", NULL, "/images/json");
}

/* While a container has it, nobody can remove it: a new one may be wanted away this moment. */
static const cJSON *oldest_image(const cJSON *images) {
    const cJSON *image, *oldest = images ? images->child : NULL;
    cJSON_ArrayForEach (image, images) {
        if (json_number(image, "Created", 0) < json_number(oldest, "Created", 0))
            oldest = image;
    }
    return oldest;
}

static bool end_images(void *subject, struct task *work, struct err *err) {
    struct overlay_try *attempt = subject;
    attempt->image = xstrdup_or_null(json_text(oldest_image(request_answer(work)), "Id"));
    return attempt->image ||
           err_set(err, ERR_ENVIRONMENT, "the engine has no image to try it with");
}

static struct task *begin_lower(void *subject, struct err *err) {
    (void)err;
    return make_volume(subject, "lower", NULL);
}

static bool end_lower(void *subject, struct task *work, struct err *err) {
    struct overlay_try *attempt = subject;
    (void)err;
    attempt->lower = xstrdup(json_text_or(request_answer(work), "Mountpoint", ""));
    return true;
}

static struct task *begin_scratch(void *subject, struct err *err) {
    (void)err;
    return make_volume(subject, "scratch", NULL);
}

static bool end_scratch(void *subject, struct task *work, struct err *err) {
    struct overlay_try *attempt = subject;
    (void)err;
    attempt->scratch = xstrdup(json_text_or(request_answer(work), "Mountpoint", ""));
    return true;
}

static struct task *begin_helper(void *subject, struct err *err) {
    (void)err;
    return make_container(subject, "scratch");
}

static struct task *write_file(struct overlay_try *attempt, const char *path) {
    return container_write_file(attempt->engine, attempt->container, path, "", 0, 0, 0, 0644);
}

/* The engine makes the directories that a file is in. */
static struct task *begin_layout(void *subject, struct err *err) {
    struct overlay_try *attempt = subject;
    struct task_group *group = task_group_new(attempt->task.loop, GROUP_FAIL_FAST, 0);
    (void)err;
    task_group_add(group, write_file(attempt, "/envrun/upper/file"));
    task_group_add(group, write_file(attempt, "/envrun/work/file"));
    return (struct task *)group;
}

static struct task *begin_overlay(void *subject, struct err *err) {
    struct overlay_try *attempt = subject;
    cJSON *options = cJSON_CreateObject();
    autofree char *mount = xasprintf("lowerdir=%s,upperdir=%s/upper,workdir=%s/work",
                                     attempt->lower, attempt->scratch, attempt->scratch);
    (void)err;
    json_put_text(options, "type", "overlay");
    json_put_text(options, "device", "overlay");
    json_put_text(options, "o", mount);
    return make_volume(attempt, "overlay", options);
}

static struct task *begin_user(void *subject, struct err *err) {
    (void)err;
    return make_container(subject, "overlay");
}

static struct task *begin_write(void *subject, struct err *err) {
    (void)err;
    return write_file(subject, "/envrun/file");
}

static const struct stage stages[] = {
    {"images", begin_images, end_images},
    {"lower", begin_lower, end_lower},
    {"scratch", begin_scratch, end_scratch},
    {"helper", begin_helper, take_container},
    {"layout", begin_layout, NULL},
    {"overlay", begin_overlay, NULL},
    {"user", begin_user, take_container},
    {"write", begin_write, NULL},
    {0},
};

/* ---- The task ---- */

static enum task_status overlay_try_step(struct task *task) {
    struct overlay_try *attempt = (struct overlay_try *)task;
    struct task *trying = &attempt->trying->task;
    task_start(trying, task);
    if (trying->status == TASK_PENDING)
        return TASK_PENDING;
    if (!attempt->teardown) {
        struct teardown_options options = {.name = attempt->name, .owner = attempt->owner};
        attempt->teardown = teardown_new(task->loop, attempt->engine, &options);
        task_start(attempt->teardown, task);
    }
    if (attempt->teardown->status == TASK_PENDING)
        return TASK_PENDING;
    struct task *worse = attempt->teardown->status == TASK_FAILED ? attempt->teardown : trying;
    if (worse->status == TASK_FAILED)
        err_move(&task->err, &worse->err);
    return worse->status;
}

static void overlay_try_release(struct task *task) {
    struct overlay_try *attempt = (struct overlay_try *)task;
    task_free(attempt->trying);
    task_free(attempt->teardown);
    free(attempt->name);
    free(attempt->owner);
    free(attempt->image);
    free(attempt->lower);
    free(attempt->scratch);
    free(attempt->container);
}

struct task *overlay_try_new(struct loop *loop, struct engine *engine) {
    static const struct task_type type = {
        .name = "overlay try", .step = overlay_try_step, .release = overlay_try_release};
    struct overlay_try *attempt = task_new(sizeof *attempt, &type, loop);
    unsigned random;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        abort();
    attempt->engine = engine;
    attempt->name = xasprintf("envrun-doctor-%08x", random);
    attempt->owner = owner_of_this_process();
    attempt->trying = sequence_new(loop, stages, attempt, NULL);
    return &attempt->task;
}
