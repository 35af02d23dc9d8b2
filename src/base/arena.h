/*
 * arena.h: memory that is released all at once, for models and plans, which do not change once
 * made.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/memory.h"

#include <stddef.h>

struct arena;

struct arena *arena_new(void);
struct arena *arena_free(struct arena *arena);
/* Zeroed and aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);
char *arena_strdup(struct arena *arena, const char *text); /* NULL stays NULL */
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* `count` objects copied from a growing array: a vector that is done. */
void *arena_copy(struct arena *arena, const void *from, size_t count, size_t size);
/* Bytes taken so far. */
size_t arena_used(const struct arena *arena);

#define arena_new_object(arena, type) ((type *)arena_alloc(arena, sizeof(type)))

#endif
