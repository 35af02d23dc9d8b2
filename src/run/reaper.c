/*
 * envrun's side of the reaper: starting it, and telling it what to remove, as a line of JSON each.
 */
#include "run/reaper.h"

#include <envrun/engine.h>

#include "base/json.h"
#include "loop/detached.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct reaper {
    pid_t pid;
    int socket;
};

/* A line that cannot be told means that it has died, and is no reason for us to fail. */
static void say(const struct reaper *reaper, const char *line) {
    size_t length = strlen(line);
    if (send(reaper->socket, line, length, MSG_NOSIGNAL) != (ssize_t)length)
        return;
}

static void say_number(const struct reaper *reaper, const char *what, long long number) {
    char line[64];
    if (!reaper)
        return;
    snprintf(line, sizeof line, "{\"%s\":%lld}\n", what, number);
    say(reaper, line);
}

static void say_charge(const struct reaper *reaper, const struct engine *engine,
                       const struct reaper_charge *charge) {
    struct engine_tls tls = engine_tls(engine);
    autojson cJSON *message = cJSON_CreateObject();
    json_put_text(message, "engine", engine_address(engine)->url);
    json_put_text(message, "certificates", tls.directory);
    json_put_bool(message, "verify", tls.verify);
    json_put_text(message, "name", charge->name);
    json_put_text(message, "owner", charge->owner);
    json_put_number(message, "deadline", charge->deadline);
    json_put_number(message, "ahead", engine_time(engine) - (long long)time(NULL));
    autofree char *text = json_line(message);
    autofree char *line = xasprintf("%s\n", text);
    say(reaper, line);
}

struct reaper *reaper_start(const struct engine *engine, const struct reaper_charge *charge,
                            struct err *err) {
    const char *const argv[] = {"envrun", REAPER_VERB, charge->name, NULL};
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
        err_system(err, errno, "cannot make a socket");
        return NULL;
    }
    pid_t pid = detached_start(argv, ends[1], err);
    close(ends[1]);
    if (!pid) {
        close(ends[0]);
        return NULL;
    }
    struct reaper *reaper = xnew(struct reaper);
    *reaper = (struct reaper){.pid = pid, .socket = ends[0]};
    say_charge(reaper, engine, charge);
    return reaper;
}

pid_t reaper_pid(const struct reaper *reaper) {
    return reaper ? reaper->pid : 0;
}

static void group_begins(void *reaper, pid_t group) {
    say_number(reaper, "begins", group);
}

static void group_ended(void *reaper, pid_t group) {
    say_number(reaper, "ended", group);
}

struct child_guard reaper_guard(struct reaper *reaper) {
    return (struct child_guard){group_begins, group_ended, reaper};
}

void reaper_hold(struct reaper *reaper, long long deadline) {
    say_number(reaper, "hold", deadline);
}

void reaper_dismiss(struct reaper *reaper) {
    say_number(reaper, "bye", 1);
}

struct reaper *reaper_free(struct reaper *reaper) {
    if (reaper)
        close(reaper->socket);
    free(reaper);
    return NULL;
}
