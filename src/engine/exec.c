/*
 * A command in a running container: made, started, its output streamed, its exit code asked for.
 * The engine knows the code only after the stream has ended, and sometimes a little later still.
 */
#include "engine/hijack.h"
#include "engine/output.h"

#include "base/json.h"
#include "base/memory.h"

enum {
    ASK_AGAIN_FIRST = 1, /* ms */
    ASK_AGAIN_MOST = 200,
    RESIZE_BEAT = 10,
    RESIZE_LIMIT = 2000,
    CONSOLE_SIZE_API = 42, /* from 1.42 on the terminal's size can be given with the start */
};

struct exec {
    struct task task;
    struct engine *engine;
    struct output_sink sink;
    bool tty, held;
    char *id;
    struct task *(*next)(struct exec *exec); /* the stage behind `child` */
    struct task *child;                      /* the stage under way */
    struct task *hijack;                     /* with stdin; it is `child` while it streams */
    bool streaming;                          /* `child` is the stream */
    long long again;                         /* ms before the exit code is asked for again */
    int exit_code;

    int rows, columns;   /* as they should be */
    bool size_is_due;    /* tell them as soon as the stream is open */
    struct task *resize; /* telling them */
};

/* ---- The stages, the last one first ---- */

static struct task *exec_look(struct exec *exec);

static struct task *exec_inspect(struct exec *exec) {
    exec->streaming = false;
    exec->next = exec_look;
    return engine_request(exec->engine, "GET", NULL, "/exec/%s/json", exec->id);
}

static struct task *exec_look(struct exec *exec) {
    const cJSON *answer = request_answer(exec->child);
    if (!json_true(answer, "Running")) {
        exec->exit_code = (int)json_number(answer, "ExitCode", 0);
        return NULL;
    }
    long long pause = exec->again;
    exec->again = pause * 2 < ASK_AGAIN_MOST ? pause * 2 : ASK_AGAIN_MOST;
    exec->next = exec_inspect;
    return pause_new(exec->engine->loop, pause);
}

static bool gives_size_at_start(const struct exec *exec) {
    return exec->tty && exec->rows && exec->engine->info.api_minor >= CONSOLE_SIZE_API;
}

static cJSON *start_body(struct exec *exec) {
    cJSON *body = cJSON_CreateObject();
    json_put_bool(body, "Detach", false);
    json_put_bool(body, "Tty", exec->tty);
    if (gives_size_at_start(exec))
        json_put(body, "ConsoleSize",
                 cJSON_CreateIntArray((const int[]){exec->rows, exec->columns}, 2));
    else
        exec->size_is_due = exec->tty && exec->rows;
    return body;
}

static struct task *exec_stream(struct exec *exec) {
    exec->id = xstrdup(json_text_or(request_answer(exec->child), "Id", ""));
    exec->streaming = true;
    exec->next = exec_inspect;
    struct query query = query_new("/exec/%s/start", exec->id);
    if (exec->hijack) {
        hijack_request(exec->hijack, query.path.data, start_body(exec));
        query_release(&query);
        return exec->hijack;
    }
    struct output *output = output_new(exec->engine, "POST", &query, exec->tty, exec->sink);
    autojson cJSON *body = start_body(exec);
    output->stream.options.body = json_line(body);
    output->held = exec->held;
    return &output->stream.task;
}

/* ---- The terminal's size ---- */

/* The engine refuses a size until the process has started. */
static struct task *resize_attempt(void *context) {
    struct exec *exec = context;
    return engine_request(exec->engine, "POST", NULL, "/exec/%s/resize?h=%d&w=%d", exec->id,
                          exec->rows, exec->columns);
}

static bool exec_is_open(const struct exec *exec) {
    if (!exec->streaming)
        return false;
    return exec->hijack ? hijack_is_open(exec->hijack) : container_attached(exec->child);
}

static void tell_size(struct exec *exec) {
    if (exec->resize && exec->resize->status != TASK_PENDING)
        exec->resize = task_free(exec->resize);
    if (!exec->size_is_due || !exec_is_open(exec))
        return;
    task_free(exec->resize);
    exec->size_is_due = false;
    exec->resize = &retry_new(exec->engine->loop, resize_attempt, exec,
                              (struct retry_beat){RESIZE_BEAT, RESIZE_BEAT})
                        ->task;
    task_limit(exec->resize, deadline_in(RESIZE_LIMIT));
    task_start(exec->resize, &exec->task);
}

