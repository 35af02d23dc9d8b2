#include "replay/replay.h"

#include "base/json.h"
#include "base/path.h"
#include "base/text.h"

#include <string.h>
#include <unistd.h>

enum { JSON_MAX = 8 << 20, VALUES_MAX = 10000, DIGEST_LENGTH = 71 /* "sha256:..." */ };

/* ---- Reading ---- */

static cJSON *read_json(const char *folder, const char *name, bool is_object, struct err *err) {
    struct buffer text = BUFFER_INIT_MAX(JSON_MAX);
    autofree char *path = path_join(folder, name);
    cJSON *value =
        path_read(path, &text, err) ? cJSON_ParseWithLength(text.data, text.length) : NULL;
    buffer_release(&text);
    bool fits = is_object ? cJSON_IsObject(value)
                          : cJSON_IsArray(value) && cJSON_GetArraySize(value) <= VALUES_MAX;
    if (fits)
        return value;
    cJSON_Delete(value);
    if (!err_is(err))
        err_set(err, ERR_FILE, "%s is not the JSON that it should be", name);
    return NULL;
}

static void take_texts(const cJSON *array, struct strings *into) {
    const cJSON *item;
    cJSON_ArrayForEach (item, array) {
        if (cJSON_IsString(item) && into->length < VALUES_MAX)
            strings_add(into, item->valuestring);
    }
}

static bool is_variable(const char *name) {
    return *name &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") ==
               strlen(name);
}

static bool take_asked(struct replay *replay, struct err *err) {
    autostrings struct strings names = {0};
    take_texts(cJSON_GetObjectItem(replay->about, "asked"), &names);
    take_texts(cJSON_GetObjectItem(replay->suite, "asked"), &names);
    strings_sort(&names);
    vec_each (name, &names) {
        if (!is_variable(*name))
            return err_set(err, ERR_FILE, "it asks for a variable without a proper name");
        if (!strings_has(&replay->asked, *name))
            strings_add(&replay->asked, *name);
    }
    return true;
}

static bool is_digest(const char *text) {
    size_t prefix = strlen("sha256:");
    return text_starts(text, "sha256:") && strlen(text) == DIGEST_LENGTH &&
           strspn(text + prefix, "0123456789abcdef") == DIGEST_LENGTH - prefix;
}

/* Both digests, or none: then it is not in the bundle. */
static bool check_images(const cJSON *images, struct err *err) {
    const cJSON *image;
    cJSON_ArrayForEach (image, images) {
        const char *config = json_text(image, "config"), *manifest = json_text(image, "manifest");
        bool ok = config ? manifest && is_digest(config) && is_digest(manifest) : !manifest;
        if (!cJSON_IsObject(image) || !ok)
            return err_set(err, ERR_FILE, "images.json lists an image without its digests");
    }
    return true;
}

/* What is to be run, and where. */
static bool take_suites(struct replay *replay, struct err *err) {
    take_texts(cJSON_GetObjectItem(replay->suite, "suites"), &replay->suites);
    take_texts(cJSON_GetObjectItem(replay->suite, "command"), &replay->command);
    if (!replay->suites.length)
        return err_set(err, ERR_FILE, "suite.json names no suite");
    return path_make_directories(replay->project, err) &&
           (path_is_directory(replay->project) ||
            err_set(err, ERR_FILE, "its `project` is no folder"));
}

static bool take_volumes(struct replay *replay, const struct manifest *manifest, struct err *err) {
    const cJSON *entry;
    cJSON_ArrayForEach (entry, replay->data) {
        const char *service = json_text(entry, "service"), *path = json_text(entry, "path");
        const char *file = json_text(entry, "file");
        if (!service || !path || *path != '/' || !file)
            return err_set(err, ERR_FILE, "data.json lists a volume without its place");
        if (!manifest_find(manifest, file))
            continue; /* it did not fit */
        vec_push(&replay->volumes, (struct initial_data){.service = service,
                                                         .path = path,
                                                         .file = path_join(replay->folder, file)});
    }
    return true;
}

