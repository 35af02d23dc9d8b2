#include "replay/capture.h"

#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "replay/layout.h"
#include "replay/search.h"
#include "run/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { NAME_DIGITS = 12 };

struct capture {
    struct task task;
    struct environment *environment;
    struct capture_options options;
    char *folder, *images_folder, *data_folder;
    struct captured captured;
    struct sequence *sequence;
    int fd; /* what is spooled now; -1: nothing */

    /* The volume, or the image, that comes now */
    size_t life_at;
    int mount_at;
    struct life *life;
    char *what;           /* it, in a sentence */
    struct strings saved; /* names of volumes, IDs of images */
    struct task *work;
    enum { SAVING, ADDING, SEARCHING } doing; /* to an image */
    cJSON *image;                             /* as it lies in images_folder */
    struct strings own;                       /* its files that no other image has */
};

/* ---- What is left out ---- */

static void leave_out(struct capture *capture, const char *what, const struct err *why) {
    cJSON *entry = cJSON_CreateObject();
    json_put_text(entry, "name", what);
    json_put_text(entry, "why", why->message ? why->message : "it could not be asked for");
    cJSON_AddItemToArray(capture->captured.left_out, entry);
}

/* ---- The engine ---- */

static struct task *begin_info(void *subject, struct err *err) {
    struct capture *capture = subject;
    (void)err;
    return tolerate(
        capture->task.loop,
        capture->work = engine_request(capture->environment->engine, "GET", NULL, "/info"), NULL);
}

static bool end_ask(struct capture *capture, const char *key) {
    if (capture->work->status == TASK_DONE)
        json_put(capture->captured.engine, key, request_take_answer(capture->work));
    capture->work = NULL;
    return true;
}

static bool end_info(void *subject, struct task *work, struct err *err) {
    (void)work, (void)err;
    return end_ask(subject, "info");
}

static struct task *begin_version(void *subject, struct err *err) {
    struct capture *capture = subject;
    (void)err;
    return tolerate(capture->task.loop,
                    capture->work =
                        engine_request(capture->environment->engine, "GET", NULL, "/version"),
                    NULL);
}

static bool end_version(void *subject, struct task *work, struct err *err) {
    (void)work, (void)err;
    return end_ask(subject, "version");
}

/* ---- Still and on again ---- */

static struct task *for_all_running(struct capture *capture, const char *verb) {
    struct environment *environment = capture->environment;
    struct task_group *group = task_group_new(capture->task.loop, GROUP_COLLECT, 0);
    for (size_t i = 0; capture->options.data && i < environment->life_count; i++) {
        struct life *life = &environment->lives[i];
        if (life->id && life->running)
            task_group_add(group, tolerate(capture->task.loop,
                                           engine_request(environment->engine, "POST", NULL,
                                                          "/containers/%s/%s", life->id, verb),
                                           NULL));
    }
    return (struct task *)group;
}

static struct task *begin_pause(void *subject, struct err *err) {
    (void)err;
    return for_all_running(subject, "pause");
}

static struct task *begin_unpause(void *subject, struct err *err) {
    (void)err;
    return for_all_running(subject, "unpause");
}

/* ---- One after the other: a task that makes the next piece of work as long as there is one ----
 */

struct chain {
    struct task task;
    struct capture *capture;
    bool (*next)(struct capture *capture); /* make capture->work; false: that was all */
    /* The work has ended; answers the work that follows for the same thing, or NULL. */
    struct task *(*ended)(struct capture *capture);
};

static void end_work(struct capture *capture) {
    capture->work = task_free(capture->work);
    if (capture->fd >= 0)
        close(capture->fd);
    capture->fd = -1;
    free(steal(capture->what));
    cJSON_Delete(steal(capture->image));
    strings_release(&capture->own);
}

static enum task_status chain_step(struct task *task) {
    struct chain *chain = (struct chain *)task;
    struct capture *capture = chain->capture;
    while (!capture->work || capture->work->status != TASK_PENDING) {
        struct task *more = capture->work ? chain->ended(capture) : NULL;
        if (more) {
            task_free(capture->work);
            capture->work = more;
        } else {
            end_work(capture);
            if (!chain->next(capture))
                return TASK_DONE;
        }
        task_start(capture->work, task);
    }
    return TASK_PENDING;
}

static struct task *chain_new(struct capture *capture, bool (*next)(struct capture *capture),
                              struct task *(*ended)(struct capture *capture)) {
    static const struct task_type type = {.name = "capture", .step = chain_step};
    struct chain *chain = task_new(sizeof *chain, &type, capture->task.loop);
    chain->capture = capture;
    chain->next = next;
    chain->ended = ended;
    capture->life_at = 0;
    capture->mount_at = 0;
    strings_release(&capture->saved);
    return &chain->task;
}

/* ---- Volumes ---- */

