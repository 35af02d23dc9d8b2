#include "replay/manifest.h"

#include "base/json.h"
#include "base/text.h"

#include <string.h>

enum { COMPONENT_MAX = 255, SHOWN_MAX = 60 };

/* ---- Names ---- */

static bool is_component(const char *text, size_t length) {
    bool dots = (length == 1 || length == 2) && !strncmp(text, "..", length);
    return length && length <= COMPONENT_MAX && !dots;
}

static bool is_plain_text(const char *text) {
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return false;
    return true;
}

/* Relative, each component a name of its own; a directory's ends in '/'. */
static bool is_name(const char *name) {
    size_t length = strlen(name);
    if (!length || length > MANIFEST_NAME_MAX || !is_plain_text(name))
        return false;
    for (const char *at = name; *at;) {
        size_t part = strcspn(at, "/");
        if (!is_component(at, part))
            return false;
        at += part;
        at += *at == '/';
    }
    return true;
}

/* A link climbs first and never again: so, whatever other links are on its way, it cannot get above
 * the topmost folder, which it stays in. */
bool manifest_link_is_safe(const char *name, const char *target) {
    size_t depth = 0, length = strlen(target);
    if (!length || length > MANIFEST_NAME_MAX || *target == '/' || !is_plain_text(target))
        return false;
    for (const char *c = name; *c; c++)
        depth += *c == '/';
    for (; text_starts(target, "../") || !strcmp(target, ".."); depth--) {
        if (depth <= 1)
            return false;
        target += target[2] ? 3 : 2;
    }
    return depth && (!*target || (is_name(target) && !text_ends(target, "/")));
}

/* ---- One file ---- */

static bool is_sha256(const char *text) {
    return text && strlen(text) == HASH_TEXT_SIZE - 1 &&
           strspn(text, "0123456789abcdef") == HASH_TEXT_SIZE - 1;
}

static bool refuse(struct err *err, const char *name, const char *why) {
    size_t length = strnlen(name, SHOWN_MAX);
    return err_set(err, ERR_FILE, "its manifest lists `%.*s`%s, %s",
                   (int)(length - (length == SHOWN_MAX ? text_utf8_tail(name, length) : 0)), name,
                   name[length] ? "..." : "", why);
}

static bool take_link(struct manifest_file *file, const char *target, struct err *err) {
    file->kind = MANIFEST_LINK;
    file->target = xstrdup(target);
    return manifest_link_is_safe(file->name, target) ||
           refuse(err, file->name, "a link that leads out of its folder");
}

static bool take_contents(struct manifest_file *file, const cJSON *item, struct err *err) {
    const char *sha256 = json_text(item, "sha256");
    const cJSON *size = cJSON_GetObjectItemCaseSensitive(item, "size");
    double bytes = cJSON_IsNumber(size) ? size->valuedouble : -1;
    if (!(bytes >= 0 && bytes <= (double)BUNDLE_SIZE_MAX) ||
        bytes != (double)(unsigned long long)bytes)
        return refuse(err, file->name, "whose size is none");
    if (!is_sha256(sha256))
        return refuse(err, file->name, "whose SHA-256 is none");
    file->size = (unsigned long long)bytes;
    file->executable = json_true(item, "executable");
    memcpy(file->sha256, sha256, HASH_TEXT_SIZE);
    return true;
}

static bool take_file(struct manifest_file *file, const cJSON *item, struct err *err) {
    const char *name = json_text(item, "name"), *target = json_text(item, "link");
    if (!name)
        return err_set(err, ERR_FILE, "its manifest lists a file without a name");
    file->name = xstrdup(name);
    if (!is_name(name) || !strcmp(name, MANIFEST_NAME) || !text_is_utf8(name, strlen(name)))
        return refuse(err, name, "which is no name for a file of a bundle");
    if (target)
        return !text_ends(name, "/") ? take_link(file, target, err)
                                     : refuse(err, name, "which is no name for a link");
    if (!text_ends(name, "/"))
        return take_contents(file, item, err);
    file->kind = MANIFEST_DIRECTORY;
    return true;
}

/* ---- All of them ---- */

static int compare(const struct manifest *manifest, size_t at, const char *name) {
    return strcmp(manifest->files.at[at].name, name);
}

