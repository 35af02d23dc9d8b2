/*
 * vector.h: a growing array of any type.
 *
 *     vec(struct mount) mounts = {0};
 *     vec_push(&mounts, mount);
 *     vec_each (m, &mounts)
 *         use(m);
 *     vec_free(&mounts);
 *
 * The elements are owned by whoever owns the vector; vec_free() releases only the array.
 */
#ifndef BASE_VECTOR_H
#define BASE_VECTOR_H

#include "base/memory.h"

#include <stdbool.h>
#include <stddef.h>

#define vec(type)                                                                                  \
    struct {                                                                                       \
        type *at;                                                                                  \
        size_t length;                                                                             \
        size_t capacity;                                                                           \
    }

#define vec_push(v, ...)                                                                           \
    do {                                                                                           \
        if ((v)->length == (v)->capacity)                                                          \
            (v)->at = vec_grow((v)->at, &(v)->capacity, sizeof *(v)->at);                          \
        (v)->at[(v)->length++] = (__VA_ARGS__);                                                    \
    } while (0)

#define vec_each(item, v)                                                                          \
    for (__typeof__((v)->at + 0) item = (v)->at,                                                   \
                                 item##_end_ = (v)->length ? (v)->at + (v)->length : (v)->at;      \
         item != item##_end_; item++)

#define vec_free(v)                                                                                \
    do {                                                                                           \
        free((v)->at);                                                                             \
        (v)->at = NULL;                                                                            \
        (v)->length = (v)->capacity = 0;                                                           \
    } while (0)

void *vec_grow(void *at, size_t *capacity, size_t size);

/* A list of owned strings, NULL-terminated in `at` once strings_argv() was called. */
struct strings {
    char **at;
    size_t length;
    size_t capacity;
};

#define autostrings AUTO(strings_release)
void strings_add(struct strings *list, const char *text);
void strings_take(struct strings *list, char *text);
/* Add, and let go of the first one so that there are no more than `most` (at least 1). */
void strings_add_last(struct strings *list, const char *text, size_t most);
void strings_printf(struct strings *list, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool strings_has(const struct strings *list, const char *text);
void strings_copy(struct strings *to, const struct strings *from);
void strings_sort(struct strings *list);
/* The array with a NULL behind its end; it belongs to the list. */
char **strings_argv(struct strings *list);
/* One string with a separator between; to be freed by the caller. */
char *strings_join(const struct strings *list, const char *separator);
void strings_release(struct strings *list);

#endif
