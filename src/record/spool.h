/*
 * spool.h: lines into a file of bounded size: what does not fit is dropped from the middle.
 *
 * The first half of what the file may hold is its head. What follows goes to segments of a quarter
 * each (NAME.1, NAME.2, ...), of which the two latest are kept, and spool_end() puts them behind
 * the head, with a line between that says how much is missing. If it never comes to that, a reader
 * finds the segments.
 */
#ifndef RECORD_SPOOL_H
#define RECORD_SPOOL_H

#include "base/buffer.h"

#include <stdbool.h>

struct spool_part {
    long long lines, bytes;
};

struct spool {
    char *name;
    size_t most; /* bytes */
    /* Append the line that stands for what is missing, with its end. */
    void (*put_gap)(struct buffer *into, struct spool_part missing);
    int fd;           /* the head, or the segment that is being written; -1: none yet */
    unsigned segment; /* its number; 0: the head */
    size_t length;    /* bytes of it, written or pending */
    struct buffer pending;
    struct spool_part before, now; /* of the segments that are kept */
    struct spool_part missing;
};

void spool_init(struct spool *spool, const char *name, size_t most,
                void (*put_gap)(struct buffer *into, struct spool_part missing));
/* Append a line with its end to the file `name` in the folder. These are false, with errno set, if
 * the file cannot be written. */
bool spool_put(struct spool *spool, int folder, const char *line, size_t length);
bool spool_flush(struct spool *spool);
bool spool_end(struct spool *spool, int folder);
/* Closes the file and leaves it as it is. */
void spool_release(struct spool *spool);

#endif
