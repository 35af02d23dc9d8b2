/* The engine floor against the fake engine: what a real one will not do on demand. */
#include "engine_help.h"

#include "engine/connection.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

TestSuite(engine_faults, .init = help_begin, .fini = help_end, .timeout = 60);

/* ---- The connection ---- */

static void connect_fails(const char *format) {
    struct err err = ERR_INIT;
    help.engine = engine_new(help.loop, help.host, &err);
    help_fails_at(engine_connect(help.engine), ERR_ENGINE, 0, format);
}

Test(engine_faults, no_socket) {
    connect_fails("no Docker engine at %s: the socket does not exist; start the engine or set "
                  "DOCKER_HOST");
}

Test(engine_faults, nobody_listens) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", strchr(help.host, '/') + 2);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    connect_fails("no Docker engine at %s: nobody listens on the socket; start the engine or set "
                  "DOCKER_HOST");
}

/* Root may use any socket, so the test is nobody for a while. */
Test(engine_faults, no_permission) {
    bool root = getuid() == 0;
    help_fake_with();
    if (!root)
        cr_assert_eq(chmod(strchr(help.host, '/') + 2, 0), 0);
    else
        cr_assert_eq(seteuid(65534), 0);
    help_fails_at(engine_connect(help.engine), ERR_ENGINE, 0,
                  "no permission to use the Docker engine at %s: add your user to the group docker "
                  "or set DOCKER_HOST");
    if (root)
        cr_assert_eq(seteuid(0), 0);
}

Test(engine_faults, nobody_listens_on_tcp) {
    free(help.host);
    help.host = xstrdup("tcp://127.0.0.1:1");
    connect_fails("no Docker engine at %s: nobody listens there; start the engine or set "
                  "DOCKER_HOST");
}

static void use_up_descriptors(void) {
    struct rlimit limit = {.rlim_cur = 64, .rlim_max = 64};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    while (dup(STDERR_FILENO) >= 0)
        ;
    cr_assert_eq(errno, EMFILE);
}

Test(engine_faults, no_descriptor_is_left) {
    help_fake_with();
    use_up_descriptors();
    help_fails_at(engine_connect(help.engine), ERR_ENVIRONMENT, 0,
                  "cannot connect to the Docker engine at %s: envrun may open no more files: raise "
                  "the limit (ulimit -n)");
}

Test(engine_faults, too_old) {
    help_fake_with("--api", "1.40");
    help_fails_at(engine_connect(help.engine), ERR_ENGINE, 0,
                  "the Docker engine at %s is too old: it has API 1.40, envrun needs 1.41 (Docker "
                  "Engine 20.10) or newer");
}

Test(engine_faults, newer_than_known) {
    help_fake_with("--api", "1.99");
    help_must_free(engine_connect(help.engine));
    cr_assert_eq(engine_info(help.engine)->api_minor, API_MINOR_NEWEST);
    cr_assert(engine_info(help.engine)->buildkit);
    cr_assert_eq(help_count_containers(), 0);
}

Test(engine_faults, not_for_us) {
    help_fake_with("--fault", "{\"do\": \"status\", \"status\": 400, \"message\": \"TLS\"}");
    help_fails_at(engine_connect(help.engine), ERR_ENGINE, 0,
                  "what answers at %s is no Docker engine that envrun can use: HTTP 400, "
                  "{\"message\": \"TLS\"}");
}

Test(engine_faults, stalled_ping) {
    help_fake_with("--fault", "{\"match\": \"_ping\", \"do\": \"stall\"}");
    struct task *task = engine_connect(help.engine);
    task_start(task, NULL);
    task_limit(task, deadline_in(100));
    loop_run(help.loop, task);
    autofree char *message = xasprintf("the Docker engine at %s does not answer", help.host);
    cr_assert_str_eq(task->err.message, message);
    task_free(task);
}

/* ---- Requests ---- */

Test(engine_faults, a_refusal) {
    help_fake_with("--fault", "{\"match\": \"create\", \"nth\": 2, \"do\": \"status\", "
                              "\"message\": \"no space left on device\"}");
    help_must_free(container_create(help.engine, "a", help_body()));
    help_fails(container_create(help.engine, "b", help_body()), ERR_ANSWER, 500,
               "no space left on device");
    help_must_free(container_create(help.engine, "b", help_body()));
    cr_assert_eq(help_count_containers(), 2);
}

