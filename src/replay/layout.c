#include "replay/layout.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/path.h"
#include "base/text.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 64 << 10, SLICE = 64 << 10, JSON_MAX = 4 << 20, FILES_MAX = 10000 };

#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define INDEX_TYPE "application/vnd.oci.image.index.v1+json"
#define CONFIG_TYPE "application/vnd.oci.image.config.v1+json"
#define LAYER_TYPE "application/vnd.oci.image.layer.v1.tar"

/* A file of the archive: by its name there, and as a blob. */
struct part {
    char *name, *target; /* target: it is a link to that one */
    char digest[HASH_TEXT_SIZE];
    unsigned long long size;
    bool was_there, is_used;
};

struct add {
    struct task task;
    char *folder, *partial;
    struct archive *archive;
    vec(struct part) parts;
    int out; /* the blob that is being written; -1: none */
    struct hash hash;
    cJSON *image;
};

/* ---- Blobs ---- */

static char *blob_path(const char *folder, const char *digest) {
    return xasprintf("%s/blobs/sha256/%s", folder, digest);
}

static bool cannot(struct add *add, const char *what) {
    return err_set(&add->task.err, ERR_FILE, "cannot write %s: %s", what, strerror(errno));
}

/* The archive's entries become blobs by what they hold. */
static bool begin_blob(struct add *add, const char *name) {
    if (add->parts.length == FILES_MAX)
        return err_set(&add->task.err, ERR_FILE, "the image has more than %d files", FILES_MAX);
    vec_push(&add->parts, (struct part){.name = xstrdup(name)});
    add->out = open(add->partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    hash_begin(&add->hash);
    return add->out >= 0 || cannot(add, add->partial);
}

static bool end_blob(struct add *add) {
    struct part *part = &add->parts.at[add->parts.length - 1];
    int failed = close(add->out);
    add->out = -1;
    hash_end(&add->hash, part->digest);
    autofree char *path = blob_path(add->folder, part->digest);
    part->was_there = path_exists(path);
    if (failed || rename(add->partial, path))
        return cannot(add, path);
    return true;
}

static bool write_blob(struct add *add, const char *data, size_t length) {
    hash_add(&add->hash, data, length);
    add->parts.at[add->parts.length - 1].size += length;
    while (length) {
        ssize_t put = write(add->out, data, length);
        if (put < 0 && errno != EINTR)
            return cannot(add, add->partial);
        data += put > 0 ? put : 0;
        length -= put > 0 ? (size_t)put : 0;
    }
    return true;
}

static bool add_blob(struct add *add, const char *name, const char *text) {
    return begin_blob(add, name) && write_blob(add, text, strlen(text)) && end_blob(add);
}

/* ---- Reading the archive ---- */

static bool damaged(struct add *add) {
    return err_set(&add->task.err, ERR_ENGINE, "the engine's archive cannot be read: %s",
                   archive_error_string(add->archive));
}

static bool open_archive(struct add *add, int fd) {
    autofree char *blobs = blob_path(add->folder, "");
    add->archive = archive_read_new();
    if (!add->archive)
        abort();
    archive_read_support_format_tar(add->archive);
    lseek(fd, 0, SEEK_SET);
    return path_make_directories(blobs, &add->task.err) &&
           (archive_read_open_fd(add->archive, fd, BLOCK) == ARCHIVE_OK || damaged(add));
}

/* A layer that an earlier image has may be a link to it, as seen from its own folder. */
static void add_link(struct add *add, const char *name, const char *target) {
    autofree char *folder = path_directory(name);
    autofree char *rooted = path_join("/", folder);
    autofree char *joined = path_join(rooted, target);
    vec_push(&add->parts, (struct part){.name = xstrdup(name), .target = xstrdup(joined + 1)});
}

static bool take_entry(struct add *add, struct archive_entry *entry) {
    const char *name = archive_entry_pathname(entry);
    if (!name || add->parts.length == FILES_MAX)
        return damaged(add);
    if (archive_entry_symlink(entry))
        add_link(add, name, archive_entry_symlink(entry));
    else if (archive_entry_filetype(entry) == AE_IFREG)
        return begin_blob(add, name);
    return true;
}

static const struct part *find(const struct add *add, const char *name) {
    for (int hops = 0; name && hops < 4; hops++) {
        const char *next = NULL;
        vec_each (part, &add->parts)
            if (!strcmp(part->name, name)) {
                if (!part->target)
                    return part;
                next = part->target;
            }
        name = next;
    }
    return NULL;
}

/* ---- The OCI manifest, from what manifest.json says ---- */

static cJSON *read_json(const char *folder, const char *digest, struct err *err) {
    struct buffer text = BUFFER_INIT_MAX(JSON_MAX);
    autofree char *path = blob_path(folder, digest);
    cJSON *value = NULL;
    if (path_read(path, &text, err)) {
        value = cJSON_Parse(text.data);
        if (!value)
            err_set(err, ERR_FILE, "%s is not JSON", path);
    }
    buffer_release(&text);
    return value;
}

/* An engine may hand out layers as they were pulled. */
static const char *layer_type(const struct add *add, const struct part *part) {
    unsigned char magic[4] = {0};
    autofree char *path = blob_path(add->folder, part->digest);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, magic, sizeof magic) : -1;
    if (fd >= 0)
        close(fd);
    if (length == 4 && !memcmp(magic, "\x1f\x8b", 2))
        return LAYER_TYPE "+gzip";
    if (length == 4 && !memcmp(magic, "\x28\xb5\x2f\xfd", 4))
        return LAYER_TYPE "+zstd";
    return LAYER_TYPE;
}