/* The next volume of the environment's own, of a container that is there. */
static const cJSON *next_volume(struct capture *capture) {
    struct environment *environment = capture->environment;
    for (; capture->life_at < environment->life_count; capture->life_at++, capture->mount_at = 0) {
        struct life *life = capture->life = &environment->lives[capture->life_at];
        const cJSON *mounts = json_get(life->planned->body, "HostConfig.Mounts"), *mount;
        while (life->id && (mount = cJSON_GetArrayItem(mounts, capture->mount_at))) {
            const char *source = json_text(mount, "Source");
            capture->mount_at++;
            if (text_equal(json_text(mount, "Type"), "volume") && source &&
                !strings_has(&capture->saved, source))
                return mount;
        }
    }
    return NULL;
}

/* All services that have the volume: what seeded it may be another one. */
static void put_users(struct capture *capture, cJSON *entry, const char *source) {
    cJSON *users = json_array_at(entry, "services");
    for (size_t i = 0; i < capture->environment->life_count; i++) {
        const struct life *life = &capture->environment->lives[i];
        const cJSON *mount;
        cJSON_ArrayForEach (mount, json_get(life->planned->body, "HostConfig.Mounts")) {
            if (text_equal(json_text(mount, "Source"), source))
                json_append_text(users, life->planned->service->name);
        }
    }
}

static bool next_data(struct capture *capture) {
    const cJSON *mount = capture->options.data ? next_volume(capture) : NULL;
    if (!mount)
        return false;
    const char *path = json_text_or(mount, "Target", "/");
    autofree char *file = xasprintf("%s/%zu.tar", capture->data_folder, capture->saved.length);
    capture->fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    capture->what = xasprintf("volume %s of service `%s`", path, capture->life->name);
    cJSON *entry = cJSON_CreateObject();
    autofree char *name = xasprintf("data/%zu.tar", capture->saved.length);
    json_put_text(entry, "service", capture->life->name);
    json_put_text(entry, "path", path);
    json_put_text(entry, "file", name);
    put_users(capture, entry, json_text(mount, "Source"));
    cJSON_AddItemToArray(capture->captured.data, entry);
    strings_add(&capture->saved, json_text(mount, "Source"));
    capture->work = container_save_folder(capture->environment->engine, capture->life->id, path,
                                          capture->fd, capture->options.most);
    return true;
}

static struct task *data_ended(struct capture *capture) {
    cJSON *data = capture->captured.data;
    if (capture->work->status == TASK_FAILED) {
        leave_out(capture, capture->what, &capture->work->err);
        cJSON_DeleteItemFromArray(data, cJSON_GetArraySize(data) - 1);
    }
    return NULL;
}

static struct task *begin_data(void *subject, struct err *err) {
    struct capture *capture = subject;
    struct err ignored = ERR_INIT;
    (void)err;
    if (capture->options.data)
        path_make_directories(capture->data_folder, &ignored);
    err_release(&ignored);
    return chain_new(capture, next_data, data_ended);
}

/* ---- Images ---- */

static const char *last_slash_or(const char *reference) {
    const char *slash = strrchr(reference, '/');
    return slash ? slash : reference;
}

/* The digest by which a registry has it, of the repository that the file names. */
static const char *digest_of(const struct life *life) {
    const char *reference = life->planned->image;
    const cJSON *entry, *digests = cJSON_GetObjectItem(life->image, "RepoDigests");
    bool built = life->planned->build && !life->is_pulled;
    if (!reference || built)
        return NULL;
    size_t length = strcspn(reference, "@");
    const char *colon = strchr(last_slash_or(reference), ':');
    if (colon && (size_t)(colon - reference) < length)
        length = (size_t)(colon - reference);
    cJSON_ArrayForEach (entry, digests) {
        const char *text = cJSON_GetStringValue(entry);
        const char *at = text ? strchr(text, '@') : NULL;
        if (at && (size_t)(at - text) == length && !strncmp(text, reference, length))
            return text;
    }
    return cJSON_GetStringValue(cJSON_GetArrayItem(digests, 0));
}

static void note_image(struct capture *capture, const struct life *life, const char *digest,
                       const cJSON *saved) {
    cJSON *entry = saved ? cJSON_Duplicate(saved, true) : cJSON_CreateObject();
    cJSON_DeleteItemFromObjectCaseSensitive(entry, "service");
    cJSON_DeleteItemFromObjectCaseSensitive(entry, "reference");
    json_put_text(entry, "service", life->name);
    json_put_text(entry, "reference", life->planned->image);
    json_put_text(entry, "id", json_text(life->image, "Id"));
    if (digest)
        json_put_text(entry, "digest", digest);
    cJSON_AddItemToArray(capture->captured.images, entry);
}

static const cJSON *saved_already(const struct capture *capture, const char *id) {
    const cJSON *entry;
    cJSON_ArrayForEach (entry, capture->captured.images) {
        if (text_equal(json_text(entry, "id"), id) && json_text(entry, "config"))
            return entry;
    }
    return NULL;
}

