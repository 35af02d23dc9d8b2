#include "report/timeline.h"

#include "base/text.h"

#include <string.h>

enum { NAME_MOST = 24, BAR_LEAST = 20, BAR_MOST = 160, ROWS_MOST = 1000 };

/* ---- What is shown for what ---- */

static const struct {
    char sign;
    enum style_color color;
    const char *word;
} looks[] = {
    [PHASE_IMAGE] = {'i', STYLE_CYAN, "image"},
    [PHASE_CREATE] = {'c', STYLE_DIM, "create"},
    [PHASE_COPY] = {'f', STYLE_DIM, "copy files"},
    [PHASE_WAIT] = {'.', STYLE_DIM, "wait"},
    [PHASE_START] = {'s', STYLE_CYAN, "start"},
    [PHASE_READY] = {'r', STYLE_YELLOW, "until ready"},
    [PHASE_SEED] = {'e', STYLE_YELLOW, "seed"},
    [PHASE_UP] = {'=', STYLE_GREEN, "up"},
    [PHASE_STOP] = {'-', STYLE_DIM, "teardown"},
};
static const char running_sign = '#'; /* a suite */
static const char failed_sign = 'x';

static const char *word_of(char sign) {
    for (size_t i = 0; i < lengthof(looks); i++)
        if (looks[i].sign == sign && sign)
            return looks[i].word;
    return sign == running_sign ? "suite" : "failed";
}

/* ---- Taking events in ---- */

static struct timeline_row *row_named(struct timeline *timeline, const char *name) {
    vec_each (row, &timeline->rows)
        if (!strcmp(row->name, name))
            return row;
    if (timeline->rows.length >= ROWS_MOST)
        return NULL;
    vec_push(&timeline->rows, (struct timeline_row){.name = xstrdup(name)});
    return &timeline->rows.at[timeline->rows.length - 1];
}

static void close_span(struct timeline_row *row, long long at) {
    if (row->spans.length && row->spans.at[row->spans.length - 1].to < 0)
        row->spans.at[row->spans.length - 1].to = at;
}

static void open_span(struct timeline_row *row, char sign, enum style_color color, long long at) {
    close_span(row, at);
    vec_push(&row->spans, (struct span){sign, color, at, -1});
}

static void mark_failure(struct timeline_row *row, long long at) {
    close_span(row, at);
    vec_push(&row->spans, (struct span){failed_sign, STYLE_RED, at, at});
}

static void take_phase(struct timeline_row *row, const struct event *event) {
    bool is_up = event->phase == PHASE_UP && event->status == STATUS_DONE;
    if (event->status == STATUS_FAILED)
        mark_failure(row, event->ms);
    else if (event->status == STATUS_BEGAN || (is_up && !text_equal(event->text, "done")))
        open_span(row, looks[event->phase].sign, looks[event->phase].color, event->ms);
    else
        close_span(row, event->ms);
}

static void take_death(struct timeline_row *row, const struct event *event) {
    mark_failure(row, event->ms);
    if (event->status == STATUS_BEGAN)
        open_span(row, looks[PHASE_UP].sign, looks[PHASE_UP].color, event->ms + 1);
}

static void take_suite(struct timeline *timeline, const struct event *event) {
    const char *name = event->text && *event->text ? event->text : "suite";
    autofree char *title = strcmp(name, "suite") ? xasprintf("suite %s", name) : xstrdup(name);
    struct timeline_row *row = row_named(timeline, title);
    if (row && event->status == STATUS_BEGAN)
        open_span(row, running_sign, STYLE_BOLD, event->ms);
    else if (row && event->status == STATUS_FAILED)
        mark_failure(row, event->ms);
    else if (row)
        close_span(row, event->ms);
}

/* Services are up no longer. */
static void take_teardown(struct timeline *timeline, const struct event *event) {
    vec_each (row, &timeline->rows)
        close_span(row, event->ms);
    struct timeline_row *row = row_named(timeline, "teardown");
    if (row && event->status == STATUS_BEGAN)
        open_span(row, looks[PHASE_STOP].sign, looks[PHASE_STOP].color, event->ms);
}

