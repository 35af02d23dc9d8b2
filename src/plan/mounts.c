/*
 * What is mounted or copied into a container: volumes, tmpfs, secrets and configs.
 */
#include "plan/internal.h"

#include "base/path.h"

#include <string.h>

/* ---- Volumes (Compose Specification, "volumes") ---- */

static cJSON *add_mount(struct draft *draft, const char *type, const char *source,
                        const struct node *volume) {
    cJSON *mount = cJSON_CreateObject();
    json_put_text(mount, "Type", type);
    json_put_text(mount, "Source", source);
    json_put_text(mount, "Target", node_text(volume, "target", ""));
    if (node_bool(volume, "read_only", false))
        json_put_bool(mount, "ReadOnly", true);
    json_put_text(mount, "Consistency", node_text(volume, "consistency", NULL));
    cJSON_AddItemToArray(json_array_at(draft->host, "Mounts"), mount);
    return mount;
}

/* A volume of the image's or the file's that has no name gets one of ours: an anonymous one carries
 * no labels and could not be found again. */
static cJSON *private_volume(struct plan *plan, struct planned_service *service, const char *target,
                             const struct node *own_labels) {
    size_t nth = (size_t)cJSON_GetArraySize(service->image_volumes) + 1;
    const char *name = arena_printf(plan->arena, "%s-%zu", service->container_name, nth);
    cJSON *body = cJSON_CreateObject();
    json_put_text(body, "Name", name);
    cJSON *labels = json_put(body, "Labels", plan_labels(plan));
    labels_add(labels, own_labels);
    json_put_text(labels, LABEL_SERVICE, service->service->name);
    json_put_text(labels, LABEL_KEY, target);
    cJSON_AddItemToArray(service->image_volumes, body);
    return body;
}

/* A create that comes to the engine after its volume was removed (its envrun was killed) makes the
 * volume anew: with our labels that one is found, too. */
static void label_volume(const struct plan *plan, cJSON *mount) {
    json_put(json_object_at(mount, "VolumeOptions"), "Labels", plan_labels(plan));
}

static bool put_named_volume(struct draft *draft, const struct node *volume) {
    const char *key = node_text(volume, "source", NULL);
    const struct planned_volume *named = key ? plan_volume(draft->plan, key) : NULL;
    const struct node *options = node_get(volume, "volume");
    const char *target = node_text(volume, "target", "");

    if (key && !named)
        return err_at(draft->err, volume->at, "volume `%s` is not defined under `volumes`", key);
    const cJSON *body =
        named ? named->body
              : private_volume(draft->plan, draft->service, target, node_get(options, "labels"));
    const char *name = named ? named->name : json_text(body, "Name");
    cJSON *mount = add_mount(draft, "volume", name, volume);
    if (body)
        label_volume(draft->plan, mount);
    if (node_bool(options, "nocopy", false))
        json_put_bool(json_object_at(mount, "VolumeOptions"), "NoCopy", true);
    const char *subpath = node_text(options, "subpath", NULL);
    if (subpath && !needs_api(draft->plan, options->at, "`subpath`", 45, draft->err))
        return false;
    if (subpath)
        json_put_text(json_object_at(mount, "VolumeOptions"), "Subpath", subpath);
    return true;
}

/* What is mounted below the source: with it ("enabled", the engine's own way), or not. */
static bool put_recursive(struct draft *draft, const struct node *recursive, cJSON *mount) {
    const char *how = scalar_text(recursive);
    bool of_44 = !strcmp(how, "writable") || !strcmp(how, "readonly");
    if (of_44 && !needs_api(draft->plan, recursive->key_at, "`bind.recursive` of a read-only mount",
                            44, draft->err))
        return false;
    cJSON *options = json_object_at(mount, "BindOptions");
    if (!strcmp(how, "disabled"))
        json_put_bool(options, "NonRecursive", true);
    else if (of_44)
        json_put_bool(options, *how == 'w' ? "ReadOnlyNonRecursive" : "ReadOnlyForceRecursive",
                      true);
    return true;
}

static bool put_bind_mount(struct draft *draft, const struct node *volume) {
    const struct node *options = node_get(volume, "bind");
    const struct node *recursive = node_get(options, "recursive");
    const char *propagation = node_text(options, "propagation", NULL);
    cJSON *mount = add_mount(draft, "bind", node_text(volume, "source", ""), volume);
    if (propagation)
        json_put_text(json_object_at(mount, "BindOptions"), "Propagation", propagation);
    if (node_bool(options, "create_host_path", false) && draft->plan->api_minor >= 42)
        json_put_bool(json_object_at(mount, "BindOptions"), "CreateMountpoint", true);
    return !recursive || put_recursive(draft, recursive, mount);
}

