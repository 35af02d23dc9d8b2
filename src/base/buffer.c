#include "base/buffer.h"

#include <stdio.h>
#include <string.h>

char buffer_empty[1] = "";

bool buffer_fits(const struct buffer *b, size_t more) {
    return more <= b->max - b->length;
}

static void reserve(struct buffer *b, size_t more) {
    if (!buffer_fits(b, more))
        abort();
    size_t need = b->length + more + 1;
    if (need <= b->capacity)
        return;
    size_t capacity = b->capacity ? b->capacity : 64;
    while (capacity < need)
        capacity *= 2;
    b->data = xrealloc(b->capacity ? b->data : NULL, capacity);
    b->capacity = capacity;
    b->data[b->length] = '\0';
}

void buffer_add(struct buffer *b, const void *data, size_t length) {
    if (!length)
        return;
    reserve(b, length);
    memcpy(b->data + b->length, data, length);
    b->length += length;
    b->data[b->length] = '\0';
}

bool buffer_add_capped(struct buffer *b, const void *data, size_t length) {
    size_t room = b->max - b->length;
    buffer_add(b, data, length < room ? length : room);
    return length <= room;
}

void buffer_add_last(struct buffer *b, const void *data, size_t length) {
    size_t kept = length < b->max ? length : b->max;
    if (b->length > b->max - kept)
        buffer_consume(b, b->length - (b->max - kept));
    buffer_add(b, (const char *)data + (length - kept), kept);
}

void buffer_puts(struct buffer *b, const char *text) {
    buffer_add(b, text, strlen(text));
}

void buffer_putc(struct buffer *b, char c) {
    buffer_add(b, &c, 1);
}

void buffer_vprintf(struct buffer *b, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    if (length < 0)
        abort();
    reserve(b, (size_t)length);
    vsnprintf(b->data + b->length, (size_t)length + 1, format, again);
    b->length += (size_t)length;
    va_end(again);
}

void buffer_printf(struct buffer *b, const char *format, ...) {
    va_list args;
    va_start(args, format);
    buffer_vprintf(b, format, args);
    va_end(args);
}

void buffer_consume(struct buffer *b, size_t length) {
    if (!length)
        return;
    memmove(b->data, b->data + length, b->length - length + 1);
    b->length -= length;
}

void buffer_truncate(struct buffer *b, size_t length) {
    if (length >= b->length)
        return;
    b->length = length;
    b->data[length] = '\0';
}

char *buffer_detach(struct buffer *b) {
    reserve(b, 0);
    char *data = b->data;
    *b = BUFFER_INIT_MAX(b->max);
    return data;
}

void buffer_release(struct buffer *b) {
    if (b->capacity)
        free(b->data);
    *b = BUFFER_INIT_MAX(b->max);
}
