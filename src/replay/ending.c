#include "replay/ending.h"

#include "base/json.h"
#include "base/text.h"

#include <regex.h>
#include <string.h>

enum { TEXT_MAX = 16 << 10, TESTS_MAX = 10000, SHOWN_MAX = 200 };

/* ---- Normalising ---- */

/* In this order: what is longer comes before its parts. */
static const struct rule {
    const char *pattern, *name;
} rules[] = {
    {"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}", "<uuid>"},
    {"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?)?( "
     "?(Z|UTC|[+-][0-9]{2}:?[0-9]{2})\\>)?",
     "<time>"},
    {"\\<[0-9]{1,2}:[0-9]{2}:[0-9]{2}([.,][0-9]+)?", "<time>"},
    {"(/private)?(/var)?/tmp/[^][:space:]\"'`:;,)>]*", "<path>"},
    {"\\<[0-9]{1,3}(\\.[0-9]{1,3}){3}(:[0-9]+)?\\>", "<address>"},
    {"\\[[0-9a-fA-F:]*:[0-9a-fA-F:]*\\](:[0-9]+)?", "<address>"},
    {"\\<localhost:[0-9]+", "<address>"},
    {"\\<(port|Port|PORT)[ =:]+[0-9]+", "<port>"},
    {":[0-9]{4,5}\\>", "<port>"},
    {"0x[0-9a-fA-F]+", "<hex>"},
    {"\\<[0-9a-f]{12,64}\\>", "<hex>"},
    {"while it was starting", "before it was ready"}, /* which of them is seen is chance */
    {"\\<(pid|PID|process|Process)[ =:]+[0-9]+", "<process>"},
    {"\\<[0-9]+([.,][0-9]+)? ?(ns|us|µs|ms|s|sec|secs|seconds?|min|minutes?)\\>", "<duration>"},
};

static char *replace_word(const char *text, const char *word, const char *by) {
    struct buffer out = BUFFER_INIT;
    const char *found;
    while ((found = strstr(text, word))) {
        buffer_add(&out, text, (size_t)(found - text));
        buffer_puts(&out, by);
        text = found + strlen(word);
    }
    buffer_puts(&out, text);
    return buffer_detach(&out);
}

static char *replace_matches(const char *text, const struct rule *rule) {
    struct buffer out = BUFFER_INIT;
    regex_t regex;
    regmatch_t match;
    int flags = 0;
    if (regcomp(&regex, rule->pattern, REG_EXTENDED))
        abort();
    while (*text && !regexec(&regex, text, 1, &match, flags) && match.rm_eo > match.rm_so) {
        buffer_add(&out, text, (size_t)match.rm_so);
        buffer_puts(&out, rule->name);
        text += match.rm_eo;
        flags = REG_NOTBOL;
    }
    regfree(&regex);
    buffer_puts(&out, text);
    return buffer_detach(&out);
}

/* Blanks say nothing either. */
static void join_blanks(char *text) {
    char *to = text;
    for (const char *from = text; *from; from++)
        if (!strchr(" \t\r\n", *from))
            *to++ = *from;
        else if (to > text && to[-1] != ' ')
            *to++ = ' ';
    while (to > text && to[-1] == ' ')
        to--;
    *to = '\0';
}

static char *replace_owned(char *text, const char *word, const char *by) {
    if (!word || strlen(word) < 2)
        return text;
    char *next = replace_word(text, word, by);
    free(text);
    return next;
}

char *ending_normalise(const struct ending *ending, const char *text) {
    char *now = xstrndup(text, strnlen(text, TEXT_MAX));
    now = replace_owned(now, ending->environment, "<environment>");
    now = replace_owned(now, ending->directory, "<project>");
    for (size_t i = 0; i < lengthof(rules); i++) {
        char *next = replace_matches(now, &rules[i]);
        free(now);
        now = next;
    }
    join_blanks(now);
    return now;
}

/* ---- Filling it ---- */

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

void ending_take(struct ending *ending, const struct event *event) {
    if (event->kind == EVENT_BEGAN)
        set(&ending->environment, xstrdup_or_null(event->text));
    else if (event->kind == EVENT_TESTS)
        ending_add_test(ending, NULL, NULL);
    else if (event->kind == EVENT_TEST)
        ending_add_test(ending, event->text, event->detail);
    else if (event->kind == EVENT_FAILED)
        take_failed(ending, event);
    else if (event->kind == EVENT_OUTCOME) {
        set(&ending->outcome, xstrdup_or_null(event->text));
        ending->code = event->code;
    }
}

static int by_name(const void *a, const void *b) {
    const struct ending_test *first = a, *second = b;
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
    qsort(ending->tests.at, ending->tests.length, sizeof *ending->tests.at, by_name);
}

void ending_add_line(struct ending *ending, const char *line) {
    autofree char *text = ending_normalise(ending, line);
    if (*text)
        strings_add_last(&ending->last, text, ENDING_LINES);
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
    strings_release(&ending->last);
    *ending = (struct ending){0};
}

/* ---- As JSON ---- */

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
    cJSON *last = json_array_at(json, "last_lines");
    vec_each (line, &ending->last)
        json_append_text(last, *line);
    return json;
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
    cJSON_ArrayForEach (item, cJSON_GetObjectItem(json, "last_lines")) {
        if (cJSON_IsString(item))
            strings_add_last(&ret->last, item->valuestring, ENDING_LINES);
    }
    if (ret->outcome)
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

static void compare_lines(const struct ending *then, const struct ending *now,
                          struct strings *differences) {
    for (size_t i = 1; i <= then->last.length || i <= now->last.length; i++) {
        const char *a = i <= then->last.length ? then->last.at[then->last.length - i] : NULL;
        const char *b = i <= now->last.length ? now->last.at[now->last.length - i] : NULL;
        if (!text_equal(a, b)) {
            differ(differences, "the suite's last lines", a, b);
            return;
        }
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
        *ret_by = "exit code, cause and the suite's last lines, for there are no JUnit files";
        compare_code(differences, then->code, now->code);
        compare_text(differences, "cause", then->cause, now->cause);
        compare_lines(then, now, differences);
    }
    return differences->length ? VERDICT_DIFFERS : VERDICT_REPRODUCED;
}
