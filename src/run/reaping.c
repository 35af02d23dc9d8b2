/*
 * The reaper's life: guard while the other end of the socket is open, then do what is to be done.
 */
#include "run/reaper.h"

#include <envrun/engine.h>

#include "base/json.h"
#include "base/text.h"
#include "base/vector.h"
#include "run/clearing.h"
#include "run/lease.h"
#include "run/owner.h"
#include "run/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE_MAX_BYTES = 64 << 10,
    GROUPS_MAX = 256,
    GROUP_BEAT = 50,     /* ms between two looks at groups that were told to end */
    GROUP_GRACE = 2000,  /* ms between their SIGTERM and SIGKILL */
    HELD_BEAT = 10000,   /* ms between two looks whether an environment with a ttl is still there */
    CLOCK_BEAT = 60000,  /* ms after which the clock is asked again */
    SWEEP_LIMIT = 60000, /* ms for what others have left */
};

struct group {
    pid_t pid;                /* of its leader */
    unsigned long long start; /* of its leader */
};

struct reaping {
    struct task task;
    int input;
    struct watch watch;
    struct buffer line;
    bool closed;    /* the other end */
    bool dismissed; /* nothing is left to be done for it */
    bool held;      /* its envrun may end */

    struct engine *engine; /* NULL: nothing has been said yet */
    char *name, *owner;
    long long deadline; /* UNIX time in seconds by the engine; 0: none */
    long long ahead;    /* seconds that the engine's clock is ahead of ours */

    vec(struct group) groups;
    long long kill_at; /* when groups that do not end are killed; 0: none has been told to */
    struct timer timer;
    struct task *sweep, *look, *clearing;
};

/* ---- What is said ---- */

static bool take_charge(struct reaping *reaping, const cJSON *message) {
    const char *certificates = json_text(message, "certificates");
    reaping->engine =
        engine_new(reaping->task.loop, json_text(message, "engine"), &reaping->task.err);
    if (!reaping->engine)
        return false;
    engine_use_agent(reaping->engine, "envrun-reaper");
    if (certificates)
        engine_use_tls(reaping->engine,
                       &(struct engine_tls){.directory = certificates,
                                            .verify = json_true(message, "verify")});
    reaping->name = xstrdup(json_text_or(message, "name", ""));
    reaping->owner = xstrdup(json_text_or(message, "owner", ""));
    reaping->deadline = json_number(message, "deadline", 0);
    reaping->ahead = json_number(message, "ahead", 0);
    return true;
}

static void add_group(struct reaping *reaping, long long pid) {
    struct group group = {.pid = (pid_t)pid, .start = process_start_time((pid_t)pid)};
    if (pid > 1 && reaping->groups.length < GROUPS_MAX)
        vec_push(&reaping->groups, group);
}

static void forget_group(struct reaping *reaping, long long pid) {
    size_t kept = 0;
    vec_each (group, &reaping->groups)
        if (group->pid != pid)
            reaping->groups.at[kept++] = *group;
    reaping->groups.length = kept;
}

static void take_hold(struct reaping *reaping, long long deadline) {
    reaping->held = true;
    reaping->deadline = deadline;
    reaping->dismissed = !deadline;
    timer_stop(&reaping->timer);
}

static bool take_line(struct reaping *reaping, const char *line) {
    autojson cJSON *message = cJSON_Parse(line);
    if (!reaping->engine)
        return take_charge(reaping, message);
    add_group(reaping, json_number(message, "begins", 0));
    forget_group(reaping, json_number(message, "ended", 0));
    if (json_get(message, "hold"))
        take_hold(reaping, json_number(message, "hold", 0));
    reaping->dismissed = reaping->dismissed || json_get(message, "bye");
    return true;
}

static bool take_lines(struct reaping *reaping) {
    for (char *end; (end = memchr(reaping->line.data, '\n', reaping->line.length));) {
        *end = '\0';
        if (!take_line(reaping, reaping->line.data))
            return false;
        buffer_consume(&reaping->line, (size_t)(end - reaping->line.data) + 1);
    }
    return true;
}

static bool hear(struct reaping *reaping) {
    char chunk[4096];
    ssize_t got = 0;
    while (!reaping->closed && (got = read(reaping->input, chunk, sizeof chunk)) > 0)
        if (!buffer_add_capped(&reaping->line, chunk, (size_t)got) || !take_lines(reaping))
            return false;
    if (!got || (errno != EAGAIN && errno != EINTR)) {
        reaping->closed = true;
        timer_stop(&reaping->timer); /* what is waited for now is something else */
        watch_set(&reaping->watch, 0);
    }
    return true;
}

static void something_said(struct watch *watch, uint32_t events) {
    (void)events;
    task_wake(&container_of(watch, struct reaping, watch)->task);
}

static void time_passed(struct timer *timer) {
    task_wake(&container_of(timer, struct reaping, timer)->task);
}

/* ---- The deadline ---- */

static long long left_until_deadline(const struct reaping *reaping) {
    long long now = (long long)time(NULL) + reaping->ahead;
    return reaping->deadline ? (reaping->deadline - now) * 1000 : DEADLINE_NEVER;
}

/* The wall clock may be set meanwhile, so that it is asked now and then. */
static void wait_for_deadline(struct reaping *reaping, long long most) {
    long long left = left_until_deadline(reaping);
    timer_set(&reaping->timer, loop_now() + deadline_earlier(left > 0 ? left : 0, most));
}

/* ---- The process groups ---- */

