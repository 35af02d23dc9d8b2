/*
 * pin.h: a run's model, so that it stands for itself in another place.
 *
 * Images are named by digest, or as the bundle holds them; paths of the project are relative, those
 * outside of it lead to the bundle's outside/; what came from outside of the files is a variable
 * with a name and without its value.
 */
#ifndef REPLAY_PIN_H
#define REPLAY_PIN_H

#include <envrun/run.h>

#include "replay/capture.h"
#include "replay/contents.h"

struct pinned {
    char *model;           /* JSON, a Compose file */
    struct strings asked;  /* names of variables that a replay needs, sorted */
    long long taken_out;   /* values, for each of which a variable stands */
    struct strings places; /* paths outside of the project, in the order of outside/N */
};

void pin(const struct environment *environment, const struct captured *captured,
         struct pinned *ret);
void pinned_release(struct pinned *pinned);

/* A path as it is named in a bundle ("project/seed/a.sql", "outside/0/x"); to be freed. NULL: it is
 * neither in the project nor among the places. */
char *pinned_name(const struct pinned *pinned, const struct model *model, const char *path);

#endif
