#include "replay/replay.h"

#include "base/json.h"
#include "base/path.h"
#include "base/text.h"

#include <string.h>
#include <unistd.h>

enum { JSON_MAX = 8 << 20, VALUES_MAX = 10000 };

/* ---- Reading ---- */

static cJSON *read_json(const char *folder, const char *name, bool is_object, struct err *err) {
    struct buffer text = BUFFER_INIT_MAX(JSON_MAX);
    autofree char *path = path_join(folder, name);
    cJSON *value =
        path_read(path, &text, err) ? cJSON_ParseWithLength(text.data, text.length) : NULL;
    buffer_release(&text);
    if (value && (is_object ? cJSON_IsObject(value) : cJSON_IsArray(value)))
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
    if (!read_files(ret, err) || !read_ending(ret, err) || !check_model(ret->model, err) ||
        !take_asked(ret, err) || !take_volumes(ret, manifest, err) ||
        !path_make_directories(ret->project, err))
        return false;
    take_texts(cJSON_GetObjectItem(ret->suite, "suites"), &ret->suites);
    take_texts(cJSON_GetObjectItem(ret->suite, "command"), &ret->command);
    return true;
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

/* ---- What it will do ---- */

struct describing {
    const struct replay *replay;
    struct strings paths; /* of this host */
};

static char *note_path(void *context, const char *path) {
    struct describing *describing = context;
    const char *folder = describing->replay->folder;
    size_t length = strlen(folder);
    bool inside = text_starts(path, folder) && (!path[length] || path[length] == '/');
    if (!inside && !strings_has(&describing->paths, path))
        strings_add(&describing->paths, path);
    return NULL;
}

static char *keep_text(void *context, const char *text, bool raw) {
    (void)context, (void)text, (void)raw;
    return NULL;
}

static void describe_suites(const struct replay *replay, const struct model *model,
                            struct strings *ret) {
    struct command instead = {.argv =
                                  (const char **)strings_argv((struct strings *)&replay->command)};
    autofree char *own = replay->command.length ? command_text(&instead) : NULL;
    vec_each (name, &replay->suites) {
        const struct suite *suite = model_suite(model, *name);
        autofree char *text = suite && suite->command.argv ? command_text(&suite->command) : NULL;
        const char *shown = own ? own : text ? text : "the command of its service";
        if (suite && suite->service)
            strings_printf(ret, "in service `%s`: %s", suite->service, shown);
        else
            strings_printf(ret, "on this host, in %s: %s",
                           suite && suite->working_dir ? suite->working_dir : replay->project,
                           shown);
    }
}

static void describe_seeds(const struct model *model, struct strings *ret) {
    for (size_t i = 0; i < model->service_count; i++)
        for (size_t k = 0; k < model->services[i].seed_count; k++) {
            const struct seed *seed = &model->services[i].seeds[k];
            autofree char *text = seed->kind == SEED_RUN ? command_text(&seed->command) : NULL;
            if (text)
                strings_printf(ret, "on this host, as a seed of service `%s`: %s",
                               model->services[i].name, text);
        }
}

/* What gives a container more of this host than a container has. */
static void describe_powers(const struct service *service, struct strings *ret) {
    static const char *const keys[] = {"cap_add",
                                       "devices",
                                       "gpus",
                                       "ipc",
                                       "network_mode",
                                       "pid",
                                       "runtime",
                                       "security_opt",
                                       "sysctls",
                                       "userns_mode",
                                       "uts",
                                       "cgroup_parent",
                                       "device_cgroup_rules",
                                       "post_start",
                                       "pre_start"};
    if (node_bool(service->node, "privileged", false))
        strings_printf(ret, "service `%s` has all rights of this host's root (privileged)",
                       service->name);
    for (size_t i = 0; i < lengthof(keys); i++)
        if (node_get(service->node, keys[i]))
            strings_printf(ret, "service `%s` has `%s`", service->name, keys[i]);
    if (node_get(service->node, "build"))
        strings_printf(ret, "service `%s` is built", service->name);
}

static bool has_image(const struct replay *replay, const char *service) {
    const cJSON *image;
    cJSON_ArrayForEach (image, replay->images) {
        if (text_equal(json_text(image, "service"), service))
            return true;
    }
    return false;
}

static void describe_image(const struct replay *replay, const struct service *service,
                           struct strings *ret) {
    const char *image = node_text(service->node, "image", NULL);
    if (image && !has_image(replay, service->name))
        strings_printf(ret,
                       "service `%s`: its image is not in the bundle; what is called `%s` here "
                       "is used",
                       service->name, image);
}

void replay_describe(const struct replay *replay, const struct model *model, struct strings *ret) {
    struct describing describing = {.replay = replay};
    free(
        model_to_record_elsewhere(model, &(struct model_texts){note_path, keep_text, &describing}));
    describe_suites(replay, model, ret);
    describe_seeds(model, ret);
    for (size_t i = 0; i < model->service_count; i++) {
        describe_powers(&model->services[i], ret);
        describe_image(replay, &model->services[i], ret);
    }
    vec_each (path, &describing.paths)
        strings_printf(ret, "a path of this host is used: %s", *path);
    strings_release(&describing.paths);
}
