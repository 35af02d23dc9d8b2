#include "replay/contents.h"

#include "base/json.h"
#include "base/path.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LEVELS_MAX = 100, LEFT_OUT_MAX = 1000 };

struct walk {
    struct contents *contents;
    bool (*skips)(void *context, const char *path);
    void *context;
    int levels;
};

void contents_init(struct contents *contents, unsigned long long most) {
    *contents = (struct contents){.most = most, .left_out = cJSON_CreateArray()};
}

static void content_release(struct content *item) {
    free(item->file.name);
    free(item->file.target);
    free(item->path);
    free(item->text);
}

void contents_release(struct contents *contents) {
    vec_each (item, &contents->items)
        content_release(item);
    vec_free(&contents->items);
    cJSON_Delete(contents->left_out);
    *contents = (struct contents){0};
}

bool contents_has(const struct contents *contents, const char *name) {
    vec_each (item, &contents->items)
        if (!strcmp(item->file.name, name))
            return true;
    return false;
}

void contents_leave_out(struct contents *contents, const char *name, const char *why) {
    if (cJSON_GetArraySize(contents->left_out) >= LEFT_OUT_MAX)
        return;
    cJSON *entry = cJSON_CreateObject();
    json_put_text(entry, "name", name);
    json_put_text(entry, "why", why);
    cJSON_AddItemToArray(contents->left_out, entry);
}

void contents_taken_out(struct contents *contents, const char *name, long long count) {
    vec_each (item, &contents->items)
        if (!strcmp(item->file.name, name))
            item->taken_out += count;
}

cJSON *contents_redacted(const struct contents *contents) {
    cJSON *list = cJSON_CreateArray();
    vec_each (item, &contents->items) {
        if (!item->taken_out)
            continue;
        cJSON *entry = cJSON_CreateObject();
        json_put_text(entry, "name", item->file.name);
        json_put_number(entry, "times", item->taken_out);
        cJSON_AddItemToArray(list, entry);
    }
    return list;
}

/* ---- Adding one ---- */

static bool leave_out(struct contents *contents, const char *name, const char *why) {
    contents_leave_out(contents, name, why);
    return false;
}

/* Is there room for it, under a name that a reader takes? */
static bool has_room(struct contents *contents, const char *name, unsigned long long size) {
    if (strlen(name) > MANIFEST_NAME_MAX || !text_is_utf8(name, strlen(name)) ||
        strpbrk(name, "\n\r\t\x1b\x7f"))
        return leave_out(contents, name, "its name is too long, or no plain text");
    if (contents->items.length >= MANIFEST_FILES_MAX)
        return leave_out(contents, name, "the bundle has as many files as it may have");
    if (size > contents->most - contents->size)
        return leave_out(contents, name, "the bundle would be larger than it may be");
    return true;
}

static bool add(struct contents *contents, struct content item) {
    contents->size += item.file.size;
    vec_push(&contents->items, item);
    return true;
}

void contents_add_text(struct contents *contents, const char *name, char *text) {
    size_t size = strlen(text);
    if (has_room(contents, name, size))
        add(contents,
            (struct content){.file = {.name = xstrdup(name), .size = size}, .text = text});
    else
        free(text);
}

static bool add_file(struct contents *contents, const char *name, const char *path,
                     const struct stat *info) {
    unsigned long long size = (unsigned long long)info->st_size;
    if (access(path, R_OK))
        return leave_out(contents, name, "it cannot be read");
    if (!has_room(contents, name, size))
        return false;
    struct manifest_file file = {
        .name = xstrdup(name), .size = size, .executable = info->st_mode & S_IXUSR};
    return add(contents, (struct content){.file = file, .path = xstrdup(path)});
}

static bool add_link(struct contents *contents, const char *name, const char *path) {
    char target[PATH_MAX];
    ssize_t length = readlink(path, target, sizeof target - 1);
    target[length > 0 ? length : 0] = '\0';
    if (!manifest_link_is_safe(name, target))
        return leave_out(contents, name, "it is a link that leads elsewhere");
    if (!has_room(contents, name, 0))
        return false;
    struct manifest_file file = {
        .name = xstrdup(name), .kind = MANIFEST_LINK, .target = xstrdup(target)};
    return add(contents, (struct content){.file = file});
}

static bool add_directory(struct contents *contents, const char *name) {
    autofree char *slashed = xasprintf("%s/", name);
    if (!has_room(contents, slashed, 0))
        return false;
    struct manifest_file file = {.name = steal(slashed), .kind = MANIFEST_DIRECTORY};
    return add(contents, (struct content){.file = file});
}

/* ---- Folders ---- */

static bool walk_path(struct walk *walk, const char *name, const char *path);

static bool walk_folder(struct walk *walk, const char *name, const char *path) {
    autostrings struct strings names = {0};
    if (walk->levels == LEVELS_MAX || !path_entries(path, &names))
        return leave_out(walk->contents, name, "it cannot be read, or lies too deep");
    if (!names.length)
        return add_directory(walk->contents, name);
    walk->levels++;
    vec_each (entry, &names) {
        autofree char *below = xasprintf("%s/%s", name, *entry);
        autofree char *there = xasprintf("%s/%s", path, *entry);
        walk_path(walk, below, there);
    }
    walk->levels--;
    return true;
}

static bool walk_path(struct walk *walk, const char *name, const char *path) {
    struct stat info;
    if (walk->skips && walk->skips(walk->context, path))
        return false;
    if (lstat(path, &info))
        return leave_out(walk->contents, name, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return walk_folder(walk, name, path);
    if (S_ISLNK(info.st_mode))
        return add_link(walk->contents, name, path);
    if (S_ISREG(info.st_mode))
        return add_file(walk->contents, name, path, &info);
    return leave_out(walk->contents, name, "it is neither a file nor a folder");
}

bool contents_add_path(struct contents *contents, const char *name, const char *path) {
    struct walk walk = {.contents = contents};
    return walk_path(&walk, name, path);
}

void contents_add_folder(struct contents *contents, const char *name, const char *path,
                         bool (*skips)(void *context, const char *path), void *context) {
    struct walk walk = {.contents = contents, .skips = skips, .context = context};
    walk_folder(&walk, name, path);
}

/* ---- Their order ---- */

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct content *)a)->file.name, ((const struct content *)b)->file.name);
}

void contents_sort(struct contents *contents) {
    struct content *items = contents->items.at;
    size_t kept = 0;
    if (!contents->items.length)
        return;
    qsort(items, contents->items.length, sizeof *items, by_name);
    for (size_t i = 0; i < contents->items.length; i++)
        if (kept && !by_name(&items[kept - 1], &items[i]))
            content_release(&items[i]);
        else
            items[kept++] = items[i];
    contents->items.length = kept;
}
