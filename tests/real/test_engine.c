/*
 * The engine floor against a real engine: DOCKER_HOST or /var/run/docker.sock, with the image
 * envrun-test/busybox:1 (scripts/test-images). Everything made here carries the label envrun-test
 * and a label of its test's own, by which it is removed again.
 */
#include <criterion/criterion.h>

#include <envrun/engine.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/path.h"
#include "engine/connection.h"
#include "engine/hijack.h"
#include "loop/task.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGE "envrun-test/busybox:1"

enum { LIMIT = 60000 /* ms for any one step */ };

static struct loop *loop;
static struct engine *engine;
static char label[96]; /* this test's own */
static struct buffer seen[3];

/* ---- Help ---- */

static struct task *run(struct task *task) {
    task_limit(task, deadline_in(LIMIT));
    task_start(task, NULL);
    loop_run(loop, task);
    return task;
}

static struct task *must(struct task *task) {
    run(task);
    cr_assert(task->status == TASK_DONE, "%s: %s", task->type->name, task->err.message);
    return task;
}

static void must_free(struct task *task) {
    task_free(must(task));
}

static void collect(void *context, enum stream_tag stream, const char *data, size_t length) {
    (void)context;
    buffer_add(&seen[stream], data, length);
}

static const struct output_sink sink = {.data = collect};

static void forget_seen(void) {
    buffer_truncate(&seen[1], 0);
    buffer_truncate(&seen[2], 0);
}

static cJSON *labels(void) {
    cJSON *object = cJSON_CreateObject();
    json_put_text(object, "envrun-test", "1");
    json_put_text(object, "envrun-test-of", strchr(label, '=') + 1);
    return object;
}

static cJSON *container_body(const char *command, bool tty) {
    cJSON *body = cJSON_CreateObject();
    json_put_text(body, "Image", IMAGE);
    json_put(body, "Labels", labels());
    json_put_bool(body, "Tty", tty);
    json_put_number(body, "StopTimeout", 0);
    json_put(body, "Cmd", cJSON_CreateStringArray((const char *const[]){"sh", "-c", command}, 3));
    return body;
}

static char *create(const char *command, bool tty) {
    struct task *task = must(container_create(engine, NULL, container_body(command, tty)));
    char *id = xstrdup(json_text(request_answer(task), "Id"));
    task_free(task);
    return id;
}

static char *create_started(void) {
    char *id = create("sleep 600", false);
    must_free(container_start(engine, id));
    return id;
}

/* Run a shell line in a container; its output is in `seen`. */
static int shell(const char *id, const char *line) {
    const char *argv[] = {"sh", "-c", line, NULL};
    forget_seen();
    struct task *task =
        must(container_exec(engine, id, &(struct exec_options){.argv = argv}, sink));
    int code = exec_exit_code(task);
    task_free(task);
    return code;
}

static void remove_all(void) {
    struct task *list = must(container_list(engine, label));
    const cJSON *item;
    cJSON_ArrayForEach (item, request_answer(list)) {
        must_free(container_remove(engine, json_text(item, "Id")));
    }
    task_free(list);
}

static void begin(void) {
    struct err err = ERR_INIT;
    snprintf(label, sizeof label, "envrun-test-of=engine-%d", (int)getpid());
    for (size_t i = 0; i < lengthof(seen); i++)
        seen[i] = BUFFER_INIT;
    loop = loop_new(&err);
    engine = engine_new(loop, getenv("DOCKER_HOST"), &err);
    cr_assert(engine, "%s", err.message);
    must_free(engine_connect(engine));
}

static void end(void) {
    must_free(engine_settle(engine));
    remove_all();
    engine_free(engine);
    loop_free(loop);
    for (size_t i = 0; i < lengthof(seen); i++)
        buffer_release(&seen[i]);
}

TestSuite(engine, .init = begin, .fini = end, .timeout = 120);

/* ---- Requests ---- */

Test(engine, says_what_it_is) {
    const struct engine_info *info = engine_info(engine);
    cr_assert(info->api_minor >= 41);
    cr_assert_str_eq(info->os, "linux");
}

Test(engine, runs_a_container_to_its_end) {
    autofree char *id = create("exit 7", false);
    must_free(container_start(engine, id));
    struct task *wait = must(container_wait(engine, id));
    cr_assert_eq((int)json_number(request_answer(wait), "StatusCode", -1), 7);
    task_free(wait);
    struct task *inspect = must(container_inspect(engine, id));
    cr_assert_str_eq(json_text(request_answer(inspect), "State.Status"), "exited");
    task_free(inspect);
    must_free(container_remove(engine, id));
    struct task *gone = must(container_remove(engine, id));
    cr_assert_eq(request_status(gone), 404);
    task_free(gone);
}