/* A bind mount goes as Binds where only those can say it: the source may be made (the short form's
 * way; Mounts refuse one that is missing), or gets an SELinux label. */
static bool put_bind(struct draft *draft, const struct node *volume) {
    const struct node *options = node_get(volume, "bind");
    const char *source = node_text(volume, "source", "");
    const char *propagation = node_text(options, "propagation", NULL);
    bool only_there =
        node_bool(options, "create_host_path", false) || node_text(options, "selinux", NULL);

    if (!only_there || node_get(options, "recursive"))
        return put_bind_mount(draft, volume);
    struct buffer bind = BUFFER_INIT;
    buffer_printf(&bind, "%s:%s:%s", source, node_text(volume, "target", ""),
                  node_bool(volume, "read_only", false) ? "ro" : "rw");
    const char *selinux = node_text(options, "selinux", NULL);
    if (selinux)
        buffer_printf(&bind, ",%s", selinux);
    if (propagation)
        buffer_printf(&bind, ",%s", propagation);
    json_append_text(json_array_at(draft->host, "Binds"), bind.data);
    buffer_release(&bind);
    return true;
}

static bool put_tmpfs_mount(struct draft *draft, const struct node *volume) {
    const struct node *options = node_get(volume, "tmpfs");
    const char *size = node_text(options, "size", NULL);
    long long bytes = node_integer(options, "mode", -1);
    cJSON *mount = add_mount(draft, "tmpfs", NULL, volume);

    if (bytes >= 0)
        json_put_number(json_object_at(mount, "TmpfsOptions"), "Mode", bytes);
    if (size && bytes_parse(size, &bytes))
        json_put_number(json_object_at(mount, "TmpfsOptions"), "SizeBytes", bytes);
    return true;
}

static bool put_image(struct draft *draft, const struct node *volume) {
    const char *source = node_text(volume, "source", "");
    const char *subpath = node_text(node_get(volume, "image"), "subpath", NULL);
    if (!needs_api(draft->plan, volume->at, "a volume of type `image`", 48, draft->err))
        return false;
    cJSON *mount = add_mount(draft, "image", source, volume);
    if (subpath)
        json_put_text(json_object_at(mount, "ImageOptions"), "Subpath", subpath);
    draft_image(draft, source, volume->at);
    return true;
}

static bool put_volume(struct draft *draft, const struct node *volume) {
    const char *type = node_text(volume, "type", "");
    if (!strcmp(type, "volume"))
        return put_named_volume(draft, volume);
    if (!strcmp(type, "bind"))
        return put_bind(draft, volume);
    if (!strcmp(type, "tmpfs"))
        return put_tmpfs_mount(draft, volume);
    if (!strcmp(type, "npipe")) {
        add_mount(draft, "npipe", node_text(volume, "source", ""), volume);
        return true;
    }
    if (!strcmp(type, "image"))
        return put_image(draft, volume);
    return err_at(
        draft->err, volume->at,
        "a volume of type `%s` is a swarm's; it may be volume, bind, tmpfs, image or npipe", type);
}

bool draft_volumes(struct draft *draft, const struct node *volumes) {
    node_each (volume, volumes)
        if (!put_volume(draft, volume))
            return false;
    return true;
}

bool draft_tmpfs(struct draft *draft, const struct node *tmpfs) {
    cJSON *map = json_object_at(draft->host, "Tmpfs");
    node_each (item, tmpfs) {
        const char *text = scalar_text(item);
        const char *colon = strchr(text, ':');
        autofree char *path = colon ? xstrndup(text, (size_t)(colon - text)) : xstrdup(text);
        json_put_text(map, path, colon ? colon + 1 : "");
    }
    return true;
}

bool mounts_has_target(const cJSON *host, const char *target) {
    const cJSON *item;
    cJSON_ArrayForEach (item, cJSON_GetObjectItem(host, "Mounts")) {
        if (!strcmp(json_text_or(item, "Target", ""), target))
            return true;
    }
    cJSON_ArrayForEach (item, cJSON_GetObjectItem(host, "Binds")) {
        const char *behind_source = strchr(item->valuestring, ':');
        size_t length = strlen(target);
        if (behind_source && !strncmp(behind_source + 1, target, length) &&
            (behind_source[1 + length] == ':' || !behind_source[1 + length]))
            return true;
    }
    return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItem(host, "Tmpfs"), target) != NULL;
}

