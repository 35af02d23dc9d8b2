#include "report/words.h"

#include "base/text.h"

#include <ctype.h>
#include <string.h>

enum {
    PATH_SHOWN = 8, /* services in the summary */
    OTHERS_SHOWN = 6,
    TESTS_SHOWN = 10,
    WORTH_MENTIONING = 100, /* ms */
    NAME_COLUMNS = 64,      /* of a service in front of its log lines */
    PARAGRAPH_MAX = 4 << 20,
};

static const char *const going_on[] = {
    [PHASE_NONE] = "",
    [PHASE_IMAGE] = "looking for image",
    [PHASE_CREATE] = "creating",
    [PHASE_COPY] = "copying files in",
    [PHASE_WAIT] = "waiting",
    [PHASE_START] = "starting",
    [PHASE_READY] = "waiting until ready",
    [PHASE_SEED] = "seeding",
    [PHASE_UP] = "up",
    [PHASE_STOP] = "stopping",
};

static const char *const gone_wrong[] = {
    [PHASE_NONE] = "failed",      [PHASE_IMAGE] = "no image",   [PHASE_CREATE] = "not created",
    [PHASE_COPY] = "copy failed", [PHASE_WAIT] = "wait failed", [PHASE_START] = "not started",
    [PHASE_READY] = "not ready",  [PHASE_SEED] = "seed failed", [PHASE_UP] = "died",
    [PHASE_STOP] = "not stopped",
};

static const char *const nouns[] = {
    [PHASE_IMAGE] = "image", [PHASE_CREATE] = "create", [PHASE_COPY] = "copy",
    [PHASE_WAIT] = "wait",   [PHASE_START] = "start",   [PHASE_READY] = "ready",
    [PHASE_SEED] = "seed",
};

const char *words_failed(enum event_phase phase) {
    return gone_wrong[phase];
}

static void put_seeding(struct buffer *into, const struct board_service *service) {
    buffer_puts(into, going_on[PHASE_SEED]);
    if (service->seed_total)
        buffer_printf(into, " %lld/%lld", service->seed_count, service->seed_total);
}

static const char *getting_image(const char *how) {
    if (text_equal(how, "build"))
        return "building";
    return text_equal(how, "pull") ? "pulling" : "getting its image";
}

void words_phase(struct buffer *into, const struct board_service *service) {
    if (board_failed(service))
        buffer_puts(into, gone_wrong[service->phase]);
    else if (board_is_prepared(service))
        buffer_puts(into, "prepared");
    else if (service->phase == PHASE_UP && service->what)
        buffer_puts(into, service->what);
    else if (service->phase == PHASE_IMAGE && service->how)
        buffer_puts(into, getting_image(service->how));
    else if (service->phase == PHASE_WAIT && service->awaited)
        buffer_printf(into, "waiting for %s", service->awaited);
    else if (service->phase == PHASE_SEED)
        put_seeding(into, service);
    else
        buffer_puts(into, going_on[service->phase]);
}

void words_times(struct buffer *into, const struct board_service *service) {
    size_t begin = into->length;
    for (size_t phase = 0; phase < lengthof(nouns); phase++) {
        if (service->spent[phase] < WORTH_MENTIONING || !nouns[phase])
            continue;
        bool made = phase == PHASE_IMAGE && service->how && *service->how;
        buffer_printf(into, "%s%s ", into->length > begin ? ", " : "",
                      made ? service->how : nouns[phase]);
        style_put_duration(into, service->spent[phase]);
    }
}

/* Each line of a text from outside with something in front of it. */
static void put_lines(struct buffer *into, const struct style *style, const char *prefix,
                      const char *text) {
    struct strings lines autostrings = {0};
    text_split(text, '\n', &lines);
    vec_each (line, &lines) {
        if (into->length > PARAGRAPH_MAX)
            break;
        if (!**line && line + 1 == lines.at + lines.length && lines.length > 1)
            break; /* it ended with a newline */
        style_put(into, style, STYLE_DIM, prefix);
        style_clean(into, style, *line, STYLE_UNCUT);
        buffer_putc(into, '\n');
    }
}

