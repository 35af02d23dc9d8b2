/*
 * model.h: the typed part of a model, made from a canonical tree.
 */
#ifndef SPEC_MODEL_H
#define SPEC_MODEL_H

#include "spec/context.h"

struct model_whole {
    struct model model;
    struct arena *arena;
    struct variables variables; /* of the project */
    struct variables shown;     /* values from outside that the engine shows to everyone */
    struct strings texts;       /* of the YAML files */
    bool own_keys;
};

/* Services, seeds, probes, suites; several mistakes are joined. */
bool model_type(struct model_whole *whole, struct context *context, struct err *err);

#endif