void plan_image_volume(struct plan *plan, struct planned_service *service, const char *target) {
    cJSON *host = cJSON_GetObjectItem(service->body, "HostConfig");
    if (mounts_has_target(host, target))
        return;
    cJSON *mount = cJSON_CreateObject();
    json_put_text(mount, "Type", "volume");
    const cJSON *body = private_volume(plan, service, target, NULL);
    json_put_text(mount, "Source", json_text(body, "Name"));
    json_put_text(mount, "Target", target);
    label_volume(plan, mount);
    cJSON_AddItemToArray(json_array_at(host, "Mounts"), mount);
}

/* ---- Secrets and configs (Compose Specification, "secrets" and "configs") ----
 * They are copied in before the start, not bound: so an engine that cannot see this host's files,
 * and one that is somewhere else, get them too, and uid, gid and mode hold. */

static int octal_mode(const struct node *grant) {
    const struct node *mode = node_get(grant, "mode");
    if (!mode)
        return 0444;
    return mode->kind == NODE_INT ? (int)mode->integer : (int)strtol(scalar_text(mode), NULL, 8);
}

static const char *target_of(struct draft *draft, const struct node *grant, bool secret) {
    const char *source = node_text(grant, "source", "");
    const char *target = node_text(grant, "target", NULL);
    if (target && *target == '/')
        return target;
    if (secret)
        return arena_printf(draft->plan->arena, "/run/secrets/%s", target ? target : source);
    return arena_printf(draft->plan->arena, "/%s", target ? target : source);
}

static bool plan_file(struct draft *draft, const struct node *grant, bool secret,
                      struct planned_file *ret) {
    const char *section = secret ? "secrets" : "configs";
    const char *source = node_text(grant, "source", "");
    const struct node *definition = node_get(node_get(draft->plan->model->root, section), source);
    const char *file = node_text(definition, "file", NULL);
    const char *content = node_text(definition, "content", node_text(definition, "#content", NULL));

    if (!definition)
        return err_at(draft->err, grant->at, "`%s` is not defined under `%s`", source, section);
    if (!check_keys(section, source, definition, draft->err))
        return false;
    if (!file && !content)
        return err_at(
            draft->err, definition->at,
            "%s.%s has neither `file`, `content` nor an `environment` variable that is set",
            section, source);
    *ret = (struct planned_file){
        .source = file,
        .content = file ? NULL : content,
        .target = target_of(draft, grant, secret),
        .uid = atoi(node_text(grant, "uid", "0")),
        .gid = atoi(node_text(grant, "gid", "0")),
        .mode = octal_mode(grant),
        .at = grant->at,
    };
    return true;
}

/* The engine copies nothing into a container whose root is read-only: there the file is bound, as
 * Compose does. */
static bool bind_file(struct draft *draft, const struct planned_file *file) {
    if (!file->source)
        return err_at(draft->err, file->at,
                      "service `%s` is `read_only`, and the engine copies nothing into such a "
                      "container: only a secret or config with `file` can be given to it",
                      draft->service->name);
    cJSON *mount = cJSON_CreateObject();
    json_put_text(mount, "Type", "bind");
    json_put_text(mount, "Source", file->source);
    json_put_text(mount, "Target", file->target);
    json_put_bool(mount, "ReadOnly", true);
    cJSON_AddItemToArray(json_array_at(draft->host, "Mounts"), mount);
    return true;
}

bool draft_files(struct draft *draft, const struct node *grants) {
    struct planned_service *service = draft->service;
    bool secret = !strcmp(grants->key, "secrets");
    size_t most = service->file_count + grants->length;
    struct planned_file *files = arena_alloc(draft->plan->arena, most * sizeof *files);

    if (service->file_count)
        memcpy(files, service->files, service->file_count * sizeof *files);
    service->files = files;
    bool read_only = node_bool(draft->node, "read_only", false);
    node_each (grant, grants) {
        struct planned_file *file = &files[service->file_count];
        if (!plan_file(draft, grant, secret, file) || (read_only && !bind_file(draft, file)))
            return false;
        service->file_count += !read_only;
    }
    return true;
}
