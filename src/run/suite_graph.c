/*
 * A suite as a service of the graph: its container is made with the others, attached to before it
 * is started so that no output is missed, and done when it ends.
 */
#include "run/suite.h"

#include "base/path.h"
#include "base/text.h"

#include <signal.h>
#include <string.h>

struct graph_suite {
    struct task task;
    struct environment *environment;
    struct life *life;
    struct suite_output *output;
    struct task *inits; /* its pre_start hooks, or NULL */
    struct task *attach;
    struct task *start;
    struct task *hooks;         /* its post_start hooks, or NULL */
    struct task_group *signals; /* kills under way */
};

static void on_output(void *context, enum stream_tag stream, const char *data, size_t length) {
    struct graph_suite *suite = context;
    bool shared = suite->environment->options.output_is_shared;
    outlet_write(stream == STREAM_STDERR && !shared ? &suite->output->errors
                                                    : &suite->output->output,
                 data, length);
}

static bool failed(struct graph_suite *suite, struct task *work) {
    if (!work || work->status != TASK_FAILED)
        return false;
    err_move(&suite->task.err, &work->err);
    err_prefix(&suite->task.err, "the suite's service `%s`", suite->life->name);
    if (suite->task.err.kind == ERR_ANSWER) {
        suite->task.err.kind = ERR_SUITE; /* such as a command that is not in the image */
        suite->task.err.code = strstr(suite->task.err.message, "no such file") ||
                                       strstr(suite->task.err.message, "not found")
                                   ? 127
                                   : 126;
    }
    return true;
}

static void begin_attach(struct graph_suite *suite) {
    suite->attach =
        container_attach(suite->environment->engine, suite->life->id, suite->life->planned->tty,
                         (struct output_sink){on_output, suite});
    task_start(suite->attach, &suite->task);
}

static void begin_start(struct graph_suite *suite) {
    suite->start = container_start(suite->environment->engine, suite->life->id);
    task_start(suite->start, &suite->task);
}

static void begin_hooks(struct graph_suite *suite) {
    suite->hooks = post_start_new(suite->life);
    if (suite->hooks)
        task_start(suite->hooks, &suite->task);
}

/* A hook that the suite's own end has cut off, or come before, is no failure. */
static bool hooks_failed(struct graph_suite *suite) {
    enum { NOT_RUNNING = 409, KILLED = 128 + SIGKILL };
    const struct err *err = suite->hooks ? &suite->hooks->err : NULL;
    return err && err->code != NOT_RUNNING && err->code != KILLED && failed(suite, suite->hooks);
}

static enum task_status graph_suite_step(struct task *task) {
    struct graph_suite *suite = (struct graph_suite *)task;
    if (suite->inits && suite->inits->status == TASK_PENDING)
        return TASK_PENDING;
    if (failed(suite, suite->inits))
        return TASK_FAILED;
    if (!suite->attach)
        begin_attach(suite);
    if (!suite->start && container_attached(suite->attach))
        begin_start(suite);
    if (failed(suite, suite->start) || (!suite->start && failed(suite, suite->attach)))
        return TASK_FAILED;
    if (!suite->hooks && suite->start && suite->start->status == TASK_DONE)
        begin_hooks(suite);
    if (hooks_failed(suite))
        return TASK_FAILED;
    bool output_ended = suite->attach->status != TASK_PENDING;
    return suite->life->exited && output_ended ? TASK_DONE : TASK_PENDING;
}

static void graph_suite_release(struct task *task) {
    struct graph_suite *suite = (struct graph_suite *)task;
    task_free(suite->inits);
    task_free(suite->attach);
    task_free(suite->start);
    task_free(suite->hooks);
    task_free(suite->signals);
}

static struct task *graph_suite_begin(struct environment *environment, const struct suite *suite,
                                      struct suite_output *output, struct err *err) {
    static const struct task_type type = {
        .name = "suite in the graph", .step = graph_suite_step, .release = graph_suite_release};
    struct graph_suite *graph = task_new(sizeof *graph, &type, environment->loop);
    (void)err;
    graph->environment = environment;
    graph->life = environment_life(environment, suite->service);
    graph->output = output;
    graph->inits = inits_new(graph->life);
    if (graph->inits)
        task_start(graph->inits, &graph->task);
    return &graph->task;
}

static int graph_suite_exit_code(const struct task *task) {
    return ((const struct graph_suite *)task)->life->exit_code;
}

static void graph_suite_signal(struct task *task, int number) {
    struct graph_suite *suite = (struct graph_suite *)task;
    if (suite->life->exited)
        return;
    if (!suite->start) { /* then it never is */
        err_code(&task->err, ERR_SUITE, 126, "the suite was stopped before it began");
        task_end(task, TASK_FAILED);
        return;
    }
    if (suite->signals && ((struct task *)suite->signals)->status != TASK_PENDING)
        suite->signals =
            (struct task_group *)task_free(suite->signals); /* one that has ended takes no more */
    if (!suite->signals)
        suite->signals = task_group_new(task->loop, GROUP_COLLECT, 0);
    task_group_add(suite->signals, container_kill(suite->environment->engine, suite->life->id,
                                                  number == SIGKILL ? "KILL" : "TERM"));
    task_start((struct task *)suite->signals, NULL);
}

void suite_container_ended(struct task *way) {
    task_wake(way);
}

const struct suite_way suite_in_graph = {graph_suite_begin, graph_suite_exit_code,
                                         graph_suite_signal};

/* ---- Its container's body ---- */

static void put_command(cJSON *body, const char *const *argv) {
    cJSON_DeleteItemFromObjectCaseSensitive(body, "Cmd");
    cJSON *list = json_put(body, "Cmd", cJSON_CreateArray());
    for (; argv && *argv; argv++)
        json_append_text(list, *argv);
}

static const struct suite *suite_of(const struct life *life) {
    const struct suite *const *suite = life->environment->options.suites;
    for (; suite && *suite; suite++)
        if (text_equal((*suite)->service, life->name))
            return *suite;
    return NULL;
}

/* As seen from the one that the service, or else its image, gives. */
static void put_folder(const struct life *life, cJSON *body, const char *folder) {
    const char *of_image = json_text_or(life->image, "Config.WorkingDir", "");
    const char *own = json_text_or(body, "WorkingDir", of_image);
    autofree char *rooted = path_join("/", own), *whole = path_join(rooted, folder);
    cJSON_DeleteItemFromObjectCaseSensitive(body, "WorkingDir");
    json_put_text(body, "WorkingDir", whole);
}

bool suite_prepare_body(struct life *life, cJSON *body, struct err *err) {
    struct environment *environment = life->environment;
    const struct suite *suite = suite_of(life);
    const char *const *override = environment->options.command;
    autostrings struct strings variables = {0};

    if (!suite)
        return err_set(err, ERR_BUG, "service `%s` is no suite's", life->name);
    if (override || suite->command.argv)
        put_command(body, override ? override : (const char *const *)suite->command.argv);
    if (suite->working_dir)
        put_folder(life, body, suite->working_dir);
    environ_set(&variables, "ENVRUN_ENVIRONMENT", environment->name);
    if (!variables_add(environment, true, &variables, err) ||
        !variables_add_suite(environment, suite, true, &variables, err))
        return false;
    cJSON *list = json_array_at(body, "Env");
    vec_each (entry, &variables)
        json_append_text(list, *entry);
    if (environment->options.output_is_terminal) {
        life->planned->tty = true;
        cJSON_DeleteItemFromObjectCaseSensitive(body, "Tty");
        json_put_bool(body, "Tty", true);
    }
    return true;
}
