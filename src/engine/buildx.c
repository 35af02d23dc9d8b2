/*
 * Build an image with BuildKit, which is spoken to through the docker CLI's buildx: its own
 * protocol is gRPC over a hijacked connection.
 *
 * The CLI is told this engine's address and to use its own driver ("default" is the builder of
 * DOCKER_HOST), whatever builder or context the user has chosen.
 */
#include <envrun/engine.h>

#include "base/json.h"
#include "base/lines.h"
#include "base/path.h"
#include "base/text.h"
#include "engine/progress.h"
#include "engine/scratch.h"
#include "loop/program.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- The environment of the CLI ---- */

/* What would lead the CLI to another engine or builder. */
static bool leads_elsewhere(const char *entry) {
    static const char *const names[] = {
        "DOCKER_HOST=",       "DOCKER_CONTEXT=",   "DOCKER_TLS=",
        "DOCKER_TLS_VERIFY=", "DOCKER_CERT_PATH=", "BUILDX_BUILDER="};
    for (size_t i = 0; i < lengthof(names); i++)
        if (text_starts(entry, names[i]))
            return true;
    return false;
}

static void lead_here(const struct engine *engine, const char *const *environment,
                      struct strings *to) {
    const char *url = engine_address(engine)->url;
    const struct engine_tls tls = engine_tls(engine);
    for (; environment && *environment; environment++)
        if (!leads_elsewhere(*environment))
            strings_add(to, *environment);
    if (text_starts(url, "http://"))
        strings_printf(to, "DOCKER_HOST=tcp://%s", url + strlen("http://"));
    else
        strings_printf(to, "DOCKER_HOST=%s", url);
    if (!tls.directory)
        return;
    strings_add(to, tls.verify ? "DOCKER_TLS_VERIFY=1" : "DOCKER_TLS=1");
    strings_printf(to, "DOCKER_CERT_PATH=%s", tls.directory);
}

/* ---- Is it there? ---- */

struct check {
    struct task task;
    struct strings environment;
    struct task *program;
};

static void ignore_output(void *context, const char *data, size_t length) {
    (void)context;
    (void)data;
    (void)length;
}

static void refuse(struct check *check) {
    enum { NOT_FOUND = 127 };
    struct err *err = &check->task.err, *why = &check->program->err;
    if (check->program->status == TASK_DONE)
        err_set(err, ERR_ENVIRONMENT, "the docker CLI has no buildx here");
    else if (why->code == NOT_FOUND)
        err_set(err, ERR_ENVIRONMENT, "there is no docker CLI here");
    else
        err_move(err, why);
    err->kind = ERR_ENVIRONMENT;
}

static enum task_status check_step(struct task *task) {
    static const char *const argv[] = {"docker", "buildx", "version", NULL};
    struct check *check = (struct check *)task;
    if (!check->program) {
        check->program = program_new(
            task->loop, &(struct program_options){
                            .argv = argv,
                            .environment = (const char *const *)strings_argv(&check->environment),
                            .output = ignore_output});
        task_start(check->program, task);
    }
    if (check->program->status == TASK_PENDING)
        return TASK_PENDING;
    if (check->program->status == TASK_DONE && !program_exit_code(check->program))
        return TASK_DONE;
    refuse(check);
    return TASK_FAILED;
}

static void check_release(struct task *task) {
    struct check *check = (struct check *)task;
    task_free(check->program);
    strings_release(&check->environment);
}

struct task *buildx_check(struct engine *engine, const char *const *environment) {
    static const struct task_type type = {
        .name = "buildx check", .step = check_step, .release = check_release};
    struct check *check = task_new(sizeof *check, &type, engine->loop);
    lead_here(engine, environment, &check->environment);
    return &check->task;
}

/* ---- A build ---- */

struct buildx {
    struct task task;
    struct engine_progress reader;
    struct strings argv, environment;
    struct scratch scratch;     /* for what goes through files */
    char *dockerfile, *id_file; /* in it; the first only if it is inlined */
    struct lines lines;         /* what it says */
    char *sentence;             /* why it failed, or NULL */
    char image_id[IMAGE_ID_SIZE];
    struct child_guard guard;
    struct task *program;
};

static void add_option(struct buildx *buildx, const char *option, const char *value) {
    if (!value)
        return;
    strings_add(&buildx->argv, option);
    strings_add(&buildx->argv, value);
}

static void set_argv(struct buildx *buildx, const struct build_options *options) {
    static const char *const first[] = {"docker",  "buildx", "build",      "--builder",
                                        "default", "--load", "--progress", "plain"};
    const cJSON *argument;
    bool remote = context_is_remote(options->context);
    const char *named = options->dockerfile ? options->dockerfile : "Dockerfile";
    autofree char *local = remote ? NULL : path_join(options->context, named);
    for (size_t i = 0; i < lengthof(first); i++)
        strings_add(&buildx->argv, first[i]);
    add_option(buildx, "--iidfile", buildx->id_file);
    add_option(buildx, "--tag", options->tag);
    add_option(buildx, "--file",
               options->inlined ? buildx->dockerfile
               : remote         ? options->dockerfile
                                : local);
    cJSON_ArrayForEach (argument, options->arguments) {
        strings_add(&buildx->argv, argument->valuestring);
    }
    strings_add(&buildx->argv, options->context);
}

