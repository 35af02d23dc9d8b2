/* What the run floor does without an engine: connections, processes, outlets, the owner. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "base/text.h"
#include "loop/child.h"
#include "loop/relay.h"
#include "run/dial.h"
#include "run/owner.h"
#include "run/pattern.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct loop *loop;

static void begin(void) {
    struct err err = ERR_INIT;
    signal(SIGPIPE, SIG_IGN);
    loop = loop_new(&err);
    cr_assert(loop);
}

static void end(void) {
    loop = loop_free(loop);
}

TestSuite(run, .init = begin, .fini = end, .timeout = 20);

static struct task *run_task(struct task *task) {
    task_start(task, NULL);
    loop_run(loop, task);
    return task;
}

/* ---- A service on loopback, in a process of its own ---- */

/* Answers the port; the process serves one connection after the other. */
static int serve(void (*with)(int connection), pid_t *ret_pid) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(listen(listener, 8), 0);
    getsockname(listener, (struct sockaddr *)&address, &size);
    *ret_pid = fork();
    while (!*ret_pid) {
        int connection = accept(listener, NULL, NULL);
        with(connection);
        close(connection);
    }
    close(listener);
    return ntohs(address.sin_port);
}

static void serve_end(pid_t pid) {
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void closes(int connection) {
    (void)connection;
}

static void waits(int connection) {
    char byte;
    while (read(connection, &byte, 1) > 0)
        ;
}

static void greets(int connection) {
    cr_assert_eq(write(connection, "hello\n", 6), 6);
    waits(connection);
}

/* "PING" is answered in two pieces, with a NUL between. */
static void pongs(int connection) {
    char bytes[5];
    if (read(connection, bytes, sizeof bytes) == 5 && !memcmp(bytes, "PING\n", 5)) {
        cr_assert_eq(write(connection, "+PO\0", 4), 4);
        cr_assert_eq(write(connection, "NG", 2), 2);
    }
    waits(connection);
}

static void refuses(int connection) {
    char bytes[5];
    cr_assert_eq(read(connection, bytes, sizeof bytes), 5);
    cr_assert_eq(write(connection, "-LOADING", 8), 8);
}

/* How a dial ends; "PORT" in the expected reason stands for the service's port, NULL: it works. */
static void dials(void (*with)(int), const char *send, const char *expect, bool hold,
                  const char *reason) {
    pid_t pid;
    regex_t regex;
    struct dial_options options = {.host = "127.0.0.1", .send = send, .hold = hold};
    options.port = serve(with, &pid);
    if (expect) {
        cr_assert_eq(regcomp(&regex, expect, REG_EXTENDED | REG_NOSUB), 0);
        options.expect = &regex;
    }
    struct task *dial = run_task(dial_new(loop, &options));
    if (reason) {
        char *full autofree = xasprintf("%s at 127.0.0.1:%d", reason, options.port);
        cr_expect_eq(dial->status, TASK_FAILED, "%s", reason);
        cr_expect_str_eq(dial->err.message ? dial->err.message : "", full);
        cr_expect_eq(dial->err.kind, ERR_ENVIRONMENT);
    } else {
        cr_expect_eq(dial->status, TASK_DONE, "%s", dial->err.message);
    }
    task_free(dial);
    if (expect)
        regfree(&regex);
    serve_end(pid);
}

Test(run, a_connection_is_enough) {
    dials(waits, NULL, NULL, false, NULL);
    dials(closes, NULL, NULL, false, NULL);
}

Test(run, a_connection_that_must_last_is_not_closed_at_once) {
    dials(waits, NULL, NULL, true, NULL);
    dials(greets, NULL, NULL, true, NULL);
    dials(closes, NULL, NULL, true, "the service closed the connection");
}

Test(run, an_answer_must_match) {
    dials(greets, NULL, "^hel", false, NULL);
    dials(pongs, "50494e470a", "PO.NG", false, NULL);
    dials(refuses, "50494e470a", "^[+]PONG", false,
          "the service is not ready and closed the connection");
    dials(closes, NULL, "^hello", false, "the service closed the connection");
    dials(waits, NULL, "^hello", false, "no answer");
}

Test(run, nobody_listens) {
    pid_t pid;
    struct dial_options options = {.host = "127.0.0.1", .port = serve(waits, &pid)};
    serve_end(pid);
    struct task *dial = run_task(dial_new(loop, &options));
    char *reason autofree = xasprintf("connection refused at 127.0.0.1:%d", options.port);
    cr_expect_eq(dial->status, TASK_FAILED);
    cr_expect_str_eq(dial->err.message, reason);
    task_free(dial);
}

Test(run, a_dial_can_be_dropped) {
    pid_t pid;
    struct dial_options options = {.host = "127.0.0.1", .port = serve(waits, &pid), .hold = true};
    struct task *dial = dial_new(loop, &options);
    task_start(dial, NULL);
    loop_turn(loop, 0);
    cr_expect_eq(dial->status, TASK_PENDING);
    task_free(dial);
    serve_end(pid);
}

/* ---- Processes ---- */

static const char *const no_variables[] = {"PATH=/usr/bin:/bin", NULL};

static struct task *spawn(const char *const *argv, const char *directory, int output) {
    struct child_options options = {.argv = argv,
                                    .environment = no_variables,
                                    .directory = directory,
                                    .input = -1,
                                    .output = output,
                                    .errors = -1};
    struct task *child = child_new(loop, &options);
    task_start(child, NULL);
    return child;
}

#define shell(text, output) spawn((const char *const[]){"sh", "-c", (text), NULL}, NULL, (output))

/* It holds its descriptors, so that ours may be closed. */
static void until_running(struct task *child) {
    while (!child_is_running(child))
        loop_turn(loop, -1);
}

Test(run, a_process_has_its_exit_code) {
    static const struct {
        const char *text;
        int code;
    } all[] = {{"exit 0", 0}, {"exit 7", 7}, {"kill -TERM $$", 143}, {"kill -KILL $$", 137}};
    for (size_t i = 0; i < lengthof(all); i++) {
        struct task *child = shell(all[i].text, -1);
        loop_run(loop, child);
        cr_expect_eq(child->status, TASK_DONE);
        cr_expect_eq(child_exit_code(child), all[i].code, "%s", all[i].text);
        task_free(child);
    }
}

static void cannot_run(const char *program, const char *directory, int code, const char *message) {
    struct task *child = spawn((const char *const[]){program, NULL}, directory, -1);
    loop_run(loop, child);
    cr_expect_eq(child->status, TASK_FAILED);
    cr_expect_eq(child->err.kind, ERR_SUITE);
    cr_expect_eq(err_exit_code(&child->err), code);
    cr_expect_str_eq(child->err.message, message);
    task_free(child);
}

Test(run, a_process_that_cannot_run_says_why) {
    cannot_run("no-such-program", NULL, 127, "cannot run `no-such-program`: no such program");
    cannot_run("/etc/passwd", NULL, 126, "cannot run `/etc/passwd`: Permission denied");
    cannot_run("true", "/no/such/folder", 126,
               "cannot enter the directory /no/such/folder: No such file or directory");
}

/* It has a session of its own, the variables it was given and no descriptor of ours. */
Test(run, a_process_starts_clean) {
    char text[256] = "";
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    char *command autofree = xasprintf("test -e /proc/$$/fd/%d && echo ours is open; "
                                       "env | grep -v '^PATH=\\|^PWD=\\|^_=\\|^SHLVL='; "
                                       "echo $(( $(cut -d' ' -f6 /proc/$$/stat) == $$ ))",
                                       ends[0]);
    struct task *child = shell(command, ends[1]);
    loop_run(loop, child);
    cr_assert_gt(read(ends[0], text, sizeof text - 1), 0);
    cr_expect_str_eq(text, "1\n");
    task_free(child);
    close(ends[0]);
    close(ends[1]);
}

Test(run, a_signal_reaches_the_whole_group) {
    char byte;
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    struct task *child = shell("sleep 1000 & echo; wait", ends[1]);
    until_running(child);
    close(ends[1]);
    cr_assert_eq(read(ends[0], &byte, 1), 1);
    child_signal(child, SIGTERM);
    loop_run(loop, child);
    cr_expect_eq(child_exit_code(child), 143);
    cr_expect_eq(read(ends[0], &byte, 1), 0, "the sleep holds the pipe open");
    task_free(child);
    close(ends[0]);
}

Test(run, a_daemon_that_was_left_behind_is_found) {
    char byte;
    int ends[2];
    children_adopt();
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    struct task *child = shell("setsid sh -c 'echo; exec sleep 1000' & wait $!; exit 3", ends[1]);
    until_running(child);
    close(ends[1]);
    cr_assert_eq(read(ends[0], &byte, 1), 1);
    child_signal(child, SIGKILL); /* its own group only */
    loop_run(loop, child);
    task_free(child);
    cr_expect_eq(children_signal_strays(SIGKILL, 0), 1);
    cr_expect_eq(read(ends[0], &byte, 1), 0, "the daemon still runs");
    while (children_signal_strays(0, 0))
        ;
    close(ends[0]);
}

Test(run, children_from_before_are_left_alone) {
    pid_t before = fork();
    if (!before)
        pause();
    children_adopt();
    cr_expect_eq(children_signal_strays(SIGKILL, 0), 0);
    cr_expect_eq(waitpid(before, NULL, WNOHANG), 0, "it was killed");
    serve_end(before);
}

/* ---- From a process to an outlet ---- */

Test(run, a_relay_waits_for_a_reader_that_is_behind) {
    enum { SIZE = 1 << 20 };
    struct outlet outlet;
    int source[2], sink[2];
    size_t got = 0;
    char chunk[4096];
    ssize_t now;
    cr_assert_eq(pipe2(source, O_CLOEXEC), 0);
    cr_assert_eq(pipe2(sink, O_CLOEXEC), 0);
    outlet_init(&outlet, loop, sink[1]);
    struct task *relay = relay_new(loop, source[0], &outlet);
    struct task *child = shell("head -c 1048576 /dev/zero", source[1]);
    until_running(child);
    close(source[1]);
    task_start(relay, NULL);
    while (!outlet_is_full(&outlet))
        loop_turn(loop, -1);
    cr_expect_lt(outlet.pending.length, 2 * OUTLET_HIGH_WATER);
    fcntl(sink[0], F_SETFL, O_NONBLOCK);
    while (got < SIZE) {
        while ((now = read(sink[0], chunk, sizeof chunk)) > 0)
            got += (size_t)now;
        if (got < SIZE)
            loop_turn(loop, 1000);
    }
    loop_run(loop, relay);
    loop_run(loop, child);
    cr_expect_eq(got, SIZE);
    task_free(relay);
    task_free(child);
    outlet_release(&outlet);
    close(sink[0]);
    close(sink[1]);
}

Test(run, an_outlet_that_nobody_reads_takes_no_more) {
    struct outlet outlet;
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    outlet_init(&outlet, loop, ends[1]);
    close(ends[0]);
    outlet_write(&outlet, "lost", 4);
    outlet_flush(&outlet, 1000);
    cr_expect(outlet.broken);
    cr_expect_eq(outlet.pending.length, 0);
    outlet_release(&outlet);
    close(ends[1]);
}

/* ---- The owner ---- */

Test(run, an_owner_is_boot_namespace_process_and_its_start) {
    char *one autofree = owner_of_this_process();
    char *again autofree = owner_of_this_process();
    unsigned long long namespace, time, start;
    int pid, behind = 0;
    cr_expect_str_eq(one, again);
    cr_assert_eq(
        sscanf(one, "%*36[0-9a-f-]/%llu/%llu/%d/%llu%n", &namespace, &time, &pid, &start, &behind),
        4);
    cr_expect_eq(one[behind], '\0');
    cr_expect_eq(pid, getpid());
    cr_expect_gt(start, 0);
    cr_expect_gt(namespace, 0);
}

/* An owner in this namespace, with another process and start time. */
static char *owner_like_us(pid_t pid, unsigned long long start) {
    char *us autofree = owner_of_this_process();
    *strrchr(us, '/') = '\0';
    *strrchr(us, '/') = '\0';
    return xasprintf("%s/%d/%llu", us, (int)pid, start);
}

static void expect_owner(const char *owner, enum owner_state state) {
    cr_expect_eq(owner_look(owner), state, "%s is %s", owner, owner_state_name(owner_look(owner)));
}

Test(run, an_owner_lives_while_its_process_does) {
    char *us autofree = owner_of_this_process();
    pid_t pid = fork();
    if (!pid)
        pause();
    char *child autofree = owner_like_us(pid, process_start_time(pid));
    expect_owner(us, OWNER_ALIVE);
    expect_owner(child, OWNER_ALIVE);
    kill(pid, SIGKILL);
    siginfo_t info;
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    expect_owner(child, OWNER_DEAD); /* nobody has waited for it yet */
    waitpid(pid, NULL, 0);
    expect_owner(child, OWNER_DEAD);
}

Test(run, a_number_that_is_used_again_is_not_the_owner) {
    char *before autofree = owner_like_us(getpid(), process_start_time(getpid()) - 1);
    expect_owner(before, OWNER_DEAD);
}

Test(run, an_owner_of_another_boot_or_namespace_cannot_be_seen) {
    char *us autofree = owner_of_this_process();
    char *boot autofree = xstrdup(us), *namespace autofree = xstrdup(us);
    boot[0] = boot[0] == '0' ? '1' : '0';
    char *digit = strchr(namespace, '/') + 1;
    *digit = *digit == '1' ? '2' : '1';
    expect_owner(boot, OWNER_ELSEWHERE);
    expect_owner(namespace, OWNER_ELSEWHERE);
}

Test(run, an_owner_that_nobody_can_read_cannot_be_seen) {
    char *us autofree = owner_of_this_process();
    char *longer autofree = xasprintf("%s/1", us), *shorter autofree = xstrdup(us);
    *strrchr(shorter, '/') = '\0'; /* a form without the time namespace */
    expect_owner(longer, OWNER_ELSEWHERE);
    expect_owner(shorter, OWNER_ELSEWHERE);
    expect_owner("", OWNER_ELSEWHERE);
    expect_owner("///1/1", OWNER_ELSEWHERE);
}

/* ---- Patterns ---- */

static void assert_root(const char *pattern, const char *root, bool below) {
    bool is_below;
    autofree char *found = pattern_root(pattern, &is_below);
    cr_assert_str_eq(found, root, "%s: %s", pattern, found);
    cr_assert_eq(is_below, below, "%s", pattern);
}

Test(pattern, root) {
    assert_root("/w/a.xml", "/w/a.xml", false);
    assert_root("/w/*.xml", "/w", true);
    assert_root("/w/re*ts/a.xml", "/w", true);
    assert_root("/w/r/[ab]/x?", "/w/r", true);
    assert_root("/*.xml", "/", true);
    assert_root("/*", "/", true);
    assert_root("/w/a\\*b", "/w", true);
    assert_root("/", "/", false);
}

Test(pattern, matches_as_glob_does) {
    cr_assert(pattern_is("/w/*.xml", "/w/a.xml"));
    cr_assert_not(pattern_is("/w/*.xml", "/w/.a.xml"));
    cr_assert_not(pattern_is("/w/*.xml", "/w/d/a.xml"));
    cr_assert(pattern_is("/w/a\\*b", "/w/a*b"));
    cr_assert_not(pattern_is("/w/a\\*b", "/w/acb"));
}

Test(pattern, has_what_lies_below) {
    cr_assert(pattern_has("/w/r", "/w/r"));
    cr_assert(pattern_has("/w/r", "/w/r/.d/a"));
    cr_assert(pattern_has("/w/*", "/w/r/d/a"));
    cr_assert(pattern_has("/", "/w"));
    cr_assert_not(pattern_has("/w/r", "/w/rr"));
    cr_assert_not(pattern_has("/w/r/x", "/w/r"));
}
