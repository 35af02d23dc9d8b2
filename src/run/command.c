/*
 * A command in a container: its output is kept (the end of it), its exit code judged, a file fed to
 * it if asked.
 */
#include "run/environment.h"

#include "base/path.h"
#include "base/text.h"

#include <string.h>
#include <unistd.h>

struct command_task {
    struct task task;
    struct engine *engine;
    struct container_command command;
    struct task *exec;
    struct buffer output;
    int input; /* the file that is fed, or -1 */
};

/* Keep the end of the output: that is where the reason stands. */
static void keep_output(void *context, enum stream_tag stream, const char *data, size_t length) {
    struct command_task *command = context;
    (void)stream;
    buffer_add_last(&command->output, data, length);
}

static void end_input(struct command_task *command) {
    close(command->input);
    command->input = -1;
    exec_end_input(command->exec);
}

static void feed(void *context) {
    struct command_task *command = context;
    char chunk[32 << 10];
    while (command->input >= 0) {
        size_t room = exec_room(command->exec);
        if (!room)
            return;
        ssize_t got = read(command->input, chunk, room < sizeof chunk ? room : sizeof chunk);
        if (got > 0)
            exec_send(command->exec, chunk, (size_t)got);
        else
            end_input(command);
    }
}

static bool command_begin(struct command_task *command) {
    const char *input = command->command.input;
    struct exec_options options = command->command.exec;
    if (input) {
        command->input = path_open_file(input, &command->task.err);
        if (command->input < 0)
            return false;
        options.interactive = true;
    }
    command->exec = container_exec(command->engine, command->command.id, &options,
                                   (struct output_sink){keep_output, command});
    if (input)
        exec_on_room(command->exec, feed, command);
    task_start(command->exec, &command->task);
    feed(command);
    return true;
}

static bool command_judge(struct command_task *command) {
    int code = exec_exit_code(command->exec);
    const char *what = command->command.what ? command->command.what : "the command";
    if (!code || command->command.any_code)
        return true;
    autofree char *last = last_line(command->output.data);
    return err_code(&command->task.err, ERR_ENVIRONMENT, code, "%s exited with code %d%s%s", what,
                    code, *last ? ": " : "", last);
}

static enum task_status command_step(struct task *task) {
    struct command_task *command = (struct command_task *)task;
    if (!command->exec && !command_begin(command))
        return TASK_FAILED;
    if (command->exec->status == TASK_PENDING)
        return TASK_PENDING;
    if (command->exec->status == TASK_FAILED) {
        err_move(&task->err, &command->exec->err);
        return TASK_FAILED;
    }
    return command_judge(command) ? TASK_DONE : TASK_FAILED;
}

static void command_release(struct task *task) {
    struct command_task *command = (struct command_task *)task;
    task_free(command->exec);
    buffer_release(&command->output);
    if (command->input >= 0)
        close(command->input);
}

struct task *command_new(struct loop *loop, struct engine *engine,
                         const struct container_command *command) {
    static const struct task_type type = {
        .name = "command", .step = command_step, .release = command_release};
    struct command_task *task = task_new(sizeof *task, &type, loop);
    task->engine = engine;
    task->command = *command;
    task->output = BUFFER_INIT_MAX(EXEC_OUTPUT_MAX);
    task->input = -1;
    return &task->task;
}

int command_exit_code(const struct task *command) {
    return exec_exit_code(((const struct command_task *)command)->exec);
}

const char *command_output(const struct task *command) {
    return ((const struct command_task *)command)->output.data;
}

char *last_line(const char *text) {
    const char *end = text + strlen(text);
    while (end > text && strchr(" \t\r\n", end[-1]))
        end--;
    const char *begin = end;
    while (begin > text && begin[-1] != '\n')
        begin--;
    enum { MOST = 300 }; /* bytes of a line in a sentence */
    size_t length = (size_t)(end - begin);
    if (length > MOST)
        length = MOST - text_utf8_tail(begin, MOST);
    return xstrndup(begin, length);
}