static cJSON *descriptor(const char *type, const char *digest, unsigned long long size) {
    cJSON *object = cJSON_CreateObject();
    autofree char *text = xasprintf("sha256:%s", digest);
    json_put_text(object, "mediaType", type);
    json_put_text(object, "digest", text);
    json_put_number(object, "size", (long long)size);
    return object;
}

static const struct part *use(struct add *add, const cJSON *name) {
    struct part *part = (struct part *)find(add, cJSON_GetStringValue(name));
    if (part)
        part->is_used = true;
    else
        err_set(&add->task.err, ERR_ENGINE, "the engine's archive lacks a file of the image");
    return part;
}

static char *oci_manifest(struct add *add, const cJSON *saved, const struct part *config) {
    autojson cJSON *manifest = cJSON_CreateObject();
    const cJSON *name;
    json_put_number(manifest, "schemaVersion", 2);
    json_put_text(manifest, "mediaType", MANIFEST_TYPE);
    json_put(manifest, "config", descriptor(CONFIG_TYPE, config->digest, config->size));
    cJSON *layers = json_array_at(manifest, "layers");
    cJSON_ArrayForEach (name, cJSON_GetObjectItem(saved, "Layers")) {
        const struct part *layer = use(add, name);
        if (!layer)
            return NULL;
        cJSON_AddItemToArray(layers,
                             descriptor(layer_type(add, layer), layer->digest, layer->size));
    }
    return cJSON_PrintUnformatted(manifest);
}

static bool make_image(struct add *add) {
    const struct part *list = find(add, "manifest.json");
    autojson cJSON *saved = list ? read_json(add->folder, list->digest, &add->task.err) : NULL;
    const cJSON *first = cJSON_GetArrayItem(saved, 0);
    const struct part *config = use(add, cJSON_GetObjectItem(first, "Config"));
    if (!config)
        return false;
    autofree char *config_digest = xasprintf("sha256:%s", config->digest);
    autofree char *text = oci_manifest(add, first, config);
    if (!text || !add_blob(add, "", text))
        return false;
    struct part *manifest = &add->parts.at[add->parts.length - 1];
    autofree char *digest = xasprintf("sha256:%s", manifest->digest);
    manifest->is_used = true;
    add->image = cJSON_CreateObject();
    json_put_text(add->image, "config", config_digest);
    json_put_text(add->image, "manifest", digest);
    return true;
}

/* What engines write besides, for readers of the past. The same bytes may also be used. */
static void drop_unused(struct add *add) {
    vec_each (part, &add->parts) {
        bool needed = part->is_used || part->was_there || part->target;
        vec_each (other, &add->parts)
            needed = needed || (other->is_used && !strcmp(other->digest, part->digest));
        autofree char *path = blob_path(add->folder, part->digest);
        if (!needed)
            unlink(path);
    }
}

/* ---- The task ---- */

static enum task_status finish(struct add *add) {
    bool made = make_image(add);
    drop_unused(add);
    return made ? TASK_DONE : TASK_FAILED;
}

static bool next_slice(struct add *add) {
    char slice[SLICE];
    la_ssize_t length = archive_read_data(add->archive, slice, sizeof slice);
    if (length < 0)
        return damaged(add);
    return length ? write_blob(add, slice, (size_t)length) : end_blob(add);
}

static enum task_status add_step(struct task *task) {
    struct add *add = (struct add *)task;
    struct archive_entry *entry;
    if (err_is(&task->err))
        return TASK_FAILED;
    if (add->out >= 0) {
        if (!next_slice(add))
            return TASK_FAILED;
    } else {
        int status = archive_read_next_header(add->archive, &entry);
        if (status == ARCHIVE_EOF)
            return finish(add);
        if (status != ARCHIVE_OK ? !damaged(add) : !take_entry(add, entry))
            return TASK_FAILED;
    }
    task_wake(task);
    return TASK_PENDING;
}

static void add_release(struct task *task) {
    struct add *add = (struct add *)task;
    if (add->out >= 0)
        close(add->out);
    unlink(add->partial);
    archive_read_free(add->archive);
    vec_each (part, &add->parts) {
        free(part->name);
        free(part->target);
    }
    vec_free(&add->parts);
    cJSON_Delete(add->image);
    free(add->folder);
    free(add->partial);
}

