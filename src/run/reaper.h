/*
 * reaper.h: a process that takes an environment down when envrun cannot.
 *
 * It is started before the first object is made, as the program's own hidden verb (detached.h), and
 * does nothing but hold the other end of a socket. An end of file without a goodbye says that its
 * envrun has died, by whatever signal: it ends the process groups that envrun had on this host,
 * then removes the environment, looking until nothing more comes, and tries again for a while if
 * the engine is away. The deadline does the same to an envrun that hangs. Of an environment with a
 * ttl it stays until that has passed or the environment is gone.
 *
 * When it begins it also removes what others have left behind (sweep.h), so that nobody waits.
 *
 * If it is killed too, the next one finds the remains, or `envrun gc` does (lease.h).
 */
#ifndef RUN_REAPER_H
#define RUN_REAPER_H

#include <envrun/err.h>

#include "loop/child.h"

#include <stdbool.h>

struct engine;
struct loop;
struct task;

/* The hidden verb: `envrun reaper NAME`, with a socket for standard input. The name is for whoever
 * looks at the list of processes. */
#define REAPER_VERB "reaper"

/* ---- In envrun ---- */

struct reaper;

struct reaper_charge {
    const char *name, *owner; /* of what to remove */
    long long deadline;       /* UNIX time in seconds, by the engine's clock; 0: none */
};
/* The engine must be connected. NULL and err if there can be none. */
struct reaper *reaper_start(const struct engine *engine, const struct reaper_charge *charge,
                            struct err *err);
/* Its process number; of no reaper (NULL) 0. The other functions take NULL too. */
pid_t reaper_pid(const struct reaper *reaper);
/* For each process that envrun starts on this host: it shall not outlive envrun. */
struct child_guard reaper_guard(struct reaper *reaper);
/* The environment is held until this time (0: until `down`): it outlives us. */
void reaper_hold(struct reaper *reaper, long long deadline);
/* Nothing is left to be removed. */
void reaper_dismiss(struct reaper *reaper);
/* Without a goodbye before, the reaper goes to work. */
struct reaper *reaper_free(struct reaper *reaper);

/* ---- In the reaper ---- */

/* Its whole life, as a task: `input` is its end of the socket. */
struct task *reaping_new(struct loop *loop, int input);

#endif
