#include "replay/ending.h"

#include "base/json.h"
#include "base/text.h"

#include <string.h>

enum {
    TESTS_MAX = 10000,
    SHOWN_MAX = 200,       /* bytes of a text */
    SHOWN_LINES = 5,       /* of each kind of difference */
    WRITTEN_MAX = 200,     /* lines that wait for the suite's end */
    WRITTEN_LENGTH = 4096, /* bytes of such a line, and normalised: */
    LINE_LENGTH = 1000,
};

/* ---- Filling it ---- */

char *ending_normalise(struct ending *ending, const char *text) {
    if (!ending->normaliser)
        ending->normaliser = normaliser_new();
    struct normaliser_words words = {ending->environment, ending->directory};
    return normaliser_apply(ending->normaliser, &words, text);
}

static void set(char **field, char *value) {
    free(*field);
    *field = value;
}

/* The first cause counts: what follows may be its consequence. */
static void take_failed(struct ending *ending, const struct event *event) {
    if (ending->cause || !event->text)
        return;
    set(&ending->cause, ending_normalise(ending, event->text));
    set(&ending->service, xstrdup_or_null(event->service));
    set(&ending->phase, event->phase ? xstrdup(event_phase_name(event->phase)) : NULL);
}

/* ---- What the suite writes ---- */

/* Of a line that is written over again and again, such as a progress bar's, the last state. */
static const char *last_state(char *line) {
    size_t length = strlen(line);
    while (length && line[length - 1] == '\r')
        line[--length] = '\0';
    const char *state = strrchr(line, '\r');
    return state ? state + 1 : line;
}

void ending_add_line(struct ending *ending, size_t stream, const char *line, bool goes_on) {
    struct ending_output *output = &ending->outputs[stream];
    bool first = !output->goes_on;
    output->goes_on = goes_on;
    if (!first)
        return;
    autofree char *text = xstrdup(line);
    const char *state = last_state(text);
    autofree char *start = xstrndup(state, strnlen(state, WRITTEN_LENGTH));
    strings_add_last(&output->written, start, WRITTEN_MAX);
}

static void cut(char *text) {
    size_t length = strlen(text);
    if (length > LINE_LENGTH)
        text[LINE_LENGTH - text_utf8_tail(text, LINE_LENGTH)] = '\0';
}

/* One that is the same as the line before it, as of a loop that waits, counts once. */
static void settle_line(struct ending *ending, struct strings *last, const char *line) {
    autofree char *text = ending_normalise(ending, line);
    cut(text);
    if (*text && !(last->length && !strcmp(last->at[last->length - 1], text)))
        strings_add_last(last, text, ENDING_LINES_KEPT);
}

void ending_settle(struct ending *ending) {
    for (size_t i = 0; i < lengthof(ending->outputs); i++) {
        struct ending_output *output = &ending->outputs[i];
        vec_each (line, &output->written)
            settle_line(ending, &output->last, *line);
        strings_release(&output->written);
    }
}

static void release_outputs(struct ending *ending) {
    for (size_t i = 0; i < lengthof(ending->outputs); i++) {
        strings_release(&ending->outputs[i].written);
        strings_release(&ending->outputs[i].last);
        ending->outputs[i].goes_on = false;
    }
}

/* A gap says nothing. */
static void take_log(struct ending *ending, const struct event *event) {
    if (!event->service && event->status != STATUS_FAILED)
        ending_add_line(ending, event->stream == EVENT_STDERR, event->text, event->unfinished);
}

/* ---- Events ---- */

void ending_end(struct ending *ending, const char *outcome, int code) {
    set(&ending->outcome, xstrdup_or_null(outcome));
    ending->code = code;
}

/* The last suite is the one that failed. */
static void take_suite(struct ending *ending, const struct event *event) {
    if (event->status == STATUS_BEGAN)
        release_outputs(ending);
    else
        ending_settle(ending);
}

void ending_take(struct ending *ending, const struct event *event) {
    if (event->kind == EVENT_BEGAN)
        set(&ending->environment, xstrdup_or_null(event->text));
    else if (event->kind == EVENT_LOG)
        take_log(ending, event);
    else if (event->kind == EVENT_SUITE)
        take_suite(ending, event);
    else if (event->kind == EVENT_TESTS)
        ending_add_test(ending, NULL, NULL);
    else if (event->kind == EVENT_TEST)
        ending_add_test(ending, event->text, event->detail);
    else if (event->kind == EVENT_FAILED)
        take_failed(ending, event);
    else if (event->kind == EVENT_OUTCOME)
        ending_end(ending, event->text, event->code);
}