const struct manifest_file *manifest_find(const struct manifest *manifest, const char *name) {
    size_t low = 0, high = manifest->files.length;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(manifest, middle, name);
        if (!order)
            return &manifest->files.at[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Nothing may lie below what is a file or a link. */
static bool has_clear_way(const struct manifest *manifest, const char *name) {
    autofree char *above = xstrdup(name);
    for (char *slash = above; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        if (slash[1] || text_ends(name, "/")) {
            const struct manifest_file *file = manifest_find(manifest, above);
            if (file && file->name != name)
                return false;
        }
        *slash = '/';
    }
    return true;
}

static bool fit_together(const struct manifest *manifest, struct err *err) {
    for (size_t i = 0; i < manifest->files.length; i++) {
        const char *name = manifest->files.at[i].name;
        if (i && compare(manifest, i - 1, name) >= 0)
            return refuse(err, name, "twice or out of order");
        if (!has_clear_way(manifest, name))
            return refuse(err, name, "and something above it that is no folder");
    }
    if (manifest_size(manifest) <= BUNDLE_SIZE_MAX)
        return true;
    autofree char *size = text_bytes(manifest_size(manifest));
    autofree char *most = text_bytes(BUNDLE_SIZE_MAX);
    return err_set(err, ERR_FILE, "it has %s; at most %s are read", size, most);
}

unsigned long long manifest_size(const struct manifest *manifest) {
    unsigned long long sum = 0;
    vec_each (file, &manifest->files)
        sum += file->size;
    return sum;
}

static bool decode_files(struct manifest *manifest, const cJSON *files, struct err *err) {
    const cJSON *item;
    if (!cJSON_IsArray(files))
        return err_set(err, ERR_FILE, "its manifest lists no files");
    if (cJSON_GetArraySize(files) > MANIFEST_FILES_MAX)
        return err_set(err, ERR_FILE, "its manifest lists %d files; at most %d are read",
                       cJSON_GetArraySize(files), MANIFEST_FILES_MAX);
    cJSON_ArrayForEach (item, files) {
        vec_push(&manifest->files, (struct manifest_file){0});
        if (!take_file(&manifest->files.at[manifest->files.length - 1], item, err))
            return false;
    }
    return fit_together(manifest, err);
}

static bool check_format(const cJSON *about, struct err *err) {
    const cJSON *format = cJSON_GetObjectItemCaseSensitive(about, "format");
    if (!cJSON_IsNumber(format))
        return err_set(err, ERR_FILE, "its manifest does not say which format it has");
    return format->valuedouble == BUNDLE_FORMAT ||
           err_set(err, ERR_FILE, "it has format %g, and this envrun reads format %d",
                   format->valuedouble, BUNDLE_FORMAT);
}

bool manifest_decode(const char *text, size_t length, struct manifest *ret, struct err *err) {
    struct manifest manifest = {.about = cJSON_ParseWithLength(text, length)};
    bool ok = cJSON_IsObject(manifest.about) ||
              err_set(err, ERR_FILE, "its manifest is not a JSON object");
    autojson cJSON *files =
        ok ? cJSON_DetachItemFromObjectCaseSensitive(manifest.about, "files") : NULL;
    ok = ok && check_format(manifest.about, err) && decode_files(&manifest, files, err);
    if (ok)
        *ret = manifest;
    else
        manifest_release(&manifest);
    return ok;
}

/* ---- Writing ---- */

static cJSON *encode_file(const struct manifest_file *file) {
    cJSON *item = cJSON_CreateObject();
    json_put_text(item, "name", file->name);
    json_put_text(item, "link", file->target);
    if (file->kind != MANIFEST_FILE)
        return item;
    json_put_number(item, "size", (long long)file->size);
    json_put_text(item, "sha256", file->sha256);
    if (file->executable)
        json_put_bool(item, "executable", true);
    return item;
}

char *manifest_encode(const struct manifest *manifest) {
    autojson cJSON *all = cJSON_CreateObject();
    const cJSON *item;
    json_put_number(all, "format", BUNDLE_FORMAT);
    cJSON_ArrayForEach (item, manifest->about) {
        if (strcmp(item->string, "format"))
            json_put(all, item->string, cJSON_Duplicate(item, true));
    }
    cJSON *files = json_array_at(all, "files");
    vec_each (file, &manifest->files)
        cJSON_AddItemToArray(files, encode_file(file));
    return cJSON_Print(all);
}

void manifest_release(struct manifest *manifest) {
    vec_each (file, &manifest->files) {
        free(file->name);
        free(file->target);
    }
    vec_free(&manifest->files);
    cJSON_Delete(manifest->about);
    *manifest = (struct manifest){0};
}
