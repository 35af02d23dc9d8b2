/*
 * lines.h: pieces of text in, whole lines out.
 *
 * However the pieces were cut, `line` gets each line once, without its end ("\n" or "\r\n") and
 * with a NUL behind it. A line that is longer than the maximum is cut there: its rest is dropped,
 * or comes in further pieces.
 */
#ifndef BASE_LINES_H
#define BASE_LINES_H

#include "base/buffer.h"

struct lines {
    struct buffer partial; /* what has come of the current line */
    bool in_pieces;        /* a longer line comes in pieces */
    bool cut;              /* its maximum is reached; what `line` gets is not the line's end */
    void (*line)(void *context, char *text, size_t length);
    void *context;
};

void lines_init(struct lines *lines, size_t max,
                void (*line)(void *context, char *text, size_t length), void *context);
void lines_push(struct lines *lines, const char *data, size_t length);
/* No more will come: a last line without an end counts too. */
void lines_end(struct lines *lines);
void lines_release(struct lines *lines);

#endif
