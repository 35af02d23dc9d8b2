/*
 * The lines of `go test -json` (https://pkg.go.dev/cmd/test2json): one event a line, of a test or
 * of a whole package.
 */
#include "junit/internal.h"

#include "base/json.h"
#include "base/lines.h"
#include "base/text.h"

#include <string.h>

enum { LINE_MOST = 256 << 10, RUNNING_MOST = 1000 };

/* A test that has begun, or a package (its name is NULL). */
struct running {
    char *package, *name;
    long long began;
    struct buffer text;
};

struct go {
    struct tests *into;
    struct lines lines;
    vec(struct running) running;
    size_t events;
    struct err err;
};

static void running_release(struct running *running) {
    free(running->package);
    free(running->name);
    buffer_release(&running->text);
}

static struct running *running_at(struct go *go, const char *package, const char *name) {
    vec_each (running, &go->running)
        if (text_equal(running->package, package) && text_equal(running->name, name))
            return running;
    if (go->running.length >= RUNNING_MOST) {
        err_set(&go->err, ERR_FILE, "more than %d of its tests run at once", RUNNING_MOST);
        return NULL;
    }
    vec_push(&go->running, (struct running){.package = xstrdup(package),
                                            .name = xstrdup_or_null(name),
                                            .began = -1,
                                            .text = BUFFER_INIT_MAX(JUNIT_TEXT_MOST)});
    return &go->running.at[go->running.length - 1];
}

static void forget(struct go *go, struct running *running) {
    running_release(running);
    *running = go->running.at[--go->running.length];
}

/* The first line that is not the runner's own ("=== RUN", "--- FAIL", "FAIL"). */
static char *message_of(const char *text) {
    while (*text) {
        autofree char *line = test_first_line(text);
        if (*line && !text_starts(line, "===") && !text_starts(line, "---") &&
            !text_starts(line, "FAIL"))
            return steal(line);
        text += strspn(text, " \t\r\n");
        text += strcspn(text, "\r\n");
    }
    return xstrdup("");
}

static bool a_test_failed_in(const struct go *go, const char *package) {
    vec_each (test, &go->into->list)
        if (test_has_failed(test) && !strcmp(test->class, package))
            return true;
    return false;
}

static void put_ended(struct go *go, const struct running *running, enum test_status status,
                      const cJSON *event) {
    struct test *test = tests_add(go->into, &go->err);
    if (!test)
        return;
    const cJSON *elapsed = json_get(event, "Elapsed");
    const char *name = running->name ? running->name : "";
    autofree char *message = message_of(running->text.data);
    test_put(&test->suite, running->package, strlen(running->package), JUNIT_NAME_MOST);
    test_put(&test->class, running->package, strlen(running->package), JUNIT_NAME_MOST);
    test_put(&test->name, name, strlen(name), JUNIT_NAME_MOST);
    test->status = status;
    test->began = running->began;
    test->is_exact = true;
    if (cJSON_IsNumber(elapsed) && elapsed->valuedouble > 0 && elapsed->valuedouble < 1e6)
        test->duration = (long long)(elapsed->valuedouble * 1e9);
    if (status != TEST_FAILED)
        return;
    test_put(&test->text, running->text.data, running->text.length, JUNIT_TEXT_MOST);
    test_put(&test->message, message, strlen(message), JUNIT_MESSAGE_MOST);
}

/* A package that fails without a test of it did not build, or ended early. */
static void take_end(struct go *go, struct running *running, enum test_status status,
                     const cJSON *event) {
    bool counts =
        running->name || (status == TEST_FAILED && !a_test_failed_in(go, running->package));
    if (counts)
        put_ended(go, running, status, event);
    forget(go, running);
}

static void take(struct go *go, const cJSON *event) {
    const char *action = json_text(event, "Action"), *package = json_text(event, "Package");
    const char *text = json_text(event, "Output"), *time = json_text(event, "Time");
    if (!action || !package)
        return; /* of a build; the package's failure comes as well */
    struct running *running = running_at(go, package, json_text(event, "Test"));
    bool is_local;
    if (!running)
        return;
    if (running->began < 0 && time && !test_time(time, &running->began, &is_local))
        running->began = -1;
    if (text)
        buffer_add_capped(&running->text, text, strlen(text));
    if (!strcmp(action, "pass"))
        take_end(go, running, TEST_PASSED, event);
    else if (!strcmp(action, "fail"))
        take_end(go, running, TEST_FAILED, event);
    else if (!strcmp(action, "skip"))
        take_end(go, running, TEST_SKIPPED, event);
}

/* What the tests or the build write themselves may stand between the events. */
static void on_line(void *context, char *text, size_t length) {
    struct go *go = context;
    if (err_is(&go->err) || text[0] != '{')
        return;
    autojson cJSON *event = cJSON_ParseWithLength(text, length);
    if (!cJSON_IsObject(event))
        return;
    go->events += json_text(event, "Action") != NULL;
    take(go, event);
}

/* ---- The format ---- */

static void *go_begin(struct tests *into) {
    struct go *go = xnew(struct go);
    go->into = into;
    lines_init(&go->lines, LINE_MOST, on_line, go);
    return go;
}

static bool go_push(void *state, const char *data, size_t length, struct err *err) {
    struct go *go = state;
    lines_push(&go->lines, data, length);
    return !err_is(&go->err) || err_move(err, &go->err);
}

static bool go_end(void *state, struct err *err) {
    struct go *go = state;
    lines_end(&go->lines);
    if (err_is(&go->err))
        return err_move(err, &go->err);
    return go->events ||
           err_set(err, ERR_FILE, "it is neither JUnit XML nor lines of `go test -json`");
}

static void go_free(void *state) {
    struct go *go = state;
    vec_each (running, &go->running)
        running_release(running);
    vec_free(&go->running);
    lines_release(&go->lines);
    err_release(&go->err);
    free(go);
}

const struct junit_format junit_go = {go_begin, go_push, go_end, go_free};
