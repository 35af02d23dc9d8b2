/*
 * story.c: a run on one page: how it ended and why, what each service did when, what decided how
 * long it took, what was used. It is written once all events have been taken in.
 */
#include "report/look.h"
#include "report/timeline.h"
#include "report/words.h"

#include "base/instant.h"
#include "base/text.h"

#include <string.h>

enum {
    COLUMNS = 100,
    ARTIFACTS_SHOWN = 20,
    USERS_SHOWN = 20,
    TESTS_KEPT = 200,
    TROUBLES_KEPT = 1000,
    LINES_SHOWN = 6
};

/* A test that failed, and the last that the services wrote while it may have run. */
struct failed_test {
    struct buffer words;
    long long from, to;   /* UNIX time in ns */
    struct strings lines; /* "db | ..." */
    size_t more;          /* lines that stood before these */
};

/* What befell a service: it died, was started again, or had a process killed for its memory. */
struct trouble {
    long long at; /* UNIX time in ns */
    char *text;
};

/* The most that a service was seen to use. */
struct user {
    char *service;
    struct event_usage usage;
};

struct story {
    struct output *output;
    struct style style;
    int columns;
    char *title;
    struct board board;
    struct timeline timeline;
    struct buffer causes; /* what failed, and what died */
    struct buffer suites; /* how each ended */
    vec(struct failed_test) tests;
    vec(struct trouble) troubles;
    struct strings artifacts;
    vec(struct user) users;
    long long began; /* UNIX time in ms */
    struct buffer outcome;
};

static void *story_create(const struct report_options *options, struct output *output) {
    struct story *story = xnew(struct story);
    story->output = output;
    story->columns = options->columns > 0 ? options->columns : COLUMNS;
    story->title = xstrdup(options->title ? options->title : "");
    story->causes = story->suites = story->outcome = BUFFER_INIT;
    style_init(&story->style, options->color, options->unicode);
    return story;
}

/* ---- Taking events in ---- */

static void keep_most(long long *most, long long value) {
    *most = value > *most ? value : *most;
}

static void take_usage(struct story *story, const struct event *event) {
    struct user *user = NULL;
    vec_each (known, &story->users)
        if (text_equal(known->service, event->service))
            user = known;
    if (!user) {
        vec_push(&story->users, (struct user){.service = xstrdup(event->service)});
        user = &story->users.at[story->users.length - 1];
    }
    keep_most(&user->usage.memory, event->usage.memory);
    keep_most(&user->usage.memory_limit, event->usage.memory_limit);
    keep_most(&user->usage.cpu, event->usage.cpu);
    keep_most(&user->usage.throttled, event->usage.throttled);
}

static void take_test(struct story *story, const struct event *event) {
    struct failed_test test = {
        .words = BUFFER_INIT,
        .from = event->at,
        .to = event->at + event->duration * 1000000,
    };
    words_event(&test.words, &story->style, STYLE_UNCUT, event);
    if (story->tests.length < TESTS_KEPT)
        vec_push(&story->tests, test);
    else
        buffer_release(&test.words);
}

/* A test's end may be told before that of what it died with. */
static void take_trouble(struct story *story, const struct event *event) {
    const char *word = event->kind == EVENT_WARNING    ? ""
                       : event->status == STATUS_BEGAN ? "restarted: "
                                                       : "died: ";
    if (!event->service || !event->at || !event->text || story->troubles.length == TROUBLES_KEPT)
        return;
    struct trouble trouble = {event->at, xasprintf("%s%s", word, event->text)};
    vec_push(&story->troubles, trouble);
}

/* Logs are told behind the events, so that the tests are known. */
static void take_log(struct story *story, const struct event *event) {
    vec_each (test, &story->tests) {
        if (event->at < test->from || event->at > test->to)
            continue;
        autofree char *line = xasprintf("%s | %s", event->service, event->text ? event->text : "");
        test->more += test->lines.length == LINES_SHOWN;
        strings_add_last(&test->lines, line, LINES_SHOWN);
    }
}

/* "failed with exit code 1 after 12.3 s" */
static void take_outcome(struct story *story, const struct event *event) {
    struct buffer *into = &story->outcome;
    bool good = !event->code;
    style_begin(into, &story->style, good ? STYLE_GREEN : STYLE_RED);
    style_clean(into, &story->style, event->text ? event->text : "", STYLE_UNCUT);
    style_end(into, &story->style, good ? STYLE_GREEN : STYLE_RED);
    if (!good)
        buffer_printf(into, " with exit code %d", event->code);
    buffer_puts(into, good ? " in " : " after ");
    style_put_duration(into, event->duration);
}

static void story_event(void *self, const struct event *event) {
    struct story *story = self;
    if (event->kind == EVENT_SAMPLE) {
        if (event->service)
            take_usage(story, event);
        return;
    }
    if (event->kind == EVENT_LOG && event->service)
        take_log(story, event);
    if (event_is_bulky(event->kind))
        return;
    if (!story->began && event->time)
        story->began = event->time - event->ms;
    board_take(&story->board, event);
    timeline_take(&story->timeline, event);
    if (event->kind == EVENT_DIED || event->kind == EVENT_WARNING)
        take_trouble(story, event);
    if (event->kind == EVENT_FAILED || event->kind == EVENT_DIED || event->kind == EVENT_WARNING)
        words_event(&story->causes, &story->style, story->columns, event);
    else if (event->kind == EVENT_SUITE && event->status != STATUS_BEGAN)
        words_event(&story->suites, &story->style, story->columns, event);
    else if (event->kind == EVENT_TESTS)
        words_event(&story->suites, &story->style, STYLE_UNCUT, event);
    else if (event->kind == EVENT_TEST)
        take_test(story, event);
    else if (event->kind == EVENT_ARTIFACT && event->text)
        strings_add(&story->artifacts, event->text);
    else if (event->kind == EVENT_OUTCOME)
        take_outcome(story, event);
}

