#include "base/vector.h"

#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void *vec_grow(void *at, size_t *capacity, size_t size) {
    *capacity = *capacity ? *capacity * 2 : 8;
    return xrealloc(at, *capacity * size);
}

void strings_take(struct strings *list, char *text) {
    vec_push(list, text);
}

void strings_add(struct strings *list, const char *text) {
    strings_take(list, xstrdup(text));
}

void strings_add_last(struct strings *list, const char *text, size_t most) {
    if (list->length == most) {
        free(list->at[0]);
        memmove(list->at, list->at + 1, --list->length * sizeof *list->at);
    }
    strings_add(list, text);
}

void strings_printf(struct strings *list, const char *format, ...) {
    struct buffer text = BUFFER_INIT;
    va_list args;
    va_start(args, format);
    buffer_vprintf(&text, format, args);
    va_end(args);
    strings_take(list, buffer_detach(&text));
}

bool strings_has(const struct strings *list, const char *text) {
    vec_each (item, list)
        if (!strcmp(*item, text))
            return true;
    return false;
}

void strings_copy(struct strings *to, const struct strings *from) {
    vec_each (item, from)
        strings_add(to, *item);
}

static int compare(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void strings_sort(struct strings *list) {
    if (list->length)
        qsort(list->at, list->length, sizeof *list->at, compare);
}

char **strings_argv(struct strings *list) {
    vec_push(list, NULL);
    list->length--;
    return list->at;
}

char *strings_join(const struct strings *list, const char *separator) {
    struct buffer text = BUFFER_INIT;
    vec_each (item, list) {
        if (item != list->at)
            buffer_puts(&text, separator);
        buffer_puts(&text, *item);
    }
    return buffer_detach(&text);
}

void strings_release(struct strings *list) {
    vec_each (item, list)
        free(*item);
    vec_free(list);
}
