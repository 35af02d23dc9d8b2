/*
 * place.h: where the engine is, found as the docker CLI finds it.
 *
 * DOCKER_HOST; else the context that DOCKER_CONTEXT names; else the current context of config.json;
 * else the usual socket; else, where that is missing, the one of a rootless engine.
 */
#ifndef CLI_PLACE_H
#define CLI_PLACE_H

#include <envrun/err.h>

#include <stdbool.h>

struct place {
    char *host;         /* as in DOCKER_HOST; NULL: the usual socket */
    char *context;      /* the docker context that it comes from, or NULL */
    char *certificates; /* a directory that may hold ca.pem, cert.pem and key.pem; NULL: no TLS */
    bool verify;        /* the engine's certificate */
};

/* `usual` is the usual socket's path. ERR_USAGE if there is no such context, or no way for envrun
 * to reach it. */
bool place_find(const char *const *environment, const char *usual, struct place *place,
                struct err *err);
void place_release(struct place *place);

#endif