Test(engine_faults, a_name_that_is_taken) {
    help_fake_with();
    help_must_free(container_create(help.engine, "a", help_body()));
    struct task *task = help_run(container_create(help.engine, "a", help_body()));
    cr_assert_eq(task->err.code, 409);
    cr_assert(strstr(task->err.message, "is already in use"));
    task_free(task);
}

Test(engine_faults, a_request_is_never_sent_twice) {
    help_fake_with("--fault", "{\"match\": \"create\", \"nth\": 1, \"do\": \"drop-after\"}");
    cr_assert_eq(help_count_containers(), 0); /* there is a connection to be reused */
    help_fails_at(container_create(help.engine, NULL, help_body()), ERR_ENGINE, 0,
                  "the Docker engine at %s closed the connection before it answered POST "
                  "/containers/create");
    cr_assert_eq(help_count_containers(), 1);
}

Test(engine_faults, a_dropped_request) {
    help_fake_with("--fault", "{\"match\": \"create\", \"do\": \"drop-before\"}");
    help_fails_at(container_create(help.engine, NULL, help_body()), ERR_ENGINE, 0,
                  "the Docker engine at %s closed the connection before it answered POST "
                  "/containers/create");
    cr_assert_eq(help_count_containers(), 0);
}

Test(engine_faults, half_an_answer) {
    help_fake_with("--fault", "{\"match\": \"GET /containers/json\", \"do\": \"cut\", "
                              "\"bytes\": 1}");
    help_fails_at(container_list(help.engine, NULL), ERR_ENGINE, 0,
                  "the Docker engine at %s broke off its answer to GET /containers/json");
}

Test(engine_faults, an_answer_that_is_not_json) {
    help_fake_with("--fault", "{\"match\": \"GET /containers/json\", \"do\": \"garbage\"}");
    help_fails_at(container_list(help.engine, NULL), ERR_ENGINE, 200,
                  "the answer of the Docker engine at %s to GET /containers/json is not JSON");
}

Test(engine_faults, an_engine_that_vanishes) {
    help_fake_with("--fault", "{\"match\": \"start\", \"do\": \"kill\"}");
    struct task *task = help_must(container_create(help.engine, NULL, help_body()));
    autofree char *id = xstrdup(json_text(request_answer(task), "Id"));
    task_free(task);
    task = help_run(container_start(help.engine, id));
    cr_assert_eq(task->err.kind, ERR_ENGINE);
    cr_assert(strstr(task->err.message, "closed the connection before it answered"));
    task_free(task);
    help_run(task = container_list(help.engine, NULL)); /* by a connection that was kept, maybe */
    cr_assert_eq(task->err.kind, ERR_ENGINE);
    task_free(task);
    help_fails_at(engine_connect(help.engine), ERR_ENGINE, 0,
                  "no Docker engine at %s: nobody listens on the socket; start the engine or set "
                  "DOCKER_HOST");
}

/* ---- Cancel ---- */

Test(engine_faults, a_cancelled_change_is_seen_through) {
    help_fake_with("--fault", "{\"match\": \"create\", \"do\": \"delay\", \"seconds\": 0.2}");
    struct task *task = container_create(help.engine, NULL, help_body());
    task_start(task, NULL);
    while (!help.engine->shielded)
        loop_turn(help.loop, 10);
    task_free(task);
    help_must_free(engine_settle(help.engine));
    cr_assert_eq(help_count_containers(), 1);
}

Test(engine_faults, settling_can_be_limited) {
    help_fake_with("--fault", "{\"match\": \"create\", \"do\": \"stall\"}");
    struct task *task = container_create(help.engine, NULL, help_body());
    task_start(task, NULL);
    while (!help.engine->shielded)
        loop_turn(help.loop, 10);
    task_free(task);
    task = engine_settle(help.engine);
    task_start(task, NULL);
    task_limit(task, deadline_in(50));
    loop_run(help.loop, task);
    autofree char *message =
        xasprintf("1 request to the Docker engine at %s still unanswered", help.host);
    cr_assert_str_eq(task->err.message, message);
    task_free(task);
}

Test(engine_faults, questions_are_dropped) {
    help_fake_with("--fault", "{\"do\": \"stall\"}");
    struct task *task = container_list(help.engine, NULL);
    task_start(task, NULL);
    for (int i = 0; i < 5; i++)
        loop_turn(help.loop, 10);
    task_free(task);
    help_must_free(engine_settle(help.engine));
    cr_assert_null(help.engine->handles);
}

