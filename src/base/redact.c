#include "base/redact.h"

#include "base/redact_reading.h"

#include <string.h>

enum { SLICE = 16 << 10 }; /* bytes that are looked at before some are let go */

struct redaction {
    struct redactor *redactor;
    void (*sink)(void *context, const char *data, size_t length);
    void *context;
    unsigned generation;       /* of the redactor, when the readings were begun */
    struct buffer held, marks; /* bytes that are not out yet; beside each: is it (in) a value? */
    size_t base;               /* where the first of them stands in the text */
    bool hidden;               /* the last one that is out was part of a value */
    struct reading readings[READING_COUNT];
};

/* ---- Looking ---- */

static void mark(void *context, size_t start, size_t end) {
    struct redaction *redaction = context;
    size_t from = start > redaction->base ? start - redaction->base : 0;
    memset(redaction->marks.data + from, 1, end - redaction->base - from);
}

static void look_at(struct redaction *redaction, size_t index) {
    struct marker marker = {mark, redaction};
    unsigned char byte = (unsigned char)redaction->held.data[index];
    for (size_t kind = READING_COUNT; kind--;) /* the plain one last: others begin from it */
        reading_push(&redaction->readings[kind], &redaction->readings[READING_PLAIN],
                     redaction->redactor, &marker, byte, redaction->base + index);
}

static void begin_readings(struct redaction *redaction) {
    redactor_prepare(redaction->redactor);
    for (size_t kind = 0; kind < READING_COUNT; kind++)
        reading_init(&redaction->readings[kind], (enum reading_kind)kind);
    redaction->generation = redaction->redactor->generation;
}

/* There are new values: what is held is looked at again. */
static void begin_again(struct redaction *redaction) {
    bool first = !redaction->base;
    begin_readings(redaction);
    for (size_t kind = 0; kind < READING_COUNT; kind++)
        redaction->readings[kind].fresh &= first;
    for (size_t i = 0; i < redaction->held.length; i++)
        look_at(redaction, i);
}

/* ---- Letting go ---- */

static void put(struct redaction *redaction, const char *data, size_t length) {
    if (length)
        redaction->sink(redaction->context, data, length);
}

static void put_hidden(struct redaction *redaction, const char *data, size_t length) {
    for (size_t i = 0; i < length; i++) {
        bool line_end = data[i] == '\n';
        if (line_end)
            put(redaction, data + i, 1);
        else if (!redaction->hidden)
            put(redaction, REDACTED, strlen(REDACTED));
        redaction->hidden = !line_end;
    }
}

/* Bytes before `count` are what they will be. */
static void let_go(struct redaction *redaction, size_t count) {
    const char *data = redaction->held.data, *marks = redaction->marks.data;
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && marks[end] == marks[i]; end++)
            ;
        if (marks[i]) {
            put_hidden(redaction, data + i, end - i);
        } else {
            put(redaction, data + i, end - i);
            redaction->hidden = false;
        }
    }
    buffer_consume(&redaction->held, count);
    buffer_consume(&redaction->marks, count);
    redaction->base += count;
}

static size_t settled(const struct redaction *redaction) {
    size_t least = redaction->base + redaction->held.length;
    for (size_t kind = 0; kind < READING_COUNT; kind++) {
        size_t held = reading_held(&redaction->readings[kind], redaction->redactor,
                                   redaction->base + redaction->held.length);
        least = held < least ? held : least;
    }
    return least > redaction->base ? least - redaction->base : 0;
}

/* ---- A text that comes in pieces ---- */

static bool is_empty(const struct redactor *redactor) {
    return !redactor || !redactor->values.length;
}

struct redaction *redaction_new(struct redactor *redactor,
                                void (*sink)(void *context, const char *data, size_t length),
                                void *context) {
    struct redaction *redaction = xnew(struct redaction);
    redaction->redactor = redactor;
    redaction->sink = sink;
    redaction->context = context;
    redaction->held = redaction->marks = BUFFER_INIT_MAX(SLICE + REDACT_HELD_MAX);
    if (redactor)
        begin_readings(redaction);
    return redaction;
}

