/*
 * Init containers: what `pre_start` asks for. Each is made, run to its end and removed before the
 * next; where one fails, teardown finds it by its labels.
 */
#include "run/environment.h"

#include "base/lines.h"
#include "base/text.h"

#include <string.h>

enum { HOOK_LINE_MAX = 4 << 10 }; /* bytes of a line of its log */

struct init {
    struct life *life;
    const struct planned_init *planned;
    char *id;
    int code;
    struct lines log;
    bool is_done;
};

/* ---- One of them ---- */

static struct task *begin_container(void *subject, struct err *err) {
    struct init *init = subject;
    const struct planned_init *planned = init->planned;
    const char *image = planned->image ? planned->image : json_text(init->life->image, "Id");
    cJSON *body = cJSON_Duplicate(planned->body, true);
    (void)err;
    json_put_text(body, "Image", image);
    return container_create(init->life->environment->engine, planned->container_name, body);
}

static bool end_container(void *subject, struct task *work, struct err *err) {
    struct init *init = subject;
    const char *id = json_text(request_answer(work), "Id");
    if (!id)
        return err_set(err, ERR_ENGINE, "the engine created a container and did not name its ID");
    init->id = xstrdup(id);
    return true;
}

static struct task *begin_connections(void *subject, struct err *err) {
    struct init *init = subject;
    (void)err;
    return objects_connect(init->life->environment, init->planned->connections, init->id);
}

static struct task *begin_copy(void *subject, struct err *err) {
    struct init *init = subject;
    (void)err;
    return files_copy(init->life, init->id);
}

static struct task *begin_start(void *subject, struct err *err) {
    struct init *init = subject;
    (void)err;
    return container_start(init->life->environment->engine, init->id);
}

static struct task *begin_wait(void *subject, struct err *err) {
    struct init *init = subject;
    (void)err;
    return container_wait(init->life->environment->engine, init->id);
}

static bool end_wait(void *subject, struct task *work, struct err *err) {
    struct init *init = subject;
    (void)err;
    init->code = (int)json_number(request_answer(work), "StatusCode", -1);
    return true;
}

static void on_line(void *context, char *line, size_t length) {
    struct init *init = context;
    (void)length;
    strings_add_last(&init->life->last_words, line, LAST_LINES);
}

static void on_log(void *context, enum stream_tag stream, const char *data, size_t length) {
    struct init *init = context;
    (void)stream;
    lines_push(&init->log, data, length);
}

/* Only why it failed is of interest. */
static struct task *begin_log(void *subject, struct err *err) {
    struct init *init = subject;
    struct environment *environment = init->life->environment;
    struct log_options options = {.tail = "20"};
    (void)err;
    if (!init->code)
        return NULL;
    lines_init(&init->log, HOOK_LINE_MAX, on_line, init);
    struct task *logs =
        container_logs(environment->engine, init->id, &options, (struct output_sink){on_log, init});
    return tolerate(environment->loop, logs, NULL);
}

static bool end_log(void *subject, struct task *work, struct err *err) {
    struct init *init = subject;
    struct strings *said = &init->life->last_words;
    (void)work;
    lines_end(&init->log);
    autofree char *last = said->length ? last_line(said->at[said->length - 1]) : xstrdup("");
    return err_code(err, ERR_ENVIRONMENT, init->code, "it exited with code %d%s%s", init->code,
                    *last ? ": " : "", last);
}

static struct task *begin_remove(void *subject, struct err *err) {
    struct init *init = subject;
    (void)err;
    return container_remove(init->life->environment->engine, init->id);
}

static bool end_remove(void *subject, struct task *work, struct err *err) {
    (void)work;
    (void)err;
    return ((struct init *)subject)->is_done = true;
}

static const struct stage init_stages[] = {
    {"container", begin_container, end_container},
    {"connections", begin_connections, NULL},
    {"copy", begin_copy, NULL},
    {"start", begin_start, NULL},
    {"wait", begin_wait, end_wait},
    {"log", begin_log, end_log},
    {"remove", begin_remove, end_remove},
    {0},
};

/* ---- All of a container's, one after the other ---- */

struct inits {
    struct task task;
    struct init *all;
    struct task_group *group;
    size_t count;
};

/* The first that is not done is the one that failed. */
static void blame(struct inits *inits) {
    const struct init *init = inits->all;
    struct err *err = &inits->task.err;
    while (init->is_done)
        init++;
    err_move(err, &((struct task *)inits->group)->err);
    err_prefix(err, "the %s of service `%s`", init->planned->what, init->life->name);
    err_locate(err, init->planned->at);
}

static enum task_status inits_step(struct task *task) {
    struct inits *inits = (struct inits *)task;
    struct task *group = (struct task *)inits->group;
    task_start(group, task);
    if (group->status == TASK_FAILED)
        blame(inits);
    return group->status;
}

static void inits_release(struct task *task) {
    struct inits *inits = (struct inits *)task;
    task_free(inits->group);
    for (size_t i = 0; i < inits->count; i++) {
        free(inits->all[i].id);
        if (inits->all[i].log.line)
            lines_release(&inits->all[i].log);
    }
    free(inits->all);
}

struct task *inits_new(struct life *life) {
    static const struct task_type type = {
        .name = "init containers", .step = inits_step, .release = inits_release};
    struct loop *loop = life->environment->loop;
    if (!life->planned->init_count)
        return NULL;
    struct inits *inits = task_new(sizeof *inits, &type, loop);
    inits->count = life->planned->init_count;
    inits->all = xcalloc(inits->count, sizeof *inits->all);
    inits->group = task_group_new(loop, GROUP_FAIL_FAST, 1);
    for (size_t i = 0; i < inits->count; i++) {
        inits->all[i] = (struct init){.life = life, .planned = &life->planned->inits[i]};
        task_group_add(inits->group, &sequence_new(loop, init_stages, &inits->all[i], NULL)->task);
    }
    return &inits->task;
}

/* ---- Once for a service: its first container's hooks come before any of its containers ---- */

static struct life *first_of(struct life *life) {
    while (life->planned->number > 1)
        life--;
    return life;
}

enum task_status inits_of_first_are_done(void *context, struct err *err) {
    struct life *life = context;
    const struct life *first = first_of(life);
    if (first == life || first->is_prepared)
        return TASK_DONE;
    if (!first->failed_softly)
        return TASK_PENDING;
    err_set(err, ERR_ENVIRONMENT, "the first container of service `%s` did not come up",
            first->name);
    return TASK_FAILED;
}
