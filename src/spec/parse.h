/*
 * parse.h: YAML text to trees of nodes that know their places.
 */
#ifndef SPEC_PARSE_H
#define SPEC_PARSE_H

#include "spec/context.h"

/* Every document of a text, in order; an empty one is a NODE_NULL. Aliases and merge keys are
 * expanded. `name` must live as long as the nodes do. */
struct documents {
    struct node **at;
    size_t length, capacity;
};

bool parse_yaml(struct arena *arena, size_t *nodes, const char *text, size_t length,
                const char *name, struct documents *documents, struct err *err);

#endif
