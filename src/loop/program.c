#include "loop/program.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

struct program {
    struct task task;
    struct program_options options;
    struct task *child;
    struct watch watch; /* of what it prints */
    int theirs[2];      /* its standard input and output, until it has them; or -1 */
    int mine;           /* what it prints, or -1 */
};

/* ---- Its standard input and output ---- */

static void close_at(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* It may be a secret: no copy stays here. */
static void read_some(struct program *program) {
    char chunk[4096];
    ssize_t got;
    while ((got = read(program->mine, chunk, sizeof chunk)) > 0)
        program->options.output(program->options.context, chunk, (size_t)got);
    explicit_bzero(chunk, sizeof chunk);
    if (!got)
        watch_set(&program->watch, 0);
}

static void output_ready(struct watch *watch, uint32_t events) {
    (void)events;
    read_some(container_of(watch, struct program, watch));
}

static bool open_input(struct program *program) {
    int ends[2];
    size_t length = strlen(program->options.input);
    if (length > PROGRAM_INPUT_MAX || pipe2(ends, O_CLOEXEC))
        return false;
    ssize_t put = write(ends[1], program->options.input, length);
    close(ends[1]);
    program->theirs[0] = ends[0];
    return put == (ssize_t)length;
}

static bool open_pipes(struct program *program) {
    int ends[2];
    if ((program->options.input && !open_input(program)) || pipe2(ends, O_CLOEXEC))
        return err_system(&program->task.err, errno, "cannot make a pipe");
    program->mine = ends[0];
    program->theirs[1] = ends[1];
    fcntl(program->mine, F_SETFL, O_NONBLOCK);
    watch_init(&program->watch, program->task.loop, program->mine, output_ready);
    return watch_set(&program->watch, EPOLLIN);
}

/* ---- The task ---- */

static bool begin(struct program *program) {
    const struct program_options *options = &program->options;
    if (!open_pipes(program))
        return false;
    program->child =
        child_new(program->task.loop, &(struct child_options){
                                          .argv = options->argv,
                                          .environment = options->environment,
                                          .directory = options->directory,
                                          .input = program->theirs[0],
                                          .output = program->theirs[1],
                                          .errors = options->errors_too ? program->theirs[1] : -1,
                                          .guard = options->guard,
                                      });
    task_start(program->child, &program->task);
    return true;
}

static enum task_status program_step(struct task *task) {
    struct program *program = (struct program *)task;
    if (!program->child)
        return begin(program) ? TASK_PENDING : TASK_FAILED;
    if (program->child->status == TASK_PENDING)
        return TASK_PENDING;
    if (program->child->status == TASK_FAILED) {
        err_move(&task->err, &program->child->err);
        return TASK_FAILED;
    }
    read_some(program);
    return TASK_DONE;
}

static void program_cancel(struct task *task) {
    struct program *program = (struct program *)task;
    program->child = task_free(program->child);
}

static void program_release(struct task *task) {
    struct program *program = (struct program *)task;
    task_free(program->child);
    if (program->mine >= 0)
        watch_set(&program->watch, 0);
    close_at(&program->mine);
    close_at(&program->theirs[0]);
    close_at(&program->theirs[1]);
}

struct task *program_new(struct loop *loop, const struct program_options *options) {
    static const struct task_type type = {.name = "program",
                                          .step = program_step,
                                          .cancel = program_cancel,
                                          .release = program_release};
    struct program *program = task_new(sizeof *program, &type, loop);
    program->options = *options;
    program->mine = program->theirs[0] = program->theirs[1] = -1;
    return &program->task;
}

int program_exit_code(const struct task *task) {
    return child_exit_code(((const struct program *)task)->child);
}
