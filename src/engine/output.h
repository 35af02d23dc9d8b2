/*
 * output.h: a stream of a container's or an exec's output.
 */
#ifndef ENGINE_OUTPUT_H
#define ENGINE_OUTPUT_H

#include "engine/frames.h"
#include "engine/stream.h"

struct output {
    struct stream stream;
    struct frames frames;
    bool opened, held;
};

struct output *output_new(struct engine *engine, const char *method, struct query *query, bool tty,
                          struct output_sink sink);

#endif
