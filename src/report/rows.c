#include "report/rows.h"

#include "report/words.h"

#include <string.h>

enum {
    CLOCK_WIDTH = 6,
    AROUND = 2 + 2 + 2 + CLOCK_WIDTH, /* the sign, two gaps and the clock */
    PHASE_LEAST = 19,                 /* "waiting until ready" */
    PHASE_MOST = 28,
    TAIL_LEAST = 10,
    ROOMY = 60, /* columns from which on there is room for a tail */
};

/* How much of a service is worth seeing, the most urgent first. */
enum rank { RANK_FAILED, RANK_UNDER_WAY, RANK_WAITING, RANK_UP, RANKS };

static enum rank rank_of(const struct board_service *service) {
    if (board_failed(service))
        return RANK_FAILED;
    if (board_is_under_way(service))
        return RANK_UNDER_WAY;
    return board_is_up(service) ? RANK_UP : RANK_WAITING;
}

static const struct {
    const char *unicode, *ascii;
    enum style_color color;
} signs[] = {
    [RANK_FAILED] = {"✗", "x", STYLE_RED},
    [RANK_UNDER_WAY] = {"·", ".", STYLE_NONE}, /* a spinner as long as it turns */
    [RANK_WAITING] = {"·", ".", STYLE_DIM},
    [RANK_UP] = {"✓", "+", STYLE_GREEN},
};

