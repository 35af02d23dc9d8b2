/*
 * What a suite on this host leaves: the files of its `artifacts` that were written since it began
 * are copied to the folder that is asked for. A slice at a time, so that nothing else waits; what
 * cannot be copied is a warning.
 */
#include "run/artifacts.h"

#include "base/path.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILES_MOST = 10000,
    DEEPEST = 32,    /* folders below one that is named */
    SLICE = 1 << 20, /* bytes copied at once */
};
#define BYTES_MOST (1LL << 30) /* of one suite */

struct artifacts {
    struct task task;
    struct environment *environment;
    const struct suite *suite;
    long long since; /* UNIX time in seconds */
    bool searched;
    struct strings found; /* absolute */
    size_t at;            /* the one that is being copied */
    int from, to;         /* or -1 */
    char *copy;           /* where it goes */
    long long length;     /* bytes copied of it */
    long long total;
};

/* ---- Finding them ---- */

static void look_into(struct artifacts *artifacts, const char *path, int depth);

static void look_at_entries(struct artifacts *artifacts, const char *path, int depth) {
    DIR *entries = opendir(path);
    const struct dirent *entry;
    while (entries && (entry = readdir(entries))) {
        autofree char *below = xasprintf("%s/%s", path, entry->d_name);
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            look_into(artifacts, below, depth + 1);
    }
    if (entries)
        closedir(entries);
}

/* Links are not followed: what they lead to may be anything. */
static void look_into(struct artifacts *artifacts, const char *path, int depth) {
    struct stat info;
    if (artifacts->found.length >= FILES_MOST || lstat(path, &info) ||
        text_equal(path, artifacts->environment->options.out))
        return;
    if (S_ISDIR(info.st_mode) && depth < DEEPEST)
        look_at_entries(artifacts, path, depth);
    else if (S_ISREG(info.st_mode) && info.st_mtime >= artifacts->since &&
             !strings_has(&artifacts->found, path))
        strings_add(&artifacts->found, path);
}

static void search(struct artifacts *artifacts) {
    const char **pattern = artifacts->suite->artifacts;
    for (; pattern && *pattern; pattern++) {
        glob_t paths = {0};
        if (!glob(*pattern, 0, NULL, &paths))
            for (size_t i = 0; i < paths.gl_pathc; i++) {
                autofree char *path = path_join("/", paths.gl_pathv[i]);
                look_into(artifacts, path, 0);
            }
        globfree(&paths);
    }
    strings_sort(&artifacts->found);
    if (artifacts->found.length >= FILES_MOST)
        environment_warn(artifacts->environment,
                         "suite `%s` left more than %d artifacts; the rest "
                         "is not copied",
                         artifacts->suite->name, FILES_MOST);
}

/* ---- Copying one ---- */

/* As it lies below the project's folder; else by its whole path. */
static char *place_of(const struct artifacts *artifacts, const char *path) {
    const struct environment *environment = artifacts->environment;
    const char *project = environment->model->directory;
    size_t length = strlen(project);
    bool below = !strncmp(path, project, length) && path[length] == '/';
    return xasprintf("%s/artifacts/%s", environment->options.out, path + (below ? length + 1 : 1));
}

static void close_both(struct artifacts *artifacts) {
    if (artifacts->from >= 0)
        close(artifacts->from);
    if (artifacts->to >= 0)
        close(artifacts->to);
    artifacts->from = artifacts->to = -1;
    free(artifacts->copy);
    artifacts->copy = NULL;
}

static void warn(struct artifacts *artifacts, const char *why) {
    environment_warn(artifacts->environment, "the artifact %s is not copied: %s",
                     artifacts->found.at[artifacts->at], why);
}

static bool open_both(struct artifacts *artifacts) {
    const char *path = artifacts->found.at[artifacts->at];
    struct err err = ERR_INIT;
    artifacts->length = 0;
    artifacts->copy = place_of(artifacts, path);
    autofree char *folder = path_directory(artifacts->copy);
    if (!path_make_directories(folder, &err)) {
        warn(artifacts, err.message);
        err_release(&err);
        return false;
    }
    artifacts->from = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (artifacts->from >= 0)
        artifacts->to = open(artifacts->copy, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (artifacts->to < 0)
        warn(artifacts, strerror(errno));
    return artifacts->to >= 0;
}

static void tell(struct artifacts *artifacts) {
    struct event event = {.kind = EVENT_ARTIFACT,
                          .text = xstrdup(artifacts->copy),
                          .detail = xstrdup(artifacts->suite->name),
                          .total = artifacts->length};
    environment_tell(artifacts->environment, &event);
}

/* True while there is more of the file. */
static bool copy_slice(struct artifacts *artifacts) {
    if (artifacts->from < 0 && !open_both(artifacts))
        return false;
    if (artifacts->total >= BYTES_MOST) {
        warn(artifacts, "they are more than 1 GiB");
        return false;
    }
    ssize_t put = copy_file_range(artifacts->from, NULL, artifacts->to, NULL, SLICE, 0);
    if (put > 0) {
        artifacts->length += put;
        artifacts->total += put;
        return true;
    }
    if (put < 0)
        warn(artifacts, strerror(errno));
    else
        tell(artifacts);
    return false;
}

/* ---- The task ---- */

static enum task_status artifacts_step(struct task *task) {
    struct artifacts *artifacts = (struct artifacts *)task;
    if (!artifacts->searched) {
        artifacts->searched = true;
        search(artifacts);
    }
    if (artifacts->at >= artifacts->found.length)
        return TASK_DONE;
    if (!copy_slice(artifacts)) {
        close_both(artifacts);
        artifacts->at++;
    }
    task_wake(task);
    return TASK_PENDING;
}

static void artifacts_release(struct task *task) {
    struct artifacts *artifacts = (struct artifacts *)task;
    close_both(artifacts);
    strings_release(&artifacts->found);
}

struct task *artifacts_new(struct environment *environment, const struct suite *suite,
                           long long since) {
    static const struct task_type type = {
        .name = "artifacts", .step = artifacts_step, .release = artifacts_release};
    struct artifacts *artifacts = task_new(sizeof *artifacts, &type, environment->loop);
    artifacts->environment = environment;
    artifacts->suite = suite;
    artifacts->since = since;
    artifacts->from = artifacts->to = -1;
    return &artifacts->task;
}
