/*
 * What a suite leaves as its artifacts: the files are copied to the folder that is asked for. A
 * slice at a time, so that nothing else waits; what cannot be copied is a warning.
 */
#include "run/artifacts.h"

#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

enum { SLICE = 1 << 20 /* bytes copied at once */ };

struct artifacts {
    struct task task;
    struct left *left;
    bool begun;
    size_t at;        /* the one that is being copied */
    int from, to;     /* or -1 */
    char *copy;       /* where it goes */
    long long length; /* bytes copied of it */
    long long total;
};

static const struct left_file *current(const struct artifacts *artifacts) {
    return &artifacts->left->artifacts.at[artifacts->at];
}

static void warn(struct artifacts *artifacts, const char *why) {
    environment_warn(artifacts->left->environment, "the artifact %s is not copied: %s",
                     current(artifacts)->name, why);
}

static void warn_of_too_many(const struct left *left) {
    if (left->artifacts.length >= ARTIFACTS_MOST)
        environment_warn(left->environment,
                         "suite `%s` left more than %d artifacts; the rest is not copied",
                         left->suite->name, ARTIFACTS_MOST);
}

/* ---- Copying one ---- */

/* Those of a container have a folder of their own. */
static char *place_of(const struct left *left, const struct left_file *file) {
    const char *service = left->suite->service;
    autofree char *place = service ? path_join(service, file->place) : xstrdup(file->place);
    return xasprintf("%s/artifacts/%s", left->environment->options.out, place);
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

static bool open_both(struct artifacts *artifacts) {
    const struct left_file *file = current(artifacts);
    struct err err = ERR_INIT;
    artifacts->length = 0;
    artifacts->copy = place_of(artifacts->left, file);
    autofree char *folder = path_directory(artifacts->copy);
    if (!path_make_directories(folder, &err)) {
        warn(artifacts, err.message);
        err_release(&err);
        return false;
    }
    artifacts->from = open(file->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (artifacts->from >= 0)
        artifacts->to = open(artifacts->copy, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (artifacts->to < 0)
        warn(artifacts, strerror(errno));
    return artifacts->to >= 0;
}

static void tell(struct artifacts *artifacts) {
    struct event event = {.kind = EVENT_ARTIFACT,
                          .text = xstrdup(artifacts->copy),
                          .detail = xstrdup(artifacts->left->suite->name),
                          .total = artifacts->length};
    environment_tell(artifacts->left->environment, &event);
}

/* True while there is more of the file. */
static bool copy_slice(struct artifacts *artifacts) {
    if (artifacts->from < 0 && !open_both(artifacts))
        return false;
    if (artifacts->total >= ARTIFACTS_BYTES) {
        warn(artifacts, "they are more than 1 GiB");
        return false;
    }
    ssize_t put = sendfile(artifacts->to, artifacts->from, NULL, SLICE);
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
    if (!artifacts->begun)
        warn_of_too_many(artifacts->left);
    artifacts->begun = true;
    if (artifacts->at == artifacts->left->artifacts.length)
        return TASK_DONE;
    if (!copy_slice(artifacts)) {
        close_both(artifacts);
        artifacts->at++;
    }
    task_wake(task);
    return TASK_PENDING;
}

static void artifacts_release(struct task *task) {
    close_both((struct artifacts *)task);
}

struct task *artifacts_new(struct left *left) {
    static const struct task_type type = {
        .name = "artifacts", .step = artifacts_step, .release = artifacts_release};
    struct artifacts *artifacts = task_new(sizeof *artifacts, &type, left->environment->loop);
    artifacts->left = left;
    artifacts->from = artifacts->to = -1;
    return &artifacts->task;
}
