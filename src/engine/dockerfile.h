/*
 * dockerfile.h: which of a Dockerfile's features only BuildKit has.
 *
 * A scanner of instructions (comments, continued lines, the escape directive), not a parser: what
 * it does not know is left to the builder. The rules are those of the Dockerfile reference and of
 * the engine's own classic builder (moby, builder/dockerfile), which refuses these features or, as
 * with heredocs and TARGETARCH, misreads them.
 */
#ifndef ENGINE_DOCKERFILE_H
#define ENGINE_DOCKERFILE_H

#include <cjson/cJSON.h>
#include <stdbool.h>

enum { FEATURE_SIZE = 80 };

struct dockerfile_feature {
    char what[FEATURE_SIZE]; /* "`RUN --mount`", "a heredoc" */
    int line;                /* where its instruction begins, from 1 */
};

/* The first feature that the classic builder lacks; false: there is none. `args` ({NAME: VALUE}, or
 * NULL) are given to the build. */
bool dockerfile_needs_buildkit(const char *text, const cJSON *args, struct dockerfile_feature *ret);

#endif
