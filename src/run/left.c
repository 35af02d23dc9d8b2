#include "run/left.h"

#include "base/path.h"
#include "base/text.h"
#include "run/artifacts.h"
#include "run/results.h"

#include <string.h>

struct leaving {
    struct task task;
    struct left left;
    struct sequence *sequence;
};

/* ---- Files ---- */

static struct left_file file_new(const struct left *left, const char *path, const char *name,
                                 const char *folder) {
    const char *service = left->suite->service, *below = path_below(name, folder);
    return (struct left_file){
        .name = service ? xasprintf("%s:%s", service, name) : xstrdup(name),
        .path = xstrdup(path),
        .place = xstrdup(below ? below : name + 1),
    };
}

static void file_release(struct left_file *file) {
    free(file->name);
    free(file->path);
    free(file->place);
}

void left_add_result(struct left *left, const char *path, const char *name, const char *folder) {
    if (left->results.length < RESULTS_MOST)
        vec_push(&left->results, file_new(left, path, name, folder));
}

void left_add_artifact(struct left *left, const char *path, const char *name, const char *folder) {
    if (left->artifacts.length < ARTIFACTS_MOST)
        vec_push(&left->artifacts, file_new(left, path, name, folder));
}

void left_add_stale(struct left *left, const char *name) {
    struct left_file file = file_new(left, "", name, "/");
    if (left->stale.length < RESULTS_MOST && !strings_has(&left->stale, file.name))
        strings_add(&left->stale, file.name);
    file_release(&file);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct left_file *)a)->name, ((const struct left_file *)b)->name);
}

/* By name, each once: patterns may overlap. Answers how many there are. */
static size_t sort(struct left_file *files, size_t count) {
    size_t kept = 0;
    if (count)
        qsort(files, count, sizeof *files, by_name);
    for (size_t i = 0; i < count; i++)
        if (kept && !by_name(&files[kept - 1], &files[i]))
            file_release(&files[i]);
        else
            files[kept++] = files[i];
    return kept;
}

/* ---- One after the other ---- */

static bool has_any(const char *const *patterns) {
    return patterns && *patterns;
}

static struct task *begin_find(void *subject, struct err *err) {
    struct left *left = subject;
    const struct suite *suite = left->suite;
    bool artifacts = left->environment->options.out && has_any(suite->artifacts);
    (void)err;
    if (!has_any(suite->junit) && !artifacts)
        return NULL;
    if (suite->service)
        return left_copy_out(left);
    left_find(left);
    return NULL;
}

static struct task *begin_results(void *subject, struct err *err) {
    struct left *left = subject;
    (void)err;
    left->results.length = sort(left->results.at, left->results.length);
    return has_any(left->suite->junit) ? results_new(left) : NULL;
}

static struct task *begin_artifacts(void *subject, struct err *err) {
    struct left *left = subject;
    (void)err;
    left->artifacts.length = sort(left->artifacts.at, left->artifacts.length);
    return left->environment->options.out ? artifacts_new(left) : NULL;
}

static const struct stage stages[] = {
    {"find", begin_find, NULL},
    {"results", begin_results, NULL},
    {"artifacts", begin_artifacts, NULL},
    {0},
};

static enum task_status leaving_step(struct task *task) {
    struct leaving *leaving = (struct leaving *)task;
    task_start(&leaving->sequence->task, task);
    return leaving->sequence->task.status == TASK_PENDING ? TASK_PENDING : TASK_DONE;
}

static void leaving_release(struct task *task) {
    struct leaving *leaving = (struct leaving *)task;
    struct left *left = &leaving->left;
    task_free(leaving->sequence);
    vec_each (file, &left->results)
        file_release(file);
    vec_each (file, &left->artifacts)
        file_release(file);
    vec_free(&left->results);
    vec_free(&left->artifacts);
    strings_release(&left->stale);
    scratch_remove(&left->scratch);
}

struct task *left_new(struct environment *environment, const struct suite *suite, long long began) {
    static const struct task_type type = {
        .name = "left", .step = leaving_step, .release = leaving_release};
    struct leaving *leaving = task_new(sizeof *leaving, &type, environment->loop);
    leaving->left = (struct left){.environment = environment, .suite = suite, .began = began};
    leaving->sequence = sequence_new(environment->loop, stages, &leaving->left, NULL);
    return &leaving->task;
}
