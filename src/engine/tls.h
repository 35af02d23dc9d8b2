/*
 * tls.h: an engine behind TLS.
 */
#ifndef ENGINE_TLS_H
#define ENGINE_TLS_H

#include "engine/connection.h"

/* Tell a fresh easy handle of the certificates, if there are any. */
void tls_apply(const struct engine *engine, CURL *easy);
void tls_release(struct engine *engine);

#endif