Test(engine_faults, an_engine_is_freed_in_the_middle) {
    help_fake_with("--fault", "{\"do\": \"stall\"}");
    struct task *list = container_list(help.engine, NULL);
    struct task *create = container_create(help.engine, NULL, help_body());
    task_start(list, NULL);
    task_start(create, NULL);
    for (int i = 0; i < 5; i++)
        loop_turn(help.loop, 10);
    task_free(list);
    task_free(create); /* it is shielded: only let go of */
    help.engine = engine_free(help.engine);
}

/* ---- Each request in turn, in each way ---- */

static void set_fault(const char *fault, int at) {
    autofree char *text = xasprintf("{\"faults\": [{\"at\": %d, %s}]}", at, fault);
    help_must_free(engine_request(help.engine, "POST", cJSON_Parse(text), "/_fake"));
}

static struct task *step_of_life(const char *name, int step, int interactive) {
    static const char *const argv[] = {"x", NULL};
    struct exec_options exec = {.argv = argv, .interactive = interactive};
    struct log_options logs = {.tail = "1"};
    switch (step) {
    case 0:
        return container_create(help.engine, name, help_body());
    case 1:
        return container_write_file(help.engine, name, "/tmp/x", "data", 4, 0, 0, 0644);
    case 2:
        return container_start(help.engine, name);
    case 3:
        return container_exec(help.engine, name, &exec, help_sink);
    case 4:
        return container_inspect(help.engine, name);
    case 5:
        return container_list(help.engine, "a=b");
    case 6:
        return container_stop(help.engine, name, 0);
    case 7:
        return container_logs(help.engine, name, &logs, help_sink);
    case 8:
        return container_remove(help.engine, name);
    default:
        return NULL;
    }
}

/* Lives a container's life; answers how many of its steps failed. */
static int live(const char *name, int interactive) {
    int failed = 0;
    struct task *task;
    for (int step = 0; (task = step_of_life(name, step, interactive)); step++) {
        if (step == 3)
            exec_end_input(task);
        help_run(task);
        failed += task->status == TASK_FAILED;
        cr_assert_eq(task->status == TASK_FAILED, err_is(&task->err));
        cr_assert(!err_is(&task->err) || task->err.kind == ERR_ANSWER ||
                  task->err.kind == ERR_ENGINE);
        task_free(task);
    }
    return failed;
}

enum { REQUESTS_OF_LIFE = 12, THE_FILE_QUESTION = 2 };

/* The first one must be noticed wherever it happens, the last one must not hurt; the others touch
 * only some answers, and a question that was dropped is asked again. */
static const char *const ways[] = {
    "\"do\": \"status\"",  "\"do\": \"drop-before\"", "\"do\": \"drop-after\"",
    "\"do\": \"garbage\"", "\"do\": \"cut\"",         "\"do\": \"cut\", \"bytes\": 5",
    "\"do\": \"split\"",
};

static void fail_each(int interactive) {
    int number = 0;
    help_fake_with();
    cr_assert_eq(live("whole", interactive), 0);
    for (size_t way = 0; way < lengthof(ways); way++)
        for (int at = 1; at <= REQUESTS_OF_LIFE; at++) {
            autofree char *name = xasprintf("c%d", number++);
            set_fault(ways[way], at);
            int failed = live(name, interactive);
            if (way == 0)
                cr_assert(failed > 0 || at == THE_FILE_QUESTION, "%s at %d", ways[way], at);
            if (way + 1 == lengthof(ways))
                cr_assert_eq(failed, 0, "%s at %d", ways[way], at);
        }
    help_must_free(engine_settle(help.engine));
    cr_assert_null(help.engine->handles);
}

Test(engine_faults, each_request_fails_in_turn) {
    fail_each(0);
}

Test(engine_faults, each_request_fails_in_turn_with_stdin) {
    fail_each(1);
}

/* ---- Cancelled after each turn of the loop ---- */

static struct task *anything(int kind, const char *id) {
    static const char *const argv[] = {"x", NULL};
    struct engine_progress nobody = {0};
    struct exec_options exec = {
        .argv = argv, .interactive = kind == 1, .tty = kind == 1, .rows = 24, .columns = 80};
    struct copy_options copy = {.from = "/proc/self/exe", .to = "/tmp"};
    struct build_options build = {.context = help.directory, .dockerfile = "Dockerfile"};
    switch (kind) {
    case 0:
    case 1:
        return container_exec(help.engine, id, &exec, help_sink);
    case 2:
        return container_copy_in(help.engine, id, &copy);
    case 3:
        return image_build(help.engine, &build, nobody);
    case 4:
        return container_logs(help.engine, id, &(struct log_options){.follow = true}, help_sink);
    case 5:
        return container_attach(help.engine, id, false, help_sink);
    case 6:
        return container_create(help.engine, NULL, help_body());
    case 7:
        return container_wait(help.engine, id);
    case 8:
        return engine_connect(help.engine);
    default:
        return NULL;
    }
}

