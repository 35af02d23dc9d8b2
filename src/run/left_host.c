/*
 * What a suite on this host leaves, where it lies.
 */
#include "run/left.h"

#include "base/path.h"
#include "base/text.h"

#include <dirent.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>

enum { DEEPEST = 32 /* folders below one that is named */ };

/* Call it for every path that matches one of the patterns. */
static void each_match(struct left *left, const char *const *patterns,
                       void (*look)(struct left *left, const char *path)) {
    for (; patterns && *patterns; patterns++) {
        glob_t paths = {0};
        if (!glob(*patterns, 0, NULL, &paths))
            for (size_t i = 0; i < paths.gl_pathc; i++) {
                autofree char *path = path_join("/", paths.gl_pathv[i]);
                look(left, path);
            }
        globfree(&paths);
    }
}

/* ---- Results ---- */

static void look_at_result(struct left *left, const char *path) {
    struct stat info;
    if (stat(path, &info) || !S_ISREG(info.st_mode))
        return;
    if (info.st_mtime >= left->began)
        left_add_result(left, path, path, left->environment->model->directory);
    else
        left_add_stale(left, path);
}

/* ---- Artifacts ---- */

static void look_into(struct left *left, const char *path, int depth);

static void look_at_entries(struct left *left, const char *path, int depth) {
    DIR *entries = opendir(path);
    const struct dirent *entry;
    while (entries && (entry = readdir(entries))) {
        autofree char *below = xasprintf("%s/%s", path, entry->d_name);
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            look_into(left, below, depth + 1);
    }
    if (entries)
        closedir(entries);
}

/* Links are not followed: what they lead to may be anything. */
static void look_into(struct left *left, const char *path, int depth) {
    struct stat info;
    if (left->artifacts.length >= ARTIFACTS_MOST || lstat(path, &info) ||
        text_equal(path, left->environment->options.out))
        return;
    if (S_ISDIR(info.st_mode) && depth < DEEPEST)
        look_at_entries(left, path, depth);
    else if (S_ISREG(info.st_mode) && info.st_mtime >= left->began)
        left_add_artifact(left, path, path, left->environment->model->directory);
}

static void look_at_artifact(struct left *left, const char *path) {
    look_into(left, path, 0);
}

void left_find(struct left *left) {
    each_match(left, left->suite->junit, look_at_result);
    if (left->environment->options.out)
        each_match(left, left->suite->artifacts, look_at_artifact);
}