/* ---- The page ---- */

static void put_title(struct buffer *into, const struct story *story) {
    char began[INSTANT_SIZE];
    style_begin(into, &story->style, STYLE_BOLD);
    style_clean(into, &story->style, story->title, STYLE_UNCUT);
    style_end(into, &story->style, STYLE_BOLD);
    buffer_putc(into, '\n');
    buffer_puts(into, story->outcome.length ? story->outcome.data
                                            : "it was broken off, or still goes on");
    if (story->began > 0)
        buffer_printf(into, ", begun at %.19sZ", instant_format(story->began * 1000000, began));
    buffer_puts(into, "\n");
}

static void put_section(struct buffer *into, const struct buffer *section) {
    if (section->length)
        buffer_printf(into, "\n%s", section->data);
}

/* What befell services while a test may have run. */
static void put_troubles(struct buffer *into, const struct story *story,
                         const struct failed_test *test) {
    vec_each (trouble, &story->troubles) {
        if (trouble->at < test->from || trouble->at > test->to)
            continue;
        autobuffer struct buffer line = BUFFER_INIT;
        style_clean(&line, &story->style, trouble->text, STYLE_UNCUT);
        buffer_puts(into, "      ");
        style_put(into, &story->style, STYLE_RED, line.data);
        buffer_putc(into, '\n');
    }
}

static void put_tests(struct buffer *into, const struct story *story) {
    vec_each (test, &story->tests) {
        buffer_puts(into, test->words.data);
        if (test->words.length)
            put_troubles(into, story, test);
        if (test->more && test->words.length)
            buffer_printf(into, "      (%zu more lines before)\n", test->more);
        for (size_t i = 0; test->words.length && i < test->lines.length; i++) {
            buffer_puts(into, "      ");
            style_clean(into, &story->style, test->lines.at[i], story->columns);
            buffer_putc(into, '\n');
        }
    }
}

static void put_user(struct buffer *into, const struct story *story, const struct user *user,
                     int width) {
    autofree char *memory = text_bytes((unsigned long long)user->usage.memory);
    autofree char *limit = text_bytes((unsigned long long)user->usage.memory_limit);
    style_clean_padded(into, &story->style, user->service, width);
    buffer_printf(into, "  memory %s", memory);
    if (user->usage.memory_limit)
        buffer_printf(into, " of %s", limit);
    buffer_puts(into, ", CPU ");
    style_put_duration(into, user->usage.cpu);
    if (user->usage.throttled) {
        buffer_puts(into, ", held back by its CPU limit for ");
        style_put_duration(into, user->usage.throttled);
    }
    buffer_putc(into, '\n');
}

static void put_usage(struct buffer *into, const struct story *story) {
    int width = 0;
    vec_each (user, &story->users) {
        int own = style_width(&story->style, user->service);
        width = own > width ? own : width;
    }
    if (story->users.length)
        buffer_puts(into, "\nat most\n");
    for (size_t i = 0; i < story->users.length && i < USERS_SHOWN; i++)
        put_user(into, story, &story->users.at[i], width);
}

static void put_artifacts(struct buffer *into, const struct story *story) {
    if (story->artifacts.length)
        buffer_puts(into, "\nartifacts\n");
    for (size_t i = 0; i < story->artifacts.length && i < ARTIFACTS_SHOWN; i++) {
        buffer_puts(into, "  ");
        style_clean(into, &story->style, story->artifacts.at[i], STYLE_UNCUT);
        buffer_putc(into, '\n');
    }
    if (story->artifacts.length > ARTIFACTS_SHOWN)
        buffer_printf(into, "  and %zu more\n", story->artifacts.length - ARTIFACTS_SHOWN);
}

static void write_page(struct story *story) {
    autobuffer struct buffer page = BUFFER_INIT;
    put_title(&page, story);
    put_section(&page, &story->causes);
    put_section(&page, &story->suites);
    put_tests(&page, story);
    buffer_putc(&page, '\n');
    timeline_put(&page, &story->timeline, &story->style, story->columns);
    buffer_putc(&page, '\n');
    words_up(&page, &story->style, &story->board);
    put_usage(&page, story);
    put_artifacts(&page, story);
    output_put(story->output, page.data, page.length);
}

static void story_destroy(void *self) {
    struct story *story = self;
    write_page(story);
    board_release(&story->board);
    timeline_release(&story->timeline);
    vec_each (test, &story->tests) {
        buffer_release(&test->words);
        strings_release(&test->lines);
    }
    vec_free(&story->tests);
    vec_each (trouble, &story->troubles)
        free(trouble->text);
    vec_free(&story->troubles);
    strings_release(&story->artifacts);
    vec_each (user, &story->users)
        free(user->service);
    vec_free(&story->users);
    buffer_release(&story->causes);
    buffer_release(&story->suites);
    buffer_release(&story->outcome);
    style_release(&story->style);
    free(story->title);
    free(story);
}

const struct look look_story = {
    .create = story_create,
    .destroy = story_destroy,
    .event = story_event,
    .takes_bulky = true,
};