static void write_dockerfile(void) {
    autofree char *dockerfile = xasprintf("%s/Dockerfile", help.directory);
    FILE *file = fopen(dockerfile, "w");
    fputs("FROM x\nRUN y\n", file);
    fclose(file);
}

Test(engine_faults, cancelled_after_each_turn) {
    enum { TURNS = 25 };
    struct task *task;
    write_dockerfile();
    help_fake_with();
    autofree char *id = help_container("a");
    for (int turns = 0; turns < TURNS; turns++)
        for (int kind = 0; (task = anything(kind, id)); kind++) {
            task_start(task, NULL);
            for (int i = 0; i < turns && task->status == TASK_PENDING; i++)
                loop_turn(help.loop, 2);
            task_free(task);
        }
    help_must_free(engine_settle(help.engine));
    cr_assert_null(help.engine->handles);
}

/* ---- Streams ---- */

static void drop_other(void *context, enum stream_tag stream, const char *data, size_t length) {
    struct task **other = context;
    *other = task_free(*other);
    help_collect(NULL, stream, data, length);
}

Test(engine_faults, a_sink_may_free_other_tasks) {
    help_fake_with();
    autofree char *id = help_container("a");
    struct log_options options = {.follow = true};
    struct task *other = container_logs(help.engine, id, &options, help_sink);
    const char *argv[] = {"cat", NULL};
    struct task *exec =
        container_exec(help.engine, id, &(struct exec_options){.argv = argv, .interactive = true},
                       (struct output_sink){.data = drop_other, .context = &other});
    task_start(other, NULL);
    exec_send(exec, "x", 1);
    exec_end_input(exec);
    help_must_free(exec);
    cr_assert_null(other);
}

/* A character of three bytes, in pieces of one. */
Test(engine_faults, a_frame_that_comes_in_pieces) {
    help_fake_with("--fault", "{\"match\": \"exec/.*/start\", \"do\": \"split\", \"bytes\": 1}");
    autofree char *id = help_container("a");
    const char *argv[] = {"cat", NULL};
    struct task *exec = container_exec(
        help.engine, id, &(struct exec_options){.argv = argv, .interactive = true}, help_sink);
    exec_send(exec, "3 \xe2\x82\xac\n", 6);
    exec_end_input(exec);
    help_must_free(exec);
    cr_assert_str_eq(help.seen[1].data, "3 \xe2\x82\xac\n");
}

static void write_scenario(const char *text, char ret_path[64]) {
    snprintf(ret_path, 64, "%s/scenario", help.directory);
    FILE *file = fopen(ret_path, "w");
    fputs(text, file);
    fclose(file);
}

static const char talks[] = "{\"containers\": [{\"stdout\": [\"eins\", \"zwei\"], \"stderr\": "
                            "[\"err\"], \"seconds\": 0.1}],"
                            " \"execs\": [{\"stdout\": \"out\\n\", \"exit\": 3, \"late\": 0.1}]}";

Test(engine_faults, a_log_that_is_cut_in_a_frame) {
    char path[64];
    write_scenario(talks, path);
    help_fake_with("--scenario", path, "--fault",
                   "{\"match\": \"logs\", \"nth\": 1, \"do\": \"cut\", \"bytes\": 20}", "--fault",
                   "{\"match\": \"logs\", \"do\": \"split\", \"bytes\": 3}");
    autofree char *id = help_container("a");
    struct task *logs =
        help_run(container_logs(help.engine, id, &(struct log_options){.follow = true}, help_sink));
    cr_assert_eq(logs->err.kind, ERR_ENGINE);
    cr_assert(strstr(logs->err.message, "broke off its answer to GET /containers/"));
    task_free(logs);
    buffer_truncate(&help.seen[1], 0);
    help_must_free(
        container_logs(help.engine, id, &(struct log_options){.follow = true}, help_sink));
    cr_assert_str_eq(help.seen[1].data, "eins\nzwei\n");
    cr_assert_str_eq(help.seen[2].data, "err\n");
}

Test(engine_faults, an_exit_code_that_comes_late) {
    char path[64];
    write_scenario(talks, path);
    help_fake_with("--scenario", path);
    autofree char *id = help_container("a");
    const char *argv[] = {"x", NULL};
    struct task *exec =
        help_must(container_exec(help.engine, id, &(struct exec_options){.argv = argv}, help_sink));
    cr_assert_eq(exec_exit_code(exec), 3);
    cr_assert_str_eq(help.seen[1].data, "out\n");
    task_free(exec);
}