/* The image's ID comes out through a file, and an inlined Dockerfile goes in through one. */
static bool make_files(struct buildx *buildx, const struct build_options *options) {
    const char *inlined = options->inlined;
    struct err *err = &buildx->task.err;
    if (!scratch_make(&buildx->scratch, options->environment, err))
        return false;
    buildx->id_file = path_join(buildx->scratch.path, "id");
    if (!inlined)
        return true;
    buildx->dockerfile = path_join(buildx->scratch.path, "Dockerfile");
    return path_write(buildx->dockerfile, inlined, strlen(inlined), false, err);
}

/* ---- What it says ---- */

static void on_line(void *context, char *text, size_t length) {
    static const char failed[] = "ERROR: ", solving[] = "failed to solve: ";
    struct buildx *buildx = context;
    if (!length)
        return;
    if (text_starts(text, failed)) {
        const char *why = text + strlen(failed);
        free(buildx->sentence);
        buildx->sentence = xstrdup(text_starts(why, solving) ? why + strlen(solving) : why);
    }
    if (buildx->reader.line)
        buildx->reader.line(buildx->reader.context, text);
}

static void on_output(void *context, const char *data, size_t length) {
    lines_push(&((struct buildx *)context)->lines, data, length);
}

/* ---- The task ---- */

static void begin(struct buildx *buildx) {
    buildx->program =
        program_new(buildx->task.loop,
                    &(struct program_options){
                        .argv = (const char *const *)strings_argv(&buildx->argv),
                        .environment = (const char *const *)strings_argv(&buildx->environment),
                        .errors_too = true,
                        .output = on_output,
                        .context = buildx,
                        .guard = buildx->guard,
                    });
    task_start(buildx->program, &buildx->task);
}

static bool read_id(struct buildx *buildx) {
    struct err *err = &buildx->task.err;
    struct buffer id = BUFFER_INIT_MAX(IMAGE_ID_SIZE - 1);
    bool ok = path_read(buildx->id_file, &id, err);
    snprintf(buildx->image_id, sizeof buildx->image_id, "%.*s", (int)strcspn(id.data, "\r\n"),
             id.data);
    buffer_release(&id);
    if (ok && *buildx->image_id)
        return true;
    err_release(err);
    return err_set(err, ERR_ENVIRONMENT, "buildx ended the build without an image");
}

static bool judge(struct buildx *buildx) {
    struct err *err = &buildx->task.err;
    if (buildx->program->status == TASK_FAILED) {
        err_move(err, &buildx->program->err);
        err->kind = ERR_ENVIRONMENT;
        return false;
    }
    lines_end(&buildx->lines);
    int code = program_exit_code(buildx->program);
    if (!code)
        return read_id(buildx);
    if (buildx->sentence)
        return err_set(err, ERR_ENVIRONMENT, "%s", buildx->sentence);
    return err_set(err, ERR_ENVIRONMENT, "`docker buildx build` exited with code %d", code);
}

static enum task_status buildx_step(struct task *task) {
    struct buildx *buildx = (struct buildx *)task;
    if (err_is(&task->err))
        return TASK_FAILED;
    if (!buildx->program)
        begin(buildx);
    if (buildx->program->status == TASK_PENDING)
        return TASK_PENDING;
    return judge(buildx) ? TASK_DONE : TASK_FAILED;
}

static void buildx_cancel(struct task *task) {
    struct buildx *buildx = (struct buildx *)task;
    buildx->program = task_free(buildx->program);
}

static void buildx_release(struct task *task) {
    struct buildx *buildx = (struct buildx *)task;
    task_free(buildx->program);
    scratch_remove(&buildx->scratch);
    strings_release(&buildx->argv);
    strings_release(&buildx->environment);
    lines_release(&buildx->lines);
    free(buildx->dockerfile);
    free(buildx->id_file);
    free(buildx->sentence);
}

struct task *buildx_build(struct engine *engine, const struct build_options *options,
                          struct engine_progress progress) {
    static const struct task_type type = {
        .name = "buildx", .step = buildx_step, .cancel = buildx_cancel, .release = buildx_release};
    struct buildx *buildx = task_new(sizeof *buildx, &type, engine->loop);
    const cJSON *variable;
    buildx->reader = progress;
    if (options->guard)
        buildx->guard = *options->guard;
    lines_init(&buildx->lines, ENGINE_LINE_MAX, on_line, buildx);
    if (make_files(buildx, options)) {
        lead_here(engine, options->environment, &buildx->environment);
        cJSON_ArrayForEach (variable, options->variables) {
            strings_printf(&buildx->environment, "%s=%s", variable->string, variable->valuestring);
        }
        set_argv(buildx, options);
    }
    return &buildx->task;
}

const char *buildx_image_id(const struct task *build) {
    return ((const struct buildx *)build)->image_id;
}
