/*
 * subnets.h: which subnets are taken, as the engine and this host know it.
 */
#ifndef RUN_SUBNETS_H
#define RUN_SUBNETS_H

#include "plan/subnets.h"

#include <cjson/cJSON.h>

struct engine;

/* Add those of the networks (a list of the engine's), and this host's routes, if the engine is
 * here. */
void subnets_learn_taken(struct subnets *taken, const struct engine *engine, const cJSON *networks);

#endif
