/*
 * envrun exec: a command in a service's container, with this terminal if there is one.
 */
#include "cli/cli.h"

#include "base/json.h"
#include "base/text.h"
#include "loop/relay.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

struct conversation {
    struct session *session;
    struct task *exec;
    struct outlet output, errors;
    struct watch input;
    bool input_ended;
    bool tty;
    struct termios before; /* the terminal's modes, to be put back */
};

/* ---- The terminal ---- */

static void enter_raw(struct conversation *talk) {
    struct termios raw;
    tcgetattr(STDIN_FILENO, &talk->before);
    raw = talk->before;
    cfmakeraw(&raw);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}

static void leave_raw(const struct conversation *talk) {
    if (talk->tty)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &talk->before);
}

static void on_resize(struct session *session) {
    struct conversation *talk = session->context;
    struct winsize size;
    if (talk->exec && talk->tty && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
        exec_resize(talk->exec, size.ws_row, size.ws_col);
}

/* ---- Input and output ---- */

static void on_output(void *context, enum stream_tag stream, const char *data, size_t length) {
    struct conversation *talk = context;
    outlet_write(stream == STREAM_STDERR ? &talk->errors : &talk->output, data, length);
}

static void end_input(struct conversation *talk) {
    watch_set(&talk->input, 0);
    talk->input_ended = true;
    exec_end_input(talk->exec);
}

static void send_some(struct conversation *talk) {
    char chunk[32 << 10];
    size_t room = exec_room(talk->exec);
    if (!room) {
        watch_set(&talk->input, 0); /* the process reads slowly: so do we */
        return;
    }
    ssize_t got = read(STDIN_FILENO, chunk, room < sizeof chunk ? room : sizeof chunk);
    if (got > 0)
        exec_send(talk->exec, chunk, (size_t)got);
    else if (!got || (errno != EAGAIN && errno != EINTR))
        end_input(talk);
}

static void input_ready(struct watch *watch, uint32_t events) {
    (void)events;
    send_some(container_of(watch, struct conversation, input));
}

/* A regular file cannot be watched: it is always ready. */
static void on_room(void *context) {
    struct conversation *talk = context;
    if (talk->input_ended || watch_set(&talk->input, EPOLLIN))
        return;
    while (!talk->input_ended && exec_room(talk->exec))
        send_some(talk);
}

static void start(struct conversation *talk, const char *id) {
    struct options *options = talk->session->options;
    struct winsize size = {0};
    struct exec_options exec = {
        .argv = (const char *const *)options->words + 1,
        .environment = (const char *const *)strings_argv(&options->variables),
        .user = options->user,
        .working_dir = options->working_dir,
        .tty = talk->tty,
        .interactive = true,
    };
    if (talk->tty && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size)) {
        exec.rows = size.ws_row;
        exec.columns = size.ws_col;
    }
    talk->exec =
        container_exec(talk->session->engine, id, &exec, (struct output_sink){on_output, talk});
    exec_on_room(talk->exec, on_room, talk);
    task_start(talk->exec, NULL);
    on_room(talk);
}

static int converse(struct session *session, const char *id, struct err *err) {
    struct conversation talk = {.session = session};
    int code = 0;
    talk.tty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && !session->options->no_tty;
    outlet_init(&talk.output, session->loop, STDOUT_FILENO);
    outlet_init(&talk.errors, session->loop, STDERR_FILENO);
    watch_init(&talk.input, session->loop, STDIN_FILENO, input_ready);
    if (talk.tty)
        enter_raw(&talk);
    session->context = &talk;
    session->resized = on_resize;
    start(&talk, id);
    while (talk.exec->status == TASK_PENDING && !session->signal) {
        loop_turn(session->loop, -1);
        if (talk.output.broken)
            session->signal = SIGPIPE; /* nobody reads it any more: as if it had arrived */
    }
    watch_set(&talk.input, 0);
    leave_raw(&talk);
    outlet_flush(&talk.output, 5000);
    outlet_flush(&talk.errors, 5000);
    session->resized = NULL;
    if (talk.exec->status == TASK_FAILED)
        err_move(err, &talk.exec->err);
    else
        code = session->signal ? 128 + session->signal : exec_exit_code(talk.exec);
    task_free(talk.exec);
    outlet_release(&talk.output);
    outlet_release(&talk.errors);
    return code;
}

/* A `--` between the service and its command is none of the command's words. */
static void drop_separator(struct options *options) {
    if (options->word_count < 2 || strcmp(options->words[1], "--") != 0)
        return;
    options->words[1] = options->words[0];
    options->words++;
    options->word_count--;
}

static bool has_a_command(struct options *options, struct err *err) {
    drop_separator(options);
    return options->word_count > 1 ||
           err_set(err, ERR_USAGE, "envrun exec needs a service and a command");
}

int command_exec(struct options *options) {
    struct session session;
    struct err err = ERR_INIT;
    int code = 0;

    session_init(&session, options);
    cJSON *containers = NULL;
    const cJSON *container = NULL;
    if (has_a_command(options, &err) && session_name(&session, &err) &&
        session_open(&session, &err))
        containers = session_containers(&session, &err);
    if (containers)
        container = containers_service(containers, options->words[0], options->index, &err);
    if (container)
        code = converse(&session, json_text_or(container, "Id", ""), &err);
    if (err_is(&err))
        code = session_fail(&session, &err);
    cJSON_Delete(containers);
    session_release(&session);
    err_release(&err);
    return code;
}