struct redaction *redaction_free(struct redaction *redaction) {
    if (!redaction)
        return NULL;
    buffer_release(&redaction->held);
    buffer_release(&redaction->marks);
    free(redaction);
    return NULL;
}

static void push_slice(struct redaction *redaction, const char *data, size_t length) {
    static const char unmarked[SLICE];
    size_t old = redaction->held.length;
    buffer_add(&redaction->held, data, length);
    buffer_add(&redaction->marks, unmarked, length);
    for (size_t i = old; i < redaction->held.length; i++)
        look_at(redaction, i);
    let_go(redaction, settled(redaction));
}

void redaction_push(struct redaction *redaction, const char *data, size_t length) {
    if (is_empty(redaction->redactor)) {
        put(redaction, data, length);
        redaction->base += length;
        return;
    }
    if (redaction->generation != redaction->redactor->generation)
        begin_again(redaction);
    for (size_t slice; length; data += slice, length -= slice) {
        slice = length < SLICE ? length : SLICE;
        push_slice(redaction, data, slice);
    }
}

void redaction_end(struct redaction *redaction) {
    struct marker marker = {mark, redaction};
    if (!redaction->redactor)
        return;
    for (size_t kind = 0; kind < READING_COUNT; kind++)
        reading_end(&redaction->readings[kind], redaction->redactor, &marker);
    let_go(redaction, redaction->held.length);
}

/* ---- Whole texts ---- */

static void add_to_buffer(void *context, const char *data, size_t length) {
    buffer_add_capped(context, data, length);
}

void redact(struct redactor *redactor, const char *text, size_t length, struct buffer *into) {
    struct redaction *redaction = redaction_new(redactor, add_to_buffer, into);
    redaction_push(redaction, text, length);
    redaction_end(redaction);
    redaction_free(redaction);
}

void redact_string(struct redactor *redactor, char **text) {
    struct buffer clean = BUFFER_INIT;
    if (is_empty(redactor) || !*text || strlen(*text) < REDACT_LEAST)
        return;
    redact(redactor, *text, strlen(*text), &clean);
    free(*text);
    *text = buffer_detach(&clean);
}

/* Line ends stay, so that the lines can be told apart again. */
void redact_lines(struct redactor *redactor, char **lines, size_t count) {
    autobuffer struct buffer text = BUFFER_INIT, clean = BUFFER_INIT;
    if (is_empty(redactor))
        return;
    for (size_t i = 0; i < count; i++) {
        buffer_puts(&text, lines[i]);
        buffer_putc(&text, '\n');
    }
    redact(redactor, text.data, text.length, &clean);
    const char *at = clean.data;
    for (size_t i = 0; i < count; i++) {
        const char *end = at;
        for (const char *old = lines[i]; old;
             old = strchr(old, '\n') ? strchr(old, '\n') + 1 : NULL)
            end = strchrnul(end + (old != lines[i]), '\n');
        free(lines[i]);
        lines[i] = xstrndup(at, (size_t)(end - at));
        redact_string(redactor, &lines[i]);
        at = end + (*end != '\0');
    }
}

void redact_err(struct redactor *redactor, struct err *err) {
    for (; err; err = err->next)
        redact_string(redactor, &err->message);
}

/* cJSON owns its strings by malloc(), as xmalloc() does. */
void redact_json(struct redactor *redactor, cJSON *json) {
    if (is_empty(redactor))
        return;
    for (; json; json = json->next) {
        if (cJSON_IsString(json) && !(json->type & cJSON_IsReference))
            redact_string(redactor, &json->valuestring);
        if (json->string && !(json->type & cJSON_StringIsConst))
            redact_string(redactor, &json->string);
        redact_json(redactor, json->child);
    }
}
