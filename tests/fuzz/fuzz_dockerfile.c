/* Dockerfiles, as far as envrun looks into them. */
#include "engine/dockerfile.h"

#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct dockerfile_feature feature;
    char *text = xstrndup((const char *)data, size);
    dockerfile_needs_buildkit(text, NULL, &feature);
    free(text);
    return 0;
}
