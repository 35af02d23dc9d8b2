/*
 * The files in which a suite says how each test ended: read, told, kept.
 */
#include "run/results.h"

#include "base/instant.h"
#include "base/redact.h"
#include "base/text.h"
#include "junit/junit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
    FAILED_TOLD_MOST = 200, /* tests */
    STALE_NAMED = 3,
    SLICE = 64 << 10,
};
#define MILLISECOND 1000000LL

struct results {
    struct task task;
    struct left *left;
    bool begun;
    size_t at;                   /* the file that is being read */
    int fd;                      /* or -1 */
    struct junit_reader *reader; /* NULL: it is not understood */
    struct redaction *redaction; /* for the record; or NULL */
    struct buffer clean;         /* of the file, without hidden values */
    size_t bytes;                /* read, of all */
    struct tests tests;
    size_t readable; /* files that were understood */
};

static const struct left_file *current(const struct results *results) {
    return &results->left->results.at[results->at];
}

static void warn(struct results *results, const char *why) {
    environment_warn(results->left->environment, "the results in %s are not read: %s",
                     current(results)->name, why);
}

/* Old results would be told as this run's. */
static void warn_of_missing(struct results *results) {
    const struct left *left = results->left;
    autostrings struct strings named = {0};
    for (size_t i = 0; i < left->stale.length && i < STALE_NAMED; i++)
        strings_add(&named, left->stale.at[i]);
    autofree char *list = strings_join(&named, ", ");
    if (left->stale.length)
        environment_warn(left->environment, "results from before this run are not read: %s%s", list,
                         left->stale.length > STALE_NAMED ? " and more" : "");
    else if (!left->results.length)
        environment_warn(left->environment, "the suite left no results: nothing matches %s%s%s",
                         left->suite->junit[0], left->suite->service ? " in the container of " : "",
                         left->suite->service ? left->suite->service : "");
}

/* ---- Keeping them ---- */

/* A piece of the file, `clean`; the last one may be empty. */
static void tell_piece(struct results *results, bool last) {
    struct environment *environment = results->left->environment;
    struct event event = {
        .kind = EVENT_RESULTS,
        .detail = xstrdup(results->left->suite->name),
        .count = (long long)results->at + 1,
        .unfinished = !last,
        .text = buffer_detach(&results->clean),
    };
    results->clean = BUFFER_INIT;
    autofree char *place = xstrdup(current(results)->place);
    redact_string(environment->options.listener.redactor, &place);
    event_add_line(&event, place);
    environment_tell_clean(environment, &event);
}

/* A text of an event cannot hold a byte 0. */
static void on_clean(void *context, const char *data, size_t length) {
    struct results *results = context;
    size_t old = results->clean.length;
    buffer_add(&results->clean, data, length);
    for (char *zero; (zero = memchr(results->clean.data + old, '\0', length));)
        *zero = '?';
    if (results->clean.length >= SLICE)
        tell_piece(results, false);
}

static void end_keeping(struct results *results) {
    if (!results->redaction)
        return;
    redaction_end(results->redaction);
    tell_piece(results, true);
    results->redaction = redaction_free(results->redaction);
}

/* ---- Reading them ---- */

static bool begin_file(struct results *results) {
    const struct environment_options *options = &results->left->environment->options;
    results->fd = open(current(results)->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (results->fd < 0) {
        warn(results, strerror(errno));
        return false;
    }
    results->reader = junit_reader_new(&results->tests);
    if (options->record)
        results->redaction = redaction_new(options->listener.redactor, on_clean, results);
    return true;
}

/* It is still kept: why it is not understood may be what somebody wants to see. */
static void give_up_reader(struct results *results, struct err *err) {
    warn(results, err->message);
    err_release(err);
    results->reader = junit_reader_free(results->reader);
}

static void end_file(struct results *results) {
    struct err err = ERR_INIT;
    if (results->reader && !junit_reader_end(results->reader, &err))
        give_up_reader(results, &err);
    results->readable += results->reader != NULL;
    results->reader = junit_reader_free(results->reader);
    end_keeping(results);
    if (results->fd >= 0)
        close(results->fd);
    results->fd = -1;
    results->at++;
}

static void take(struct results *results, const char *slice, size_t length) {
    struct err err = ERR_INIT;
    if (results->redaction)
        redaction_push(results->redaction, slice, length);
    if (results->reader && !junit_reader_push(results->reader, slice, length, &err))
        give_up_reader(results, &err);
}

/* False at the end of the file. */
static bool read_slice(struct results *results) {
    char slice[SLICE];
    struct err err = ERR_INIT;
    ssize_t got = read(results->fd, slice, sizeof slice);
    if (got < 0)
        err_set(&err, ERR_FILE, "%s", strerror(errno));
    else if ((results->bytes += (size_t)got) > RESULTS_BYTES)
        err_set(&err, ERR_FILE, "a suite's results may have %d MiB in all", RESULTS_BYTES >> 20);
    else if (got)
        take(results, slice, (size_t)got);
    if (err_is(&err))
        give_up_reader(results, &err);
    return got > 0 && !err_is(&err);
}

/* ---- Telling what they say ---- */

static void tell_tests(struct results *results, size_t failed) {
    struct event event = {.kind = EVENT_TESTS,
                          .text = xstrdup(results->left->suite->name),
                          .count = (long long)failed,
                          .total = (long long)results->tests.list.length};
    environment_tell(results->left->environment, &event);
}

static void tell_failed(struct results *results, const struct test *test, struct test_window run,
                        size_t number, size_t failed) {
    const char *name = results->left->suite->name;
    const char *suite = text_equal(name, "suite") ? "" : name; /* the only one has no name */
    struct test_window window = test_window(test, run);
    autofree char *label = test_label(test);
    struct event event = {
        .kind = EVENT_TEST,
        .text = xasprintf("%s%s%s", suite, *suite ? ": " : "", label),
        .detail = xstrdup(test->message),
        .count = (long long)number,
        .total = (long long)failed,
        .at = window.from,
        .duration = (window.to - window.from) / MILLISECOND,
    };
    environment_tell(results->left->environment, &event);
}

static void tell(struct results *results) {
    struct test_window run = {results->left->began * 1000 * MILLISECOND, instant_now()};
    size_t failed = 0, number = 0;
    vec_each (test, &results->tests.list)
        failed += test_has_failed(test);
    tell_tests(results, failed);
    vec_each (test, &results->tests.list)
        if (test_has_failed(test) && number < FAILED_TOLD_MOST)
            tell_failed(results, test, run, ++number, failed);
}

/* ---- The task ---- */

static enum task_status results_step(struct task *task) {
    struct results *results = (struct results *)task;
    if (!results->begun)
        warn_of_missing(results);
    results->begun = true;
    if (results->at == results->left->results.length) {
        if (results->readable)
            tell(results);
        return TASK_DONE;
    }
    if (results->fd < 0 ? !begin_file(results) : !read_slice(results))
        end_file(results);
    task_wake(task);
    return TASK_PENDING;
}

static void results_release(struct task *task) {
    struct results *results = (struct results *)task;
    junit_reader_free(results->reader);
    redaction_free(results->redaction);
    buffer_release(&results->clean);
    tests_release(&results->tests);
    if (results->fd >= 0)
        close(results->fd);
}

struct task *results_new(struct left *left) {
    static const struct task_type type = {
        .name = "results", .step = results_step, .release = results_release};
    struct results *results = task_new(sizeof *results, &type, left->environment->loop);
    results->left = left;
    results->clean = BUFFER_INIT;
    results->fd = -1;
    return &results->task;
}
