/*
 * redact_set.h: the values that redact.h looks for, as an automaton (Aho and Corasick, "Efficient
 * string matching", 1975).
 *
 * A state is how much of a value has been read: the longest end of the text so far that some value
 * begins with. State 0 is nothing. States are made when they are first needed after an addition.
 */
#ifndef BASE_REDACT_SET_H
#define BASE_REDACT_SET_H

#include "base/vector.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REDACT_DEPTH = 64 }; /* bytes of the longest value that is not cut into pieces */

struct redact_state {
    uint32_t parent, fail;
    uint8_t byte;
    uint8_t depth; /* bytes read */
    uint8_t match; /* bytes of the longest value that ends here; 0: none does */
    uint8_t least; /* bytes of the shortest value that begins so */
};

struct redactor {
    struct strings values; /* as they are compared, pieces of at most REDACT_DEPTH bytes */
    struct strings names;  /* of variables and secrets that have them, sorted */
    size_t total;          /* bytes that were added */
    unsigned generation;   /* counts additions */
    bool ready;            /* what follows is made from the values */
    struct redact_state *states;
    size_t state_count;
    uint32_t *slots; /* a state by its parent and byte; 0: free */
    size_t slot_count;
    uint32_t first[256]; /* the same from state 0 */
    uint64_t *ends;      /* hashes of the ends of values; 0: free */
    size_t end_slots;
};

/* A byte as it is compared; -1: it is passed over. */
static inline int redact_byte(unsigned char c) {
    return c == '\n' || c == '\r' || c == '\'' ? -1 : c == '+' ? ' ' : c;
}

/* Is so much of a value enough to be taken out where the text is cut? */
bool redact_is_enough(size_t part, size_t whole);

void redactor_prepare(struct redactor *redactor);
uint32_t redactor_next(const struct redactor *redactor, uint32_t state, unsigned char byte);

/* Of bytes one after the other; never 0. */
#define REDACT_HASH_INIT 14695981039346656037u
static inline uint64_t redact_hash(uint64_t hash, unsigned char byte) { /* FNV-1a */
    return (hash ^ byte) * 1099511628211u;
}
/* Does a value end with the bytes of this hash? */
bool redactor_is_end(const struct redactor *redactor, uint64_t hash);

#endif
