/*
 * memory.h: allocation that cannot fail, and cleanup at the end of a scope.
 *
 * Running out of memory aborts: everything envrun made on the engine carries its labels, so a crash
 * leaves nothing that cannot be found again, and every size from outside is capped before it is
 * allocated.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>
#include <stdlib.h>

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *old, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *text) __attribute__((malloc, returns_nonnull, nonnull));
char *xstrndup(const char *text, size_t length) __attribute__((malloc, returns_nonnull, nonnull));
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

/* NULL stays NULL. */
char *xstrdup_or_null(const char *text);

/* One zeroed object of a type. */
#define xnew(type) ((type *)xcalloc(1, sizeof(type)))

/* AUTO(fn) runs fn(&variable) when the variable's scope ends. */
#define AUTO(release) __attribute__((cleanup(release)))

/* autofree char *text = ...; */
#define autofree AUTO(free_at)
static inline void free_at(void *at) {
    free(*(void **)at);
}

/* Take a pointer out of a variable, so that its scope no longer frees it. */
#define steal(pointer)                                                                             \
    ({                                                                                             \
        __typeof__(pointer) stolen_ = (pointer);                                                   \
        (pointer) = NULL;                                                                          \
        stolen_;                                                                                   \
    })

/* The structure that holds a member. */
#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

#define lengthof(array) (sizeof(array) / sizeof((array)[0]))

#define nodiscard __attribute__((warn_unused_result))

#endif
