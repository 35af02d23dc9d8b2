#include "run/unused.h"

#include <envrun/engine.h>
#include <envrun/plan.h>

#include "base/json.h"
#include "base/text.h"
#include "run/lease.h"

#include <string.h>

struct unused {
    struct task task;
    struct engine *engine;
    struct sequence *sequence;
    cJSON *images, *containers;
    struct unused_images found;
};

/* ---- Which ---- */

static bool some_container_has(const struct unused *unused, const char *id) {
    const cJSON *container;
    cJSON_ArrayForEach (container, unused->containers) {
        if (text_equal(json_text(container, "ImageID"), id))
            return true;
    }
    return false;
}

static bool folder_is_in_use(const struct leases *leases, const char *folder) {
    vec_each (lease, leases)
        if (!strcmp(lease->folder, folder) && !lease_is_over(lease))
            return true;
    return false;
}

/* "app" is "app:latest". */
static bool is_name(const char *tag, const char *name) {
    size_t length = strlen(name);
    return text_equal(tag, name) || (text_starts(tag, name) && text_equal(tag + length, ":latest"));
}

/* How it is removed, or NULL if another name keeps it. */
static const char *reference_of(const cJSON *image) {
    const char *name = container_label(image, LABEL_IMAGE);
    const cJSON *tag, *tags = json_get(image, "RepoTags");
    bool named = false;
    cJSON_ArrayForEach (tag, tags) {
        if (!cJSON_IsString(tag) || text_equal(tag->valuestring, "<none>:<none>"))
            continue;
        named = true;
        if (is_name(tag->valuestring, name))
            return tag->valuestring;
    }
    return named ? NULL : json_text(image, "Id");
}

static void choose(struct unused *unused, const struct leases *leases) {
    const cJSON *image;
    cJSON_ArrayForEach (image, unused->images) {
        const char *reference = reference_of(image);
        if (!reference || some_container_has(unused, json_text(image, "Id")) ||
            folder_is_in_use(leases, container_label(image, LABEL_FOLDER)))
            continue;
        struct unused_image one = {xstrdup(reference), json_number(image, "Size", 0)};
        vec_push(&unused->found, one);
    }
}

/* ---- The stages ---- */

static struct task *begin_images(void *subject, struct err *err) {
    (void)err;
    return image_list(((struct unused *)subject)->engine, LABEL_IMAGE);
}

static bool end_images(void *subject, struct task *work, struct err *err) {
    (void)err;
    ((struct unused *)subject)->images = request_take_answer(work);
    return true;
}

static struct task *begin_containers(void *subject, struct err *err) {
    (void)err;
    return container_list(((struct unused *)subject)->engine, NULL);
}

static bool end_containers(void *subject, struct task *work, struct err *err) {
    (void)err;
    ((struct unused *)subject)->containers = request_take_answer(work);
    return true;
}

static struct task *begin_census(void *subject, struct err *err) {
    struct unused *unused = subject;
    (void)err;
    return census_new(unused->task.loop, unused->engine, NULL);
}

static bool end_census(void *subject, struct task *work, struct err *err) {
    struct leases leases = census_take(work);
    (void)err;
    choose(subject, &leases);
    leases_release(&leases);
    return true;
}

static const struct stage stages[] = {
    {"images", begin_images, end_images},
    {"containers", begin_containers, end_containers},
    {"census", begin_census, end_census},
    {0},
};

/* ---- The task ---- */

static enum task_status unused_step(struct task *task) {
    struct task *sequence = &((struct unused *)task)->sequence->task;
    task_start(sequence, task);
    if (sequence->status == TASK_FAILED)
        err_move(&task->err, &sequence->err);
    return sequence->status;
}

static void unused_drop(struct task *task) {
    struct unused *unused = (struct unused *)task;
    task_free(unused->sequence);
    cJSON_Delete(unused->images);
    cJSON_Delete(unused->containers);
    unused_release(&unused->found);
}

struct task *unused_new(struct loop *loop, struct engine *engine) {
    static const struct task_type type = {
        .name = "unused images", .step = unused_step, .release = unused_drop};
    struct unused *unused = task_new(sizeof *unused, &type, loop);
    unused->engine = engine;
    unused->sequence = sequence_new(loop, stages, unused, NULL);
    return &unused->task;
}

struct unused_images unused_take(struct task *task) {
    struct unused *unused = (struct unused *)task;
    struct unused_images found = unused->found;
    unused->found = (struct unused_images){0};
    return found;
}

void unused_release(struct unused_images *images) {
    vec_each (image, images)
        free(image->reference);
    vec_free(images);
}
