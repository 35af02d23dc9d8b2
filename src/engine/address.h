/*
 * address.h: what DOCKER_HOST may say.
 */
#ifndef ENGINE_ADDRESS_H
#define ENGINE_ADDRESS_H

#include "engine/connection.h"

/* Fill in the engine's address, url and base. */
bool address_set(struct engine *engine, const char *host, struct err *err);
void address_release(struct engine *engine);

#endif
