/*
 * buffer.h: a growing run of bytes with a maximum.
 *
 * data is always NUL-terminated (the NUL is not counted), so it can be used as a string.
 * BUFFER_INIT gives the common maximum; what is filled from outside sets a smaller one and asks
 * buffer_fits() first. Growing past the maximum in spite of that is a bug of envrun and aborts.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "base/memory.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define BUFFER_MAX ((size_t)64 << 20) /* bytes */

struct buffer {
    char *data; /* "" while empty: never NULL */
    size_t length;
    size_t capacity; /* 0: data is not owned */
    size_t max;
};

extern char buffer_empty[1];
#define BUFFER_INIT_MAX(most) ((struct buffer){.data = buffer_empty, .max = (most)})
#define BUFFER_INIT BUFFER_INIT_MAX(BUFFER_MAX)
#define autobuffer AUTO(buffer_release)

bool buffer_fits(const struct buffer *b, size_t more);
void buffer_add(struct buffer *b, const void *data, size_t length);
void buffer_puts(struct buffer *b, const char *text);
void buffer_putc(struct buffer *b, char c);
void buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_vprintf(struct buffer *b, const char *format, va_list args);

/* Add as much of the data as fits; false if some was left out. */
bool buffer_add_capped(struct buffer *b, const void *data, size_t length);
/* Add, and drop from the front what no longer fits. */
void buffer_add_last(struct buffer *b, const void *data, size_t length);

/* Drop bytes from the front. */
void buffer_consume(struct buffer *b, size_t length);
void buffer_truncate(struct buffer *b, size_t length);

/* Hand the string over to the caller, who frees it; the buffer is empty again. */
char *buffer_detach(struct buffer *b);
void buffer_release(struct buffer *b);

#endif