/* A number that another process has by now is no group of ours. */
static void signal_groups(struct reaping *reaping, int number) {
    size_t kept = 0;
    vec_each (group, &reaping->groups) {
        unsigned long long start = process_start_time(group->pid);
        if ((!start || start == group->start) && !kill(-group->pid, number))
            reaping->groups.at[kept++] = *group;
    }
    reaping->groups.length = kept;
}

static bool groups_are_gone(struct reaping *reaping) {
    bool first = !reaping->kill_at;
    if (first)
        reaping->kill_at = loop_now() + GROUP_GRACE;
    bool killing = loop_now() >= reaping->kill_at;
    signal_groups(reaping, first ? SIGTERM : killing ? SIGKILL : 0);
    if (!reaping->groups.length || loop_now() >= reaping->kill_at + GROUP_GRACE)
        return true;
    timer_set(&reaping->timer, loop_now() + GROUP_BEAT);
    return false;
}

/* ---- An environment with a ttl ---- */

static struct task *begin_connect(void *subject, struct err *err) {
    (void)err;
    return engine_connect(((struct reaping *)subject)->engine);
}

static struct task *begin_census(void *subject, struct err *err) {
    struct reaping *reaping = subject;
    (void)err;
    return census_new(reaping->task.loop, reaping->engine, reaping->name);
}

static bool end_census(void *subject, struct task *work, struct err *err) {
    struct reaping *reaping = subject;
    struct leases leases = census_take(work);
    (void)err;
    reaping->dismissed = !leases_find(&leases, reaping->name, reaping->owner);
    reaping->ahead = engine_time(reaping->engine) - (long long)time(NULL);
    leases_release(&leases);
    return true;
}

static const struct stage look_stages[] = {
    {"connect", begin_connect, NULL},
    {"census", begin_census, end_census},
    {0},
};

/* True once it is over; an engine that does not answer just now is asked again. */
static bool ttl_is_over(struct reaping *reaping) {
    if (reaping->look && reaping->look->status == TASK_PENDING)
        return false;
    reaping->look = task_free(reaping->look);
    if (reaping->dismissed || left_until_deadline(reaping) <= 0)
        return true;
    if (timer_is_set(&reaping->timer))
        return false;
    signal(SIGTERM, SIG_DFL); /* there is no hurry, and others will see the deadline too */
    reaping->look = &sequence_new(reaping->task.loop, look_stages, reaping, NULL)->task;
    task_start(reaping->look, &reaping->task);
    wait_for_deadline(reaping, HELD_BEAT);
    return false;
}

/* ---- What others have left ---- */

static struct task *begin_sweep(void *subject, struct err *err) {
    struct reaping *reaping = subject;
    (void)err;
    return sweep_new(reaping->task.loop, reaping->engine, (struct sweep_listener){0});
}

static const struct stage sweep_stages[] = {
    {"connect", begin_connect, NULL},
    {"sweep", begin_sweep, NULL},
    {0},
};

static void start_sweep(struct reaping *reaping) {
    reaping->sweep = &sequence_new(reaping->task.loop, sweep_stages, reaping, NULL)->task;
    task_limit(reaping->sweep, loop_now() + SWEEP_LIMIT);
    task_start(reaping->sweep, &reaping->task);
}

/* ---- The task ---- */

/* Is it to be removed now? */
static bool is_due(struct reaping *reaping) {
    if (reaping->closed && reaping->held)
        return ttl_is_over(reaping);
    if (reaping->closed || left_until_deadline(reaping) <= 0)
        return true;
    wait_for_deadline(reaping, CLOCK_BEAT);
    return false;
}

static enum task_status reap(struct reaping *reaping) {
    if (!reaping->clearing && !groups_are_gone(reaping))
        return TASK_PENDING;
    if (!reaping->clearing) {
        reaping->clearing =
            clearing_new(reaping->task.loop, reaping->engine, reaping->name, reaping->owner);
        task_start(reaping->clearing, &reaping->task);
    }
    return reaping->clearing->status;
}

static enum task_status reaping_step(struct task *task) {
    struct reaping *reaping = (struct reaping *)task;
    bool charged = reaping->engine;
    if (!reaping->closed && !hear(reaping))
        return TASK_FAILED;
    if (!reaping->engine)
        return reaping->closed ? TASK_DONE : TASK_PENDING;
    if (!charged)
        start_sweep(reaping);
    if (!reaping->dismissed && !reaping->clearing && !reaping->kill_at && !is_due(reaping))
        return TASK_PENDING;
    enum task_status status = reaping->dismissed ? TASK_DONE : reap(reaping);
    return reaping->sweep->status == TASK_PENDING ? TASK_PENDING : status;
}

static void reaping_release(struct task *task) {
    struct reaping *reaping = (struct reaping *)task;
    watch_set(&reaping->watch, 0);
    timer_stop(&reaping->timer);
    task_free(reaping->sweep);
    task_free(reaping->look);
    task_free(reaping->clearing);
    engine_free(reaping->engine);
    buffer_release(&reaping->line);
    vec_free(&reaping->groups);
    free(reaping->name);
    free(reaping->owner);
}

struct task *reaping_new(struct loop *loop, int input) {
    static const struct task_type type = {
        .name = "reaping", .step = reaping_step, .release = reaping_release};
    struct reaping *reaping = task_new(sizeof *reaping, &type, loop);
    reaping->input = input;
    reaping->line = BUFFER_INIT_MAX(LINE_MAX_BYTES);
    timer_init(&reaping->timer, loop, time_passed);
    watch_init(&reaping->watch, loop, input, something_said);
    fcntl(input, F_SETFL, O_NONBLOCK);
    watch_set(&reaping->watch, EPOLLIN);
    return &reaping->task;
}
