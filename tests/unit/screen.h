/*
 * screen.h: a terminal for tests: what a report wrote, as a person would see it.
 *
 * It knows exactly the sequences that envrun writes; any other makes the test fail, so that nothing
 * from outside can get through.
 */
#ifndef TESTS_SCREEN_H
#define TESTS_SCREEN_H

#include "base/buffer.h"
#include "base/utf8.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

struct screen {
    int rows, columns;
    int row, column; /* the cursor; column == columns: about to wrap */
    bool wrap;
    uint32_t *cells;        /* 0: the right half of a wide character, or joined to the left */
    struct buffer history;  /* rows that scrolled out, as text */
    const char *unexpected; /* where a sequence began that it does not know, or NULL */
};

static uint32_t *cell_at(struct screen *screen, int row, int column) {
    return &screen->cells[row * screen->columns + column];
}

static void blank(struct screen *screen, int row, int from, int to) {
    for (int column = from; column < to; column++)
        *cell_at(screen, row, column) = ' ';
}

static void screen_init(struct screen *screen, int rows, int columns) {
    *screen =
        (struct screen){.rows = rows, .columns = columns, .wrap = true, .history = BUFFER_INIT};
    screen->cells = xcalloc((size_t)(rows * columns), sizeof *screen->cells);
    for (int row = 0; row < rows; row++)
        blank(screen, row, 0, columns);
    setlocale(LC_CTYPE, "C.UTF-8");
}

static void screen_release(struct screen *screen) {
    free(screen->cells);
    buffer_release(&screen->history);
}

static void put_row(const struct screen *screen, int row, struct buffer *into) {
    size_t end = into->length;
    for (int column = 0; column < screen->columns; column++) {
        uint32_t c = screen->cells[row * screen->columns + column];
        if (c)
            utf8_put(into, c);
        if (c != ' ' && c)
            end = into->length;
    }
    buffer_truncate(into, end);
    buffer_putc(into, '\n');
}

static void line_feed(struct screen *screen) {
    screen->column = 0;
    if (++screen->row < screen->rows)
        return;
    put_row(screen, 0, &screen->history);
    memmove(screen->cells, cell_at(screen, 1, 0),
            sizeof *screen->cells * (size_t)((screen->rows - 1) * screen->columns));
    screen->row = screen->rows - 1;
    blank(screen, screen->row, 0, screen->columns);
}

static void put_character(struct screen *screen, uint32_t c) {
    int width = wcwidth((wchar_t)c);
    if (width <= 0)
        return; /* joined to the one before: not kept */
    if (screen->column + width > screen->columns) {
        if (screen->wrap)
            line_feed(screen);
        else
            screen->column = screen->columns - width;
    }
    *cell_at(screen, screen->row, screen->column++) = c;
    if (width == 2)
        *cell_at(screen, screen->row, screen->column++) = 0;
}

static void erase_below(struct screen *screen) {
    blank(screen, screen->row, screen->column, screen->columns);
    for (int row = screen->row + 1; row < screen->rows; row++)
        blank(screen, row, 0, screen->columns);
}

/* Answers the length of a sequence, 0 if it is not one of ours. */
static size_t take_sequence(struct screen *screen, const char *at) {
    static const char *const ignored[] = {"\033[?25l", "\033[?25h", "\033[?2026h", "\033[?2026l",
                                          "\033[0m",   "\033[1m",   "\033[2m",     "\033[1;31m",
                                          "\033[32m",  "\033[33m",  "\033[36m"};
    int number, length = 0;
    for (size_t i = 0; i < lengthof(ignored); i++)
        if (!strncmp(at, ignored[i], strlen(ignored[i])))
            return strlen(ignored[i]);
    if (!strncmp(at, "\033[K", 3)) {
        if (screen->column < screen->columns)
            blank(screen, screen->row, screen->column, screen->columns);
        return 3;
    }
    if (!strncmp(at, "\033[J", 3)) {
        erase_below(screen);
        return 3;
    }
    if (!strncmp(at, "\033[?7l", 5) || !strncmp(at, "\033[?7h", 5)) {
        screen->wrap = at[4] == 'h';
        return 5;
    }
    if (sscanf(at, "\033[%dA%n", &number, &length) == 1 && length) {
        screen->row = screen->row > number ? screen->row - number : 0;
        return (size_t)length;
    }
    return 0;
}

static void screen_write(struct screen *screen, const char *data, size_t length) {
    for (size_t i = 0; i < length;) {
        uint32_t c;
        size_t size = data[i] == '\033' ? take_sequence(screen, data + i) : 0;
        if (size) {
            i += size;
            continue;
        }
        i += utf8_next(data + i, length - i, &c);
        if (c == '\n')
            line_feed(screen);
        else if (c == '\r')
            screen->column = 0;
        else if (c < 0x20 || (c >= 0x7f && c < 0xa0))
            screen->unexpected = screen->unexpected ? screen->unexpected : data + i - 1;
        else
            put_character(screen, c);
    }
}

/* History and screen as lines without trailing spaces, and without empty lines at the end. */
static void screen_text(const struct screen *screen, struct buffer *into) {
    buffer_puts(into, screen->history.data);
    for (int row = 0; row < screen->rows; row++)
        put_row(screen, row, into);
    while (into->length > 1 && into->data[into->length - 1] == '\n' &&
           into->data[into->length - 2] == '\n')
        buffer_truncate(into, into->length - 1);
}

#endif
