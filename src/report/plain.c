/*
 * plain.c: lines that only append: seconds since the beginning, the service, what happened.
 */
#include "report/look.h"
#include "report/words.h"

#include "base/text.h"

#include <string.h>

enum {
    COMMAND_COLUMNS = 160, /* of a suite's command */
    NAME_MAX_COLUMNS = 24,
    WAITING_SHOWN = 5,
    CLOCK_COLUMNS = 10, /* of "%7ss" and what follows it */
};

struct plain {
    struct output *output;
    struct style style;
    struct board board;
    bool verbose;
    int name_width;
};

static void *plain_create(const struct report_options *options, struct output *output) {
    struct plain *plain = xnew(struct plain);
    plain->output = output;
    plain->verbose = options->verbose;
    style_init(&plain->style, options->color, options->unicode);
    return plain;
}

static void plain_destroy(void *self) {
    struct plain *plain = self;
    board_release(&plain->board);
    style_release(&plain->style);
    free(plain);
}

static void put_clock(struct buffer *into, const struct plain *plain, long long ms) {
    struct buffer clock autobuffer = BUFFER_INIT, padded autobuffer = BUFFER_INIT;
    style_put_seconds(&clock, ms);
    buffer_printf(&padded, "%7ss", clock.data);
    style_put(into, &plain->style, STYLE_DIM, padded.data);
    buffer_puts(into, "  ");
}

/* Writes a paragraph: the time before its first line, spaces before the others. */
static void write_paragraph(struct plain *plain, long long ms, const struct buffer *paragraph) {
    struct buffer out autobuffer = BUFFER_INIT;
    const char *at = paragraph->data;
    while (*at) {
        const char *end = strchrnul(at, '\n');
        if (at == paragraph->data)
            put_clock(&out, plain, ms);
        else
            buffer_printf(&out, "%*s", CLOCK_COLUMNS, "");
        buffer_add(&out, at, (size_t)(end - at));
        buffer_putc(&out, '\n');
        at = *end ? end + 1 : end;
    }
    output_put(plain->output, out.data, out.length);
}

static void make_room(struct plain *plain, const char *name) {
    int width = style_width(&plain->style, name);
    if (width > NAME_MAX_COLUMNS)
        width = NAME_MAX_COLUMNS;
    if (width > plain->name_width)
        plain->name_width = width;
}

/* "   12.3s  db     WHAT". A suite's service is not among those that the run began with, nor is one
 * of which only the image is wanted. */
static void write_line(struct plain *plain, const struct event *event, const char *what) {
    struct buffer line autobuffer = BUFFER_INIT;
    make_room(plain, event->service);
    style_clean_padded(&line, &plain->style, event->service, plain->name_width);
    buffer_puts(&line, "  ");
    buffer_puts(&line, what);
    buffer_putc(&line, '\n');
    write_paragraph(plain, event->ms, &line);
}

static void say_failed_phase(struct plain *plain, const struct event *event) {
    struct buffer what autobuffer = BUFFER_INIT;
    style_put(&what, &plain->style, STYLE_RED, words_failed(event->phase));
    if (event->text) {
        buffer_puts(&what, ": ");
        style_clean(&what, &plain->style, event->text, STYLE_UNCUT);
    }
    write_line(plain, event, what.data);
}

static const char *end_of_image(const struct plain *plain, const struct board_service *service) {
    if (!service->how)
        return plain->verbose ? "image found in " : NULL;
    if (text_equal(service->how, "build"))
        return "image built in ";
    return text_equal(service->how, "pull") ? "image pulled in " : "image made ready in ";
}

/* What the end of a phase is called; NULL if it is not worth a line. */
static const char *end_of_phase(const struct plain *plain, const struct event *event) {
    const struct board_service *service = board_find(&plain->board, event->service);
    switch (event->phase) {
    case PHASE_IMAGE:
        return end_of_image(plain, service);
    case PHASE_CREATE:
        return plain->verbose ? "created in " : NULL;
    case PHASE_COPY:
        return plain->verbose ? "files copied in within " : NULL;
    case PHASE_START:
        return "started";
    case PHASE_READY:
        return "ready in ";
    case PHASE_SEED:
        return service->seed_total ? "seeded in " : NULL;
    case PHASE_UP:
        return event->text ? event->text : "up";
    default:
        return NULL;
    }
}