void exec_resize(struct task *task, int rows, int columns) {
    struct exec *exec = (struct exec *)task;
    exec->rows = rows;
    exec->columns = columns;
    exec->size_is_due = exec->tty && exec->id;
    task_wake(task);
}

/* ---- The task ---- */

static void free_child(struct exec *exec) {
    if (exec->child == exec->hijack)
        exec->hijack = NULL;
    exec->child = task_free(exec->child);
}

/* Go on to the next stage; false if the last one is done. */
static bool exec_advance(struct exec *exec) {
    struct task *next = exec->next(exec);
    free_child(exec);
    exec->child = next;
    if (next)
        task_start(next, &exec->task);
    return next;
}

static enum task_status exec_step(struct task *task) {
    struct exec *exec = (struct exec *)task;
    task_start(exec->child, task);
    tell_size(exec);
    if (exec->child->status == TASK_PENDING)
        return TASK_PENDING;
    if (exec->child->status == TASK_FAILED) {
        err_move(&task->err, &exec->child->err);
        return TASK_FAILED;
    }
    return exec_advance(exec) ? TASK_PENDING : TASK_DONE;
}

static void exec_cancel(struct task *task) {
    struct exec *exec = (struct exec *)task;
    exec->resize = task_free(exec->resize);
    exec->streaming = false;
    free_child(exec);
}

static void exec_release(struct task *task) {
    struct exec *exec = (struct exec *)task;
    exec_cancel(task);
    exec->hijack = task_free(exec->hijack);
    free(exec->id);
}

static void put_strings(cJSON *body, const char *key, const char *const *strings) {
    cJSON *array = json_array_at(body, key);
    for (; *strings; strings++)
        json_append_text(array, *strings);
}

static cJSON *create_body(const struct exec_options *options) {
    cJSON *body = cJSON_CreateObject();
    put_strings(body, "Cmd", options->argv);
    if (options->environment)
        put_strings(body, "Env", options->environment);
    json_put_text(body, "User", options->user);
    json_put_text(body, "WorkingDir", options->working_dir);
    json_put_bool(body, "Privileged", options->privileged);
    json_put_bool(body, "Tty", options->tty);
    json_put_bool(body, "AttachStdin", options->interactive);
    json_put_bool(body, "AttachStdout", true);
    json_put_bool(body, "AttachStderr", true);
    return body;
}

struct task *container_exec(struct engine *engine, const char *id,
                            const struct exec_options *options, struct output_sink sink) {
    static const struct task_type type = {
        .name = "exec", .step = exec_step, .cancel = exec_cancel, .release = exec_release};
    struct exec *exec = task_new(sizeof *exec, &type, engine->loop);
    autofree char *escaped = engine_escape(id);
    exec->engine = engine;
    exec->sink = sink;
    exec->tty = options->tty;
    exec->rows = options->rows;
    exec->columns = options->columns;
    exec->again = ASK_AGAIN_FIRST;
    exec->child =
        engine_request(engine, "POST", create_body(options), "/containers/%s/exec", escaped);
    request_unshield(exec->child); /* it goes with its container: nothing to see through */
    exec->next = exec_stream;
    if (options->interactive)
        exec->hijack = hijack_new(engine, options->tty, sink);
    return &exec->task;
}

int exec_exit_code(const struct task *task) {
    return ((const struct exec *)task)->exit_code;
}

/* ---- Input ---- */

size_t exec_room(const struct task *task) {
    const struct exec *exec = (const struct exec *)task;
    return exec->hijack ? hijack_room(exec->hijack) : HIJACK_INPUT_MAX;
}

void exec_on_room(struct task *task, void (*room)(void *context), void *context) {
    struct exec *exec = (struct exec *)task;
    if (exec->hijack)
        hijack_on_room(exec->hijack, room, context);
}

void exec_send(struct task *task, const char *data, size_t length) {
    struct exec *exec = (struct exec *)task;
    if (exec->hijack)
        hijack_send(exec->hijack, data, length);
}

/* With a TTY the engine would close the output too; there, as at a keyboard, Ctrl-D ends it. */
void exec_end_input(struct task *task) {
    struct exec *exec = (struct exec *)task;
    if (!exec->hijack)
        return;
    if (!exec->tty)
        hijack_end_input(exec->hijack);
    else if (hijack_room(exec->hijack))
        hijack_send(exec->hijack, "\x04", 1);
}

void exec_hold(struct task *task, bool hold) {
    struct exec *exec = (struct exec *)task;
    exec->held = hold;
    if (exec->hijack)
        hijack_hold(exec->hijack, hold);
    else if (exec->streaming)
        output_hold(exec->child, hold);
}
