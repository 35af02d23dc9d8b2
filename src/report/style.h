/*
 * style.h: colours, widths, and text from outside made harmless.
 *
 * What a service, a build or an engine wrote goes to a terminal through style_clean() alone: no
 * escape sequence, control or bidirectional override in it survives.
 */
#ifndef REPORT_STYLE_H
#define REPORT_STYLE_H

#include "base/buffer.h"

#include <locale.h>
#include <stdbool.h>

enum style_color {
    STYLE_NONE,
    STYLE_BOLD,
    STYLE_DIM,
    STYLE_RED, /* bold too: what failed */
    STYLE_GREEN,
    STYLE_YELLOW,
    STYLE_CYAN,
};

struct style {
    bool color;
    bool unicode;
    locale_t locale; /* knows how wide characters are; (locale_t)0: there is none */
};

void style_init(struct style *style, bool color, bool unicode);
void style_release(struct style *style);

/* Text of our own, in a colour if there are any. */
void style_put(struct buffer *into, const struct style *style, enum style_color color,
               const char *text);
void style_begin(struct buffer *into, const struct style *style, enum style_color color);
void style_end(struct buffer *into, const struct style *style, enum style_color color);

enum { STYLE_UNCUT = -1 };
/* Append text from outside on one line: harmless, and cut to a number of columns, with an ellipsis
 * where something is missing. Of a line that overwrote itself with '\r' the last state is taken.
 * Answers the columns it takes. */
int style_clean(struct buffer *into, const struct style *style, const char *text, int columns);
/* The same, filled up with spaces to the width. */
void style_clean_padded(struct buffer *into, const struct style *style, const char *text,
                        int columns);
/* How many columns style_clean() takes uncut. */
int style_width(const struct style *style, const char *text);

/* Rounded to tenths: "2.4". */
void style_put_seconds(struct buffer *into, long long ms);
/* "85 ms", "2.4 s", "3 min 20 s": for sentences. */
void style_put_duration(struct buffer *into, long long ms);
/* "0.1 s", "2.4 s", "3m20s": for columns, six wide as long as it lasts no hour and a half. */
void style_put_clock(struct buffer *into, long long ms);

#endif