/* An image without a digest, of which none has been saved yet. The others are only noted. */
static bool next_image(struct capture *capture) {
    struct environment *environment = capture->environment;
    while (capture->life_at < environment->life_count) {
        struct life *life = capture->life = &environment->lives[capture->life_at++];
        const char *id = json_text(life->image, "Id");
        if (life->is_idle || life->planned->number > 1 || !id || !json_get(life->image, "Config"))
            continue;
        const char *digest = digest_of(life);
        const cJSON *saved = saved_already(capture, id);
        if (saved || (digest && !capture->options.all_images)) {
            note_image(capture, life, digest, saved);
            continue;
        }
        capture->what = xasprintf("the image of service `%s`", life->name);
        capture->fd = open(capture->folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
        capture->doing = SAVING;
        capture->work = image_save(environment->engine, id, capture->fd, capture->options.most);
        return true;
    }
    return false;
}

static void note_saved(struct capture *capture) {
    cJSON *image = capture->image;
    const char *config = json_text_or(image, "config", "sha256:");
    autofree char *name =
        xasprintf("envrun-bundle/%.*s:latest", NAME_DIGITS, config + strlen("sha256:"));
    json_put_text(image, "name", name);
    note_image(capture, capture->life, NULL, image);
}

/* What a registry has anyway needs no search. */
static struct task *search_image(struct capture *capture) {
    autostrings struct strings files = {0};
    layout_files(capture->work, &files, &capture->own);
    capture->image = layout_take_image(capture->work);
    if (digest_of(capture->life) || !capture->options.redactor)
        return NULL;
    capture->doing = SEARCHING;
    return search_new(capture->task.loop, capture->options.redactor, &files);
}

static void image_failed(struct capture *capture) {
    leave_out(capture, capture->what, &capture->work->err);
    vec_each (path, &capture->own)
        unlink(*path);
}

static struct task *image_ended(struct capture *capture) {
    struct task *next = NULL;
    if (capture->work->status == TASK_FAILED) {
        image_failed(capture);
        return NULL;
    }
    if (capture->doing == SAVING) {
        capture->doing = ADDING;
        return layout_add(capture->task.loop, capture->fd, capture->images_folder);
    }
    if (capture->doing == ADDING)
        next = search_image(capture);
    if (!next)
        note_saved(capture);
    return next;
}

static struct task *begin_images(void *subject, struct err *err) {
    (void)err;
    return chain_new(subject, next_image, image_ended);
}

/* ---- The task ---- */

static const struct stage stages[] = {
    {"info", begin_info, end_info},
    {"version", begin_version, end_version},
    {"pause", begin_pause, NULL},
    {"data", begin_data, NULL},
    {"unpause", begin_unpause, NULL},
    {"images", begin_images, NULL},
    {0},
};

static enum task_status capture_step(struct task *task) {
    struct capture *capture = (struct capture *)task;
    task_start(&capture->sequence->task, task);
    return capture->sequence->task.status == TASK_PENDING ? TASK_PENDING : TASK_DONE;
}

static void capture_expire(struct task *task) {
    struct capture *capture = (struct capture *)task;
    err_set(&task->err, ERR_TIMEOUT, "the time for it was over");
    leave_out(capture, capture->what ? capture->what : "what the engine says", &task->err);
}

static void capture_cancel(struct task *task) {
    struct capture *capture = (struct capture *)task;
    struct task *work = capture->work;
    bool of_chain = capture->what;
    capture->sequence = (struct sequence *)task_free(capture->sequence);
    capture->work = of_chain ? task_free(work) : NULL;
}

static void capture_release(struct task *task) {
    struct capture *capture = (struct capture *)task;
    capture_cancel(task);
    end_work(capture);
    strings_release(&capture->saved);
    captured_release(&capture->captured);
    free(capture->folder);
    free(capture->images_folder);
    free(capture->data_folder);
}

struct task *capture_new(struct environment *environment, const struct capture_options *options) {
    static const struct task_type type = {.name = "capture",
                                          .step = capture_step,
                                          .cancel = capture_cancel,
                                          .expire = capture_expire,
                                          .release = capture_release};
    struct capture *capture = task_new(sizeof *capture, &type, environment->loop);
    capture->environment = environment;
    capture->options = *options;
    capture->folder = xstrdup(options->folder);
    capture->images_folder = path_join(options->folder, "images");
    capture->data_folder = path_join(options->folder, "data");
    capture->fd = -1;
    capture->captured = (struct captured){.engine = cJSON_CreateObject(),
                                          .images = cJSON_CreateArray(),
                                          .data = cJSON_CreateArray(),
                                          .left_out = cJSON_CreateArray()};
    capture->sequence = sequence_new(environment->loop, stages, capture, NULL);
    return &capture->task;
}

void capture_take(struct task *task, struct captured *ret) {
    struct capture *capture = (struct capture *)task;
    *ret = capture->captured;
    capture->captured = (struct captured){0};
}

void captured_release(struct captured *captured) {
    cJSON_Delete(captured->engine);
    cJSON_Delete(captured->images);
    cJSON_Delete(captured->data);
    cJSON_Delete(captured->left_out);
    *captured = (struct captured){0};
}
