#include "base/redact_set.h"

#include "base/redact.h"
#include "base/text.h"

#include <string.h>

enum { PIECE = REDACT_DEPTH / 2 };

struct redactor *redactor_new(void) {
    return xnew(struct redactor);
}

static void drop_states(struct redactor *redactor) {
    free(redactor->states);
    free(redactor->slots);
    free(redactor->ends);
    redactor->states = NULL;
    redactor->slots = NULL;
    redactor->ends = NULL;
    redactor->ready = false;
}

struct redactor *redactor_free(struct redactor *redactor) {
    if (!redactor)
        return NULL;
    drop_states(redactor);
    strings_release(&redactor->values);
    strings_release(&redactor->names);
    free(redactor);
    return NULL;
}

/* ---- Adding ---- */

static bool is_blank(char c) {
    return strchr(" \t\r\n\v\f", c);
}

/* As it is compared, blanks around it left out. */
static void simplify(const char *value, size_t length, struct buffer *into) {
    while (length && is_blank(value[length - 1]))
        length--;
    for (; length && is_blank(*value); value++)
        length--;
    for (size_t i = 0; i < length; i++) {
        int byte = redact_byte((unsigned char)value[i]);
        if (byte >= 0)
            buffer_putc(into, (char)byte);
    }
}

static void add_pieces(struct redactor *redactor, const char *value, size_t length) {
    autobuffer struct buffer simple = BUFFER_INIT_MAX(REDACT_TOTAL_MAX);
    simplify(value, length, &simple);
    const char *at = simple.data;
    size_t left = simple.length;
    for (; left > REDACT_DEPTH; at += PIECE, left -= PIECE)
        strings_take(&redactor->values, xstrndup(at, PIECE));
    if (left >= REDACT_LEAST)
        strings_take(&redactor->values, xstrndup(at, left));
}

bool redactor_add(struct redactor *redactor, const char *value) {
    size_t length = strlen(value);
    if (length > REDACT_TOTAL_MAX - redactor->total)
        return false;
    redactor->total += length;
    drop_states(redactor);
    redactor->generation++;
    add_pieces(redactor, value, length);
    if (!strchr(value, '\n'))
        return true;
    for (const char *line = value, *end; *line; line = end + (*end != '\0')) {
        end = strchrnul(line, '\n');
        add_pieces(redactor, line, (size_t)(end - line));
    }
    return true;
}

bool redactor_add_named(struct redactor *redactor, const char *name, const char *value) {
    size_t known = redactor->values.length;
    if (!redactor_add(redactor, value))
        return false;
    if (redactor->values.length > known && !strings_has(&redactor->names, name)) {
        strings_add(&redactor->names, name);
        strings_sort(&redactor->names);
    }
    return true;
}

const struct strings *redactor_names(const struct redactor *redactor) {
    static const struct strings none;
    return redactor ? &redactor->names : &none;
}

/* ---- States ---- */

static size_t slot_of(const struct redactor *redactor, uint32_t parent, unsigned char byte) {
    uint64_t key = ((uint64_t)parent << 8 | byte) * 0x9e3779b97f4a7c15u;
    return (size_t)(key >> 32) & (redactor->slot_count - 1);
}

/* The state behind another one, or the free slot for it. */
static uint32_t *find(const struct redactor *redactor, uint32_t parent, unsigned char byte) {
    size_t slot = slot_of(redactor, parent, byte);
    for (;; slot = (slot + 1) & (redactor->slot_count - 1)) {
        const struct redact_state *state = &redactor->states[redactor->slots[slot]];
        if (!redactor->slots[slot] || (state->parent == parent && state->byte == byte))
            return &redactor->slots[slot];
    }
}

static void add_states(struct redactor *redactor, const char *value) {
    uint8_t length = (uint8_t)strlen(value);
    uint32_t at = 0;
    for (uint8_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)value[i];
        uint32_t *slot = find(redactor, at, byte);
        if (!*slot) {
            *slot = (uint32_t)redactor->state_count++;
            redactor->states[*slot] = (struct redact_state){
                .parent = at, .byte = byte, .depth = (uint8_t)(i + 1), .least = length};
            if (!at)
                redactor->first[byte] = *slot;
        }
        at = *slot;
        if (redactor->states[at].least > length)
            redactor->states[at].least = length;
    }
    redactor->states[at].match = length;
}

uint32_t redactor_next(const struct redactor *redactor, uint32_t state, unsigned char byte) {
    for (; state; state = redactor->states[state].fail) {
        uint32_t next = *find(redactor, state, byte);
        if (next)
            return next;
    }
    return redactor->first[byte];
}

/* The states by their depth, each depth standing on those before it. */
static void link_states(struct redactor *redactor) {
    size_t starts[REDACT_DEPTH + 2] = {0};
    uint32_t *order = xcalloc(redactor->state_count, sizeof *order);
    for (size_t i = 0; i < redactor->state_count; i++)
        starts[redactor->states[i].depth + 1]++;
    for (size_t depth = 0; depth <= REDACT_DEPTH; depth++)
        starts[depth + 1] += starts[depth];
    for (size_t i = 0; i < redactor->state_count; i++)
        order[starts[redactor->states[i].depth]++] = (uint32_t)i;
    for (size_t i = 0; i < redactor->state_count; i++) {
        struct redact_state *state = &redactor->states[order[i]];
        if (state->depth > 1)
            state->fail =
                redactor_next(redactor, redactor->states[state->parent].fail, state->byte);
        if (!state->match)
            state->match = redactor->states[state->fail].match;
    }
    free(order);
}

/* ---- Ends ---- */

bool redact_is_enough(size_t part, size_t whole) {
    return part >= REDACT_LEAST && (part * 2 >= whole || part >= 12);
}

static uint64_t *end_slot(const struct redactor *redactor, uint64_t hash) {
    size_t slot = (size_t)(hash >> 20) & (redactor->end_slots - 1);
    while (redactor->ends[slot] && redactor->ends[slot] != hash)
        slot = (slot + 1) & (redactor->end_slots - 1);
    return &redactor->ends[slot];
}

bool redactor_is_end(const struct redactor *redactor, uint64_t hash) {
    return *end_slot(redactor, hash | 1);
}

static void add_ends(struct redactor *redactor, const char *value) {
    size_t length = strlen(value);
    for (size_t part = REDACT_LEAST; part < length; part++) {
        uint64_t hash = REDACT_HASH_INIT;
        if (!redact_is_enough(part, length))
            continue;
        for (size_t i = length - part; i < length; i++)
            hash = redact_hash(hash, (unsigned char)value[i]);
        *end_slot(redactor, hash | 1) = hash | 1;
    }
}

void redactor_prepare(struct redactor *redactor) {
    size_t bytes = 1, slots = 64;
    if (redactor->ready)
        return;
    vec_each (value, &redactor->values)
        bytes += strlen(*value);
    while (slots < bytes * 2)
        slots *= 2;
    redactor->slot_count = redactor->end_slots = slots;
    redactor->slots = xcalloc(slots, sizeof *redactor->slots);
    redactor->ends = xcalloc(slots, sizeof *redactor->ends);
    redactor->states = xcalloc(bytes, sizeof *redactor->states);
    redactor->state_count = 1;
    memset(redactor->first, 0, sizeof redactor->first);
    vec_each (value, &redactor->values) {
        add_states(redactor, *value);
        add_ends(redactor, *value);
    }
    link_states(redactor);
    redactor->ready = true;
}