Test(engine, starts_and_stops_twice) {
    autofree char *id = create_started();
    must_free(container_start(engine, id));
    must_free(container_stop(engine, id, 0));
    must_free(container_stop(engine, id, 0));
}

Test(engine, gives_the_engines_sentence) {
    struct task *task = run(container_inspect(engine, "envrun-test-nobody"));
    cr_assert_eq(task->status, TASK_FAILED);
    cr_assert_eq(task->err.kind, ERR_ANSWER);
    cr_assert_eq(task->err.code, 404);
    cr_assert_str_eq(task->err.message, "No such container: envrun-test-nobody");
    task_free(task);
}

Test(engine, makes_networks_and_volumes) {
    cJSON *body = cJSON_CreateObject();
    autofree char *name = xasprintf("envrun-test-%d", (int)getpid());
    json_put_text(body, "Name", name);
    json_put(body, "Labels", labels());
    cJSON *same = cJSON_Duplicate(body, true);
    must_free(network_create(engine, body));
    must_free(volume_create(engine, same));
    struct task *networks = must(network_list(engine, label));
    cr_assert_eq(cJSON_GetArraySize(request_answer(networks)), 1);
    struct task *volumes = must(volume_list(engine, label));
    cr_assert_eq(cJSON_GetArraySize(json_get(request_answer(volumes), "Volumes")), 1);
    autofree char *id = create_started();
    body = cJSON_CreateObject();
    json_put_text(body, "Container", id);
    must_free(network_connect(engine, name, body));
    must_free(network_disconnect(engine, name, id));
    must_free(network_remove(engine, name));
    must_free(network_remove(engine, name));
    must_free(volume_remove(engine, name));
    must_free(volume_remove(engine, name));
    task_free(networks);
    task_free(volumes);
}

Test(engine, sees_a_cancelled_create_through) {
    struct task *task = container_create(engine, NULL, container_body("true", false));
    task_start(task, NULL);
    while (!engine->shielded)
        loop_turn(loop, 0);
    task_free(task);
    must_free(engine_settle(engine));
    struct task *list = must(container_list(engine, label));
    cr_assert_eq(cJSON_GetArraySize(request_answer(list)), 1);
    task_free(list);
}

/* ---- Output ---- */

Test(engine, follows_logs) {
    autofree char *id = create("echo one; echo two >&2; sleep 0.2; echo drei; exit 0", false);
    must_free(container_start(engine, id));
    must_free(container_logs(engine, id, &(struct log_options){.follow = true}, sink));
    cr_assert_str_eq(seen[1].data, "one\ndrei\n");
    cr_assert_str_eq(seen[2].data, "two\n");
    forget_seen();
    must_free(container_logs(engine, id, &(struct log_options){.tail = "1"}, sink));
    cr_assert_str_eq(seen[1].data, "drei\n");
}

Test(engine, reads_a_ttys_log_without_frames) {
    autofree char *id = create("echo one; echo two >&2", true);
    must_free(container_start(engine, id));
    must_free(container_wait(engine, id));
    must_free(container_logs(engine, id, &(struct log_options){.tty = true}, sink));
    cr_assert_str_eq(seen[1].data, "one\r\ntwo\r\n");
}

Test(engine, attaches_before_the_start) {
    autofree char *id = create("echo first; seq 1 100000; echo err >&2", false);
    struct task *attach = container_attach(engine, id, false, sink);
    task_start(attach, NULL);
    while (!container_attached(attach))
        loop_turn(loop, 1000);
    must_free(container_start(engine, id));
    must_free(attach);
    cr_assert_eq(seen[1].length, 588895 + 6);
    cr_assert(!strncmp(seen[1].data, "first\n1\n2\n", 10));
    cr_assert_str_eq(seen[2].data, "err\n");
}

Test(engine, holds_an_output_back) {
    autofree char *id = create("seq 1 200000; sleep 600", false);
    must_free(container_start(engine, id));
    struct task *logs = container_logs(engine, id, &(struct log_options){.follow = true}, sink);
    task_start(logs, NULL);
    while (!seen[1].length)
        loop_turn(loop, 1000);
    output_hold(logs, true);
    size_t length = seen[1].length;
    for (int i = 0; i < 20; i++)
        loop_turn(loop, 10);
    cr_assert_eq(seen[1].length, length);
    output_hold(logs, false);
    while (seen[1].length < 1288895)
        loop_turn(loop, 1000);
    cr_assert_eq(logs->status, TASK_PENDING);
    task_free(logs);
}

