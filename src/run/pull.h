/*
 * pull.h: pull an image, with credentials, patience and words.
 *
 * What may pass by itself (a broken connection, a 5xx, a timeout) is tried again a few times, with
 * a longer pause each time. A pull that says nothing for a while is told of, and in the end given
 * up.
 */
#ifndef RUN_PULL_H
#define RUN_PULL_H

#include <envrun/engine.h>

#include "loop/task.h"
#include "run/credentials.h"

struct pull_patience {
    long long quiet; /* ms without progress that are told of */
    long long limit; /* ms without progress that end it */
    long long pause; /* ms before it is tried again; doubled each time */
    unsigned tries;
};

struct pull_options {
    struct loop *loop;
    struct engine *engine;
    struct credentials *credentials;
    const char *reference;                /* these two must outlive the task */
    const char *platform;                 /* or NULL */
    const struct pull_patience *patience; /* NULL: the usual */
    /* How far it is, in one line, and in bytes (0 of 0: not known); a few times a second. */
    void (*told)(void *context, const char *text, const struct pull_amount *amount);
    /* It does not go well, but goes on. */
    void (*warned)(void *context, const char *text);
    void *context;
};

struct task *pull_new(const struct pull_options *options);

/* ---- pull_words.c: pure ---- */

/* May it go better if it is tried again? */
bool pull_is_transient(const struct err *err);
/* Say in one sentence why an image could not be pulled; `known`: credentials were sent. */
void pull_explain(struct err *err, const char *reference, bool known);
/* When an image was last given a name ("2026-01-31T12:00:00.5Z"), as UNIX time; 0: not known. */
long long image_time(const char *text);
/* "12.5 MiB of 80 MiB, 3 of 5 layers"; to be freed by the caller. */
char *pull_words(const struct pull_amount *amount);

#endif