void timeline_take(struct timeline *timeline, const struct event *event) {
    struct timeline_row *row = NULL;
    if (event->ms > timeline->end)
        timeline->end = event->ms;
    if (event->kind == EVENT_BEGAN)
        for (size_t i = 0; i < event->list_length; i++)
            row_named(timeline, event->list[i]);
    if (event->service && (event->kind == EVENT_PHASE || event->kind == EVENT_DIED))
        row = row_named(timeline, event->service);
    if (row && event->kind == EVENT_PHASE)
        take_phase(row, event);
    else if (row)
        take_death(row, event);
    else if (event->kind == EVENT_SUITE)
        take_suite(timeline, event);
    else if (event->kind == EVENT_TEARDOWN)
        take_teardown(timeline, event);
}

void timeline_release(struct timeline *timeline) {
    vec_each (row, &timeline->rows) {
        free(row->name);
        vec_free(&row->spans);
    }
    vec_free(&timeline->rows);
}

/* ---- Drawing ---- */

struct cell {
    char sign;
    enum style_color color;
};

static int column_of(const struct timeline *timeline, long long ms, int width) {
    long long end = timeline->end > 0 ? timeline->end : 1;
    long long column = ms < 0 ? 0 : (long long)((double)ms / (double)end * width);
    return column < width ? (int)column : width - 1;
}

/* A later span wins the column where two meet, so that a failure is always seen. */
static void fill(struct cell *cells, int width, const struct timeline *timeline,
                 const struct timeline_row *row) {
    vec_each (span, &row->spans) {
        int to = column_of(timeline, span->to < 0 ? timeline->end : span->to, width);
        for (int i = column_of(timeline, span->from, width); i <= to; i++)
            cells[i] = (struct cell){span->sign, span->color};
    }
}

static void put_cells(struct buffer *into, const struct style *style, const struct cell *cells,
                      int width) {
    while (width && !cells[width - 1].sign)
        width--;
    for (int i = 0; i < width; i++) {
        bool first = !i || cells[i].color != cells[i - 1].color;
        bool last = i + 1 == width || cells[i].color != cells[i + 1].color;
        if (first)
            style_begin(into, style, cells[i].color);
        buffer_putc(into, cells[i].sign ? cells[i].sign : ' ');
        if (last)
            style_end(into, style, cells[i].color);
    }
}

/* "0 s          12.3 s" */
static void put_scale(struct buffer *into, const struct timeline *timeline,
                      const struct style *style, int name_width, int width) {
    autobuffer struct buffer end = BUFFER_INIT, line = BUFFER_INIT;
    style_put_duration(&end, timeline->end);
    buffer_printf(&line, "%*s  0%*s\n", name_width, "", width - 1, end.data);
    style_put(into, style, STYLE_DIM, line.data);
}

static void put_legend(struct buffer *into, const struct timeline *timeline,
                       const struct style *style, int name_width) {
    autobuffer struct buffer seen = BUFFER_INIT, line = BUFFER_INIT;
    buffer_printf(&line, "%*s  ", name_width, "");
    vec_each (row, &timeline->rows)
        vec_each (span, &row->spans)
            if (!strchr(seen.data, span->sign)) {
                buffer_printf(&line, "%s%c %s", seen.length ? "  " : "", span->sign,
                              word_of(span->sign));
                buffer_putc(&seen, span->sign);
            }
    buffer_putc(&line, '\n');
    style_put(into, style, STYLE_DIM, line.data);
}

void timeline_put(struct buffer *into, const struct timeline *timeline, const struct style *style,
                  int columns) {
    int name_width = 0;
    vec_each (row, &timeline->rows) {
        int width = style_width(style, row->name);
        name_width = width > name_width ? width : name_width;
    }
    name_width = name_width > NAME_MOST ? NAME_MOST : name_width;
    int width = columns - name_width - 2;
    width = width < BAR_LEAST ? BAR_LEAST : width > BAR_MOST ? BAR_MOST : width;
    put_scale(into, timeline, style, name_width, width);
    vec_each (row, &timeline->rows) {
        struct cell cells[BAR_MOST] = {0};
        fill(cells, width, timeline, row);
        style_clean_padded(into, style, row->name, name_width);
        buffer_puts(into, "  ");
        put_cells(into, style, cells, width);
        buffer_putc(into, '\n');
    }
    put_legend(into, timeline, style, name_width);
}
