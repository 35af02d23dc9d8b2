/*
 * terminal.c: text that stays, and below it lines that are redrawn in place.
 *
 * The cursor rests in the first column of the row below those lines. A frame is one write: up, the
 * lines that changed, and nothing if none did. Automatic wrapping is off meanwhile, so that a
 * character whose width the terminal sees otherwise cannot break the picture.
 */
#include "report/look.h"
#include "report/rows.h"
#include "report/words.h"

#include "base/text.h"

enum {
    ROWS = 24, /* where they are not known */
    COLUMNS = 80,
    FRAME_MS = 50, /* events between frames are drawn together */
};

#define FRAME_BEGIN "\033[?2026h\033[?25l\r" /* show nothing before the end; no cursor */
#define FRAME_END "\033[?25h\033[?2026l"
#define WRAP_OFF "\033[?7l"
#define WRAP_ON "\033[?7h"
#define ERASE_LINE "\033[K"
#define ERASE_BELOW "\033[J"

struct terminal {
    struct output *output;
    struct style style;
    struct board board;
    struct rows_layout layout;
    struct strings frame; /* the lines that are on the screen */
    bool resized;         /* draw all of them */
    struct buffer above;  /* what is to be written above them */
    bool foreign;         /* others may have written: the cursor may be anywhere in its row */
    bool over;            /* the services' lines have been shown for the last time */
    bool verbose;
    long long drawn; /* ms */
};

static void set_size(struct terminal *terminal, int rows, int columns) {
    terminal->layout.rows = rows > 0 ? rows : ROWS;
    terminal->layout.columns = columns > 0 ? columns : COLUMNS;
}

static void *terminal_create(const struct report_options *options, struct output *output) {
    struct terminal *terminal = xnew(struct terminal);
    terminal->output = output;
    terminal->verbose = options->verbose;
    terminal->above = BUFFER_INIT;
    style_init(&terminal->style, options->color, options->unicode);
    set_size(terminal, options->rows, options->columns);
    return terminal;
}

/* If the cursor is not in the first column, a full row of spaces goes on to the next row; if it is,
 * the spaces just fill this one. Either way '\r' leads to the beginning of a row that is empty. */
static void put_fresh_row(struct buffer *out, const struct terminal *terminal) {
    buffer_printf(out, "%*s\r", terminal->layout.columns, "");
}

static void put_frame(struct buffer *out, const struct terminal *terminal,
                      const struct strings *lines, bool whole) {
    size_t old = whole ? 0 : terminal->frame.length;
    buffer_puts(out, WRAP_OFF);
    for (size_t i = 0; i < lines->length; i++) {
        if (i >= old || !text_equal(lines->at[i], terminal->frame.at[i])) {
            buffer_puts(out, lines->at[i]);
            buffer_puts(out, ERASE_LINE);
        }
        buffer_puts(out, "\n");
    }
    if (lines->length < old)
        buffer_puts(out, ERASE_BELOW);
    buffer_puts(out, WRAP_ON);
}

static bool is_same(const struct strings *a, const struct strings *b) {
    if (a->length != b->length)
        return false;
    for (size_t i = 0; i < a->length; i++)
        if (!text_equal(a->at[i], b->at[i]))
            return false;
    return true;
}

static void keep_frame(struct terminal *terminal, struct strings *lines) {
    strings_release(&terminal->frame);
    terminal->frame = *lines;
    *lines = (struct strings){0};
    terminal->resized = false;
    buffer_release(&terminal->above);
}

static void paint(struct terminal *terminal, struct strings *lines) {
    struct buffer out autobuffer = BUFFER_INIT;
    size_t height = terminal->frame.length;
    bool whole = terminal->above.length || terminal->resized;
    bool framed = height || lines->length;

    if (terminal->foreign)
        put_fresh_row(&out, terminal);
    buffer_puts(&out, framed ? FRAME_BEGIN : "");
    if (height)
        buffer_printf(&out, "\033[%zuA", height);
    if (height && whole)
        buffer_puts(&out, ERASE_BELOW);
    buffer_add(&out, terminal->above.data, terminal->above.length);
    if (framed) {
        put_frame(&out, terminal, lines, whole);
        buffer_puts(&out, FRAME_END);
    }
    output_put(terminal->output, out.data, out.length);
    terminal->foreign = false;
    keep_frame(terminal, lines);
}

