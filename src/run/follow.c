/*
 * A service's log, followed from its first byte to its last.
 *
 * A followed log may lack its end (engine.h), so when the stream ends, or when all that is there is
 * wanted, the rest is read anew, without following. What was told already is left out there by
 * number: the engine sends the same lines in the same order, and `since` cuts them at a time, so
 * that as many are skipped as were told with that time or a later one. Lines of stdout and stderr
 * are not quite in the order of their times; the time is therefore one that lies a second back.
 *
 * A service that writes faster than its share is held, so that the engine and we have time for the
 * run. The rest is then not read at the end either: only the last lines are, and a gap is told.
 */
#include "run/collect.h"

#include "base/instant.h"
#include "base/text.h"
#include "run/stamped.h"

#include <stdio.h>
#include <string.h>

enum {
    WINDOW = 100,            /* ms, for which a share of bytes may come */
    CATCH_UP_LIMIT = 2000,   /* ms to read what is there */
    LAST_LINES_LIMIT = 1000, /* ms to read the last lines instead */
    REREAD_MOST = 16 << 20,  /* bytes; a longer log is not read anew from the beginning */
    FOLLOWED_LEAST = 500,    /* ms; a stream that ends earlier is not opened again */
};
#define KEPT_APART 1000000000LL /* nanoseconds between two marks */

enum follower_state { IDLE, ATTACHED, FOLLOWING, CATCHING_UP, LAST_LINES_ONLY };

/* A time, and how many lines were told that have it or a later one. */
struct mark {
    long long at;
    long long lines;
};

struct follower {
    struct task task;
    struct life *life;
    enum follower_state state;
    struct task *stream;
    struct stamped out, errors;
    bool began;          /* it is initialised */
    bool cannot_be_read; /* the engine keeps nothing */
    bool again;          /* it was started anew before its log had ended */
    long long stream_began;

    struct mark mark, newer_mark; /* see above */
    long long latest;             /* the latest time of a line */
    long long skip;               /* lines to be left out still */
    bool overlaps;                /* LAST_LINES_ONLY: some of them were known */

    size_t share; /* bytes for each window */
    size_t taken; /* in this window */
    long long taken_in_all;
    long long window_ends;
    struct timer window;
    bool behind; /* it was held */

    struct task *drain; /* who waits until it is idle; or NULL */
};

/* ---- Telling ---- */

static void tell_line(struct follower *follower, enum event_stream stream, long long at,
                      const char *text, bool unfinished) {
    struct event event = {
        .kind = EVENT_LOG,
        .service = xstrdup(follower->life->name),
        .stream = stream,
        .at = at,
        .text = xstrdup(text),
        .unfinished = unfinished,
    };
    environment_tell(follower->life->environment, &event);
}

static void tell_gap(struct follower *follower, const char *what) {
    struct event event = {
        .kind = EVENT_LOG,
        .service = xstrdup(follower->life->name),
        .status = STATUS_FAILED,
        .at = instant_now(),
        .text = xstrdup(what),
    };
    environment_tell(follower->life->environment, &event);
}

/* ---- Lines ---- */

static void mark_line(struct follower *follower, long long at) {
    if (at >= follower->mark.at)
        follower->mark.lines++;
    if (at >= follower->newer_mark.at)
        follower->newer_mark.lines++;
    if (at > follower->latest)
        follower->latest = at;
    if (at <= follower->newer_mark.at + KEPT_APART)
        return;
    follower->mark = follower->newer_mark;
    follower->newer_mark = (struct mark){.at = at, .lines = 1};
}

/* Was it told before? A time that is new says no, whatever the number says: the engine may have
 * dropped old lines. */
static bool is_known(struct follower *follower, const struct stamped *from) {
    bool known;
    if (follower->state == LAST_LINES_ONLY)
        known = from->at <= follower->latest;
    else
        known = follower->skip > 0 && from->at <= follower->latest;
    if (known && !from->lines.cut)
        follower->skip--;
    return known;
}

static void on_line(void *context, const struct stamped *from, char *text, size_t length) {
    struct follower *follower = context;
    (void)length;
    if (is_known(follower, from)) {
        follower->overlaps = true;
        return;
    }
    if (follower->state == LAST_LINES_ONLY && !follower->overlaps) {
        follower->overlaps = true;
        tell_gap(follower, "lines were left out: more was written than is followed");
    }
    if (!from->lines.cut)
        mark_line(follower, from->at);
    tell_line(follower, from == &follower->errors ? EVENT_STDERR : EVENT_STDOUT, from->at, text,
              from->lines.cut);
}

