/*
 * layers.h: what a pull says of its layers, added up.
 */
#ifndef ENGINE_LAYERS_H
#define ENGINE_LAYERS_H

#include <envrun/engine.h>

enum { LAYERS_MAX = 512, LAYER_ID_SIZE = 80 };

struct layers {
    struct layer *at;
    size_t length, capacity;
};

/* Take in a line of the stream; false if it is not about how far a layer is. */
bool layers_take(struct layers *layers, const cJSON *line);
struct pull_amount layers_amount(const struct layers *layers);
void layers_release(struct layers *layers);

#endif
