/*
 * redact_reading.h: the ways a text is read when values are looked for in it (redact.h).
 *
 * A reading takes the text byte by byte, makes of it the bytes that it stands for, and follows them
 * in the automaton. For each it knows where it stands in the text, so that it can say which part of
 * the text is a value.
 */
#ifndef BASE_REDACT_READING_H
#define BASE_REDACT_READING_H

#include "base/redact_set.h"

enum reading_kind {
    READING_PLAIN,
    READING_PERCENT,   /* %2F */
    READING_BACKSLASH, /* \n \" \u00e4 \xe4 */
    READING_ENTITY,    /* &amp; &#228; */
    READING_BASE64,    /* this one and the next three: groups begin at the run's byte 0, 1, 2, 3 */
    READING_COUNT = READING_BASE64 + 4,
};

enum {
    READING_ESCAPE_MAX = 12, /* bytes of the longest escape: a pair of \uXXXX */
    READING_GAP_MAX = 4,     /* bytes in a row that are passed over */
};

struct reading {
    enum reading_kind kind;
    bool asleep; /* an escape's reading: all is as the plain one has it */

    /* What it stands for */
    uint32_t state;
    size_t count; /* bytes so far */
    size_t
        starts[REDACT_DEPTH]; /* where the latest ones stand in the text; byte i at i mod depth */
    size_t end;               /* behind the latest one */
    uint64_t hash;            /* of all of them, while `fresh` */
    bool fresh;               /* the text's beginning may be the end of a value */
    unsigned gap;             /* bytes passed over in a row */

    /* An escape that is not complete */
    char escape[READING_ESCAPE_MAX];
    size_t escape_length, escape_start;

    /* base64 */
    uint32_t bits;
    unsigned bit_count;
    unsigned run_gap; /* bytes passed over in a row, between its digits */
    int phase;        /* which byte of a group comes next, from 0; below: bytes to leave out */
    size_t last;      /* where the byte before this one stands */
};

/* Bytes [start, end) of the text are (part of) a value. */
struct marker {
    void (*mark)(void *context, size_t start, size_t end);
    void *context;
};

void reading_init(struct reading *reading, enum reading_kind kind);
/* The byte of the text at `at`. `plain` is the plain reading before this byte. */
void reading_push(struct reading *reading, const struct reading *plain,
                  const struct redactor *redactor, const struct marker *marker, unsigned char byte,
                  size_t at);
/* The text ends here. */
void reading_end(const struct reading *reading, const struct redactor *redactor,
                 const struct marker *marker);
/* Where what may yet turn out to be a value begins; `at` if nothing may. */
size_t reading_held(const struct reading *reading, const struct redactor *redactor, size_t at);

#endif
