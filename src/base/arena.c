#include "base/arena.h"

#include "base/buffer.h"

#include <stdalign.h>
#include <string.h>

enum { BLOCK_SIZE = 64 << 10 };

struct block {
    struct block *next;
    size_t used, size;
    alignas(max_align_t) char data[];
};

struct arena {
    struct block *blocks; /* the newest first */
    size_t used;
};

struct arena *arena_new(void) {
    return xnew(struct arena);
}

struct arena *arena_free(struct arena *arena) {
    if (!arena)
        return NULL;
    for (struct block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(arena);
    return NULL;
}

static struct block *block_with_room(struct arena *arena, size_t size) {
    struct block *block = arena->blocks;
    if (block && size <= block->size - block->used)
        return block;
    size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    block = xcalloc(1, sizeof *block + room);
    block->size = room;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size) {
    enum { ALIGN = alignof(max_align_t) };
    size = (size + ALIGN - 1) / ALIGN * ALIGN;
    struct block *block = block_with_room(arena, size);
    void *memory = block->data + block->used;
    block->used += size;
    arena->used += size;
    return memory;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length) {
    char *copy = arena_alloc(arena, length + 1);
    memcpy(copy, text, length);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text) {
    return text ? arena_strndup(arena, text, strlen(text)) : NULL;
}

char *arena_printf(struct arena *arena, const char *format, ...) {
    struct buffer text = BUFFER_INIT;
    va_list args;
    va_start(args, format);
    buffer_vprintf(&text, format, args);
    va_end(args);
    char *copy = arena_strndup(arena, text.data, text.length);
    buffer_release(&text);
    return copy;
}

void *arena_copy(struct arena *arena, const void *from, size_t count, size_t size) {
    void *copy = arena_alloc(arena, count * size);
    if (count)
        memcpy(copy, from, count * size);
    return copy;
}

size_t arena_used(const struct arena *arena) {
    return arena->used;
}
