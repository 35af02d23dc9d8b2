#include "run/pull.h"

#include "base/text.h"
#include "run/docker_config.h"

#include <string.h>

static const struct pull_patience usual = {
    .quiet = 15000, .limit = 180000, .pause = 1000, .tries = 4};

enum { TELL_BEAT = 250 }; /* ms between two words on how far it is */

struct pull {
    struct task task;
    struct pull_options options;
    const struct pull_patience *patience;
    char *registry, *auth;
    struct task *ask, *attempt;
    struct timer timer; /* the next try, or the next look at a quiet one */
    unsigned tries;
    bool paused;
    long long heard, told; /* when it last said something, and when that was last told */
    struct pull_amount amount;
    bool untold; /* the amount has changed since */
    bool quiet;  /* and that has been told */
};

/* ---- What the engine says ---- */

static void hear(struct pull *pull) {
    pull->heard = loop_now();
    pull->quiet = false;
}

static void tell_amount(struct pull *pull) {
    if (!pull->untold)
        return;
    pull->untold = false;
    pull->told = pull->heard;
    autofree char *words = pull_words(&pull->amount);
    pull->options.told(pull->options.context, words, &pull->amount);
}

static void hear_line(void *context, const char *text) {
    static const struct pull_amount unknown = {0};
    struct pull *pull = context;
    hear(pull);
    tell_amount(pull);
    pull->options.told(pull->options.context, text, &unknown);
}

static void hear_amount(void *context, const struct pull_amount *amount) {
    struct pull *pull = context;
    hear(pull);
    pull->amount = *amount;
    pull->untold = true;
    if (pull->heard >= pull->told + TELL_BEAT)
        tell_amount(pull);
}

/* ---- One that says nothing ---- */

static void fail_quiet(struct pull *pull, long long quiet) {
    autofree char *time = text_milliseconds(quiet);
    pull->attempt = task_free(pull->attempt);
    err_set(&pull->task.err, ERR_ENVIRONMENT, "it made no progress for %s", time);
    task_end(&pull->task, TASK_FAILED);
}

static void look_at_quiet(struct pull *pull) {
    long long quiet = loop_now() - pull->heard;
    long long limit = engine_at_most(pull->options.engine, pull->patience->limit);
    if (quiet >= limit) {
        fail_quiet(pull, quiet);
        return;
    }
    long long next = quiet < pull->patience->quiet ? pull->heard : loop_now();
    timer_set(&pull->timer, deadline_earlier(next + pull->patience->quiet, pull->heard + limit));
    if (quiet < pull->patience->quiet || pull->quiet)
        return;
    pull->quiet = true;
    autofree char *time = text_milliseconds(quiet);
    autofree char *text = xasprintf("image `%s`: its pull has made no progress for %s",
                                    pull->options.reference, time);
    pull->options.warned(pull->options.context, text);
}

/* ---- Tries ---- */

static void timer_due(struct timer *timer) {
    struct pull *pull = container_of(timer, struct pull, timer);
    if (pull->paused) {
        pull->paused = false;
        task_wake(&pull->task);
    } else if (pull->attempt && pull->attempt->status == TASK_PENDING) {
        look_at_quiet(pull);
    }
}

static enum task_status try(struct pull *pull) {
    struct engine_progress progress = {.line = hear_line, .amount = hear_amount, .context = pull};
    pull->tries++;
    pull->attempt = image_pull(pull->options.engine, pull->options.reference,
                               pull->options.platform, pull->auth, progress);
    task_start(pull->attempt, &pull->task);
    hear(pull);
    pull->told = pull->heard;
    pull->untold = false;
    look_at_quiet(pull);
    return TASK_PENDING;
}

static enum task_status try_later(struct pull *pull, const struct err *why) {
    long long pause = pull->patience->pause << (pull->tries - 1);
    autofree char *time = text_milliseconds(pause);
    autofree char *text = xasprintf("image `%s`: %s; trying again in %s", pull->options.reference,
                                    why->message, time);
    pull->options.warned(pull->options.context, text);
    pull->attempt = task_free(pull->attempt);
    pull->paused = true;
    timer_set(&pull->timer, loop_now() + pause);
    return TASK_PENDING;
}

static enum task_status try_failed(struct pull *pull) {
    struct err *err = &pull->task.err;
    if (pull->tries < pull->patience->tries && pull_is_transient(&pull->attempt->err))
        return try_later(pull, &pull->attempt->err);
    timer_stop(&pull->timer);
    err_move(err, &pull->attempt->err);
    pull_explain(err, pull->options.reference, pull->auth);
    return TASK_FAILED;
}

/* ---- The task ---- */

static enum task_status pull_step(struct task *task) {
    struct pull *pull = (struct pull *)task;
    task_start(pull->ask, task);
    if (pull->ask->status == TASK_PENDING || pull->paused)
        return TASK_PENDING;
    if (!pull->attempt) {
        if (!pull->tries)
            pull->auth = credentials_header(pull->options.credentials, pull->registry);
        return try(pull);
    }
    if (pull->attempt->status == TASK_FAILED)
        return try_failed(pull);
    return pull->attempt->status;
}

static void pull_cancel(struct task *task) {
    timer_stop(&((struct pull *)task)->timer);
}

static void pull_release(struct task *task) {
    struct pull *pull = (struct pull *)task;
    timer_stop(&pull->timer);
    task_free(pull->attempt);
    task_free(pull->ask);
    if (pull->auth)
        explicit_bzero(pull->auth, strlen(pull->auth));
    free(pull->auth);
    free(pull->registry);
}

struct task *pull_new(const struct pull_options *options) {
    static const struct task_type type = {
        .name = "pull", .step = pull_step, .cancel = pull_cancel, .release = pull_release};
    struct pull *pull = task_new(sizeof *pull, &type, options->loop);
    pull->options = *options;
    pull->patience = options->patience ? options->patience : &usual;
    pull->registry = registry_of(options->reference);
    pull->ask = credentials_ask(options->credentials, pull->registry);
    timer_init(&pull->timer, options->loop, timer_due);
    return &pull->task;
}
