#include "replay/lock.h"

#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "run/credentials.h"
#include "run/docker_config.h"
#include "run/environment.h"

#include <string.h>
#include <sys/utsname.h>

enum { LOCK_MAX = 4 << 20, LOCK_VERSION = 1 };

/* ---- Reading ---- */

static char *lock_path(const struct model *model) {
    return path_join(model->directory, LOCK_NAME);
}

static bool is_digest(const cJSON *value) {
    const char *text = cJSON_GetStringValue(value);
    return text && text_starts(text, "sha256:") && strlen(text) == strlen("sha256:") + 64 &&
           strspn(text + strlen("sha256:"), "0123456789abcdef") == 64;
}

static bool check(const cJSON *lock, const char *path, struct err *err) {
    const cJSON *image, *digest;
    struct position at = {.file = path};
    if (!cJSON_IsObject(lock))
        return err_at(err, at, "it is not a JSON object; `envrun lock` makes it anew");
    if (json_number(lock, "version", 0) != LOCK_VERSION)
        return err_at(err, at, "it has version %lld, and this envrun reads version %d",
                      json_number(lock, "version", 0), LOCK_VERSION);
    cJSON_ArrayForEach (image, cJSON_GetObjectItemCaseSensitive(lock, "images")) {
        cJSON_ArrayForEach (digest, image) {
            if (!is_digest(digest))
                return err_at(err, at, "what it says of `%s` is no digest", image->string);
        }
    }
    return true;
}

cJSON *lock_read(const struct model *model, struct err *err) {
    struct buffer text = BUFFER_INIT_MAX(LOCK_MAX);
    autofree char *path = lock_path(model);
    autojson cJSON *lock = NULL;
    if (path_exists(path) && path_read(path, &text, err)) {
        lock = cJSON_ParseWithLength(text.data, text.length);
        if (!check(lock, path, err)) {
            cJSON_Delete(lock);
            lock = NULL;
        }
    }
    buffer_release(&text);
    return steal(lock);
}

/* ---- Comparing ---- */

/* An image that is built has no digest anywhere, and a digest needs no lock. */
static const char *locked_image(const struct service *service) {
    const char *image = node_text(service->node, "image", NULL);
    return image && !node_get(service->node, "build") && !strchr(image, '@') ? image : NULL;
}

static bool names(const struct model *model, const char *image) {
    for (size_t i = 0; i < model->service_count; i++)
        if (text_equal(locked_image(&model->services[i]), image))
            return true;
    return false;
}

void lock_compare(const cJSON *lock, const struct model *model, struct strings *ret) {
    const cJSON *images = cJSON_GetObjectItemCaseSensitive(lock, "images"), *image;
    for (size_t i = 0; i < model->service_count; i++) {
        const char *name = locked_image(&model->services[i]);
        if (name && !cJSON_GetObjectItemCaseSensitive(images, name))
            strings_printf(ret, "it does not have the image `%s` of service `%s`", name,
                           model->services[i].name);
    }
    cJSON_ArrayForEach (image, images) {
        if (!names(model, image->string))
            strings_printf(ret, "no service has the image `%s` any more", image->string);
    }
}

/* As images name it: "amd64". */
static const char *architecture(const char *machine) {
    static const char *const names[][2] = {
        {"x86_64", "amd64"}, {"aarch64", "arm64"}, {"i686", "386"}, {"armv7l", "arm/v7"}};
    for (size_t i = 0; i < lengthof(names); i++)
        if (!strcmp(machine, names[i][0]))
            return names[i][1];
    return machine;
}

const char *lock_digest(const void *lock, const char *image, const char *platform) {
    const cJSON *entry =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(lock, "images"), image);
    struct utsname host;
    autofree char *own = uname(&host) ? NULL : xasprintf("linux/%s", architecture(host.machine));
    const char *wanted = platform ? platform : own;
    return wanted ? cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, wanted)) : NULL;
}

/* ---- Making ---- */

struct make {
    struct task task;
    struct environment *environment;
    struct credentials *credentials;
    struct strings images; /* sorted, each once */
    size_t at;
    struct task *work;
    bool asking; /* `work` asks for the credentials */
    cJSON *lock;
};

static void warn(void *context, const char *text) {
    environment_warn(context, "%s", text);
}

static void collect(struct make *make) {
    const struct model *model = make->environment->model;
    for (size_t i = 0; i < model->service_count; i++) {
        const char *image = locked_image(&model->services[i]);
        if (image && !strings_has(&make->images, image))
            strings_add(&make->images, image);
    }
    strings_sort(&make->images);
}

static struct task *ask(struct make *make) {
    const char *image = make->images.at[make->at];
    autofree char *registry = registry_of(image);
    autofree char *auth = credentials_header(make->credentials, registry);
    return image_look_up(make->environment->engine, image, auth);
}

static void note(struct make *make) {
    const cJSON *answer = request_answer(make->work), *platform;
    const char *digest = json_text(answer, "Descriptor.digest");
    cJSON *entry = json_object_at(json_object_at(make->lock, "images"), make->images.at[make->at]);
    cJSON_ArrayForEach (platform, cJSON_GetObjectItem(answer, "Platforms")) {
        const char *variant = json_text(platform, "variant");
        autofree char *name = xasprintf("%s/%s%s%s", json_text_or(platform, "os", "linux"),
                                        json_text_or(platform, "architecture", ""),
                                        variant ? "/" : "", variant ? variant : "");
        if (!cJSON_HasObjectItem(entry, name))
            json_put_text(entry, name, digest);
    }
}

static enum task_status finish(struct make *make) {
    autofree char *path = lock_path(make->environment->model);
    autofree char *text = cJSON_Print(make->lock);
    autofree char *whole = xasprintf("%s\n", text);
    return path_write(path, whole, strlen(whole), false, &make->task.err) ? TASK_DONE : TASK_FAILED;
}

static enum task_status make_step(struct task *task) {
    struct make *make = (struct make *)task;
    for (;;) {
        if (make->work && make->work->status == TASK_PENDING)
            return TASK_PENDING;
        if (make->work && make->work->status == TASK_FAILED) {
            err_move(&task->err, &make->work->err);
            task->err.kind = ERR_ENVIRONMENT;
            err_prefix(&task->err, "image `%s`", make->images.at[make->at]);
            return TASK_FAILED;
        }
        bool answered = make->work && !make->asking;
        if (answered)
            note(make);
        make->at += answered;
        if (make->at == make->images.length)
            return finish(make);
        autofree char *registry = registry_of(make->images.at[make->at]);
        struct task *next =
            make->work && make->asking ? ask(make) : credentials_ask(make->credentials, registry);
        make->asking = !(make->work && make->asking);
        task_free(make->work);
        make->work = next;
        task_start(next, task);
    }
}

static void make_release(struct task *task) {
    struct make *make = (struct make *)task;
    task_free(make->work);
    credentials_free(make->credentials);
    strings_release(&make->images);
    cJSON_Delete(make->lock);
}

struct task *lock_make(struct environment *environment) {
    static const struct task_type type = {
        .name = "lock", .step = make_step, .release = make_release};
    struct make *make = task_new(sizeof *make, &type, environment->loop);
    make->environment = environment;
    make->credentials =
        credentials_new(environment->loop, environment->options.process_environment,
                        (struct credentials_listener){.warn = warn, .context = environment});
    make->lock = cJSON_CreateObject();
    json_put_number(make->lock, "version", LOCK_VERSION);
    json_object_at(make->lock, "images");
    collect(make);
    return &make->task;
}

int lock_count(const struct task *task) {
    return (int)((const struct make *)task)->images.length;
}