struct events_seen {
    bool listening;
    int started, died;
};

static void on_listening(void *context) {
    ((struct events_seen *)context)->listening = true;
}

static void on_event(void *context, const cJSON *event) {
    struct events_seen *events = context;
    const char *action = json_text_or(event, "Action", "");
    events->started += !strcmp(action, "start");
    events->died += !strcmp(action, "die");
}

Test(engine, hears_events) {
    struct events_seen events = {0};
    cJSON *filters = cJSON_CreateObject();
    json_append_text(json_array_at(filters, "label"), label);
    struct task *task =
        engine_events(engine, filters, NULL, (struct event_sink){on_listening, on_event, &events});
    task_start(task, NULL);
    while (!events.listening)
        loop_turn(loop, 1000);
    autofree char *id = create("true", false);
    must_free(container_start(engine, id));
    while (!events.died)
        loop_turn(loop, 1000);
    cr_assert_eq(events.started, 1);
    cr_assert_eq(task->status, TASK_PENDING);
    task_free(task);
}

/* ---- Exec ---- */

Test(engine, knows_an_execs_exit_code) {
    autofree char *id = create_started();
    cr_assert_eq(shell(id, "echo out; echo err >&2; exit 42"), 42);
    cr_assert_str_eq(seen[1].data, "out\n");
    cr_assert_str_eq(seen[2].data, "err\n");
    cr_assert_eq(shell(id, "kill -9 $$"), 137);
    cr_assert_eq(shell(id, "exec >&- 2>&-; sleep 0.3; exit 5"), 5);
}

Test(engine, gives_an_exec_its_surroundings) {
    autofree char *id = create_started();
    const char *argv[] = {"sh", "-c", "echo $A; pwd; id -u", NULL};
    const char *environment[] = {"A=b c", NULL};
    struct exec_options options = {
        .argv = argv, .environment = environment, .user = "nobody", .working_dir = "/tmp"};
    must_free(container_exec(engine, id, &options, sink));
    cr_assert_str_eq(seen[1].data, "b c\n/tmp\n65534\n");
}

Test(engine, says_that_a_program_is_not_there) {
    autofree char *id = create_started();
    const char *argv[] = {"/no/such/program", NULL};
    struct task *task = run(container_exec(engine, id, &(struct exec_options){.argv = argv}, sink));
    cr_assert(task->status == TASK_FAILED || exec_exit_code(task) >= 126);
    task_free(task);
}

/* Feeds an exec a number of bytes as fast as it takes them. */
struct feed {
    struct task *exec;
    size_t left;
    unsigned stopped; /* how often it was held back */
};

static void feed_more(void *context) {
    struct feed *feed = context;
    char piece[32 << 10];
    memset(piece, 'x', sizeof piece);
    while (feed->left && exec_room(feed->exec)) {
        size_t length = exec_room(feed->exec);
        length = length < sizeof piece ? length : sizeof piece;
        length = length < feed->left ? length : feed->left;
        exec_send(feed->exec, piece, length);
        feed->left -= length;
    }
    if (feed->left)
        feed->stopped++;
    else
        exec_end_input(feed->exec);
}

static struct task *exec_fed(const char *id, const char *line, size_t bytes, struct feed *feed) {
    const char *argv[] = {"sh", "-c", line, NULL};
    struct exec_options options = {.argv = argv, .interactive = true};
    *feed = (struct feed){.exec = container_exec(engine, id, &options, sink), .left = bytes};
    exec_on_room(feed->exec, feed_more, feed);
    feed_more(feed);
    return must(feed->exec);
}

Test(engine, sends_five_megabytes_through_cat) {
    autofree char *id = create_started();
    struct feed feed;
    struct task *task = exec_fed(id, "cat; echo end >&2; exit 3", 5 << 20, &feed);
    cr_assert_eq(exec_exit_code(task), 3);
    cr_assert_eq(seen[1].length, 5 << 20);
    cr_assert_eq(strspn(seen[1].data, "x"), 5 << 20);
    cr_assert_str_eq(seen[2].data, "end\n");
    cr_assert(feed.stopped > 0);
    task_free(task);
}

