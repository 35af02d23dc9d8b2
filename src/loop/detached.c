#include "loop/detached.h"

#include "base/memory.h"
#include "base/vector.h"
#include "loop/child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the dynamic linker needs to find the libraries again. */
static void minimal_environment(struct strings *to) {
    const char *libraries = getenv("LD_LIBRARY_PATH");
    strings_add(to, "PATH=/usr/bin:/bin");
    if (libraries)
        strings_printf(to, "LD_LIBRARY_PATH=%s", libraries);
}

/* ---- In the new process ---- */

static void become(int program, const char *const *argv, char *const *environment, int input) {
    enum { PROGRAM = STDERR_FILENO + 1 };
    if (chdir("/"))
        _exit(126);
    child_reset_signals();
    dup2(input, STDIN_FILENO);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    if (program != PROGRAM)
        dup3(program, PROGRAM, O_CLOEXEC);
    closefrom(PROGRAM + 1);
    fexecve(PROGRAM, (char *const *)argv, environment);
    _exit(127);
}

/* The one between, which ends at once, so that the program is nobody's child. */
static void leave_orphan(int program, const char *const *argv, char *const *environment, int input,
                         int report) {
    setsid();
    pid_t pid = fork();
    if (!pid)
        become(program, argv, environment, input);
    _exit(pid < 0 || write(report, &pid, sizeof pid) != sizeof pid);
}

/* ---- In envrun ---- */

static pid_t start(int program, const char *const *argv, char *const *environment, int input) {
    int report[2];
    pid_t pid = 0;
    if (pipe2(report, O_CLOEXEC))
        return 0;
    pid_t between = fork();
    if (!between)
        leave_orphan(program, argv, environment, input, report[1]);
    close(report[1]);
    if (between > 0 && read(report[0], &pid, sizeof pid) != sizeof pid)
        pid = 0;
    if (between > 0)
        waitpid(between, NULL, 0);
    close(report[0]);
    return pid;
}

/* Nor is it to become ours again, where we adopt strays. */
pid_t detached_start(const char *const *argv, int input, struct err *err) {
    autostrings struct strings environment = {0};
    int adopting = 0;
    int program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    pid_t pid = 0;
    minimal_environment(&environment);
    prctl(PR_GET_CHILD_SUBREAPER, &adopting);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    if (program >= 0)
        pid = start(program, argv, strings_argv(&environment), input);
    int reason = errno;
    prctl(PR_SET_CHILD_SUBREAPER, adopting);
    if (program >= 0)
        close(program);
    if (!pid)
        err_system(err, reason, "cannot start a process");
    return pid;
}
