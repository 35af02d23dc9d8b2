#include "run/helper.h"

#include "base/buffer.h"
#include "base/text.h"
#include "loop/program.h"

#include <string.h>

enum {
    REPLY_MAX = 64 << 10, /* bytes */
    HELPER_LIMIT = 30000, /* ms */
    SENTENCE_MAX = 200,   /* bytes of its own words in an error */
};

struct helper {
    struct task task;
    struct task *child;
    struct buffer reply;
    const char *const *environment;
    char *program, *server;
    const char *argv[3];
    bool too_long, knows_none;
};

/* ---- The task ---- */

static void take(void *context, const char *data, size_t length) {
    struct helper *helper = context;
    helper->too_long |= !buffer_add_capped(&helper->reply, data, length);
}

static bool begin(struct helper *helper) {
    if (strlen(helper->server) > PROGRAM_INPUT_MAX)
        return err_set(&helper->task.err, ERR_ENVIRONMENT, "the registry's name is too long");
    helper->argv[0] = helper->program;
    helper->argv[1] = "get";
    helper->child =
        program_new(helper->task.loop, &(struct program_options){.argv = helper->argv,
                                                                 .environment = helper->environment,
                                                                 .input = helper->server,
                                                                 .output = take,
                                                                 .context = helper});
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
    int code = program_exit_code(helper->child);
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
    task_limit(&helper->task, deadline_in(HELPER_LIMIT));
    return &helper->task;
}

const char *helper_reply(const struct task *task) {
    const struct helper *helper = (const struct helper *)task;
    return helper->knows_none ? NULL : helper->reply.data;
}