Test(engine, survives_a_stdin_that_nobody_reads) {
    autofree char *id = create_started();
    struct feed feed;
    struct task *task = exec_fed(id, "head -c 10; exit 4", 5 << 20, &feed);
    cr_assert_eq(exec_exit_code(task), 4);
    cr_assert_str_eq(seen[1].data, "xxxxxxxxxx");
    task_free(task);
}

Test(engine, closes_an_empty_stdin) {
    autofree char *id = create_started();
    struct feed feed;
    struct task *task = exec_fed(id, "wc -c", 0, &feed);
    cr_assert_str_eq(seen[1].data, "0\n");
    task_free(task);
}

Test(engine, says_why_an_interactive_exec_cannot_be) {
    autofree char *id = create("true", false);
    const char *argv[] = {"sh", NULL};
    struct exec_options options = {.argv = argv, .interactive = true};
    struct task *task = run(container_exec(engine, id, &options, sink));
    cr_assert_eq(task->status, TASK_FAILED);
    cr_assert_eq(task->err.code, 409);
    task_free(task);
    task = hijack_new(engine, false, sink);
    hijack_request(task, "/exec/nobody/start", cJSON_CreateObject());
    run(task);
    cr_assert_eq(task->err.kind, ERR_ANSWER);
    cr_assert_eq(task->err.code, 404);
    cr_assert_str_eq(task->err.message, "No such exec instance: nobody");
    task_free(task);
}

Test(engine, gives_an_exec_a_terminal) {
    autofree char *id = create_started();
    const char *argv[] = {
        "sh", "-c",
        "while [ \"$(stty size)\" != '43 91' ]; do sleep 0.01; done; tty; read A; "
        "echo got $A; while [ \"$(stty size)\" != '20 30' ]; do sleep 0.01; done; cat",
        NULL};
    struct exec_options options = {
        .argv = argv, .interactive = true, .tty = true, .rows = 43, .columns = 91};
    struct task *task = container_exec(engine, id, &options, sink);
    exec_send(task, "word\r", 5);
    task_start(task, NULL);
    while (task->status == TASK_PENDING && !strstr(seen[1].data, "got word"))
        loop_turn(loop, 1000);
    exec_resize(task, 20, 30);
    exec_end_input(task);
    must(task);
    cr_assert_eq(exec_exit_code(task), 0);
    cr_assert(strstr(seen[1].data, "/dev/pts/"));
    task_free(task);
}

Test(engine, drops_a_running_exec) {
    autofree char *id = create_started();
    const char *argv[] = {"sh", "-c", "echo a; sleep 600", NULL};
    for (int interactive = 0; interactive < 2; interactive++) {
        struct exec_options options = {.argv = argv, .interactive = interactive};
        forget_seen();
        struct task *task = container_exec(engine, id, &options, sink);
        task_start(task, NULL);
        while (!seen[1].length)
            loop_turn(loop, 1000);
        task_free(task);
    }
}

Test(engine, runs_many_at_once) {
    autofree char *id = create_started();
    const char *argv[] = {"sh", "-c", "cat; echo done", NULL};
    struct exec_options options = {.argv = argv, .interactive = true};
    struct task_group *group = task_group_new(loop, GROUP_COLLECT, 0);
    for (int i = 0; i < 30; i++) {
        struct task *exec = container_exec(engine, id, &options, sink);
        exec_end_input(exec);
        task_group_add(group, exec);
        task_group_add(group, container_inspect(engine, id));
    }
    must_free((struct task *)group);
    cr_assert_eq(seen[1].length, 30 * 5);
}

/* ---- Files ---- */

static char *scratch(void) {
    char template[] = "/tmp/envrun-test-XXXXXX";
    cr_assert(mkdtemp(template));
    return xstrdup(template);
}

static void write_at(const char *directory, const char *name, const char *text, mode_t mode) {
    struct err err = ERR_INIT;
    autofree char *path = path_join(directory, name);
    autofree char *above = path_directory(path);
    cr_assert(path_make_directories(above, &err));
    cr_assert(path_write(path, text, strlen(text), false, &err), "%s", err.message);
    chmod(path, mode);
}

static void remove_directory(const char *path) {
    autofree char *command = xasprintf("rm -rf '%s'", path);
    cr_assert_eq(system(command), 0);
}

static void copy(const char *id, const char *from, const char *to, bool contents, int mode) {
    must_free(container_copy_in(
        engine, id,
        &(struct copy_options){
            .from = from, .to = to, .contents = contents, .uid = 12, .gid = 34, .mode = mode}));
}

