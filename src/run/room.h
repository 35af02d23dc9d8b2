/*
 * room.h: whether the engine's host has room for one more environment.
 */
#ifndef RUN_ROOM_H
#define RUN_ROOM_H

struct environment;

/* What is missing ("memory: ..."), to be freed by the caller; NULL: nothing that can be seen from
 * here. Only an engine at a unix socket is taken to be on this host (proc(5)). */
char *room_missing(const struct environment *environment);

#endif
