/*
 * The suites, one after the other: their time limit, how they are stopped, what is told of them.
 */
#include "run/suite.h"

#include "base/text.h"
#include "event/redact_log.h"
#include "run/left.h"
#include "run/stamped.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

enum { DEATHS_TOLD_MOST = 20 };

/* What a suite writes, line by line. */
struct transcript {
    struct suite_run *run;
    enum event_stream stream;
    struct stamped lines;
};

struct suite_run {
    struct task task;
    struct environment *environment;
    const struct suite *const *next;
    const struct suite *suite; /* the current one */
    const struct suite_way *way;
    struct task *work;
    struct task *left;         /* what it has left, being taken in once it has ended */
    vec(struct task *) deaths; /* of services, being explained */
    size_t deaths_told;
    struct task *explanation; /* why the suite failed */
    bool passed;
    struct suite_output output;
    struct transcript transcripts[2]; /* of stdout, stderr */
    struct timer timer;               /* the time limit, then the grace */
    bool stopping, timed_out;
    bool lost; /* the engine */
    long long began;
    long long began_time; /* UNIX time in seconds */
};

static void tell(struct suite_run *run, enum event_status status) {
    const char *const *command = run->environment->options.command;
    struct command shown = {.argv = (const char **)command};
    struct event event = {.kind = EVENT_SUITE,
                          .text = xstrdup(run->suite->name),
                          .detail = command ? command_text(&shown) : NULL,
                          .status = status,
                          .code = run->environment->suite_code};
    if (!command && run->suite->command.argv)
        event.detail = command_text(&run->suite->command);
    if (!event.detail)
        event.detail = xasprintf("service %s", run->suite->service);
    if (status != STATUS_BEGAN)
        event.duration = loop_now() - run->began;
    environment_tell(run->environment, &event);
}

/* ---- What it writes, for a record and for a comparison ---- */

static void on_line(void *context, const struct stamped *from, char *text, size_t length) {
    const struct transcript *transcript = context;
    struct event event = {
        .kind = EVENT_LOG,
        .detail = xstrdup(transcript->run->suite->name),
        .stream = transcript->stream,
        .at = from->at,
        .text = xstrdup(text),
        .unfinished = from->lines.cut,
    };
    (void)length;
    environment_tell(transcript->run->environment, &event);
}

static void on_output(void *context, const char *data, size_t length) {
    stamped_push(&((struct transcript *)context)->lines, data, length);
}

static void begin_transcripts(struct suite_run *run) {
    struct outlet *outlets[] = {&run->output.output, &run->output.errors};
    for (size_t i = 0; i < 2; i++) {
        struct transcript *transcript = &run->transcripts[i];
        *transcript = (struct transcript){.run = run, .stream = EVENT_STDOUT + i};
        stamped_init(&transcript->lines, true, on_line, transcript);
        outlets[i]->heard = on_output;
        outlets[i]->listener = transcript;
    }
}

static void end_transcripts(struct suite_run *run) {
    for (size_t i = 0; i < 2; i++)
        stamped_end(&run->transcripts[i].lines);
    log_redactor_end(run->environment->logs, NULL, run->suite->name);
}

static void release_transcripts(struct suite_run *run) {
    for (size_t i = 0; i < 2; i++)
        stamped_release(&run->transcripts[i].lines);
}

/* ---- Stopping ---- */

static void stop(struct suite_run *run) {
    if (!run->work || run->stopping)
        return;
    run->stopping = true;
    run->way->signal(run->work, SIGTERM);
    timer_set(&run->timer, loop_now() + STOP_GRACE);
}

static void on_timer(struct timer *timer) {
    struct suite_run *run = container_of(timer, struct suite_run, timer);
    if (run->stopping) {
        run->way->signal(run->work, SIGKILL);
        return;
    }
    run->timed_out = true;
    stop(run);
}

