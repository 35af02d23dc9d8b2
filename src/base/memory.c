#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void *or_abort(void *memory) {
    if (!memory)
        abort();
    return memory;
}

void *xmalloc(size_t size) {
    return or_abort(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size) {
    return or_abort(calloc(count ? count : 1, size ? size : 1));
}

void *xrealloc(void *old, size_t size) {
    return or_abort(realloc(old, size ? size : 1));
}

char *xstrdup(const char *text) {
    return or_abort(strdup(text));
}

char *xstrndup(const char *text, size_t length) {
    return or_abort(strndup(text, length));
}

char *xstrdup_or_null(const char *text) {
    return text ? xstrdup(text) : NULL;
}

char *xasprintf(const char *format, ...) {
    va_list args;
    char *text = NULL;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        abort();
    va_end(args);
    return or_abort(text);
}