/* "PREFIX: SENTENCE", further lines indented. */
static void put_sentence(struct buffer *into, const struct style *style, enum style_color color,
                         const char *prefix, const char *text) {
    const char *end = strchrnul(text, '\n');
    char *first autofree = xstrndup(text, (size_t)(end - text));
    style_put(into, style, color, prefix);
    style_clean(into, style, first, STYLE_UNCUT);
    buffer_putc(into, '\n');
    if (*end && end[1])
        put_lines(into, style, "  ", end + 1);
}

static void put_log(struct buffer *into, const struct style *style, const struct event *event) {
    struct buffer prefix autobuffer = BUFFER_INIT;
    buffer_puts(&prefix, "  ");
    style_clean(&prefix, style, event->service ? event->service : "", NAME_COLUMNS);
    buffer_puts(&prefix, event->service ? " | " : "| ");
    for (size_t i = 0; i < event->list_length; i++)
        put_lines(into, style, prefix.data, event->list[i]);
}

static void put_hints(struct buffer *into, const struct style *style, const struct event *event) {
    for (size_t i = 0; i < event->hint_count; i++)
        put_lines(into, style, style->unicode ? "  → " : "  -> ", event->hints[i]);
}

static const char *text_of(const struct event *event) {
    return event->text ? event->text : "";
}

static void say_began(struct buffer *into, const struct style *style, int columns,
                      const struct event *event) {
    (void)columns;
    style_begin(into, style, STYLE_BOLD);
    buffer_puts(into, "envrun ");
    style_clean(into, style, event->detail ? event->detail : "", STYLE_UNCUT);
    buffer_putc(into, ' ');
    style_clean(into, style, text_of(event), STYLE_UNCUT);
    style_end(into, style, STYLE_BOLD);
    if (event->list_length)
        buffer_printf(into, ": %zu service%s", event->list_length,
                      event->list_length == 1 ? "" : "s");
    buffer_putc(into, '\n');
}

static void say_died(struct buffer *into, const struct style *style, int columns,
                     const struct event *event) {
    (void)columns;
    struct buffer prefix autobuffer = BUFFER_INIT, text autobuffer = BUFFER_INIT;
    buffer_puts(&prefix, event->status == STATUS_BEGAN ? "restarted" : "died");
    if (event->detail)
        buffer_puts(&prefix, text_equal(event->detail, "suite") ? " during the " : " during ");
    style_clean(&prefix, style, event->detail ? event->detail : "", STYLE_UNCUT);
    buffer_puts(&prefix, ": ");
    if (event->text)
        buffer_puts(&text, event->text);
    else
        buffer_printf(&text, "%s ended with exit code %d", event->service ? event->service : "?",
                      event->code);
    put_sentence(into, style, STYLE_RED, prefix.data, text.data);
    put_log(into, style, event);
}

static void put_suite_name(struct buffer *into, const struct style *style,
                           const struct event *event) {
    buffer_puts(into, "suite");
    if (*text_of(event) && strcmp(text_of(event), "suite") != 0) {
        buffer_putc(into, ' ');
        style_clean(into, style, text_of(event), STYLE_UNCUT);
    }
}

static void put_suite_end(struct buffer *into, const struct style *style,
                          const struct event *event) {
    bool passed = event->status == STATUS_DONE && !event->code;
    buffer_putc(into, ' ');
    style_put(into, style, passed ? STYLE_GREEN : STYLE_RED, passed ? "passed" : "failed");
    if (event->code)
        buffer_printf(into, " with exit code %d", event->code);
    buffer_puts(into, passed ? " in " : " after ");
    style_put_duration(into, event->duration);
}

/* A command of several lines on one. */
static void put_command(struct buffer *into, const struct style *style, const char *command,
                        int columns) {
    struct buffer line autobuffer = BUFFER_INIT;
    struct strings lines autostrings = {0};
    text_split(command, '\n', &lines);
    vec_each (each, &lines)
        if (**each)
            buffer_printf(&line, "%s%s", line.length ? "; " : "", *each);
    style_clean(into, style, line.data, columns);
}

