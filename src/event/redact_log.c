#include "event/redact_log.h"

#include "base/redact.h"
#include "base/text.h"

#include <string.h>

enum { HELD_MOST = REDACT_HELD_MAX + (128 << 10) }; /* bytes of a line, and of what is held */

/* A stream of a service's log or of a suite's. */
struct source {
    struct source *next;
    struct log_redactor *logs;
    char *service, *suite; /* one of them */
    enum event_stream stream;
    struct redaction *redaction;
    struct buffer text;     /* of the first line that is held, as far as it is out */
    vec(struct event) held; /* without their texts */
};

struct log_redactor {
    const struct event_listener *listener;
    struct source *sources;
};

/* ---- Sources ---- */

static bool is_of(const struct source *source, const char *service, const char *suite) {
    return service ? text_equal(source->service, service)
                   : !source->service && text_equal(source->suite, suite);
}

/* The line is whole: it is told with the event that it came in. */
static void tell_first(struct source *source) {
    struct event event = source->held.at[0];
    source->held.length--;
    memmove(source->held.at, source->held.at + 1, source->held.length * sizeof event);
    event.text = buffer_detach(&source->text);
    struct event_listener plain = *source->logs->listener;
    plain.redactor = NULL; /* it is done */
    event_tell(&event, &plain);
}

/* For each line that went in, one comes out. */
static void on_text(void *context, const char *data, size_t length) {
    struct source *source = context;
    for (const char *end; (end = memchr(data, '\n', length)); data = end + 1) {
        buffer_add_capped(&source->text, data, (size_t)(end - data));
        length -= (size_t)(end + 1 - data);
        tell_first(source);
    }
    buffer_add_capped(&source->text, data, length);
}

static void begin(struct source *source) {
    source->redaction = redaction_new(source->logs->listener->redactor, on_text, source);
}

static struct source *source_of(struct log_redactor *logs, const struct event *event) {
    struct source *source = logs->sources;
    while (source &&
           (source->stream != event->stream || !is_of(source, event->service, event->detail)))
        source = source->next;
    if (source)
        return source;
    source = xnew(struct source);
    source->logs = logs;
    source->service = xstrdup_or_null(event->service);
    source->suite = xstrdup_or_null(event->detail);
    source->stream = event->stream;
    source->text = BUFFER_INIT_MAX(HELD_MOST);
    source->next = logs->sources;
    begin(source);
    return logs->sources = source;
}

/* ---- redact_log.h ---- */

struct log_redactor *log_redactor_new(const struct event_listener *listener) {
    struct log_redactor *logs = xnew(struct log_redactor);
    logs->listener = listener;
    return logs;
}

struct log_redactor *log_redactor_free(struct log_redactor *logs) {
    if (!logs)
        return NULL;
    for (struct source *source = logs->sources, *next; source; source = next) {
        next = source->next;
        vec_each (event, &source->held)
            event_release(event);
        vec_free(&source->held);
        redaction_free(source->redaction);
        buffer_release(&source->text);
        free(source->service);
        free(source->suite);
        free(source);
    }
    free(logs);
    return NULL;
}

/* A line end within the text would come out as a line of its own. */
void log_redactor_tell(struct log_redactor *logs, struct event *event) {
    struct source *source = source_of(logs, event);
    char *text = event->text ? event->text : xstrdup("");
    size_t length = strcspn(text, "\n");
    event->text = NULL;
    vec_push(&source->held, *event);
    *event = (struct event){0};
    text[length] = '\n'; /* in place of its NUL */
    redaction_push(source->redaction, text, length + 1);
    free(text);
}

void log_redactor_end(struct log_redactor *logs, const char *service, const char *suite) {
    for (struct source *source = logs->sources; source; source = source->next) {
        if ((service || suite) && !is_of(source, service, suite))
            continue;
        redaction_end(source->redaction);
        redaction_free(source->redaction);
        begin(source);
    }
}
