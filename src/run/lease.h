/*
 * lease.h: until when an environment may stay on the engine, and who may take it away.
 *
 * Everything that envrun makes says in its labels who its owner is and until when it has to be
 * done. While the owner lives the environment is its own; once it is dead the environment is an
 * orphan. Of an owner that cannot be seen from here, in another container or on another host, only
 * the deadline counts. Deadlines are by the engine's clock.
 *
 * Labels cannot change, so an environment that outlives its owner on purpose (`up`, `run --keep`)
 * gets one object more as the last step: an empty volume, its hold. From then on the owner does not
 * count any more, and the deadline is the hold's: the ttl, or none. Without a hold the owner died
 * before it was up. The hold goes with the other volumes.
 *
 * An environment whose owner's label cannot be read (made by another version) counts as one that
 * cannot be seen.
 */
#ifndef RUN_LEASE_H
#define RUN_LEASE_H

#include "base/json.h"
#include "base/vector.h"
#include "loop/task.h"
#include "run/owner.h"

struct engine;
struct model;
struct suite;

enum lease_state {
    LEASE_OWNED,  /* its owner lives */
    LEASE_HELD,   /* until `down`, or its deadline */
    LEASE_UNSEEN, /* nobody here can say: it stays until its deadline */
    LEASE_ORPHAN, /* its owner is dead */
    LEASE_EXPIRED,
};

/* An environment as its objects on the engine tell of it. Two of one name but of different owners
 * are two. */
struct lease {
    char *name, *owner, *verb, *folder; /* "" where the labels do not say */
    long long created, deadline;        /* UNIX time in seconds by the engine; 0: none */
    bool held;
    bool comes;                        /* it is choosing its place in the line (line.c) */
    long long place;                   /* in the line; 0: none */
    int containers, networks, volumes; /* without the hold */
    enum owner_state owner_state;
    enum lease_state state;
};

struct leases {
    struct lease *at;
    size_t length, capacity;
};

/* May anybody remove it? */
static inline bool lease_is_over(const struct lease *lease) {
    return lease->state == LEASE_ORPHAN || lease->state == LEASE_EXPIRED;
}
const char *lease_state_name(enum lease_state state);

/* Ask the engine, which must be connected, for all environments, or those of one name. */
struct task *census_new(struct loop *loop, struct engine *engine, const char *name);
/* Once it is done: what it found, in the order of the names; to be released by the caller. */
struct leases census_take(struct task *census);
/* Of the engine's list: was it made by envrun? A container of an image that was committed from one
 * of ours has inherited its labels, but not its name. */
bool lease_is_own(const cJSON *container);
/* The one of this name and owner, or NULL. */
const struct lease *leases_find(const struct leases *leases, const char *name, const char *owner);
void leases_release(struct leases *leases);

/* ---- How long it may take: the sum of the limits that are enforced, in ms ---- */

/* Coming up: an hour for images; for each service its `ready` (10 min where the file gives no
 * limit, as the image may bring a healthcheck) and its seeds. */
long long lease_coming_up(const struct model *model);
/* A whole run: coming up, the suites (NULL-terminated, or NULL), teardown. */
long long lease_run(const struct model *model, const struct suite *const *suites);

#endif