Test(engine_faults, an_exec_without_an_engine) {
    for (int interactive = 0; interactive < 2; interactive++) {
        const char *argv[] = {"x", NULL};
        struct exec_options options = {.argv = argv, .interactive = interactive};
        if (!interactive)
            help_fake_with("--fault", "{\"match\": \"exec/.*/start\", \"do\": \"drop-before\"}");
        autofree char *id = help_container(interactive ? "b" : "a");
        struct task *exec = help_run(container_exec(help.engine, id, &options, help_sink));
        cr_assert_eq(exec->err.kind, ERR_ENGINE);
        cr_assert(strstr(exec->err.message, "closed the connection before it answered POST "));
        task_free(exec);
    }
}

static void count_lines(void *context, const char *text) {
    (void)context;
    buffer_puts(&help.seen[1], text);
    buffer_putc(&help.seen[1], '\n');
}

static const struct engine_progress progress = {.line = count_lines};

Test(engine_faults, an_error_line_in_a_pull) {
    char path[64];
    write_scenario("{\"registry\": {\"redis:7\": {}}}", path);
    help_fake_with("--scenario", path, "--fault",
                   "{\"match\": \"images/create\", \"nth\": 1, \"do\": \"error-line\", "
                   "\"message\": \"unexpected EOF.\"}",
                   "--fault",
                   "{\"match\": \"images/create\", \"nth\": 2, \"do\": \"cut\", \"bytes\": 70}");
    help_fails(image_pull(help.engine, "redis:7", NULL, NULL, progress), ERR_ANSWER, 200,
               "unexpected EOF");
    cr_assert(strstr(help.seen[1].data, "aaaaaaaaaaaa: Downloading [=>  ] 1MB/2MB\n"));
    help_fails_at(image_pull(help.engine, "redis:7", NULL, NULL, progress), ERR_ENGINE, 0,
                  "the Docker engine at %s broke off its answer to POST /images/create");
    help_must_free(image_pull(help.engine, "redis:7", NULL, NULL, progress));
    help_must_free(image_inspect(help.engine, "redis:7"));
    help_fails(image_pull(help.engine, "nobody/nothing", NULL, NULL, progress), ERR_ANSWER, 404,
               "pull access denied for nobody/nothing, repository does not exist or may require "
               "'docker login': denied");
}

Test(engine_faults, an_error_line_in_a_build) {
    write_dockerfile();
    struct build_options options = {.context = help.directory, .dockerfile = "Dockerfile"};
    help_fake_with("--fault", "{\"match\": \"build\", \"nth\": 1, \"do\": \"error-line\", "
                              "\"message\": \"returned a non-zero code: 1\"}");
    help_fails(image_build(help.engine, &options, progress), ERR_ANSWER, 200,
               "returned a non-zero code: 1");
    cr_assert(strstr(help.seen[1].data, "Step 1/2 : FROM x\nStep 2/2 : RUN y\n"));
    struct task *build = help_must(image_build(help.engine, &options, progress));
    cr_assert(strstr(image_build_id(build), "sha256:") == image_build_id(build));
    task_free(build);
}

static void now_listening(void *context) {
    *(bool *)context = true;
}

Test(engine_faults, a_stream_of_events_that_ends) {
    bool listening = false;
    help_fake_with("--fault", "{\"match\": \"events\", \"do\": \"cut\", \"bytes\": 10}");
    struct task *events =
        engine_events(help.engine, NULL, NULL,
                      (struct event_sink){.listening = now_listening, .context = &listening});
    task_start(events, NULL);
    while (!listening)
        loop_turn(help.loop, 1000);
    task_free(help_must(container_create(help.engine, NULL, help_body())));
    help_run(events);
    cr_assert_eq(events->err.kind, ERR_ENGINE);
    task_free(events);
}

Test(engine_faults, many_streams_at_once) {
    enum { STREAMS = 200 };
    char path[64];
    write_scenario(talks, path);
    help_fake_with("--scenario", path);
    autofree char *id = help_container("a");
    struct task_group *group = task_group_new(help.loop, GROUP_COLLECT, 0);
    for (int i = 0; i < STREAMS; i++)
        task_group_add(group, container_logs(help.engine, id, &(struct log_options){.follow = true},
                                             help_sink));
    help_must_free((struct task *)group);
    cr_assert_eq(help.seen[1].length, STREAMS * 10);
}