Test(engine, copies_files_and_directories_in) {
    autofree char *id = create_started();
    autofree char *dir = scratch();
    autofree char *file = path_join(dir, "f");
    write_at(dir, "f", "text", 0640);
    write_at(dir, "sub/g", "more", 0755);
    autofree char *link = path_join(dir, "sub/l");
    cr_assert_eq(symlink("g", link), 0);
    autofree char *sub = path_join(dir, "sub");
    copy(id, file, "/tmp", false, 0);
    copy(id, file, "/tmp/named", false, 0600);
    copy(id, sub, "/tmp/", false, 0);
    copy(id, sub, "/tmp/new", false, 0);
    copy(id, sub, "/home", true, 0);
    copy(id, sub, "/srv", true, 0);
    shell(id,
          "stat -c '%n %a %u:%g' /tmp/f /tmp/named /tmp/sub/g; cat /tmp/f; readlink /tmp/sub/l; "
          "ls /tmp/new /home /srv");
    cr_assert_str_eq(seen[1].data,
                     "/tmp/f 640 12:34\n/tmp/named 600 12:34\n/tmp/sub/g 755 12:34\ntextg\n"
                     "/home:\ng\nl\n\n/srv:\ng\nl\n\n/tmp/new:\ng\nl\n");
    struct task *task = run(container_copy_in(
        engine, id, &(struct copy_options){.from = file, .to = "/no/such/place"}));
    cr_assert_eq(task->err.kind, ERR_ANSWER);
    task_free(task);
    task = run(
        container_copy_in(engine, id, &(struct copy_options){.from = "/no/such", .to = "/tmp"}));
    cr_assert_eq(task->err.kind, ERR_FILE);
    cr_assert_str_eq(task->err.message, "cannot read /no/such: No such file or directory");
    task_free(task);
    remove_directory(dir);
}

Test(engine, writes_a_file_into_a_container_that_does_not_run_yet) {
    autofree char *id = create("cat /run/a/b/c; stat -c '%a %u:%g' /run/a/b/c", false);
    must_free(container_write_file(engine, id, "/run/a/b/c", "hello\n", 6, 5, 6, 0444));
    must_free(container_write_file(engine, id, "/etc/made", "x", 1, 0, 0, 0644));
    must_free(container_start(engine, id));
    must_free(container_logs(engine, id, &(struct log_options){.follow = true}, sink));
    cr_assert_str_eq(seen[1].data, "hello\n444 5:6\n");
}

Test(engine, copies_much) {
    autofree char *id = create_started();
    autofree char *dir = scratch();
    autofree char *file = path_join(dir, "big");
    write_at(dir, "big", "x", 0644);
    cr_assert_eq(truncate(file, 100 << 20), 0);
    copy(id, file, "/tmp", false, 0);
    shell(id, "stat -c %s /tmp/big");
    cr_assert_str_eq(seen[1].data, "104857600\n");
    struct task *task = run(container_copy_in(
        engine, id, &(struct copy_options){.from = file, .to = "/no/such/place"}));
    cr_assert_eq(task->err.kind, ERR_ANSWER, "%s", task->err.message);
    task_free(task);
    remove_directory(dir);
}

/* ---- Images ---- */

static void on_line(void *context, const char *text) {
    (void)context;
    buffer_puts(&seen[1], text);
    buffer_putc(&seen[1], '\n');
}

static const struct engine_progress progress = {.line = on_line};

static void build_and_run(const struct build_options *options) {
    struct task *build = must(image_build(engine, options, progress));
    autofree char *image = xstrdup(image_build_id(build));
    cr_assert(strstr(seen[1].data, "Step 1/"));
    task_free(build);
    cJSON *body = container_body("find /context | sort; cat /arg", false);
    cJSON_ReplaceItemInObject(body, "Image", cJSON_CreateString(image));
    struct task *task = must(container_create(engine, NULL, body));
    const char *id = json_text(request_answer(task), "Id");
    forget_seen();
    must_free(container_start(engine, id));
    must_free(container_logs(engine, id, &(struct log_options){.follow = true}, sink));
    must_free(container_remove(engine, id));
    must_free(engine_request(engine, "DELETE", NULL, "/images/%s?force=1", image));
    task_free(task);
}

static const char dockerfile[] = "FROM " IMAGE "\nARG A=none\nCOPY . /context\n"
                                 "RUN echo $A >/arg\nCMD [\"sh\"]\n";