/* It has ended; what it has left is left where it is, and no other suite follows. */
static void leave(struct suite_run *run) {
    run->stopping = true;
    run->left = task_free(run->left);
    task_wake(&run->task);
}

void environment_stop_suite(struct environment *environment) {
    struct suite_run *run = environment->suite;
    if (!run)
        return;
    if (run->stopping && run->work)
        run->way->signal(run->work, SIGKILL); /* asked twice */
    else if (run->left)
        leave(run);
    else
        stop(run);
}

/* ---- One suite ---- */

static bool begin(struct suite_run *run) {
    run->suite = *run->next++;
    run->way = run->suite->service ? &suite_in_graph : &suite_on_host;
    run->began = loop_now();
    run->began_time = (long long)time(NULL);
    run->stopping = run->passed = false;
    tell(run, STATUS_BEGAN);
    run->work = run->way->begin(run->environment, run->suite, &run->output, &run->task.err);
    if (!run->work)
        return false;
    timer_set(&run->timer, loop_now() + run->suite->timeout);
    task_start(run->work, &run->task);
    return true;
}

static bool timed_out(struct suite_run *run) {
    autofree char *time = text_milliseconds(run->suite->timeout);
    return err_set(&run->task.err, ERR_TIMEOUT, "suite `%s` ran longer than its timeout of %s",
                   run->suite->name, time);
}

static void begin_left(struct suite_run *run) {
    run->left = left_new(run->environment, run->suite, run->began_time);
    task_start(run->left, &run->task);
}

/* Somebody who stops reading, as `head` does, knows it. */
static void tell_lost_output(struct suite_run *run, const struct outlet *outlet) {
    if (!outlet->broken || outlet->broken == EPIPE)
        return;
    struct event event = {.kind = EVENT_WARNING,
                          .text = xasprintf("not all that suite `%s` wrote could be passed on: %s",
                                            run->suite->name, strerror(outlet->broken))};
    environment_tell(run->environment, &event);
}

/* A process of theirs, not the first one: they go on. */
static void tell_starved(struct environment *environment) {
    for (size_t i = 0; i < environment->life_count; i++) {
        struct life *life = &environment->lives[i];
        if (!life->starved_at)
            continue;
        struct event event = {
            .kind = EVENT_WARNING,
            .service = xstrdup(life->name),
            .at = life->starved_at,
            .text = xasprintf("a process of service `%s` was killed because the service used more "
                              "memory than it may",
                              life->name)};
        life->starved_at = 0;
        environment_tell(environment, &event);
    }
}

static void end(struct suite_run *run) {
    bool ran = run->work->status == TASK_DONE;
    timer_stop(&run->timer);
    outlet_flush(&run->output.output, 5000);
    outlet_flush(&run->output.errors, 5000);
    tell_lost_output(run, &run->output.output);
    tell_lost_output(run, &run->output.errors);
    if (ran)
        run->environment->suite_code = run->way->exit_code(run->work);
    else
        err_move(&run->task.err, &run->work->err);
    run->work = task_free(run->work);
    end_transcripts(run);
    run->passed = ran && !run->timed_out && !run->environment->suite_code;
    tell(run, run->passed ? STATUS_DONE : STATUS_FAILED);
    tell_starved(run->environment);
    if (ran)
        begin_left(run);
    if (run->timed_out)
        timed_out(run);
}

/* Say why it failed, once; true when that is said. */
static bool is_explained(struct suite_run *run) {
    bool interrupted = run->stopping && !run->timed_out;
    if (run->passed || interrupted)
        return true;
    if (!run->explanation) {
        struct err *err = &run->task.err;
        if (!err_is(err))
            err_set(err, ERR_NONE, "suite `%s` failed with exit code %d", run->suite->name,
                    run->environment->suite_code);
        run->explanation = explain_suite(run->environment, err, run->began_time);
        task_start(run->explanation, &run->task);
    }
    return run->explanation->status != TASK_PENDING;
}