static void say_suite(struct buffer *into, const struct style *style, int columns,
                      const struct event *event) {
    struct buffer name autobuffer = BUFFER_INIT;
    put_suite_name(&name, style, event);
    style_put(into, style, STYLE_BOLD, name.data);
    if (event->status != STATUS_BEGAN)
        put_suite_end(into, style, event);
    else if (event->detail) {
        int left = columns - style_width(style, name.data) - 2;
        buffer_puts(into, ": ");
        put_command(into, style, event->detail, left < 20 ? 20 : left);
    }
    buffer_putc(into, '\n');
}

static void say_tests(struct buffer *into, const struct style *style, int columns,
                      const struct event *event) {
    (void)columns;
    if (event->count) {
        style_put(into, style, STYLE_RED, "failed tests: ");
        buffer_printf(into, "%lld of %lld\n", event->count, event->total);
    } else
        buffer_printf(into, "none of %lld tests failed\n", event->total);
}

/* Its message's first line: all of it is in the record. */
static void say_test(struct buffer *into, const struct style *style, int columns,
                     const struct event *event) {
    const char *message = event->detail ? event->detail : "";
    if (event->count > TESTS_SHOWN)
        return;
    autofree char *line = xasprintf("%s%s%.*s", text_of(event), *message ? ": " : "",
                                    (int)strcspn(message, "\n"), message);
    buffer_puts(into, "  ");
    style_clean(into, style, line, columns > 20 ? columns : STYLE_UNCUT);
    buffer_putc(into, '\n');
    if (event->count == TESTS_SHOWN && event->total > TESTS_SHOWN)
        buffer_printf(into, "  and %lld more\n", event->total - TESTS_SHOWN);
}

static void say_warning(struct buffer *into, const struct style *style, int columns,
                        const struct event *event) {
    (void)columns;
    put_sentence(into, style, STYLE_YELLOW, "warning: ", text_of(event));
}

static void say_note(struct buffer *into, const struct style *style, int columns,
                     const struct event *event) {
    (void)columns;
    put_sentence(into, style, STYLE_NONE, "", text_of(event));
}

static void say_failed(struct buffer *into, const struct style *style, int columns,
                       const struct event *event) {
    (void)columns;
    if (event->detail) {
        style_begin(into, style, STYLE_BOLD);
        style_clean(into, style, event->detail, STYLE_UNCUT);
        style_end(into, style, STYLE_BOLD);
        buffer_puts(into, ": ");
    }
    put_sentence(into, style, STYLE_RED, "failed: ", text_of(event));
    put_log(into, style, event);
    put_hints(into, style, event);
}

static void say_teardown(struct buffer *into, const struct style *style, int columns,
                         const struct event *event) {
    (void)columns;
    if (event->status == STATUS_BEGAN)
        return;
    if (event->text || event->status == STATUS_DONE) {
        style_clean(into, style, event->text ? event->text : "removed everything", STYLE_UNCUT);
        buffer_puts(into, " in ");
        style_put_duration(into, event->duration);
        buffer_putc(into, '\n');
    }
    for (size_t i = 0; i < event->list_length && into->length < PARAGRAPH_MAX; i++)
        put_sentence(into, style, STYLE_RED, "not removed: ", event->list[i]);
    if (event->status == STATUS_FAILED && event->detail)
        put_sentence(into, style, STYLE_RED, "not all could be removed: ", event->detail);
    else if (event->status == STATUS_FAILED && !event->list_length)
        put_sentence(into, style, STYLE_RED, "failed: ", "something could not be removed");
}

static void say_outcome(struct buffer *into, const struct style *style, int columns,
                        const struct event *event) {
    (void)columns;
    if (event->detail && *event->detail)
        put_lines(into, style, "", event->detail);
}

static void (*const sayers[])(struct buffer *into, const struct style *style, int columns,
                              const struct event *event) = {
    [EVENT_BEGAN] = say_began,     [EVENT_DIED] = say_died, [EVENT_SUITE] = say_suite,
    [EVENT_WARNING] = say_warning, [EVENT_NOTE] = say_note, [EVENT_FAILED] = say_failed,
    [EVENT_TESTS] = say_tests,     [EVENT_TEST] = say_test, [EVENT_TEARDOWN] = say_teardown,
    [EVENT_OUTCOME] = say_outcome,
};

