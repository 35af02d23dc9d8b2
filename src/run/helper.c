#include "run/helper.h"

#include "base/buffer.h"
#include "base/text.h"
#include "loop/child.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    REPLY_MAX = 64 << 10, /* bytes */
    SERVER_MAX = 1024,    /* bytes: less than a pipe holds */
    HELPER_LIMIT = 30000, /* ms */
    SENTENCE_MAX = 200,   /* bytes of its own words in an error */
};

struct helper {
    struct task task;
    struct task *child;
    struct watch watch; /* of what it prints */
    struct buffer reply;
    const char *const *environment;
    char *program, *server;
    const char *argv[3];
    int theirs[2]; /* its standard input and output, until it has them; or -1 */
    int mine;      /* what it prints, or -1 */
    bool too_long, knows_none;
};

/* ---- Its standard input and output ---- */

static void close_at(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void read_some(struct helper *helper) {
    char chunk[4096];
    ssize_t got;
    while ((got = read(helper->mine, chunk, sizeof chunk)) > 0)
        helper->too_long |= !buffer_add_capped(&helper->reply, chunk, (size_t)got);
    explicit_bzero(chunk, sizeof chunk);
    if (!got)
        watch_set(&helper->watch, 0);
}

static void reply_ready(struct watch *watch, uint32_t events) {
    (void)events;
    read_some(container_of(watch, struct helper, watch));
}

static bool open_pipes(struct helper *helper) {
    int in[2], out[2];
    size_t length = strlen(helper->server);
    if (length > SERVER_MAX)
        return err_set(&helper->task.err, ERR_ENVIRONMENT, "the registry's name is too long");
    if (pipe2(in, O_CLOEXEC))
        return err_set(&helper->task.err, ERR_BUG, "cannot make a pipe: %s", strerror(errno));
    ssize_t put = write(in[1], helper->server, length);
    close(in[1]);
    helper->theirs[0] = in[0];
    if (put != (ssize_t)length || pipe2(out, O_CLOEXEC))
        return err_set(&helper->task.err, ERR_BUG, "cannot make a pipe: %s", strerror(errno));
    helper->mine = out[0];
    helper->theirs[1] = out[1];
    fcntl(helper->mine, F_SETFL, O_NONBLOCK);
    watch_init(&helper->watch, helper->task.loop, helper->mine, reply_ready);
    return watch_set(&helper->watch, EPOLLIN);
}

/* ---- The task ---- */

static bool begin(struct helper *helper) {
    if (!open_pipes(helper))
        return false;
    helper->argv[0] = helper->program;
    helper->argv[1] = "get";
    struct child_options options = {.argv = helper->argv,
                                    .environment = helper->environment,
                                    .input = helper->theirs[0],
                                    .output = helper->theirs[1],
                                    .errors = -1};
    helper->child = child_new(helper->task.loop, &options);
    task_start(helper->child, &helper->task);
    return true;
}

/* It says on its standard output why it failed. What looks like a reply is not repeated. */
static bool refuse(struct helper *helper, int code) {
    const char *text = helper->reply.data;
    size_t length = strcspn(text, "\r\n");
    helper->knows_none = strstr(text, "credentials not found") != NULL;
    if (helper->knows_none)
        return true;
    if (!length || strchr(text, '{') || !text_is_utf8(text, length))
        return err_set(&helper->task.err, ERR_ENVIRONMENT, "it exited with code %d", code);
    if (length > SENTENCE_MAX)
        length = SENTENCE_MAX - text_utf8_tail(text, SENTENCE_MAX);
    return err_set(&helper->task.err, ERR_ENVIRONMENT, "%.*s", (int)length, text);
}

static bool judge(struct helper *helper) {
    int code = child_exit_code(helper->child);
    if (code)
        return refuse(helper, code);
    if (helper->too_long)
        return err_set(&helper->task.err, ERR_ENVIRONMENT, "its answer is longer than %d KiB",
                       REPLY_MAX >> 10);
    return true;
}

static enum task_status helper_step(struct task *task) {
    struct helper *helper = (struct helper *)task;
    if (!helper->child)
        return begin(helper) ? TASK_PENDING : TASK_FAILED;
    if (helper->child->status == TASK_PENDING)
        return TASK_PENDING;
    if (helper->child->status == TASK_FAILED) {
        err_move(&task->err, &helper->child->err);
        task->err.kind = ERR_ENVIRONMENT;
        return TASK_FAILED;
    }
    read_some(helper);
    return judge(helper) ? TASK_DONE : TASK_FAILED;
}

static void helper_expire(struct task *task) {
    err_set(&task->err, ERR_ENVIRONMENT, "no answer within %d s", HELPER_LIMIT / 1000);
}

static void helper_cancel(struct task *task) {
    struct helper *helper = (struct helper *)task;
    helper->child = task_free(helper->child);
}

static void helper_release(struct task *task) {
    struct helper *helper = (struct helper *)task;
    task_free(helper->child);
    if (helper->mine >= 0)
        watch_set(&helper->watch, 0);
    close_at(&helper->mine);
    close_at(&helper->theirs[0]);
    close_at(&helper->theirs[1]);
    if (helper->reply.capacity)
        explicit_bzero(helper->reply.data, helper->reply.length);
    buffer_release(&helper->reply);
    free(helper->program);
    free(helper->server);
}

struct task *helper_new(struct loop *loop, const char *name, const char *server,
                        const char *const *environment) {
    static const struct task_type type = {.name = "credential helper",
                                          .step = helper_step,
                                          .cancel = helper_cancel,
                                          .expire = helper_expire,
                                          .release = helper_release};
    struct helper *helper = task_new(sizeof *helper, &type, loop);
    helper->program = xasprintf("docker-credential-%s", name);
    helper->server = xstrdup(server);
    helper->environment = environment;
    helper->reply = BUFFER_INIT_MAX(REPLY_MAX);
    helper->mine = helper->theirs[0] = helper->theirs[1] = -1;
    task_limit(&helper->task, deadline_in(HELPER_LIMIT));
    return &helper->task;
}

const char *helper_reply(const struct task *task) {
    const struct helper *helper = (const struct helper *)task;
    return helper->knows_none ? NULL : helper->reply.data;
}
