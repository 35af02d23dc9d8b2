#include "replay/project.h"

#include "base/path.h"
#include "base/text.h"
#include "loop/child.h"
#include "replay/search.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GIT_LIMIT = 20000 /* ms */, LIST_MAX = 16 << 20, PIECE = 256 << 10 };

/* ---- git ---- */

struct question {
    struct task task;
    char *path;
    const char *const *argv;
    struct child_options options;
    struct task *child;
};

static bool ask(struct question *question) {
    int fd = open(question->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    question->options.output = fd;
    question->child = child_new(question->task.loop, &question->options);
    task_start(question->child, &question->task);
    return true;
}

/* What git did not answer well does not count. */
static enum task_status question_step(struct task *task) {
    struct question *question = (struct question *)task;
    if (!question->child)
        return ask(question) ? TASK_PENDING : TASK_DONE;
    if (question->child->status == TASK_PENDING)
        return TASK_PENDING;
    if (question->child->status == TASK_FAILED || child_exit_code(question->child))
        unlink(question->path);
    return TASK_DONE;
}

static void question_release(struct task *task) {
    struct question *question = (struct question *)task;
    if (task->status == TASK_PENDING)
        unlink(question->path);
    if (question->options.output >= 0)
        close(question->options.output);
    task_free(question->child);
    free(question->path);
}

static struct task *question_new(struct loop *loop, const struct child_options *options,
                                 const char *folder, const char *name) {
    static const struct task_type type = {
        .name = "git", .step = question_step, .release = question_release};
    struct question *question = task_new(sizeof *question, &type, loop);
    question->options = *options;
    question->path = path_join(folder, name);
    task_limit(&question->task, deadline_in(GIT_LIMIT));
    return tolerate(loop, &question->task, NULL);
}

struct task *project_ask_git(struct loop *loop, const struct model *model,
                             const char *const *environment, const char *folder) {
    static const struct {
        const char *name, *const argv[8];
    } questions[] = {
        {"commit", {"git", "rev-parse", "HEAD", NULL}},
        {"diff", {"git", "diff", "--no-ext-diff", "--relative", "HEAD", NULL}},
        {"files", {"git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", NULL}},
        {"changed",
         {"git", "diff", "--name-only", "-z", "--no-ext-diff", "--relative", "HEAD", NULL}},
        {"untracked", {"git", "ls-files", "-z", "--others", "--exclude-standard", NULL}},
    };
    struct task_group *group = task_group_new(loop, GROUP_COLLECT, 0);
    for (size_t i = 0; i < lengthof(questions); i++) {
        struct child_options options = {.argv = questions[i].argv,
                                        .environment = environment,
                                        .directory = model->directory,
                                        .input = -1,
                                        .output = -1,
                                        .errors = -1};
        task_group_add(group, question_new(loop, &options, folder, questions[i].name));
    }
    return (struct task *)group;
}

/* ---- What may not be in it ---- */

struct adding {
    struct contents *contents;
    const struct model *model;
    const struct pinned *pinned;
    const char *out, *spool;
    struct strings never;   /* paths: files of secrets, env files, our own */
    struct strings files;   /* paths that git knows or does not ignore, sorted */
    struct strings changed; /* those of them that are not as they are committed, sorted */
    struct strings values;  /* that came from outside */
    bool has_commit;
};

static bool has(const struct strings *sorted, const char *text) {
    size_t low = 0, high = sorted->length;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(sorted->at[middle], text);
        if (!order)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static bool is_env_file(const char *path) {
    const char *name = path_name(path);
    return text_equal(name, ".env") || text_starts(name, ".env.") || text_ends(name, ".env");
}

static bool piece_holds_value(const struct adding *adding, const char *piece, size_t length) {
    vec_each (value, &adding->values)
        if (memmem(piece, length, *value, strlen(*value)))
            return true;
    return false;
}

static size_t longest_value(const struct adding *adding) {
    size_t longest = 0;
    vec_each (value, &adding->values)
        if (strlen(*value) > longest)
            longest = strlen(*value);
    return longest;
}

/* Read piece by piece, each with the end of the one before, in which a value may have begun. */
static bool holds_value(const struct adding *adding, const char *path) {
    size_t overlap = longest_value(adding), kept = 0;
    struct stat info;
    if (!overlap || lstat(path, &info) || !S_ISREG(info.st_mode))
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    autofree char *piece = xmalloc(overlap + PIECE);
    ssize_t length = 0;
    bool found = false;
    while (fd >= 0 && !found && (length = read(fd, piece + kept, PIECE)) > 0) {
        size_t whole = kept + (size_t)length;
        found = piece_holds_value(adding, piece, whole);
        kept = whole < overlap ? whole : overlap;
        memmove(piece, piece + whole - kept, kept);
    }
    if (fd >= 0)
        close(fd);
    return found;
}

/* Folders above the project are no part of what is packed. */
static bool name_holds_value(const struct adding *adding, const char *path) {
    const char *project = adding->model->directory;
    size_t above = text_starts(path, project) ? strlen(project) : 0;
    vec_each (value, &adding->values)
        if (search_is_telling(*value) && strstr(path + above, *value))
            return !path_is_directory(path);
    return false;
}

/* git's, and what envrun itself wrote. The folder for bundles may be the project's own. */
static bool is_of_tools(const struct adding *adding, const char *path) {
    const char *name = path_name(path);
    bool is_bundle = text_starts(name, "envrun-") && text_ends(name, ".tar.zst");
    bool is_out = path_is_within(path, adding->out) &&
                  (is_bundle || !path_is_within(adding->model->directory, adding->out));
    return !strcmp(name, ".git") || !strcmp(name, ".envrun") || is_out ||
           path_is_within(path, adding->spool);
}

static bool skips(void *context, const char *path) {
    struct adding *adding = context;
    bool as_committed =
        adding->has_commit && has(&adding->files, path) && !has(&adding->changed, path);
    if (is_of_tools(adding, path))
        return true;
    if (!strings_has(&adding->never, path) && !is_env_file(path) &&
        (as_committed || (!holds_value(adding, path) && !name_holds_value(adding, path))))
        return false;
    autofree char *shown = pinned_name(adding->pinned, adding->model, path);
    contents_leave_out(adding->contents, shown ? shown : path,
                       "it holds what came from outside of the committed files");
    return true;
}

/* ---- Adding ---- */

static void add_path(struct adding *adding, const char *path) {
    autofree char *name = pinned_name(adding->pinned, adding->model, path);
    if (!name || !path_exists(path) || skips(adding, path))
        return;
    if (path_is_directory(path))
        contents_add_folder(adding->contents, name, path, skips, adding);
    else
        contents_add_path(adding->contents, name, path);
}

static void read_list(const struct adding *adding, const char *git, const char *file,
                      struct strings *into) {
    struct buffer text = BUFFER_INIT_MAX(LIST_MAX);
    struct err ignored = ERR_INIT;
    autofree char *path = path_join(git, file);
    if (path_read(path, &text, &ignored))
        for (size_t at = 0; at < text.length; at += strlen(text.data + at) + 1)
            strings_take(into, path_join(adding->model->directory, text.data + at));
    strings_sort(into);
    err_release(&ignored);
    buffer_release(&text);
}

/* A pattern's files lie in its folder. */
static void add_pattern(struct adding *adding, const char *pattern) {
    autofree char *fixed = xstrndup(pattern, strcspn(pattern, "*?["));
    bool is_pattern = strcmp(fixed, pattern);
    autofree char *folder = is_pattern ? path_directory(fixed) : xstrdup(pattern);
    add_path(adding, folder);
}

static void add_seeds(struct adding *adding, const struct service *service) {
    for (size_t i = 0; i < service->seed_count; i++) {
        const struct seed *seed = &service->seeds[i];
        for (const char **file = seed->files; file && *file; file++)
            add_pattern(adding, *file);
        if (seed->from)
            add_path(adding, seed->from);
        if (seed->body)
            add_path(adding, seed->body);
    }
}

static void add_used(struct adding *adding) {
    const struct model *model = adding->model;
    for (size_t i = 0; i < model->service_count; i++) {
        add_seeds(adding, &model->services[i]);
        node_each (mount, node_get(model->services[i].node, "volumes"))
            if (!strcmp(node_text(mount, "type", ""), "bind"))
                add_path(adding, node_text(mount, "source", ""));
    }
    for (size_t i = 0; i < model->suite_count; i++)
        if (model->suites[i].working_dir &&
            !text_starts(model->suites[i].working_dir, model->directory))
            add_path(adding, model->suites[i].working_dir);
    node_each (config, node_get(model->root, "configs"))
        if (node_text(config, "file", NULL))
            add_path(adding, node_text(config, "file", NULL));
}

static void list_never(struct adding *adding) {
    node_each (secret, node_get(adding->model->root, "secrets"))
        if (node_text(secret, "file", NULL))
            strings_add(&adding->never, node_text(secret, "file", NULL));
}

static void list_values(struct adding *adding, const char *const *variables) {
    const struct model *model = adding->model;
    for (size_t i = 0; i < model->outside_count; i++)
        strings_add(&adding->values, model->outside[i].value);
    for (; variables && *variables; variables++) {
        const char *value = strchrnul(*variables, '=');
        autofree char *name = xstrndup(*variables, (size_t)(value - *variables));
        if (*value && !model_may_show(model, name, value + 1))
            strings_add(&adding->values, value + 1);
    }
}

void project_add(struct contents *contents, const struct environment_options *run,
                 const struct pinned *pinned, const char *git, const char *out) {
    const struct model *model = run->model;
    struct adding adding = {
        .contents = contents, .model = model, .pinned = pinned, .out = out, .spool = git};
    autofree char *commit = path_join(git, "commit");
    list_never(&adding);
    list_values(&adding, run->suite_variables);
    read_list(&adding, git, "files", &adding.files);
    read_list(&adding, git, "changed", &adding.changed);
    read_list(&adding, git, "untracked", &adding.changed);
    adding.has_commit = path_exists(commit);
    add_used(&adding);
    vec_each (file, &adding.files)
        if (!path_is_directory(*file)) /* a submodule */
            add_path(&adding, *file);
    if (!adding.files.length)
        add_path(&adding, model->directory);
    strings_release(&adding.never);
    strings_release(&adding.files);
    strings_release(&adding.changed);
    strings_release(&adding.values);
}