static void begin_lines(struct follower *follower, bool bare) {
    if (follower->began) {
        stamped_release(&follower->out);
        stamped_release(&follower->errors);
    }
    stamped_init(&follower->out, bare, on_line, follower);
    stamped_init(&follower->errors, bare, on_line, follower);
    follower->began = true;
}

/* ---- The share ---- */

static void hold(struct follower *follower, bool held) {
    if (follower->stream && follower->state == FOLLOWING)
        output_hold(follower->stream, held);
}

static void on_window(struct timer *timer) {
    struct follower *follower = container_of(timer, struct follower, window);
    follower->taken = 0;
    follower->window_ends = loop_now() + WINDOW;
    hold(follower, false);
}

static void count_bytes(struct follower *follower, size_t length) {
    long long now = loop_now();
    follower->taken_in_all += (long long)length;
    if (now >= follower->window_ends) {
        follower->window_ends = now + WINDOW;
        follower->taken = 0;
        follower->behind = false;
    }
    follower->taken += length;
    if (follower->taken < follower->share || timer_is_set(&follower->window))
        return;
    follower->behind = true;
    hold(follower, true);
    timer_set(&follower->window, follower->window_ends);
}

static void on_data(void *context, enum stream_tag stream, const char *data, size_t length) {
    struct follower *follower = context;
    if (follower->state == FOLLOWING)
        count_bytes(follower, length);
    stamped_push(stream == STREAM_STDERR ? &follower->errors : &follower->out, data, length);
}

/* ---- The streams ---- */

static void open_stream(struct follower *follower, enum follower_state state, struct task *stream) {
    task_free(follower->stream);
    timer_stop(&follower->window);
    follower->state = state;
    follower->stream = stream;
    follower->stream_began = loop_now();
    follower->overlaps = false;
    begin_lines(follower, state == ATTACHED);
    task_start(stream, &follower->task);
}

static void open_log(struct follower *follower, enum follower_state state) {
    struct life *life = follower->life;
    char since[32];
    snprintf(since, sizeof since, "%lld.%09lld", follower->mark.at / 1000000000,
             follower->mark.at % 1000000000);
    struct log_options options = {
        .follow = state == FOLLOWING,
        .timestamps = true,
        .tty = life->planned->tty,
        .since = follower->mark.at ? since : NULL,
        .tail = state == LAST_LINES_ONLY ? "1000" : NULL,
    };
    struct task *logs = container_logs(life->environment->engine, life->id, &options,
                                       (struct output_sink){on_data, follower});
    if (state == CATCHING_UP)
        task_limit(logs, loop_now() + CATCH_UP_LIMIT);
    if (state == LAST_LINES_ONLY)
        task_limit(logs, loop_now() + LAST_LINES_LIMIT);
    follower->skip = follower->mark.lines;
    open_stream(follower, state, logs);
}

/* Read what is there and not told yet. */
static void catch_up(struct follower *follower) {
    bool large = follower->behind || follower->taken_in_all > REREAD_MOST;
    open_log(follower, large ? LAST_LINES_ONLY : CATCHING_UP);
}

static void become_idle(struct follower *follower) {
    follower->stream = task_free(follower->stream);
    follower->state = IDLE;
    timer_stop(&follower->window);
    if (follower->drain)
        task_wake(follower->drain);
}

/* Nothing can be said of a log whose container is being removed. */
static void tell_unreadable(struct follower *follower) {
    if (follower->life->environment->stopping || !follower->stream->err.message)
        return;
    autofree char *what = xasprintf("its log cannot be read: %s", follower->stream->err.message);
    tell_gap(follower, what);
}

static void end_of_follow(struct follower *follower) {
    bool failed = follower->stream->status == TASK_FAILED;
    if (failed && !follower->taken_in_all && follower->stream->err.kind == ERR_ANSWER) {
        tell_unreadable(follower);
        become_idle(follower);
        return;
    }
    catch_up(follower);
}

/* What lies before the last lines was left out: nobody shall come back to it. */
static void forget_marks(struct follower *follower) {
    follower->mark = follower->newer_mark = (struct mark){.at = follower->latest + 1};
}

static bool goes_on(const struct follower *follower) {
    const struct life *life = follower->life;
    bool lasted = loop_now() - follower->stream_began > FOLLOWED_LEAST;
    return !life->environment->stopping && (follower->again || (life->running && lasted));
}