static void fill_context(const char *dir) {
    write_at(dir, "app/main", "x", 0755);
    write_at(dir, "app/note.tmp", "x", 0644);
    write_at(dir, "node_modules/a/index", "x", 0644);
    write_at(dir, "node_modules/keep", "x", 0644);
    write_at(dir, ".dockerignore",
             "# comment\n**/*.tmp\nnode_modules\n!node_modules/keep\nDockerfile\n.dockerignore\n",
             0644);
}

static cJSON *labelled(void) {
    cJSON *query = cJSON_CreateObject();
    json_put(query, "labels", labels());
    return query;
}

Test(engine, builds_an_image) {
    autofree char *dir = scratch();
    fill_context(dir);
    write_at(dir, "Dockerfile", dockerfile, 0644);
    autojson cJSON *query = labelled();
    json_put_text(json_object_at(query, "buildargs"), "A", "given");
    build_and_run(
        &(struct build_options){.context = dir, .dockerfile = "Dockerfile", .query = query});
    cr_assert_str_eq(seen[1].data,
                     "/context\n/context/app\n/context/app/main\n/context/node_modules\n"
                     "/context/node_modules/keep\ngiven\n");
    remove_directory(dir);
}

Test(engine, sends_a_dockerfile_from_elsewhere_along) {
    autofree char *dir = scratch(), *elsewhere = scratch();
    autofree char *path = path_join(elsewhere, "My.dockerfile");
    autojson cJSON *query = labelled();
    write_at(dir, "a", "x", 0644);
    write_at(elsewhere, "My.dockerfile", dockerfile, 0644);
    build_and_run(&(struct build_options){.context = dir, .dockerfile = path, .query = query});
    cr_assert_str_eq(seen[1].data, "/context\n/context/a\nnone\n");
    remove_directory(dir);
    remove_directory(elsewhere);
}

Test(engine, sends_an_inlined_dockerfile_along) {
    autofree char *dir = scratch();
    autojson cJSON *query = labelled();
    write_at(dir, "a", "x", 0644);
    write_at(dir, "Dockerfile", "none", 0644);
    build_and_run(&(struct build_options){.context = dir, .inlined = dockerfile, .query = query});
    cr_assert_str_eq(seen[1].data, "/context\n/context/Dockerfile\n/context/a\nnone\n");
    remove_directory(dir);
}

Test(engine, says_which_step_of_a_build_failed) {
    autofree char *dir = scratch();
    write_at(dir, "Dockerfile", "FROM " IMAGE "\nRUN echo before; exit 9\n", 0644);
    struct task *build = run(image_build(
        engine, &(struct build_options){.context = dir, .dockerfile = "Dockerfile"}, progress));
    cr_assert_eq(build->err.kind, ERR_ANSWER);
    cr_assert_str_eq(build->err.message, "The command '/bin/sh -c echo before; exit 9' returned a "
                                         "non-zero code: 9");
    cr_assert(strstr(seen[1].data, "\nbefore\n"));
    task_free(build);
    remove_directory(dir);
}

Test(engine, wants_a_context_and_a_dockerfile) {
    autofree char *dir = scratch();
    struct task *build = run(image_build(
        engine, &(struct build_options){.context = dir, .dockerfile = "Dockerfile"}, progress));
    cr_assert_eq(build->err.kind, ERR_FILE);
    cr_assert(strstr(build->err.message, "/Dockerfile does not exist"));
    task_free(build);
    build = run(image_build(
        engine, &(struct build_options){.context = "/no/such", .dockerfile = "D"}, progress));
    cr_assert_str_eq(build->err.message, "the build context /no/such does not exist");
    task_free(build);
    remove_directory(dir);
}

Test(engine, says_why_an_image_cannot_be_pulled) {
    struct task *pull =
        run(image_pull(engine, "127.0.0.1:9/nobody/nothing:1", NULL, NULL, progress));
    cr_assert_eq(pull->err.kind, ERR_ANSWER);
    cr_assert(strstr(pull->err.message, "127.0.0.1:9"), "%s", pull->err.message);
    task_free(pull);
    struct task *inspect = run(image_inspect(engine, "127.0.0.1:9/nobody/nothing:1"));
    cr_assert_eq(inspect->err.code, 404);
    task_free(inspect);
    must_free(image_inspect(engine, IMAGE));
}

Test(engine, says_that_there_is_no_space_for_what_it_saves) {
    struct task *save = run(image_save(engine, IMAGE, open("/dev/full", O_WRONLY), 1 << 30));
    cr_assert(save->status == TASK_FAILED && save->err.kind == ERR_FILE);
    cr_assert_str_eq(save->err.message, "cannot write it: No space left on device");
    task_free(save);
}