void words_event(struct buffer *into, const struct style *style, int columns,
                 const struct event *event) {
    if (event->kind < lengthof(sayers) && sayers[event->kind])
        sayers[event->kind](into, style, columns, event);
}

static void put_steps(struct buffer *into, const struct style *style,
                      const struct board_steps *steps, size_t most, const char *separator) {
    for (size_t i = 0; i < steps->length && i < most; i++) {
        buffer_puts(into, i ? separator : "");
        style_clean(into, style, steps->at[i].service->name, STYLE_UNCUT);
        buffer_putc(into, ' ');
        style_put_duration(into, steps->at[i].ms);
    }
    if (steps->length > most)
        buffer_printf(into, " and %zu more", steps->length - most);
}

/* "up in 2.4 s: db 2.1 s + api 0.3 s; cache 0.4 s" */
void words_up(struct buffer *into, const struct style *style, const struct board *board) {
    struct board_steps path = {0}, others = {0};
    board_critical_path(board, &path, &others);
    if (path.length) {
        style_put(into, style, STYLE_GREEN, "up");
        buffer_puts(into, " in ");
        style_put_duration(into, path.at[path.length - 1].service->ended);
        buffer_puts(into, ": ");
        put_steps(into, style, &path, PATH_SHOWN, " + ");
        if (others.length) {
            buffer_puts(into, "; ");
            put_steps(into, style, &others, OTHERS_SHOWN, ", ");
        }
        buffer_putc(into, '\n');
    }
    vec_free(&path);
    vec_free(&others);
}

/* How wide the names and the parts before " -> " are. */
static void measure_endpoints(const struct style *style, const struct board *board, int *ret_name,
                              int *ret_address) {
    *ret_name = *ret_address = 0;
    vec_each (endpoint, &board->endpoints) {
        const char *arrow = strstr(endpoint->address, " -> ");
        char *address autofree =
            xstrndup(endpoint->address, arrow ? (size_t)(arrow - endpoint->address) : 0);
        int name = style_width(style, endpoint->service);
        int width = style_width(style, address);
        *ret_name = name > *ret_name ? name : *ret_name;
        *ret_address = width > *ret_address ? width : *ret_address;
    }
}

static void put_endpoints(struct buffer *into, const struct style *style,
                          const struct board *board) {
    int name_width, address_width;
    const char *last = NULL;
    measure_endpoints(style, board, &name_width, &address_width);
    vec_each (endpoint, &board->endpoints) {
        const char *arrow = strstr(endpoint->address, " -> ");
        size_t length = arrow ? (size_t)(arrow - endpoint->address) : strlen(endpoint->address);
        char *address autofree = xstrndup(endpoint->address, length);
        buffer_puts(into, "  ");
        style_clean_padded(
            into, style, text_equal(last, endpoint->service) ? "" : endpoint->service, name_width);
        buffer_puts(into, "  ");
        style_clean_padded(into, style, address,
                           arrow || !address_width ? address_width : STYLE_UNCUT);
        style_clean(into, style, arrow ? arrow : "", STYLE_UNCUT);
        buffer_putc(into, '\n');
        last = endpoint->service;
    }
}

void words_before(struct buffer *into, const struct style *style, struct board *board,
                  const struct event *event) {
    if (event->kind == EVENT_BEGAN || (!board->everything_up && event->kind != EVENT_OUTCOME))
        return;
    if (board->everything_up && !board->up_said) {
        board->up_said = true;
        words_up(into, style, board);
    }
    if (event->kind == EVENT_ENDPOINT)
        return; /* there may be more */
    if (!text_equal(board->verb, "run"))
        put_endpoints(into, style, board);
    board_clear_endpoints(board);
}

void words_outcome(struct buffer *into, const struct event *event) {
    const char *outcome = event->text && *event->text ? event->text : "error";
    buffer_puts(into, "envrun: outcome=");
    for (; *outcome; outcome++) /* whoever greps expects a value without spaces */
        buffer_putc(into, isalnum((unsigned char)*outcome) || *outcome == '-' ? *outcome : '_');
    buffer_printf(into, " code=%d duration=", event->code);
    style_put_seconds(into, event->duration);
    buffer_puts(into, "s\n");
}
