#include "base/lines.h"

#include <string.h>

void lines_init(struct lines *lines, size_t max,
                void (*line)(void *context, char *text, size_t length), void *context) {
    *lines = (struct lines){.partial = BUFFER_INIT_MAX(max), .line = line, .context = context};
}

static void give(struct lines *lines) {
    struct buffer *partial = &lines->partial;
    if (!lines->cut && partial->length && partial->data[partial->length - 1] == '\r')
        buffer_truncate(partial, partial->length - 1);
    lines->line(lines->context, partial->data, partial->length);
    buffer_truncate(partial, 0);
    lines->cut = false;
}

/* Take what fits of a line, in pieces if that is asked for. */
static void take(struct lines *lines, const char *data, size_t length) {
    while (lines->in_pieces && !buffer_fits(&lines->partial, length)) {
        size_t fits = lines->partial.max - lines->partial.length;
        buffer_add(&lines->partial, data, fits);
        data += fits;
        length -= fits;
        lines->cut = true;
        give(lines);
    }
    if (!buffer_add_capped(&lines->partial, data, length))
        lines->cut = true;
}

void lines_push(struct lines *lines, const char *data, size_t length) {
    while (length) {
        const char *end = memchr(data, '\n', length);
        size_t piece = end ? (size_t)(end - data) : length;
        take(lines, data, piece);
        if (!end)
            return;
        give(lines);
        data += piece + 1;
        length -= piece + 1;
    }
}

void lines_end(struct lines *lines) {
    if (lines->partial.length)
        give(lines);
}

void lines_release(struct lines *lines) {
    buffer_release(&lines->partial);
}