struct task *layout_add(struct loop *loop, int fd, const char *folder) {
    static const struct task_type type = {
        .name = "image layout", .step = add_step, .release = add_release};
    struct add *add = task_new(sizeof *add, &type, loop);
    add->folder = xstrdup(folder);
    add->partial = xasprintf("%s/partial", folder);
    add->out = -1;
    open_archive(add, fd);
    return &add->task;
}

cJSON *layout_take_image(struct task *task) {
    return steal(((struct add *)task)->image);
}

void layout_files(const struct task *task, struct strings *ret, struct strings *ret_own) {
    const struct add *add = (const struct add *)task;
    const char *config = json_text_or(add->image, "config", "sha256:") + strlen("sha256:");
    strings_take(ret, blob_path(add->folder, config));
    vec_each (part, &add->parts) {
        autofree char *path = part->is_used ? blob_path(add->folder, part->digest) : NULL;
        if (path && strcmp(part->digest, config))
            strings_add(ret, path);
        if (path && !part->was_there)
            strings_add(ret_own, path);
    }
}

/* ---- The files that name the images ---- */

static const char *digits(const cJSON *digest) {
    const char *text = cJSON_GetStringValue(digest);
    size_t prefix = strlen("sha256:");
    bool ok = text && text_starts(text, "sha256:") && strlen(text) == prefix + HASH_TEXT_SIZE - 1 &&
              strspn(text + prefix, "0123456789abcdef") == HASH_TEXT_SIZE - 1;
    return ok ? text + prefix : NULL;
}

static void put_blob_name(cJSON *array, const char *hex) {
    autofree char *name = xasprintf("blobs/sha256/%s", hex);
    json_append_text(array, name);
}

/* An entry of manifest.json: [{"Config": ..., "RepoTags": [...], "Layers": [...]}] */
static cJSON *archive_entry_of(const char *folder, const cJSON *manifest, const char *name,
                               struct err *err) {
    const char *config = digits(json_get(manifest, "config.digest"));
    autojson cJSON *entry = cJSON_CreateObject();
    const cJSON *layer;
    if (!config) {
        err_set(err, ERR_FILE, "an image's manifest names no config");
        return NULL;
    }
    autofree char *path = xasprintf("blobs/sha256/%s", config);
    json_put_text(entry, "Config", path);
    json_append_text(json_array_at(entry, "RepoTags"), name);
    cJSON *layers = json_array_at(entry, "Layers");
    cJSON_ArrayForEach (layer, cJSON_GetObjectItem(manifest, "layers")) {
        const char *hex = digits(cJSON_GetObjectItem(layer, "digest"));
        autofree char *blob = hex ? blob_path(folder, hex) : NULL;
        if (!blob || !path_exists(blob)) {
            err_set(err, ERR_FILE, "a layer of the image %s is missing", config);
            return NULL;
        }
        put_blob_name(layers, hex);
    }
    return steal(entry);
}

static cJSON *index_entry_of(const char *folder, const char *hex, const char *name) {
    struct stat info = {0};
    autofree char *path = blob_path(folder, hex);
    autofree char *full = xasprintf("docker.io/%s", name);
    const char *tag = strrchr(name, ':');
    stat(path, &info);
    cJSON *entry = descriptor(MANIFEST_TYPE, hex, (unsigned long long)info.st_size);
    cJSON *notes = json_object_at(entry, "annotations");
    json_put_text(notes, "io.containerd.image.name", full);
    json_put_text(notes, "org.opencontainers.image.ref.name", tag ? tag + 1 : "latest");
    return entry;
}

static bool write_json(const char *folder, const char *name, const cJSON *value, struct err *err) {
    autofree char *path = path_join(folder, name);
    autofree char *text = cJSON_PrintUnformatted(value);
    return path_write(path, text, strlen(text), false, err);
}

bool layout_write_index(const char *folder, const cJSON *images, struct err *err) {
    autojson cJSON *index = cJSON_CreateObject(), *list = cJSON_CreateArray();
    autojson cJSON *version = cJSON_CreateObject();
    const cJSON *image;
    json_put_number(index, "schemaVersion", 2);
    json_put_text(index, "mediaType", INDEX_TYPE);
    json_put_text(version, "imageLayoutVersion", "1.0.0");
    cJSON *manifests = json_array_at(index, "manifests");
    cJSON_ArrayForEach (image, images) {
        const char *hex = digits(cJSON_GetObjectItem(image, "manifest"));
        const char *name = json_text(image, "name");
        if (!hex || !name)
            return err_set(err, ERR_FILE, "an image is listed without its name or its manifest");
        autojson cJSON *manifest = read_json(folder, hex, err);
        cJSON *entry = manifest ? archive_entry_of(folder, manifest, name, err) : NULL;
        if (!entry)
            return false;
        cJSON_AddItemToArray(list, entry);
        cJSON_AddItemToArray(manifests, index_entry_of(folder, hex, name));
    }
    return write_json(folder, "index.json", index, err) &&
           write_json(folder, "manifest.json", list, err) &&
           write_json(folder, "oci-layout", version, err);
}