static void put_spinner(struct buffer *into, const struct style *style, long long ms) {
    static const char *const unicode[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
    static const char *const ascii[] = {"|", "/", "-", "\\"};
    size_t turn = (size_t)(ms / 100);
    style_put(into, style, STYLE_CYAN,
              style->unicode ? unicode[turn % lengthof(unicode)] : ascii[turn % lengthof(ascii)]);
}

static void put_sign(struct buffer *into, const struct rows_layout *layout,
                     const struct style *style, const struct board *board, enum rank rank) {
    if (rank == RANK_UNDER_WAY && !layout->settled)
        put_spinner(into, style, board->now);
    else
        style_put(into, style, signs[rank].color,
                  style->unicode ? signs[rank].unicode : signs[rank].ascii);
}

static int clamp(int value, int least, int most) {
    value = value > most ? most : value;
    return value < least ? least : value;
}

static int name_width(const struct rows_layout *layout, const struct style *style,
                      const struct board *board) {
    int widest = 0;
    vec_each (service, &board->services) {
        int width = style_width(style, service->name);
        widest = width > widest ? width : widest;
    }
    return clamp(widest, 1, clamp(layout->columns / 4, 4, 24));
}

/* Columns left for phase, gap and tail; the last column of the terminal stays empty. */
static int room(const struct rows_layout *layout, int name) {
    return clamp(layout->columns - 1 - AROUND - name, 1, layout->columns);
}

static void widen_phase(struct rows_layout *layout, const struct style *style,
                        const struct board *board, int name) {
    int left = room(layout, name);
    int most = layout->columns < ROOMY ? left : clamp(left / 2, PHASE_LEAST, PHASE_MOST);
    int widest = clamp(layout->phase_width, PHASE_LEAST, PHASE_MOST);
    vec_each (service, &board->services) {
        struct buffer phase autobuffer = BUFFER_INIT;
        if (!service->listed)
            continue;
        words_phase(&phase, service);
        int width = style_width(style, phase.data);
        widest = width > widest ? width : widest;
    }
    layout->phase_width = clamp(widest, 1, most);
}

static void put_tail(struct buffer *into, const struct style *style,
                     const struct board_service *service, int columns) {
    struct buffer times autobuffer = BUFFER_INIT;
    const char *tail = service->tail;
    if (board_failed(service))
        tail = service->what;
    if (board_is_up(service)) {
        words_times(&times, service);
        tail = times.data;
    }
    if (!tail || !*tail || columns < TAIL_LEAST)
        return;
    buffer_puts(into, "  ");
    style_begin(into, style, board_failed(service) ? STYLE_NONE : STYLE_DIM);
    style_clean(into, style, tail, columns);
    style_end(into, style, board_failed(service) ? STYLE_NONE : STYLE_DIM);
}

static void put_clock(struct buffer *into, const struct board *board,
                      const struct board_service *service) {
    struct buffer clock autobuffer = BUFFER_INIT;
    if (service->phase != PHASE_NONE)
        style_put_clock(&clock, board_elapsed(board, service));
    buffer_printf(into, "%*s", CLOCK_WIDTH, clock.data);
}

static void put_service(struct buffer *into, const struct rows_layout *layout,
                        const struct style *style, const struct board *board,
                        const struct board_service *service, int name) {
    struct buffer phase autobuffer = BUFFER_INIT;
    enum rank rank = rank_of(service);
    words_phase(&phase, service);
    put_sign(into, layout, style, board, rank);
    buffer_putc(into, ' ');
    style_begin(into, style, rank == RANK_FAILED ? STYLE_RED : STYLE_NONE);
    style_clean_padded(into, style, service->name, name);
    style_end(into, style, rank == RANK_FAILED ? STYLE_RED : STYLE_NONE);
    buffer_puts(into, "  ");
    style_clean_padded(into, style, phase.data, layout->phase_width);
    buffer_puts(into, "  ");
    put_clock(into, board, service);
    put_tail(into, style, service, room(layout, name) - layout->phase_width - 2);
}

/* "  and 9 more: 7 up, 2 waiting" */
static void put_folded(struct strings *into, const struct style *style, const size_t *hidden,
                       int columns) {
    static const char *const names[RANKS] = {"failed", "under way", "waiting", "up"};
    struct buffer text autobuffer = BUFFER_INIT, line autobuffer = BUFFER_INIT;
    size_t sum = 0;
    for (int rank = 0; rank < RANKS; rank++)
        sum += hidden[rank];
    buffer_printf(&text, "  and %zu more:", sum);
    for (int rank = RANKS - 1; rank >= 0; rank--)
        if (hidden[rank])
            buffer_printf(&text, " %zu %s,", hidden[rank], names[rank]);
    buffer_truncate(&text, text.length - 1);
    style_begin(&line, style, STYLE_DIM);
    style_clean(&line, style, text.data, columns - 1);
    style_end(&line, style, STYLE_DIM);
    strings_add(into, line.data);
}

/* How many of each rank have room, the most urgent first. */
static void share_rows(const size_t *listed, size_t rows, size_t *ret_shown) {
    for (int rank = 0; rank < RANKS; rank++) {
        ret_shown[rank] = listed[rank] < rows ? listed[rank] : rows;
        rows -= ret_shown[rank];
    }
}

static void make_services(struct strings *into, struct rows_layout *layout,
                          const struct style *style, const struct board *board) {
    size_t listed[RANKS] = {0}, shown[RANKS], hidden[RANKS], sum = 0;
    size_t rows = (size_t)clamp(layout->rows - 2, 1, 10000);
    vec_each (service, &board->services)
        if (service->listed) {
            listed[rank_of(service)]++;
            sum++;
        }
    if (!sum)
        return;
    int name = name_width(layout, style, board);
    widen_phase(layout, style, board, name);
    share_rows(listed, sum > rows ? rows - 1 : rows, shown);
    for (int rank = 0; rank < RANKS; rank++)
        hidden[rank] = listed[rank] - shown[rank];
    vec_each (service, &board->services) {
        if (!service->listed || !shown[rank_of(service)])
            continue;
        struct buffer line autobuffer = BUFFER_INIT;
        shown[rank_of(service)]--;
        put_service(&line, layout, style, board, service, name);
        strings_add(into, line.data);
    }
    if (sum > rows)
        put_folded(into, style, hidden, layout->columns);
}

static void make_teardown(struct strings *into, const struct rows_layout *layout,
                          const struct style *style, const struct board *board) {
    struct buffer line autobuffer = BUFFER_INIT, names autobuffer = BUFFER_INIT;
    put_spinner(&line, style, board->now);
    buffer_puts(&line, " removing the environment  ");
    style_put_clock(&line, board->now - board->teardown_since);
    vec_each (service, &board->services)
        if (service->stopping)
            buffer_printf(&names, "%s%s", names.length ? ", " : "", service->name);
    int left = layout->columns - 1 - style_width(style, line.data) - 2;
    if (names.length && left >= TAIL_LEAST) {
        buffer_puts(&line, "  ");
        style_begin(&line, style, STYLE_DIM);
        style_clean(&line, style, names.data, left);
        style_end(&line, style, STYLE_DIM);
    }
    strings_add(into, line.data);
}

void rows_make(struct strings *into, struct rows_layout *layout, const struct style *style,
               const struct board *board) {
    make_services(into, layout, style, board);
    if (board->teardown_running)
        make_teardown(into, layout, style, board);
}
