/*
 * stamped.h: a container's log as the engine sends it with timestamps, to lines with their times.
 *
 * The engine puts a time in front of each message, "2024-05-01T12:00:02.123456789Z TEXT". A line is
 * one message, but a long one is several of 16 KiB (of the engine's log copier), each with a time
 * of its own in the middle of the line. Output that is attached to has no times: a line's is that
 * of its coming.
 */
#ifndef RUN_STAMPED_H
#define RUN_STAMPED_H

#include "base/lines.h"

struct stamped {
    bool bare;      /* no times come: attached */
    char stamp[48]; /* what has come of a message's time */
    size_t stamp_length;
    bool inside;  /* the message's time has come */
    size_t body;  /* bytes of the message behind it */
    bool goes_on; /* the next message belongs to the line that is being taken */
    long long at; /* of the line, UNIX time in nanoseconds */
    struct lines lines;
    void (*line)(void *context, const struct stamped *from, char *text, size_t length);
    void *context;
};

/* `line` gets a line's text, or with from->lines.cut a piece of it; from->at is its time. */
void stamped_init(struct stamped *stamped, bool bare,
                  void (*line)(void *context, const struct stamped *from, char *text,
                               size_t length),
                  void *context);
void stamped_push(struct stamped *stamped, const char *data, size_t length);
/* No more will come: a last line without an end counts too. */
void stamped_end(struct stamped *stamped);
void stamped_release(struct stamped *stamped);

#endif
