/*
 * collect.h: what a record wants of the services beside the steps of their lives: what they write,
 * what they use, how they were at the end. Only where options.record asks for it.
 */
#ifndef RUN_COLLECT_H
#define RUN_COLLECT_H

#include "run/environment.h"

struct follower;

/* ---- collect.c ---- */

/* Everything of an environment; made with its lives. */
void collect_begin(struct environment *environment);
void collect_release(struct environment *environment);
/* Its container is there and is started next: attach to it where its log driver keeps nothing.
 * NULL: there is nothing to wait for. */
struct task *collect_attach(struct life *life);
/* Its container runs, for the first time or again. */
void collect_started(struct life *life);

/* ---- follow.c: one service's log, followed from its first byte ---- */

struct follower *follower_new(struct life *life, size_t bytes_per_second);
struct follower *follower_free(struct follower *follower);
void follower_attach(struct follower *follower);
/* Attached, or it will never be. */
bool follower_is_attached(const struct follower *follower);
void follower_started(struct follower *follower);
/* Done when everything that has been written until now has been told, or cannot be: bounded. */
struct task *follower_drain(struct follower *follower);

/* ---- sample.c ---- */

enum { SAMPLES_IN_VAIN = 3 }; /* looks without an answer, after which there are no more */

/* One look at what a service's container uses; it does not fail. */
struct task *sample_new(struct life *life);
/* What an answer of the engine's statistics says; false if it says nothing, as that of a container
 * which does not run. */
bool sample_read(const cJSON *stats, struct event_usage *ret);

#endif
