/*
 * The line: with --max-parallel, an environment waits until few enough others are there.
 *
 * The engine is the only state, and it has no lock. So this is Lamport's bakery: who comes makes a
 * volume that says so, looks at the numbers that are taken, takes the next one by making a volume
 * with it, and removes the first. Whoever sees one that is still choosing waits a moment. Numbers
 * are the time, or one more than the highest: who came first goes first. A place goes with the
 * environment's other volumes; one whose owner is dead counts no more (lease.h).
 */
#include "run/environment.h"

#include "base/text.h"
#include "run/lease.h"
#include "run/room.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    LOOK_FIRST = 200, /* ms between the first two looks */
    LOOK_MOST = 3000, /* ms; a long line must not keep the engine busy */
};

enum stop { COME, CHOOSE, TAKE, LEAVE, LOOK, REST };

struct line {
    struct task task;
    struct environment *environment;
    enum stop at;
    struct task *work;
    long long number; /* microseconds */
    long long pause;
    char *why; /* what is waited for; or NULL */
};

/* ---- Places ---- */

static struct task *make_place(const struct line *line, const char *what, const char *label) {
    const struct plan *plan = line->environment->plan;
    cJSON *body = cJSON_CreateObject();
    autofree char *name = xasprintf("%s.%s", plan->name, what);
    json_put_text(body, "Name", name);
    json_put_text(json_put(body, "Labels", cJSON_Duplicate(plan->labels, true)), LABEL_PLACE,
                  label);
    return volume_create(line->environment->engine, body);
}

static bool is_own(const struct line *line, const struct lease *lease) {
    return !strcmp(lease->name, line->environment->name) &&
           text_equal(lease->owner, line->environment->owner);
}

static void choose_number(struct line *line, const struct leases *leases) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    line->number = now.tv_sec * 1000000LL + now.tv_nsec / 1000;
    vec_each (lease, leases)
        if (lease->place >= line->number)
            line->number = lease->place + 1;
}

/* ---- May it go on? ---- */

/* One that has no place is there already, and did not ask. */
static bool is_before(const struct line *line, const struct lease *lease) {
    if (is_own(line, lease) || lease_is_over(lease))
        return false;
    if (lease->place != line->number)
        return lease->place < line->number;
    return strcmp(lease->name, line->environment->name) < 0;
}

static bool is_choosing(const struct line *line, const struct lease *lease) {
    return lease->comes && !lease->place && !is_own(line, lease) && !lease_is_over(lease);
}

static char *why_not_yet(const struct line *line, const struct leases *leases) {
    const struct environment *environment = line->environment;
    long before = 0, over;
    vec_each (lease, leases) {
        if (is_choosing(line, lease))
            return xstrdup("waiting for another environment to take its place in the line");
        before += is_before(line, lease);
    }
    over = before - environment->options.max_parallel + 1;
    if (over > 0)
        return xasprintf("waiting for %ld other environment%s (--max-parallel %ld)", over,
                         over == 1 ? "" : "s", environment->options.max_parallel);
    if (!before)
        return NULL; /* alone, it is nobody's load but its own */
    autofree char *missing = room_missing(environment);
    return missing ? xasprintf("waiting for %s (--max-parallel %ld)", missing,
                               environment->options.max_parallel)
                   : NULL;
}

/* Answers whether it may. */
static bool judge(struct line *line) {
    struct leases leases = census_take(line->work);
    char *why = why_not_yet(line, &leases);
    leases_release(&leases);
    if (why && !text_equal(why, line->why)) {
        struct event event = {.kind = EVENT_NOTE, .text = xstrdup(why)};
        environment_tell(line->environment, &event);
    }
    free(line->why);
    line->why = why;
    return !why;
}

/* ---- The task ---- */

static struct task *begin(struct line *line) {
    struct engine *engine = line->environment->engine;
    autofree char *number = xasprintf("%lld", line->number);
    autofree char *coming = xasprintf("%s.comes", line->environment->name);
    switch (line->at) {
    case COME:
        return make_place(line, "comes", "comes");
    case TAKE:
        return make_place(line, "place", number);
    case LEAVE:
        return volume_remove(engine, coming);
    case REST:
        line->pause = line->pause ? line->pause * 3 / 2 : LOOK_FIRST;
        if (line->pause > LOOK_MOST)
            line->pause = LOOK_MOST;
        return pause_new(line->task.loop, line->pause);
    default:
        return census_new(line->task.loop, engine, NULL);
    }
}

/* Look at what is done; answers whether there is more to do. */
static bool next(struct line *line) {
    if (line->at == CHOOSE) {
        struct leases leases = census_take(line->work);
        choose_number(line, &leases);
        leases_release(&leases);
    }
    if (line->at == LOOK && judge(line))
        return false;
    line->at = line->at == REST ? LOOK : line->at + 1;
    return true;
}

static enum task_status line_step(struct task *task) {
    struct line *line = (struct line *)task;
    for (;;) {
        if (!line->work)
            line->work = begin(line);
        task_start(line->work, task);
        if (line->work->status == TASK_PENDING)
            return TASK_PENDING;
        if (line->work->status == TASK_FAILED) {
            err_move(&task->err, &line->work->err);
            return TASK_FAILED;
        }
        bool more = next(line);
        line->work = task_free(line->work);
        if (!more)
            return TASK_DONE;
    }
}

static void line_cancel(struct task *task) {
    struct line *line = (struct line *)task;
    line->work = task_free(line->work);
}

static void line_expire(struct task *task) {
    const struct line *line = (struct line *)task;
    autofree char *time = text_milliseconds(line->environment->options.max_wait);
    err_set(&task->err, ERR_ENVIRONMENT, "there was no room for it within %s (--max-wait): %s",
            time, line->why ? line->why : "the engine is slow to answer");
}

static void line_release(struct task *task) {
    struct line *line = (struct line *)task;
    task_free(line->work);
    free(line->why);
}

struct task *line_begin(void *subject, struct err *err) {
    static const struct task_type type = {.name = "line",
                                          .step = line_step,
                                          .cancel = line_cancel,
                                          .expire = line_expire,
                                          .release = line_release};
    struct environment *environment = subject;
    (void)err;
    if (!environment->options.max_parallel)
        return NULL;
    struct line *line = task_new(sizeof *line, &type, environment->loop);
    line->environment = environment;
    task_limit(&line->task, loop_now() + environment->options.max_wait);
    return &line->task;
}