/* Whatever the model is made of lies in it: no other files are read for it. */
static bool check_model(const cJSON *model, struct err *err) {
    static const char *const elsewhere[] = {"extends", "env_file", "label_file", "credential_spec",
                                            "provider"};
    const cJSON *service;
    if (cJSON_GetObjectItemCaseSensitive(model, "include"))
        return err_set(err, ERR_FILE, "its model has `include`, which a bundle's never has");
    cJSON_ArrayForEach (service, cJSON_GetObjectItemCaseSensitive(model, "services")) {
        for (size_t i = 0; i < lengthof(elsewhere); i++)
            if (cJSON_GetObjectItemCaseSensitive(service, elsewhere[i]))
                return err_set(err, ERR_FILE, "its model has `%s`, which a bundle's never has",
                               elsewhere[i]);
    }
    return true;
}

static bool read_files(struct replay *replay, struct err *err) {
    return (replay->model = read_json(replay->folder, "model.json", true, err)) &&
           (replay->suite = read_json(replay->folder, "suite.json", true, err)) &&
           (replay->images = read_json(replay->folder, "images.json", false, err)) &&
           (replay->data = read_json(replay->folder, "data.json", false, err)) &&
           (replay->host = read_json(replay->folder, "host.json", true, err));
}

static bool read_ending(struct replay *replay, struct err *err) {
    autojson cJSON *ending = read_json(replay->folder, "ending.json", true, err);
    return ending && ending_decode(ending, &replay->then, err);
}

bool replay_read(const char *folder, const struct manifest *manifest, struct replay *ret,
                 struct err *err) {
    *ret = (struct replay){.folder = xstrdup(folder),
                           .project = path_join(folder, "project"),
                           .about = cJSON_Duplicate(manifest->about, true)};
    return read_files(ret, err) && read_ending(ret, err) && check_model(ret->model, err) &&
           check_images(ret->images, err) && take_asked(ret, err) &&
           take_volumes(ret, manifest, err) && take_suites(ret, err);
}

void replay_release(struct replay *replay) {
    vec_each (volume, &replay->volumes)
        free((char *)volume->file);
    vec_free(&replay->volumes);
    cJSON_Delete(replay->about);
    cJSON_Delete(replay->model);
    cJSON_Delete(replay->suite);
    cJSON_Delete(replay->images);
    cJSON_Delete(replay->data);
    cJSON_Delete(replay->host);
    ending_release(&replay->then);
    strings_release(&replay->asked);
    strings_release(&replay->suites);
    strings_release(&replay->command);
    free(replay->folder);
    free(replay->project);
    *replay = (struct replay){0};
}

/* ---- The model ---- */

static cJSON *service_named(const struct replay *replay, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(replay->model, "services"), name);
}

void replay_from_failure(struct replay *replay) {
    const cJSON *entry, *user;
    cJSON_ArrayForEach (entry, replay->data) {
        cJSON_ArrayForEach (user, cJSON_GetObjectItemCaseSensitive(entry, "services")) {
            const char *name = cJSON_GetStringValue(user);
            cJSON *service = name ? service_named(replay, name) : NULL;
            if (service)
                cJSON_DeleteItemFromObjectCaseSensitive(service, "x-seed");
        }
    }
}

void replay_limit(struct replay *replay) {
    long long cpus = json_number(replay->host, "cpus", 0);
    long long memory = json_number(replay->host, "memory", 0);
    autofree char *set = cpus > 1 ? xasprintf("0-%lld", cpus - 1) : xstrdup("0");
    autofree char *bytes = xasprintf("%lld", memory);
    cJSON *service;
    cJSON_ArrayForEach (service, cJSON_GetObjectItemCaseSensitive(replay->model, "services")) {
        bool own_memory =
            json_get(service, "mem_limit") || json_get(service, "deploy.resources.limits.memory");
        if (cpus > 0 && cpus < sysconf(_SC_NPROCESSORS_ONLN) && !json_get(service, "cpuset"))
            json_put_text(service, "cpuset", set);
        if (memory > 0 && !own_memory)
            json_put_text(service, "mem_limit", bytes);
    }
}

void replay_environment(const struct replay *replay, const char *const *environment,
                        struct strings *ret) {
    for (; environment && *environment; environment++) {
        autofree char *name = xstrndup(*environment, strcspn(*environment, "="));
        if (strings_has(&replay->asked, name))
            strings_add(ret, *environment);
    }
}

char *replay_write_model(const struct replay *replay, struct err *err) {
    autofree char *path = path_join(replay->folder, "replay.json");
    autofree char *text = cJSON_Print(replay->model);
    return path_write(path, text, strlen(text), false, err) ? steal(path) : NULL;
}
