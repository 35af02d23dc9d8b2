/*
 * What a suite in the graph leaves, copied out of its container. That has ended, so the engine is
 * asked for archives of the folders in which the patterns may match; what does match is unpacked
 * into numbered files of ours, so that no name of the archive decides where anything is written.
 */
#include "run/left.h"

#include "base/instant.h"
#include "base/path.h"
#include "base/text.h"
#include "engine/untar.h"
#include "run/pattern.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
    NOT_THERE = 404,
    ARCHIVE_LIMIT = 120000, /* ms for one of them */
    SLICE = 64 << 10,
    START_LAG = 1, /* s: the engine notes a start when the process may have written already */
};
#define ARCHIVE_BYTES (1LL << 30)

/* A folder, or a file, that the engine is asked for; each costs it some 100 ms. */
struct source {
    char *path;
    bool contents; /* of a folder: without itself */
};

struct copying {
    struct task task;
    struct left *left;
    struct life *life;
    long long since;                 /* UNIX time in seconds, by the engine's clock */
    char *folder;                    /* the container's working directory */
    struct strings junit, artifacts; /* absolute patterns */
    vec(struct source) sources;
    size_t at; /* the source that comes now */
    struct task *inspect, *save;
    int archive;         /* what the engine gave; -1: none */
    struct untar *untar; /* being read */
    char *name;          /* the entry that is being unpacked, or NULL */
    char *path;          /* ... to there */
    int to;
    unsigned files;
    long long bytes; /* unpacked so far */
};

static void warn(const struct copying *copying, const char *what, const struct err *why) {
    environment_warn(copying->left->environment, "what suite `%s` left in %s:%s is not read: %s",
                     copying->left->suite->name, copying->life->name, what, why->message);
}

/* ---- What to ask for ---- */

static void add_source(struct copying *copying, const char *pattern) {
    bool below;
    autofree char *path = pattern_root(pattern, &below);
    bool contents = below || !strcmp(path, "/");
    vec_each (source, &copying->sources)
        if (!strcmp(source->path, path)) {
            source->contents |= contents;
            return;
        }
    vec_push(&copying->sources, (struct source){steal(path), contents});
}

static void add_patterns(struct copying *copying, const char *const *patterns,
                         struct strings *absolute) {
    for (; patterns && *patterns; patterns++) {
        strings_take(absolute, path_join(copying->folder, *patterns));
        add_source(copying, absolute->at[absolute->length - 1]);
    }
}

static bool learn(struct copying *copying, const cJSON *container) {
    const struct suite *suite = copying->left->suite;
    const char *folder = json_text_or(container, "Config.WorkingDir", "");
    long long started;
    if (!instant_parse(json_text_or(container, "State.StartedAt", ""), &started))
        return false;
    copying->since = started / 1000000000 - START_LAG;
    copying->folder = path_join("/", folder);
    add_patterns(copying, suite->junit, &copying->junit);
    if (copying->left->environment->options.out)
        add_patterns(copying, suite->artifacts, &copying->artifacts);
    return true;
}

static bool make_room(struct copying *copying) {
    const char *const *environment = copying->left->environment->options.process_environment;
    struct err why = ERR_INIT;
    bool made = scratch_make(&copying->left->scratch, environment, &why);
    if (!made)
        warn(copying, copying->folder, &why);
    err_release(&why);
    return made;
}

static void end_inspect(struct copying *copying) {
    struct task *inspect = copying->inspect;
    if (inspect->status == TASK_FAILED)
        warn(copying, "", &inspect->err);
    else if (!learn(copying, request_answer(inspect)) || !make_room(copying))
        copying->at = copying->sources.length;
    copying->inspect = task_free(inspect);
}

/* ---- An archive from the engine ---- */

