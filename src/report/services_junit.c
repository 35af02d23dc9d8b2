#include "report/services_junit.h"

#include "base/instant.h"
#include "base/path.h"
#include "base/text.h"
#include "base/utf8.h"
#include "report/board.h"

#include <string.h>

struct services_junit {
    struct board board;
    long long began;          /* UNIX time in ms */
    char *service;            /* to blame, or NULL */
    char *cause;              /* NULL: nothing has failed yet */
    struct buffer last_words; /* of it */
};

struct services_junit *services_junit_new(void) {
    struct services_junit *junit = xnew(struct services_junit);
    junit->last_words = BUFFER_INIT_MAX(64 << 10);
    return junit;
}

/* The first cause counts. */
static void take_cause(struct services_junit *junit, const struct event *event) {
    junit->cause = xstrdup(event->text ? event->text : "unknown error");
    junit->service = xstrdup_or_null(event->service);
    for (size_t i = 0; i < event->list_length; i++) {
        buffer_add_capped(&junit->last_words, event->list[i], strlen(event->list[i]));
        buffer_add_capped(&junit->last_words, "\n", 1);
    }
}

void services_junit_event(struct services_junit *junit, const struct event *event) {
    if (event_is_bulky(event->kind))
        return;
    if (event->kind == EVENT_BEGAN)
        junit->began = event->time;
    if (event->kind == EVENT_FAILED && !junit->cause)
        take_cause(junit, event);
    if (!junit->cause)
        board_take(&junit->board, event); /* what follows is teardown */
}

/* XML 1.0 has no control characters but tab and line ends, whatever is done to escape them. */
static void put_character(struct buffer *into, uint32_t c) {
    bool allowed = c == '\t' || c == '\n' || (c >= 0x20 && c != 0xfffe && c != 0xffff);
    if (c == '&')
        buffer_puts(into, "&amp;");
    else if (c == '<')
        buffer_puts(into, "&lt;");
    else if (c == '>')
        buffer_puts(into, "&gt;");
    else if (c == '"')
        buffer_puts(into, "&quot;");
    else if (c == '\n')
        buffer_puts(into, "&#10;");
    else
        utf8_put(into, allowed ? c : UTF8_INVALID);
}

static void put_text(struct buffer *into, const char *text) {
    size_t length = strlen(text);
    while (length) {
        uint32_t c;
        size_t taken = utf8_next(text, length, &c);
        put_character(into, c);
        text += taken;
        length -= taken;
    }
}

static void put_seconds(struct buffer *into, long long ms) {
    buffer_printf(into, "%lld.%03lld", ms / 1000, ms % 1000);
}

static void put_failure(struct buffer *into, const struct services_junit *junit) {
    buffer_puts(into, "      <failure type=\"environment\" message=\"");
    put_text(into, junit->cause);
    buffer_puts(into, "\">");
    put_text(into, junit->last_words.data);
    buffer_puts(into, "</failure>\n");
}

/* A failure of no service in particular is a case of its own: its name is NULL. */
static void put_case(struct buffer *into, const struct services_junit *junit,
                     const struct board_service *service) {
    bool to_blame = text_equal(service ? service->name : NULL, junit->service);
    buffer_puts(into, "    <testcase classname=\"envrun.environment\" name=\"");
    put_text(into, service ? service->name : "environment");
    buffer_puts(into, "\" time=\"");
    put_seconds(into, service ? board_own_time(service) : 0);
    buffer_puts(into, "\">\n");
    if (to_blame)
        put_failure(into, junit);
    else if (!board_is_up(service))
        buffer_puts(into, "      <skipped message=\"it did not come up before the failure\"/>\n");
    buffer_puts(into, "    </testcase>\n");
}

static bool is_named(const struct services_junit *junit) {
    return junit->service && board_find(&junit->board, junit->service);
}

static size_t count_skipped(const struct services_junit *junit) {
    size_t count = 0;
    vec_each (service, &junit->board.services)
        count += !board_is_up(service) && !text_equal(service->name, junit->service);
    return count;
}

static void put_counts(struct buffer *into, const struct services_junit *junit) {
    buffer_printf(into, " tests=\"%zu\" failures=\"1\" errors=\"0\" skipped=\"%zu\"",
                  junit->board.services.length + !is_named(junit), count_skipped(junit));
}

static void put_suite(struct buffer *into, const struct services_junit *junit) {
    char began[INSTANT_SIZE];
    buffer_puts(into, "  <testsuite name=\"envrun.environment\"");
    put_counts(into, junit);
    buffer_printf(into, " timestamp=\"%.19sZ\" time=\"",
                  instant_format(junit->began * 1000000, began));
    put_seconds(into, junit->board.now);
    buffer_puts(into, "\">\n");
    vec_each (service, &junit->board.services)
        put_case(into, junit, service);
    if (!is_named(junit))
        put_case(into, junit, NULL);
    buffer_puts(into, "  </testsuite>\n");
}

bool services_junit_write(const struct services_junit *junit, const char *path, struct err *err) {
    autobuffer struct buffer page = BUFFER_INIT;
    autofree char *folder = path_directory(path);
    buffer_puts(&page, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
    put_counts(&page, junit);
    buffer_puts(&page, ">\n");
    put_suite(&page, junit);
    buffer_puts(&page, "</testsuites>\n");
    return path_make_directories(folder, err) &&
           path_write(path, page.data, page.length, false, err);
}

struct services_junit *services_junit_free(struct services_junit *junit) {
    if (!junit)
        return NULL;
    board_release(&junit->board);
    free(junit->service);
    free(junit->cause);
    buffer_release(&junit->last_words);
    free(junit);
    return NULL;
}
