/*
 * progress.h: the JSON lines that a pull or a build answers with.
 *
 * An error line fails it though the status is 200.
 */
#ifndef ENGINE_PROGRESS_H
#define ENGINE_PROGRESS_H

#include "base/lines.h"
#include "engine/layers.h"
#include "engine/stream.h"

enum { IMAGE_ID_SIZE = 128 };

struct progress {
    struct lines json;  /* the answer's lines, each an object */
    struct lines words; /* the lines of a build's output, which its objects cut anywhere */
    struct layers layers;
    struct engine_progress reader;
    struct err *err;
    char image_id[IMAGE_ID_SIZE]; /* "sha256:...", or empty */
};

void progress_init(struct progress *progress, struct engine_progress reader, struct err *err);
/* False, with err set, once an error line came. */
bool progress_push(struct progress *progress, const char *data, size_t length);
bool progress_end(struct progress *progress);
void progress_release(struct progress *progress);

#endif
