/*
 * envrun reaper: the hidden verb (run/reaper.h). Its standard input is a socket of another envrun.
 */
#include "run/reaper.h"

#include "cli/cli.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

bool is_reaper(const char *word) {
    struct stat input;
    return !strcmp(word, REAPER_VERB) && !fstat(STDIN_FILENO, &input) && S_ISSOCK(input.st_mode);
}

/* What ends its envrun must not end it. */
static void ignore_signals(void) {
    static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        signal(signals[i], SIG_IGN);
}

int command_reaper(void) {
    struct err err = ERR_INIT;
    int code = EX_OSERR;
    ignore_signals();
    prctl(PR_SET_NAME, "envrun-reaper");
    struct loop *loop = loop_new(&err);
    if (loop) {
        struct task *reaping = reaping_new(loop, STDIN_FILENO);
        task_start(reaping, NULL);
        loop_run(loop, reaping);
        code = reaping->status == TASK_DONE ? EX_OK : err_exit_code(&reaping->err);
        task_free(reaping);
    }
    loop_free(loop);
    err_release(&err);
    return code;
}