static void say_phase(struct plain *plain, const struct event *event) {
    struct buffer what autobuffer = BUFFER_INIT;
    if (event->status == STATUS_FAILED) {
        say_failed_phase(plain, event);
        return;
    }
    if (event->status == STATUS_BEGAN)
        return;
    const char *end = end_of_phase(plain, event);
    if (!end)
        return;
    style_clean(&what, &plain->style, end, STYLE_UNCUT);
    if (text_ends(end, " "))
        style_put_duration(&what, event->duration);
    write_line(plain, event, what.data);
}

static void say_progress(struct plain *plain, const struct event *event) {
    struct buffer what autobuffer = BUFFER_INIT;
    if (!plain->verbose || !event->text)
        return;
    style_put(&what, &plain->style, STYLE_DIM, "| ");
    style_clean(&what, &plain->style, event->text, STYLE_UNCUT);
    write_line(plain, event, what.data);
}

static void say_seed(struct plain *plain, const struct event *event) {
    struct buffer what autobuffer = BUFFER_INIT;
    bool failed = event->status == STATUS_FAILED;
    if (event->status == STATUS_BEGAN || !(failed || plain->verbose))
        return;
    buffer_printf(&what, "seed %lld/%lld ", event->count, event->total);
    style_clean(&what, &plain->style, event->text ? event->text : "", STYLE_UNCUT);
    if (failed)
        style_put(&what, &plain->style, STYLE_RED, " failed after ");
    else
        buffer_puts(&what, " in ");
    style_put_duration(&what, event->duration);
    write_line(plain, event, what.data);
}

static void say_waiting(struct plain *plain, const struct event *event) {
    struct buffer lines autobuffer = BUFFER_INIT;
    for (size_t i = 0; i < event->list_length && i < WAITING_SHOWN; i++) {
        buffer_puts(&lines, i ? "                  " : "still waiting for ");
        style_clean(&lines, &plain->style, event->list[i], STYLE_UNCUT);
        buffer_putc(&lines, '\n');
    }
    if (event->list_length > WAITING_SHOWN)
        buffer_printf(&lines, "                  and %zu more\n",
                      event->list_length - WAITING_SHOWN);
    write_paragraph(plain, event->ms, &lines);
}

static void measure_names(struct plain *plain) {
    plain->name_width = 0;
    vec_each (service, &plain->board.services)
        make_room(plain, service->name);
}

static void say_paragraph(struct plain *plain, const struct event *event) {
    struct buffer paragraph autobuffer = BUFFER_INIT;
    words_event(&paragraph, &plain->style, COMMAND_COLUMNS, event);
    write_paragraph(plain, event->ms, &paragraph);
}

static void say_outcome(struct plain *plain, const struct event *event) {
    struct buffer line autobuffer = BUFFER_INIT;
    say_paragraph(plain, event);
    words_outcome(&line, event);
    output_put(plain->output, line.data, line.length);
}

/* Events that are told otherwise than by words_event(). */
static void (*const sayers[])(struct plain *plain, const struct event *event) = {
    [EVENT_PHASE] = say_phase,     [EVENT_PROGRESS] = say_progress, [EVENT_SEED] = say_seed,
    [EVENT_WAITING] = say_waiting, [EVENT_OUTCOME] = say_outcome,
};

static bool needs_service(enum event_kind kind) {
    return kind == EVENT_PHASE || kind == EVENT_PROGRESS || kind == EVENT_SEED;
}

static void say_event(struct plain *plain, const struct event *event) {
    if (needs_service(event->kind) && !event->service)
        return;
    if (event->kind < lengthof(sayers) && sayers[event->kind])
        sayers[event->kind](plain, event);
    else
        say_paragraph(plain, event);
}

static void plain_event(void *self, const struct event *event) {
    struct plain *plain = self;
    struct buffer before autobuffer = BUFFER_INIT;
    board_take(&plain->board, event);
    if (event->kind == EVENT_BEGAN)
        measure_names(plain);
    bool last_one_up = event->kind == EVENT_PHASE;
    if (last_one_up)
        say_event(plain, event);
    words_before(&before, &plain->style, &plain->board, event);
    write_paragraph(plain, event->ms, &before);
    if (!last_one_up)
        say_event(plain, event);
}

const struct look look_plain = {
    .create = plain_create,
    .destroy = plain_destroy,
    .event = plain_event,
};