static void end_of_reading(struct follower *follower) {
    bool failed = follower->stream->status == TASK_FAILED;
    bool last_lines = follower->state == LAST_LINES_ONLY;
    stamped_end(&follower->out);
    stamped_end(&follower->errors);
    if (failed && follower->state == CATCHING_UP && follower->stream->err.kind == ERR_TIMEOUT) {
        open_log(follower, LAST_LINES_ONLY);
        return;
    }
    if (failed)
        tell_unreadable(follower);
    if (last_lines)
        forget_marks(follower);
    bool again = goes_on(follower);
    follower->again = false;
    if (again)
        open_log(follower, FOLLOWING);
    else
        become_idle(follower);
}

static void end_of_attach(struct follower *follower) {
    stamped_end(&follower->out);
    stamped_end(&follower->errors);
    become_idle(follower);
    if (!follower->again)
        return;
    follower->again = false;
    tell_gap(follower, "it was started again, and its log driver keeps nothing: the beginning of "
                       "what it writes may be missing");
    follower_attach(follower);
}

static enum task_status follower_step(struct task *task) {
    struct follower *follower = (struct follower *)task;
    if (follower->life->gate)
        task_wake(follower->life->gate); /* it may wait until we are attached */
    if (!follower->stream || follower->stream->status == TASK_PENDING)
        return TASK_PENDING;
    if (follower->state == ATTACHED)
        end_of_attach(follower);
    else if (follower->state == FOLLOWING)
        end_of_follow(follower);
    else
        end_of_reading(follower);
    return TASK_PENDING;
}

/* ---- What its service does ---- */

void follower_attach(struct follower *follower) {
    struct life *life = follower->life;
    follower->cannot_be_read = true;
    open_stream(follower, ATTACHED,
                container_attach(life->environment->engine, life->id, life->planned->tty,
                                 (struct output_sink){on_data, follower}));
}

bool follower_is_attached(const struct follower *follower) {
    return follower->state != ATTACHED || container_attached(follower->stream);
}

void follower_started(struct follower *follower) {
    if (follower->state == IDLE && follower->cannot_be_read)
        follower_attach(follower);
    else if (follower->state == IDLE)
        open_log(follower, FOLLOWING);
    else
        follower->again = follower->life->deaths > 0;
}

static void follower_release(struct task *task) {
    struct follower *follower = (struct follower *)task;
    task_free(follower->stream);
    timer_stop(&follower->window);
    if (follower->began) {
        stamped_release(&follower->out);
        stamped_release(&follower->errors);
    }
}

struct follower *follower_new(struct life *life, size_t bytes_per_second) {
    static const struct task_type type = {
        .name = "follower", .step = follower_step, .release = follower_release};
    struct follower *follower = task_new(sizeof *follower, &type, life->environment->loop);
    follower->life = life;
    follower->share = bytes_per_second / 1000 * WINDOW;
    timer_init(&follower->window, follower->task.loop, on_window);
    task_start(&follower->task, NULL);
    return follower;
}

struct follower *follower_free(struct follower *follower) {
    return follower ? (struct follower *)task_free(follower) : NULL;
}

/* ---- Draining ---- */

struct drain {
    struct task task;
    struct follower *follower;
    bool began;
};

static enum task_status drain_step(struct task *task) {
    struct drain *drain = (struct drain *)task;
    struct follower *follower = drain->follower;
    if (!drain->began) {
        drain->began = true;
        follower->drain = task;
        follower->again = false;
        if (follower->state == FOLLOWING)
            catch_up(follower);
    }
    /* What is attached to comes as it is written: there is an end only if the container has one. */
    bool attached = follower->state == ATTACHED && follower->life->running;
    return follower->state == IDLE || attached ? TASK_DONE : TASK_PENDING;
}

static void drain_release(struct task *task) {
    struct drain *drain = (struct drain *)task;
    if (drain->follower->drain == task)
        drain->follower->drain = NULL;
}

struct task *follower_drain(struct follower *follower) {
    static const struct task_type type = {
        .name = "drain", .step = drain_step, .release = drain_release};
    struct drain *drain = task_new(sizeof *drain, &type, follower->task.loop);
    drain->follower = follower;
    task_limit(&drain->task, loop_now() + CATCH_UP_LIMIT + LAST_LINES_LIMIT);
    return &drain->task;
}
