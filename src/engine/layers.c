#include "engine/layers.h"

#include "base/json.h"
#include "base/text.h"
#include "base/vector.h"

#include <stdio.h>
#include <string.h>

enum layer_state { WANTED, LOADING, LOADED, UNPACKING, THERE };

struct layer {
    char id[LAYER_ID_SIZE];
    enum layer_state state;
    unsigned long long done, total; /* bytes; a total of 0 is not known yet */
};

/* The engine's words. */
static const struct {
    const char *status;
    enum layer_state state;
} states[] = {
    {"Pulling fs layer", WANTED},   {"Waiting", WANTED},           {"Downloading", LOADING},
    {"Verifying Checksum", LOADED}, {"Download complete", LOADED}, {"Extracting", UNPACKING},
    {"Pull complete", THERE},       {"Already exists", THERE},
};

static struct layer *find_or_add(struct layers *layers, const char *id) {
    vec_each (layer, layers)
        if (!strncmp(layer->id, id, LAYER_ID_SIZE - 1))
            return layer;
    if (layers->length == LAYERS_MAX)
        return NULL;
    vec_push(layers, (struct layer){0});
    struct layer *layer = &layers->at[layers->length - 1];
    snprintf(layer->id, sizeof layer->id, "%s", id);
    return layer;
}

static void move_on(struct layer *layer, enum layer_state state, const cJSON *line) {
    long long done = json_number(line, "progressDetail.current", 0);
    long long total = json_number(line, "progressDetail.total", 0);
    layer->state = state;
    if (state == LOADING && done >= 0) {
        layer->done = (unsigned long long)done;
        if (total > 0)
            layer->total = (unsigned long long)total;
    }
    if (state > LOADING) /* what is unpacked is counted in other bytes */
        layer->done = layer->total;
}

bool layers_take(struct layers *layers, const cJSON *line) {
    const char *id = json_text(line, "id"), *status = json_text(line, "status");
    for (size_t i = 0; id && status && i < lengthof(states); i++) {
        if (strcmp(states[i].status, status) != 0)
            continue;
        struct layer *layer = find_or_add(layers, id);
        if (layer)
            move_on(layer, states[i].state, line);
        return true;
    }
    return false;
}

struct pull_amount layers_amount(const struct layers *layers) {
    struct pull_amount amount = {.layers = layers->length, .loaded = layers->length > 0};
    vec_each (layer, layers) {
        amount.done += layer->done;
        amount.total += layer->total;
        amount.layers_done += layer->state == THERE;
        amount.loaded = amount.loaded && layer->state > LOADING;
    }
    amount.loaded = amount.loaded && amount.total;
    return amount;
}

void layers_release(struct layers *layers) {
    vec_free(layers);
}
