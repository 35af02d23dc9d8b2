/*
 * The images of a bundle, into an engine: under names of their own, so that no tag of the user's is
 * moved, and used by the ID that this engine gives them.
 */
#include "replay/replay.h"

#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "replay/layout.h"

#include <string.h>

enum { REMOVING_LIMIT = 10000 /* ms in which an image must have no user any more */ };

struct loading {
    struct task task;
    struct replay *replay;
    struct engine *engine;
    char *name, *folder;
    struct sequence *sequence;
    int at; /* the image that is being looked at */
};

/* Two services may have one image. */
static char *name_of(const char *name, const cJSON *image) {
    const char *config = json_text_or(image, "config", "sha256:");
    return xasprintf("envrun-repro/%s:%.16s", name, config + strlen("sha256:"));
}

static bool is_in_bundle(const cJSON *image) {
    const char *config = json_text(image, "config");
    return config && text_starts(config, "sha256:");
}

static cJSON *list_images(const struct loading *loading) {
    cJSON *list = cJSON_CreateArray();
    const cJSON *image, *other;
    cJSON_ArrayForEach (image, loading->replay->images) {
        bool listed = !is_in_bundle(image);
        cJSON_ArrayForEach (other, list) {
            listed = listed || text_equal(json_text(other, "config"), json_text(image, "config"));
        }
        if (listed)
            continue;
        autofree char *name = name_of(loading->name, image);
        cJSON *entry = cJSON_CreateObject();
        json_put_text(entry, "config", json_text(image, "config"));
        json_put_text(entry, "manifest", json_text(image, "manifest"));
        json_put_text(entry, "name", name);
        cJSON_AddItemToArray(list, entry);
    }
    return list;
}

/* ---- Loading ---- */

static struct task *begin_load(void *subject, struct err *err) {
    struct loading *loading = subject;
    autojson cJSON *images = list_images(loading);
    if (!cJSON_GetArraySize(images))
        return NULL;
    if (!layout_write_index(loading->folder, images, err))
        return NULL;
    return image_load(loading->engine, loading->folder, (struct engine_progress){0});
}

/* ---- Looking ---- */

static const cJSON *current(const struct loading *loading) {
    return cJSON_GetArrayItem(loading->replay->images, loading->at);
}

/* The classic store's ID is the config's digest, the containerd store's the manifest's. */
static bool check(struct loading *loading, const cJSON *image, const char *id, struct err *err) {
    const char *service = json_text_or(image, "service", "");
    if (!text_equal(id, json_text(image, "config")) &&
        !text_equal(id, json_text(image, "manifest")))
        return err_set(err, ERR_FILE,
                       "the image of service `%s` became another one when it was loaded", service);
    cJSON *entry = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(loading->replay->model, "services"), service);
    cJSON_DeleteItemFromObjectCaseSensitive(entry, "image");
    json_put_text(entry, "image", id);
    return true;
}

static struct task *look_at(void *subject, struct err *err);

static bool end_look(void *subject, struct task *work, struct err *err) {
    struct loading *loading = subject;
    return check(loading, current(loading), json_text(request_answer(work), "Id"), err);
}

static struct task *begin_look(void *subject, struct err *err) {
    return look_at(subject, err);
}

static const struct stage load_stages[] = {{"load", begin_load, NULL}, {0}};
static const struct stage look_stages[] = {{"look", begin_look, end_look}, {0}};

static struct task *look_at(void *subject, struct err *err) {
    struct loading *loading = subject;
    autofree char *name = name_of(loading->name, current(loading));
    (void)err;
    return image_inspect(loading->engine, name);
}

static bool next_image(struct loading *loading) {
    const cJSON *image;
    while ((image = cJSON_GetArrayItem(loading->replay->images, ++loading->at)))
        if (is_in_bundle(image))
            return true;
    return false;
}

/* ---- The task ---- */

static enum task_status loading_step(struct task *task) {
    struct loading *loading = (struct loading *)task;
    for (;;) {
        task_start(&loading->sequence->task, task);
        if (loading->sequence->task.status == TASK_PENDING)
            return TASK_PENDING;
        if (loading->sequence->task.status == TASK_FAILED) {
            err_move(&task->err, &loading->sequence->task.err);
            err_prefix(&task->err, "cannot load the bundle's images");
            return TASK_FAILED;
        }
        task_free(loading->sequence);
        loading->sequence = NULL;
        if (!next_image(loading))
            return TASK_DONE;
        loading->sequence = sequence_new(task->loop, look_stages, loading, NULL);
    }
}

static void loading_release(struct task *task) {
    struct loading *loading = (struct loading *)task;
    task_free(loading->sequence);
    free(loading->name);
    free(loading->folder);
}

struct task *replay_load_images(struct replay *replay, struct engine *engine, struct loop *loop,
                                const char *name) {
    static const struct task_type type = {
        .name = "bundle's images", .step = loading_step, .release = loading_release};
    struct loading *loading = task_new(sizeof *loading, &type, loop);
    loading->replay = replay;
    loading->engine = engine;
    loading->name = xstrdup(name);
    loading->folder = path_join(replay->folder, "images");
    loading->at = -1;
    loading->sequence = sequence_new(loop, load_stages, loading, NULL);
    return &loading->task;
}

/* ---- Removing ---- */

struct removing {
    struct task task;
    struct engine *engine;
    char *reference;
    struct retry *retry;
};

static struct task *remove_once(void *context) {
    struct removing *removing = context;
    return image_remove(removing->engine, removing->reference);
}

static enum task_status removing_step(struct task *task) {
    struct removing *removing = (struct removing *)task;
    task_start(&removing->retry->task, task);
    return removing->retry->task.status;
}

static void removing_expire(struct task *task) {
    struct removing *removing = (struct removing *)task;
    const char *why = removing->retry->last.message;
    err_set(&task->err, ERR_LEFTOVER,
            "the image %s could not be removed: %s; `docker rmi %s` tries again",
            removing->reference, why ? why : "the engine does not answer", removing->reference);
}

static void removing_release(struct task *task) {
    struct removing *removing = (struct removing *)task;
    task_free(removing->retry);
    free(removing->reference);
}

/* Somebody else may have a container of it for a moment. */
static struct task *removing_new(struct engine *engine, struct loop *loop, char *reference) {
    static const struct task_type type = {.name = "bundle's image away",
                                          .step = removing_step,
                                          .expire = removing_expire,
                                          .release = removing_release};
    struct removing *removing = task_new(sizeof *removing, &type, loop);
    removing->engine = engine;
    removing->reference = reference;
    removing->retry =
        retry_new(loop, remove_once, removing, (struct retry_beat){.first = 50, .most = 1000});
    task_limit(&removing->task, deadline_in(REMOVING_LIMIT));
    return &removing->task;
}

struct task *replay_remove_images(const struct replay *replay, struct engine *engine,
                                  struct loop *loop, const char *name) {
    struct task_group *group = task_group_new(loop, GROUP_COLLECT, 0);
    autostrings struct strings references = {0};
    const cJSON *image;
    cJSON_ArrayForEach (image, replay->images) {
        autofree char *reference = is_in_bundle(image) ? name_of(name, image) : NULL;
        if (reference && !strings_has(&references, reference))
            strings_add(&references, reference);
    }
    vec_each (reference, &references)
        task_group_add(group, removing_new(engine, loop, xstrdup(*reference)));
    return (struct task *)group;
}