/* ---- Tests ---- */

static int by_name(const struct ending_test *first, const struct ending_test *second) {
    int order = strcmp(first->name, second->name);
    return order ? order : strcmp(first->message, second->message);
}

void ending_add_test(struct ending *ending, const char *name, const char *message) {
    ending->has_tests = true;
    if (!name || ending->tests.length == TESTS_MAX)
        return;
    vec_push(&ending->tests,
             (struct ending_test){.name = xstrdup(name),
                                  .message = ending_normalise(ending, message ? message : "")});
    struct ending_test *at = ending->tests.at;
    for (size_t i = ending->tests.length - 1; i && by_name(&at[i - 1], &at[i]) > 0; i--) {
        struct ending_test later = at[i - 1];
        at[i - 1] = at[i];
        at[i] = later;
    }
}

void ending_release(struct ending *ending) {
    free(ending->environment);
    free(ending->directory);
    free(ending->outcome);
    free(ending->cause);
    free(ending->service);
    free(ending->phase);
    vec_each (test, &ending->tests) {
        free(test->name);
        free(test->message);
    }
    vec_free(&ending->tests);
    release_outputs(ending);
    normaliser_free(ending->normaliser);
    *ending = (struct ending){0};
}

/* ---- As JSON ---- */

static const char *const stream_names[] = {"stdout", "stderr"};

cJSON *ending_encode(const struct ending *ending) {
    cJSON *json = cJSON_CreateObject();
    json_put_text(json, "outcome", ending->outcome);
    json_put_number(json, "code", ending->code);
    json_put_text(json, "cause", ending->cause);
    json_put_text(json, "service", ending->service);
    json_put_text(json, "phase", ending->phase);
    json_put_bool(json, "junit", ending->has_tests);
    cJSON *tests = json_array_at(json, "failing");
    vec_each (test, &ending->tests) {
        cJSON *entry = cJSON_CreateObject();
        json_put_text(entry, "test", test->name);
        json_put_text(entry, "message", test->message);
        cJSON_AddItemToArray(tests, entry);
    }
    cJSON *last = json_object_at(json, "last_lines");
    for (size_t i = 0; i < lengthof(ending->outputs); i++) {
        cJSON *lines = json_array_at(last, stream_names[i]);
        vec_each (line, &ending->outputs[i].last)
            json_append_text(lines, *line);
    }
    return json;
}

static void decode_lines(const cJSON *list, struct strings *into) {
    const cJSON *item;
    cJSON_ArrayForEach (item, list) {
        if (cJSON_IsString(item))
            strings_add_last(into, item->valuestring, ENDING_LINES_KEPT);
    }
}

/* Those of docs/output.md that a bundle is written for. */
static bool is_outcome(const char *word) {
    static const char *const words[] = {"passed", "failed", "environment", "timeout", "error"};
    for (size_t i = 0; i < lengthof(words); i++)
        if (text_equal(word, words[i]))
            return true;
    return false;
}

bool ending_decode(const cJSON *json, struct ending *ret, struct err *err) {
    const cJSON *item;
    *ret = (struct ending){.outcome = xstrdup_or_null(json_text(json, "outcome")),
                           .code = (int)json_number(json, "code", 0),
                           .cause = xstrdup_or_null(json_text(json, "cause")),
                           .service = xstrdup_or_null(json_text(json, "service")),
                           .phase = xstrdup_or_null(json_text(json, "phase")),
                           .has_tests = json_true(json, "junit")};
    cJSON_ArrayForEach (item, cJSON_GetObjectItem(json, "failing")) {
        const char *name = json_text(item, "test");
        if (name && ret->tests.length < TESTS_MAX)
            vec_push(&ret->tests,
                     (struct ending_test){.name = xstrdup(name),
                                          .message = xstrdup(json_text_or(item, "message", ""))});
    }
    for (size_t i = 0; i < lengthof(ret->outputs); i++)
        decode_lines(json_get(json_get(json, "last_lines"), stream_names[i]),
                     &ret->outputs[i].last);
    if (is_outcome(ret->outcome))
        return true;
    ending_release(ret);
    return err_set(err, ERR_FILE, "it does not say how the run ended");
}

