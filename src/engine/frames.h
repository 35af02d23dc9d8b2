/*
 * frames.h: the engine's multiplexed output: frames of an 8-byte header (stream, 0, 0, 0, length in
 * big endian) and their payload, however the pieces are cut.
 */
#ifndef ENGINE_FRAMES_H
#define ENGINE_FRAMES_H

#include <envrun/engine.h>

enum { FRAME_HEADER = 8 };

struct frames {
    bool raw; /* a TTY's stream: no frames, all is stdout */
    struct output_sink sink;
    unsigned char header[FRAME_HEADER];
    size_t header_length;
    size_t left; /* bytes of the current payload that are still to come */
};

/* False if these are no frames. */
bool frames_push(struct frames *frames, const char *data, size_t length, struct err *err);
/* No more will come; false if that cuts a frame. */
bool frames_end(const struct frames *frames, struct err *err);

#endif
