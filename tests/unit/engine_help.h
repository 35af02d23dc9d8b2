/*
 * engine_help.h: a fake engine for one test, and tasks run to their ends.
 */
#ifndef TESTS_ENGINE_HELP_H
#define TESTS_ENGINE_HELP_H

#include <criterion/criterion.h>

#include <envrun/engine.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "loop/task.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAKE "tests/fake/engine.py" /* tests run at the top of the tree */
#define FAKE_IMAGE "envrun-test/busybox:1"

enum { HELP_LIMIT = 20000, FAKE_ARGUMENTS = 16 };

struct help {
    struct loop *loop;
    struct engine *engine;
    char directory[32];
    char *host; /* DOCKER_HOST of the fake engine */
    pid_t fake;
    struct buffer seen[3]; /* output by stream */
};

static struct help help;

static inline void help_collect(void *context, enum stream_tag stream, const char *data,
                                size_t length) {
    (void)context;
    buffer_add(&help.seen[stream], data, length);
}

static const struct output_sink help_sink = {.data = help_collect};

static inline void help_begin(void) {
    struct err err = ERR_INIT;
    signal(SIGPIPE, SIG_IGN);
    strcpy(help.directory, "/tmp/envrun-test-XXXXXX");
    cr_assert(mkdtemp(help.directory));
    help.host = xasprintf("unix://%s/socket", help.directory);
    for (size_t i = 0; i < lengthof(help.seen); i++)
        help.seen[i] = BUFFER_INIT;
    help.loop = loop_new(&err);
}

/* Start the fake engine with more arguments (a list that ends with NULL), and an engine for it. */
static inline void help_fake(const char *const *more) {
    struct err err = ERR_INIT;
    int ready[2];
    char byte;
    const char *argv[FAKE_ARGUMENTS] = {"python3", FAKE, "--socket", strchr(help.host, '/') + 2};
    for (size_t i = 4; *more && i + 1 < lengthof(argv);)
        argv[i++] = *more++;
    cr_assert_eq(pipe(ready), 0);
    help.fake = fork();
    if (!help.fake) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ready[1], 1);
        execvp(*argv, (char *const *)argv);
        _exit(127);
    }
    close(ready[1]);
    cr_assert_eq(read(ready[0], &byte, 1), 1, "the fake engine did not start");
    close(ready[0]);
    help.engine = engine_new(help.loop, help.host, &err);
}

#define help_fake_with(...) help_fake((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static inline void help_end(void) {
    autofree char *command = xasprintf("rm -rf %s", help.directory);
    engine_free(help.engine);
    loop_free(help.loop);
    if (help.fake > 0) {
        kill(help.fake, SIGKILL);
        waitpid(help.fake, NULL, 0);
    }
    for (size_t i = 0; i < lengthof(help.seen); i++)
        buffer_release(&help.seen[i]);
    free(help.host);
    cr_assert_eq(system(command), 0);
}

static inline struct task *help_run(struct task *task) {
    task_limit(task, deadline_in(HELP_LIMIT));
    task_start(task, NULL);
    loop_run(help.loop, task);
    return task;
}

static inline struct task *help_must(struct task *task) {
    help_run(task);
    cr_assert(task->status == TASK_DONE, "%s: %s", task->type->name, task->err.message);
    return task;
}

static inline void help_must_free(struct task *task) {
    task_free(help_must(task));
}

/* The task must fail so. */
static inline void help_fails(struct task *task, enum err_kind kind, int code,
                              const char *message) {
    help_run(task);
    cr_assert_eq(task->status, TASK_FAILED);
    cr_expect_str_eq(task->err.message, message);
    cr_expect_eq(task->err.kind, kind);
    cr_expect_eq(task->err.code, code);
    task_free(task);
}

/* "%s" in the message stands for the fake engine's address. */
#define help_fails_at(task, kind, code, format)                                                    \
    do {                                                                                           \
        autofree char *message_ = xasprintf(format, help.host);                                    \
        help_fails(task, kind, code, message_);                                                    \
    } while (0)

static inline cJSON *help_body(void) {
    cJSON *body = cJSON_CreateObject();
    json_put_text(body, "Image", FAKE_IMAGE);
    return body;
}

/* A container that runs. */
static inline char *help_container(const char *name) {
    struct task *task = help_must(container_create(help.engine, name, help_body()));
    char *id = xstrdup(json_text(request_answer(task), "Id"));
    task_free(task);
    help_must_free(container_start(help.engine, id));
    return id;
}

static inline int help_count_containers(void) {
    struct task *task = help_must(container_list(help.engine, NULL));
    int count = cJSON_GetArraySize(request_answer(task));
    task_free(task);
    return count;
}

#endif