/* The engine's events have ended: whatever the suite says now, nobody can vouch for it. */
static bool engine_is_lost(struct suite_run *run) {
    const struct task *observer = run->environment->observer;
    if (!observer || observer->status != TASK_FAILED)
        return false;
    err_copy(&run->task.err, &observer->err);
    run->lost = true;
    run->passed = false;
    if (run->work)
        run->way->signal(run->work, SIGKILL);
    return true;
}

/* A service may have died while the engine's events did not come in: a pass is none until that is
 * known. */
static bool is_unobserved(const struct suite_run *run) {
    return run->passed && run->environment->observer && !run->environment->observing;
}

static void sweep_deaths(struct suite_run *run) {
    size_t kept = 0;
    vec_each (death, &run->deaths)
        if ((*death)->status == TASK_PENDING)
            run->deaths.at[kept++] = *death;
        else
            task_free(*death);
    run->deaths.length = kept;
}

static enum task_status suite_run_step(struct task *task) {
    struct suite_run *run = (struct suite_run *)task;
    if (run->lost || engine_is_lost(run))
        return is_explained(run) ? TASK_FAILED : TASK_PENDING;
    sweep_deaths(run);
    while (!run->explanation && (run->work || run->left || (*run->next && !run->stopping))) {
        if (!run->work && !run->left && !begin(run))
            break;
        if (run->work && run->work->status == TASK_PENDING)
            return TASK_PENDING;
        if (run->work)
            end(run);
        if (run->left && run->left->status == TASK_PENDING)
            return TASK_PENDING;
        run->left = task_free(run->left);
        if (!run->passed)
            break;
    }
    if (!is_explained(run) || run->deaths.length || is_unobserved(run))
        return TASK_PENDING;
    return err_is(&task->err) ? TASK_FAILED : TASK_DONE;
}

static void suite_run_release(struct task *task) {
    struct suite_run *run = (struct suite_run *)task;
    run->environment->suite = NULL;
    if (run->environment->observer)
        task_start(run->environment->observer, NULL);
    timer_stop(&run->timer);
    task_free(run->work);
    task_free(run->left);
    vec_each (death, &run->deaths)
        task_free(*death);
    vec_free(&run->deaths);
    task_free(run->explanation);
    outlet_release(&run->output.output);
    outlet_release(&run->output.errors);
    release_transcripts(run);
}

struct task *environment_run_suites(struct environment *environment) {
    static const struct task_type type = {
        .name = "suites", .step = suite_run_step, .release = suite_run_release};
    struct suite_run *run = task_new(sizeof *run, &type, environment->loop);
    run->environment = environment;
    run->next = environment->options.suites;
    outlet_init(&run->output.output, environment->loop, environment->options.output);
    outlet_init(&run->output.errors, environment->loop, environment->options.errors);
    begin_transcripts(run);
    timer_init(&run->timer, environment->loop, on_timer);
    environment->suite = run;
    if (environment->observer)
        task_start(environment->observer, &run->task);
    return &run->task;
}

/* ---- Services that end meanwhile ---- */

void suite_wake(struct environment *environment) {
    task_wake(&environment->suite->task);
}

/* One that dies again and again would fill the page. */
static void tell_death(struct suite_run *run, struct life *life, bool again) {
    if (run->deaths_told++ >= DEATHS_TOLD_MOST)
        return;
    struct task *death = explain_death(run->environment, life, again, "suite");
    vec_push(&run->deaths, death);
    task_start(death, &run->task);
}

void suite_life_ended(struct environment *environment, struct life *life, bool again) {
    struct suite_run *run = environment->suite;
    if (!run || environment->stopping)
        return;
    if (life->is_suite) {
        if (run->work && run->way == &suite_in_graph && !again)
            suite_container_ended(run->work);
        return;
    }
    if (!again && !life->exit_code && !life->out_of_memory)
        return;
    environment->suite_deaths += !again;
    tell_death(run, life, again);
}