static void draw(struct terminal *terminal) {
    struct strings lines autostrings = {0};
    rows_make(&lines, &terminal->layout, &terminal->style, &terminal->board);
    terminal->drawn = terminal->board.now;
    if (terminal->above.length || terminal->resized || !is_same(&lines, &terminal->frame))
        paint(terminal, &lines);
}

/* Leaves the lines where they are, for good. */
static void settle(struct terminal *terminal) {
    terminal->layout.settled = true;
    draw(terminal);
    terminal->layout.settled = false;
    vec_each (service, &terminal->board.services)
        service->listed = false;
    strings_release(&terminal->frame);
}

static void terminal_destroy(void *self) {
    struct terminal *terminal = self;
    settle(terminal);
    buffer_release(&terminal->above);
    board_release(&terminal->board);
    style_release(&terminal->style);
    free(terminal);
}

static void list_service(struct terminal *terminal, const struct event *event) {
    struct board_service *service = board_find(&terminal->board, event->service);
    if (service && event->phase != PHASE_STOP && !terminal->over)
        service->listed = true;
}

static void list_all(struct terminal *terminal) {
    terminal->over = false;
    terminal->layout.phase_width = 0;
    vec_each (service, &terminal->board.services)
        service->listed = true;
}

/* With these, the services' part of the picture is over. */
static bool ends_services(const struct terminal *terminal, const struct event *event) {
    switch (event->kind) {
    case EVENT_FAILED:
    case EVENT_SUITE:
    case EVENT_TEARDOWN:
    case EVENT_OUTCOME:
        return true;
    default:
        return terminal->board.everything_up && !terminal->board.up_said;
    }
}

static void say_progress(struct terminal *terminal, const struct event *event) {
    if (!terminal->verbose || !event->text || !event->service)
        return;
    buffer_puts(&terminal->above, "  ");
    style_begin(&terminal->above, &terminal->style, STYLE_DIM);
    style_clean(&terminal->above, &terminal->style, event->service, STYLE_UNCUT);
    buffer_puts(&terminal->above, " | ");
    style_end(&terminal->above, &terminal->style, STYLE_DIM);
    style_clean(&terminal->above, &terminal->style, event->text, STYLE_UNCUT);
    buffer_putc(&terminal->above, '\n');
}

static void say_event(struct terminal *terminal, const struct event *event) {
    words_before(&terminal->above, &terminal->style, &terminal->board, event);
    if (event->kind == EVENT_PROGRESS)
        say_progress(terminal, event);
    words_event(&terminal->above, &terminal->style, terminal->layout.columns - 1, event);
    if (event->kind == EVENT_OUTCOME)
        words_outcome(&terminal->above, event);
}

static void terminal_event(void *self, const struct event *event) {
    struct terminal *terminal = self;
    if (event->kind == EVENT_BEGAN)
        settle(terminal);
    board_take(&terminal->board, event);
    if (event->kind == EVENT_BEGAN)
        list_all(terminal);
    if (event->kind == EVENT_PHASE && event->service)
        list_service(terminal, event);
    if (ends_services(terminal, event)) {
        bool going_on = terminal->board.teardown_running;
        terminal->board.teardown_running = false; /* its line is not one that stays */
        settle(terminal);
        terminal->board.teardown_running = going_on;
        terminal->over = true;
    }
    say_event(terminal, event);
    if (terminal->above.length || event->ms - terminal->drawn >= FRAME_MS)
        draw(terminal);
    if (terminal->board.suite_running)
        terminal->foreign = true;
}

static void terminal_tick(void *self, long long ms) {
    struct terminal *terminal = self;
    if (ms > terminal->board.now)
        terminal->board.now = ms;
    if (!terminal->output->pending.length)
        draw(terminal);
}

/* Some terminals now break the lines on the screen anew, others cut them, and tmux tells of it only
 * after a while. So no more rows are taken back than there are lines: a broken one may leave its
 * beginning behind, but nothing that others wrote is ever erased. */
static void terminal_resize(void *self, int rows, int columns) {
    struct terminal *terminal = self;
    set_size(terminal, rows, columns);
    terminal->resized = terminal->frame.length > 0;
    draw(terminal);
}

static void terminal_settle(void *self) {
    struct terminal *terminal = self;
    settle(terminal);
    terminal->foreign = true;
}

const struct look look_terminal = {
    .create = terminal_create,
    .destroy = terminal_destroy,
    .event = terminal_event,
    .tick = terminal_tick,
    .resize = terminal_resize,
    .settle = terminal_settle,
};
