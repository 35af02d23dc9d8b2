#include "loop/child.h"

#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_BEAT = 10 /* ms */ };

struct child {
    struct task task;
    struct child_options options;
    pid_t pid;
    struct watch watch; /* of its pidfd */
    struct timer look;  /* in its place on a kernel that has none (before 5.3) */
    int exit_code;
};

/* ---- In the new process ---- */

void child_reset_signals(void) {
    sigset_t none;
    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void place_descriptor(int from, int to, int flags) {
    if (from < 0)
        from = open("/dev/null", flags);
    if (from != to)
        dup2(from, to);
    else
        fcntl(to, F_SETFD, 0);
}

/* Never comes back: runs the program or tells why not. */
static void become(const struct child_options *options, int report) {
    setsid();
    child_reset_signals();
    place_descriptor(options->input, STDIN_FILENO, O_RDONLY);
    place_descriptor(options->output, STDOUT_FILENO, O_WRONLY);
    place_descriptor(options->errors, STDERR_FILENO, O_WRONLY);
    if (options->terminal)
        ioctl(STDOUT_FILENO, TIOCSCTTY, 0);
    if (options->guard.begins)
        options->guard.begins(options->guard.context, getpid());
    if (!options->directory || !chdir(options->directory))
        execvpe(options->argv[0], (char *const *)options->argv,
                (char *const *)options->environment);
    int reason = errno;
    if (write(report, &reason, sizeof reason) != sizeof reason)
        _exit(126);
    _exit(127);
}

/* ---- In envrun ---- */

/* False: it still runs. */
static bool take_end(struct child *child) {
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG) || !info.si_pid)
        return false;
    bool exited = info.si_code == CLD_EXITED;
    child->exit_code = exited ? info.si_status : 128 + info.si_status;
    if (child->watch.fd >= 0)
        watch_set(&child->watch, 0);
    task_end(&child->task, TASK_DONE);
    return true;
}

static void child_ended(struct watch *watch, uint32_t events) {
    (void)events;
    take_end(container_of(watch, struct child, watch));
}

static void look_again(struct timer *timer) {
    if (!take_end(container_of(timer, struct child, look)))
        timer_set(timer, loop_now() + LOOK_BEAT);
}

static bool refuse(struct child *child, int reason) {
    const struct child_options *options = &child->options;
    if (reason == ENOENT && options->directory && access(options->directory, X_OK))
        return err_code(&child->task.err, ERR_SUITE, 126, "cannot enter the directory %s: %s",
                        options->directory, strerror(reason));
    return err_code(&child->task.err, ERR_SUITE, reason == ENOENT ? 127 : 126,
                    "cannot run `%s`: %s", options->argv[0],
                    reason == ENOENT ? "no such program" : strerror(reason));
}

/* An exec that works closes the pipe; one that does not says why through it. */
static bool exec_worked(struct child *child, int report) {
    int reason = 0;
    ssize_t got;
    while ((got = read(report, &reason, sizeof reason)) < 0 && errno == EINTR)
        ;
    if (got != sizeof reason)
        return true;
    waitpid(child->pid, NULL, 0);
    child->pid = 0;
    return refuse(child, reason);
}

static bool spawn(struct child *child) {
    int report[2];
    if (pipe2(report, O_CLOEXEC))
        return err_system(&child->task.err, errno, "cannot make a pipe");
    child->pid = fork();
    if (!child->pid)
        become(&child->options, report[1]);
    int reason = errno;
    close(report[1]);
    bool ok = child->pid > 0 ? exec_worked(child, report[0])
                             : err_system(&child->task.err, reason, "cannot start a process");
    close(report[0]);
    return ok;
}

static enum task_status child_step(struct task *task) {
    struct child *child = (struct child *)task;
    if (child->pid)
        return TASK_PENDING;
    if (!spawn(child))
        return TASK_FAILED;
    watch_init(&child->watch, task->loop, pidfd_open(child->pid, 0), child_ended);
    if (child->watch.fd < 0) { /* an old kernel, or no descriptor is left */
        look_again(&child->look);
    } else if (!watch_set(&child->watch, EPOLLIN)) {
        err_system(&task->err, errno, "cannot watch a process");
        return TASK_FAILED;
    }
    return task->status;
}

static void child_cancel(struct task *task) {
    child_signal(task, SIGKILL); /* its end is reaped with the strays */
}

static void child_release(struct task *task) {
    struct child *child = (struct child *)task;
    const struct child_guard *guard = &child->options.guard;
    if (child->pid > 0 && guard->ended)
        guard->ended(guard->context, child->pid);
    timer_stop(&child->look);
    if (child->watch.fd > 0) {
        watch_set(&child->watch, 0);
        close(child->watch.fd);
    }
}

struct task *child_new(struct loop *loop, const struct child_options *options) {
    static const struct task_type type = {
        .name = "child", .step = child_step, .cancel = child_cancel, .release = child_release};
    struct child *child = task_new(sizeof *child, &type, loop);
    child->options = *options;
    timer_init(&child->look, loop, look_again);
    return &child->task;
}

int child_exit_code(const struct task *task) {
    return ((const struct child *)task)->exit_code;
}

bool child_is_running(const struct task *task) {
    return ((const struct child *)task)->pid > 0;
}

void child_signal(struct task *task, int number) {
    struct child *child = (struct child *)task;
    if (child->pid > 0)
        kill(-child->pid, number);
}

/* ---- Strays ---- */

/* The parent of a process, from /proc/PID/stat: "PID (NAME) STATE PARENT ..."; 0 if it is gone or
 * has ended. */
static pid_t parent_of(const char *pid) {
    char path[64], text[512], state;
    int parent;
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    text[length > 0 ? length : 0] = '\0';
    const char *behind_name = strrchr(text, ')');
    if (!behind_name || sscanf(behind_name + 1, " %c %d", &state, &parent) != 2)
        return 0;
    return state == 'Z' ? 0 : parent;
}

static bool is_ours(const struct dirent *entry, pid_t *ret_pid) {
    long pid;
    if (!text_to_long(entry->d_name, 2, 1 << 30, &pid) || parent_of(entry->d_name) != getpid())
        return false;
    *ret_pid = (pid_t)pid;
    return true;
}

static bool have_children(void) {
    DIR *processes = opendir("/proc");
    bool found = false;
    pid_t pid;
    if (!processes)
        return false;
    for (struct dirent *entry; !found && (entry = readdir(processes));)
        found = is_ours(entry, &pid);
    closedir(processes);
    return found;
}

void children_adopt(void) {
    if (!have_children())
        prctl(PR_SET_CHILD_SUBREAPER, 1);
}

int children_signal_strays(int number, pid_t spared) {
    DIR *processes;
    int adopting = 0, found = 0;
    pid_t pid;
    prctl(PR_GET_CHILD_SUBREAPER, &adopting);
    if (!adopting || !(processes = opendir("/proc")))
        return 0;
    for (struct dirent *entry; (entry = readdir(processes));) {
        if (!is_ours(entry, &pid) || pid == spared)
            continue;
        found++;
        kill(-pid, number); /* the group it leads, if it leads one */
        kill(pid, number);
    }
    closedir(processes);
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    return found;
}