/* ---- Comparing ---- */

static void differ(struct strings *differences, const char *what, const char *then,
                   const char *now) {
    strings_printf(differences, "%s: then %.*s, here %.*s", what, SHOWN_MAX, then ? then : "none",
                   SHOWN_MAX, now ? now : "none");
}

static void compare_text(struct strings *differences, const char *what, const char *then,
                         const char *now) {
    if (!text_equal(then, now))
        differ(differences, what, then, now);
}

static void compare_code(struct strings *differences, int then, int now) {
    autofree char *a = xasprintf("%d", then);
    autofree char *b = xasprintf("%d", now);
    compare_text(differences, "exit code", a, b);
}

static const struct ending_test *test_named(const struct ending *ending, const char *name) {
    vec_each (test, &ending->tests)
        if (!strcmp(test->name, name))
            return test;
    return NULL;
}

static void compare_tests(const struct ending *then, const struct ending *now,
                          struct strings *differences) {
    vec_each (test, &then->tests) {
        const struct ending_test *other = test_named(now, test->name);
        if (!other)
            strings_printf(differences, "%s failed then, and does not here", test->name);
        else
            compare_text(differences, test->name, test->message, other->message);
    }
    vec_each (test, &now->tests)
        if (!test_named(then, test->name))
            strings_printf(differences, "%s fails here, and did not then: %.*s", test->name,
                           SHOWN_MAX, test->message);
}

/* Those of the last ones that the other one has not, the very last first. */
static void list_missing(const struct strings *lines, const struct strings *other,
                         struct strings *differences, const char *sentence) {
    size_t shown = 0;
    for (size_t back = 1; back <= lines->length && back <= ENDING_LINES; back++) {
        const char *line = lines->at[lines->length - back];
        if (shown < SHOWN_LINES && !strings_has(other, line)) {
            strings_printf(differences, "%s: %.*s", sentence, SHOWN_MAX, line);
            shown++;
        }
    }
}

/* In whatever order, for two processes, or two streams, may have written them. */
static void compare_lines(const struct ending *then, const struct ending *now,
                          struct strings *differences) {
    for (size_t i = 0; i < lengthof(then->outputs); i++) {
        const struct strings *a = &then->outputs[i].last, *b = &now->outputs[i].last;
        list_missing(a, b, differences, "the suite wrote then, and does not here");
        list_missing(b, a, differences, "the suite writes here, and did not then");
    }
}

/* Whether a process that ends at once is seen as starting or as not ready yet is chance. */
static const char *phase_of(const struct ending *ending) {
    return text_equal(ending->phase, event_phase_name(PHASE_START)) ? event_phase_name(PHASE_READY)
                                                                    : ending->phase;
}

static bool is(const char *outcome, const char *word) {
    return text_equal(outcome, word);
}

enum ending_verdict ending_compare(const struct ending *then, const struct ending *now,
                                   struct strings *differences, const char **ret_by) {
    *ret_by = "the outcome";
    if (is(now->outcome, "passed"))
        return is(then->outcome, "passed") ? VERDICT_REPRODUCED : VERDICT_PASSES;
    compare_text(differences, "outcome", then->outcome, now->outcome);
    if (differences->length)
        return VERDICT_DIFFERS;
    if (is(then->outcome, "environment")) {
        *ret_by = "service, phase and cause";
        compare_text(differences, "service", then->service, now->service);
        compare_text(differences, "phase", phase_of(then), phase_of(now));
        compare_text(differences, "cause", then->cause, now->cause);
    } else if (then->tests.length && now->has_tests) {
        *ret_by = "the failing tests and their messages";
        compare_tests(then, now, differences);
    } else {
        *ret_by = then->has_tests
                      ? "exit code, cause and the suite's last lines, for no test failed"
                      : "exit code, cause and the suite's last lines, for there are no JUnit files";
        compare_code(differences, then->code, now->code);
        compare_text(differences, "cause", then->cause, now->cause);
        compare_lines(then, now, differences);
    }
    return differences->length ? VERDICT_DIFFERS : VERDICT_REPRODUCED;
}
