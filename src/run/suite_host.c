/*
 * A suite as a process on this host: its own session, its output through one pipe, two, or a
 * terminal of its own, so that colours stay.
 */
#include "run/suite.h"

#include "base/text.h"
#include "loop/child.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum {
    STRAYS_BEAT = 20,   /* ms between two looks at what a suite left behind */
    STRAYS_GRACE = 2000 /* ms between their SIGTERM and SIGKILL */
};

struct host_suite {
    struct task task;
    struct environment *environment;
    struct suite_output *output;
    struct strings variables;
    const char **argv;
    struct task *child;
    struct task *relays[2];
    int write_ends[2]; /* the suite's side; closed once it has them; or -1 */
    struct timer strays_beat;
    long long strays_deadline; /* 0: not looked for yet */
    bool killed;               /* no more patience, with strays neither */
};

/* ---- Its output ---- */

static bool open_terminal(struct host_suite *suite, int ends[2], struct err *err) {
    const struct environment_options *options = &suite->environment->options;
    struct winsize size = {.ws_row = (unsigned short)options->rows,
                           .ws_col = (unsigned short)options->columns};
    struct termios plain;
    if (openpty(&ends[0], &ends[1], NULL, NULL, options->rows ? &size : NULL))
        return err_system(err, errno, "cannot make a terminal");
    tcgetattr(ends[1], &plain);
    plain.c_oflag &= ~(tcflag_t)OPOST; /* the user's own terminal turns \n into \r\n */
    tcsetattr(ends[1], TCSANOW, &plain);
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return true;
}

static bool open_channel(struct host_suite *suite, size_t which, bool terminal, struct outlet *to,
                         struct err *err) {
    int ends[2];
    if (terminal ? !open_terminal(suite, ends, err) : pipe2(ends, O_CLOEXEC) != 0)
        return err_is(err) ? false : err_system(err, errno, "cannot make a pipe");
    suite->write_ends[which] = ends[1];
    suite->relays[which] = relay_new(suite->task.loop, ends[0], to);
    return true;
}

/* One channel where stdout and stderr are one file, so that the order of lines is kept. */
static bool open_channels(struct host_suite *suite, struct err *err) {
    const struct environment_options *options = &suite->environment->options;
    if (!open_channel(suite, 0, options->output_is_terminal, &suite->output->output, err))
        return false;
    return options->output_is_shared || open_channel(suite, 1, false, &suite->output->errors, err);
}

static void close_write_ends(struct host_suite *suite) {
    for (size_t i = 0; i < 2; i++)
        if (suite->write_ends[i] >= 0)
            close(suite->write_ends[i]);
    suite->write_ends[0] = suite->write_ends[1] = -1;
}

/* ---- What it leaves behind ---- */

static void look_for_strays(struct timer *timer) {
    task_wake(&container_of(timer, struct host_suite, strays_beat)->task);
}

/* Daemons that it started end with it: SIGTERM, then SIGKILL. They are looked for once it has ended
 * itself, since looking also reaps. */
static bool strays_are_gone(struct host_suite *suite) {
    bool first = !suite->strays_deadline;
    bool patient = !suite->killed && (first || loop_now() < suite->strays_deadline);
    if (first)
        suite->strays_deadline = loop_now() + STRAYS_GRACE;
    int number = !patient ? SIGKILL : first ? SIGTERM : 0;
    if (!children_signal_strays(number, reaper_pid(suite->environment->reaper)))
        return true;
    timer_set(&suite->strays_beat, loop_now() + STRAYS_BEAT);
    return false;
}

/* ---- The task ---- */

static void start_relays(struct host_suite *suite) {
    for (size_t i = 0; i < 2; i++)
        if (suite->relays[i])
            task_start(suite->relays[i], &suite->task);
}

static void finish_relays(struct host_suite *suite) {
    for (size_t i = 0; i < 2; i++)
        if (suite->relays[i])
            relay_finish(suite->relays[i]);
}

static enum task_status host_suite_step(struct task *task) {
    struct host_suite *suite = (struct host_suite *)task;
    if (!suite->child->started) {
        task_start(suite->child, task);
        start_relays(suite);
        return TASK_PENDING;
    }
    if (suite->child->status == TASK_PENDING) {
        if (child_is_running(suite->child))
            close_write_ends(suite);
        return TASK_PENDING;
    }
    close_write_ends(suite);
    if (suite->child->status == TASK_FAILED) {
        err_move(&task->err, &suite->child->err);
        return TASK_FAILED;
    }
    if (!strays_are_gone(suite))
        return TASK_PENDING;
    finish_relays(suite);
    return TASK_DONE;
}

static void host_suite_release(struct task *task) {
    struct host_suite *suite = (struct host_suite *)task;
    task_free(suite->child);
    for (size_t i = 0; i < 2; i++)
        task_free(suite->relays[i]);
    close_write_ends(suite);
    timer_stop(&suite->strays_beat);
    strings_release(&suite->variables);
}

static bool collect_variables(struct host_suite *host, const struct suite *suite, struct err *err) {
    struct environment *environment = host->environment;
    variables_add_host(environment, &host->variables);
    environ_set(&host->variables, "ENVRUN_ENVIRONMENT", environment->name);
    return variables_add(environment, false, &host->variables, err) &&
           variables_add_suite(environment, suite, false, &host->variables, err);
}

static struct task *host_suite_begin(struct environment *environment, const struct suite *suite,
                                     struct suite_output *output, struct err *err) {
    static const struct task_type type = {
        .name = "suite on the host", .step = host_suite_step, .release = host_suite_release};
    struct host_suite *host = task_new(sizeof *host, &type, environment->loop);
    const char *const *command = environment->options.command;

    host->environment = environment;
    host->output = output;
    host->write_ends[0] = host->write_ends[1] = -1;
    timer_init(&host->strays_beat, environment->loop, look_for_strays);
    if (!collect_variables(host, suite, err) || !open_channels(host, err)) {
        task_free(host);
        return NULL;
    }
    struct child_options options = {
        .argv = command ? command : (const char *const *)suite->command.argv,
        .environment = (const char *const *)strings_argv(&host->variables),
        .directory = suite->working_dir ? suite->working_dir : environment->model->directory,
        .input = -1,
        .output = host->write_ends[0],
        .errors = host->write_ends[1] >= 0 ? host->write_ends[1] : host->write_ends[0],
        .terminal = environment->options.output_is_terminal,
        .guard = reaper_guard(environment->reaper),
    };
    host->child = child_new(environment->loop, &options);
    return &host->task;
}

static int host_suite_exit_code(const struct task *task) {
    return child_exit_code(((const struct host_suite *)task)->child);
}

static void host_suite_signal(struct task *task, int number) {
    struct host_suite *suite = (struct host_suite *)task;
    suite->killed = suite->killed || number == SIGKILL;
    if (suite->child && suite->child->status == TASK_PENDING)
        child_signal(suite->child, number);
    else
        task_wake(task);
}

const struct suite_way suite_on_host = {host_suite_begin, host_suite_exit_code, host_suite_signal};