static bool begin_save(struct copying *copying) {
    const struct source *source = &copying->sources.at[copying->at];
    struct engine *engine = copying->left->environment->engine;
    copying->archive = open(copying->left->scratch.path, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    if (copying->archive < 0)
        return err_set(&copying->task.err, ERR_FILE, "cannot write in %s: %s",
                       copying->left->scratch.path, strerror(errno));
    copying->save = (source->contents ? container_save_folder : container_save)(
        engine, copying->life->id, source->path, copying->archive, ARCHIVE_BYTES);
    task_limit(copying->save, engine_deadline(engine, ARCHIVE_LIMIT));
    task_start(copying->save, &copying->task);
    return true;
}

/* What is not there matches nothing. */
static bool end_save(struct copying *copying) {
    struct task *save = copying->save;
    bool saved = save->status == TASK_DONE;
    if (!saved && save->err.code != NOT_THERE)
        err_move(&copying->task.err, &save->err);
    copying->save = task_free(save);
    if (saved)
        copying->untar = untar_open(copying->archive, &copying->task.err);
    return copying->untar;
}

static void close_entry(struct copying *copying) {
    if (copying->to >= 0)
        close(copying->to);
    copying->to = -1;
    free(steal(copying->name));
    free(steal(copying->path));
}

static void end_source(struct copying *copying) {
    if (err_is(&copying->task.err))
        warn(copying, copying->sources.at[copying->at].path, &copying->task.err);
    err_release(&copying->task.err);
    close_entry(copying);
    copying->untar = untar_free(copying->untar);
    if (copying->archive >= 0)
        close(copying->archive);
    copying->archive = -1;
    copying->at++;
}

/* ---- Its entries ---- */

/* As the container knows it. */
static char *name_of(const struct copying *copying, const char *entry) {
    const struct source *source = &copying->sources.at[copying->at];
    autofree char *base = source->contents ? xstrdup(source->path) : path_directory(source->path);
    autofree char *whole = xasprintf("%s/%s", base, entry);
    return path_join("/", whole);
}

static bool is_one_of(const struct strings *patterns, const char *name,
                      bool (*is)(const char *pattern, const char *path)) {
    vec_each (pattern, patterns)
        if (is(*pattern, name))
            return true;
    return false;
}

static void add(struct copying *copying, const char *name, const char *path) {
    if (is_one_of(&copying->junit, name, pattern_is))
        left_add_result(copying->left, path, name, copying->folder);
    if (is_one_of(&copying->artifacts, name, pattern_has))
        left_add_artifact(copying->left, path, name, copying->folder);
}

static bool is_wanted(const struct copying *copying, const char *name) {
    const struct left *left = copying->left;
    return (left->results.length < RESULTS_MOST && is_one_of(&copying->junit, name, pattern_is)) ||
           (left->artifacts.length < ARTIFACTS_MOST &&
            is_one_of(&copying->artifacts, name, pattern_has));
}

static bool cannot_write(struct copying *copying) {
    return err_set(&copying->task.err, ERR_FILE, "cannot write %s: %s", copying->path,
                   strerror(errno));
}

static bool begin_entry(struct copying *copying, char *name) {
    copying->name = name;
    copying->path = xasprintf("%s/%u", copying->left->scratch.path, copying->files++);
    copying->to = open(copying->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return copying->to >= 0 || cannot_write(copying);
}

/* Symbolic links are not followed; a hard link is one more name of a file that came before. */
static void add_same(struct copying *copying, const char *name, const char *entry) {
    autofree char *same = name_of(copying, entry), *known = NULL;
    autofree char *full = xasprintf("%s:%s", copying->life->name, same);
    vec_each (file, &copying->left->results)
        if (!known && !strcmp(file->name, full))
            known = xstrdup(file->path);
    vec_each (file, &copying->left->artifacts)
        if (!known && !strcmp(file->name, full))
            known = xstrdup(file->path);
    if (known)
        add(copying, name, known);
}

/* False at the end, or with err. */
static bool next_entry(struct copying *copying) {
    struct untar_entry entry;
    if (!untar_next(copying->untar, &entry, &copying->task.err))
        return false;
    autofree char *name = name_of(copying, entry.name);
    bool wanted = (entry.is_file || entry.same) && is_wanted(copying, name);
    if (wanted && entry.mtime < copying->since) {
        if (is_one_of(&copying->junit, name, pattern_is))
            left_add_stale(copying->left, name);
    } else if (wanted && entry.same)
        add_same(copying, name, entry.same);
    else if (wanted)
        return begin_entry(copying, steal(name));
    return true;
}

static bool copy_slice(struct copying *copying) {
    char slice[SLICE];
    ssize_t length = untar_read(copying->untar, slice, sizeof slice, &copying->task.err);
    copying->bytes += length;
    if (length < 0)
        return false;
    if (copying->bytes > ARTIFACTS_BYTES)
        return err_set(&copying->task.err, ERR_FILE, "they are more than 1 GiB");
    if (length)
        return path_write_all(copying->to, slice, (size_t)length) || cannot_write(copying);
    add(copying, copying->name, copying->path);
    close_entry(copying);
    return true;
}

/* ---- The task ---- */

/* One more piece of the archive that is there; false when there is none. */
static bool go_on(struct copying *copying) {
    return copying->name ? copy_slice(copying) : next_entry(copying);
}

static enum task_status copying_step(struct task *task) {
    struct copying *copying = (struct copying *)task;
    if (copying->inspect) {
        task_start(copying->inspect, task);
        if (copying->inspect->status == TASK_PENDING)
            return TASK_PENDING;
        end_inspect(copying);
    }
    if (copying->save && copying->save->status == TASK_PENDING)
        return TASK_PENDING;
    if (copying->at == copying->sources.length)
        return TASK_DONE;
    bool ok = copying->save    ? end_save(copying)
              : copying->untar ? go_on(copying)
                               : begin_save(copying);
    if (!ok)
        end_source(copying);
    if (!copying->save)
        task_wake(task);
    return TASK_PENDING;
}

static void copying_release(struct task *task) {
    struct copying *copying = (struct copying *)task;
    task_free(copying->inspect);
    task_free(copying->save);
    close_entry(copying);
    untar_free(copying->untar);
    if (copying->archive >= 0)
        close(copying->archive);
    vec_each (source, &copying->sources)
        free(source->path);
    vec_free(&copying->sources);
    strings_release(&copying->junit);
    strings_release(&copying->artifacts);
    free(copying->folder);
}

struct task *left_copy_out(struct left *left) {
    static const struct task_type type = {
        .name = "copying out", .step = copying_step, .release = copying_release};
    struct environment *environment = left->environment;
    struct copying *copying = task_new(sizeof *copying, &type, environment->loop);
    copying->left = left;
    copying->life = environment_life(environment, left->suite->service);
    copying->inspect = container_inspect(environment->engine, copying->life->id);
    copying->archive = copying->to = -1;
    return &copying->task;
}
