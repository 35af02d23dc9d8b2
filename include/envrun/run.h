/*
 * run.h: an environment's life: up, suite, teardown.
 *
 * An environment reads no YAML and prints nothing: it takes a model, asks the engine, and tells a
 * listener what happens. Everything it makes carries its labels, and the engine is the only state:
 * teardown asks it, never a memory. Many environments can live in one loop.
 */
#ifndef ENVRUN_RUN_H
#define ENVRUN_RUN_H

#include <envrun/engine.h>
#include <envrun/err.h>
#include <envrun/event.h>
#include <envrun/plan.h>
#include <envrun/spec.h>

#include <stdbool.h>

struct environment;
struct task;

/* What a volume has in it before its container is started. */
struct initial_data {
    const char *service;
    const char *path; /* absolute in the container */
    const char *file; /* a tar archive of this host, to be unpacked there */
};

struct environment_options {
    const struct model *model;
    const char *name; /* on the engine */
    const char *verb; /* "run", "up" */
    long long began;  /* when that began, by loop_now(): what the events count from; 0: now */
    bool ports_as_written;
    bool hermetic;       /* internal networks: it reaches nothing outside of itself */
    const char *subnets; /* "CIDR[/SIZE]" for networks without one of their own, "engine": as the
                            engine chooses; NULL: 10.112.0.0/12/26 */
    long max_parallel;   /* how many environments the engine may have; 0: any number */
    long long max_wait;  /* ms that it waits in line for that */
    const char *const *process_environment; /* NAME=VALUE, NULL-terminated */
    const char *const *suite_variables;     /* -e NAME=VALUE, NULL-terminated, or NULL */
    struct event_listener listener;
    /* Tell also what a record is made of: EVENT_LOG (of suites in any case) to EVENT_OBJECT. */
    bool record;
    bool is_held;        /* it outlives this process once it is up: until `down`, */
    long long ttl;       /* or for so many ms; 0: no limit */
    const char *keeping; /* the command by which it would be kept when it fails; or NULL */

    /* The digest that a lock has for an image ("sha256:..."), or NULL. The function may be NULL;
     * `platform` is as the file has it, or NULL. */
    const char *(*locked)(const void *lock, const char *image, const char *platform);
    const void *lock;
    const struct initial_data *data;
    size_t data_count;

    /* What the suite is run with. */
    const struct suite *const *suites; /* in order, NULL-terminated; or NULL: none */
    const char *const *command;        /* in place of the (one) suite's own; or NULL */
    const char *out;                   /* the folder for artifacts, absolute; or NULL: none */
    int output, errors;                /* where the suite's output goes */
    bool output_is_terminal;           /* and both are it */
    bool output_is_shared;             /* both are one file */
    int rows, columns;
};

/* The model must outlive it; the options are copied, but not what they point to. */
struct environment *environment_new(struct loop *loop, struct engine *engine,
                                    const struct environment_options *options);
/* Drops what is under way, and removes nothing from the engine. Takes NULL. */
struct environment *environment_free(struct environment *environment);

/* Stand it up: done when every service is ready and seeded, and the engine says that none has died
 * since. If it fails, EVENT_FAILED has been told and the error has the same sentence. */
struct task *environment_up(struct environment *environment);

/* Has it made anything on the engine? Else (no engine, a plan that cannot be, a name that another
 * environment has) there is nothing of it to remove. */
bool environment_has_begun(const struct environment *environment);

/* Find the environment of this name on the engine, instead of making it. */
struct task *environment_find(struct environment *environment);

/* Run the suites in order; stops at the first that does not pass. Done if all of them could be run
 * to an end: environment_suite_code() says how it was. A timeout is ERR_TIMEOUT. */
struct task *environment_run_suites(struct environment *environment);
int environment_suite_code(const struct environment *environment);
/* How many services died while a suite ran. */
int environment_deaths(const struct environment *environment);

/* Tell the suite to stop: SIGTERM to its process group, and SIGKILL a little later. */
void environment_stop_suite(struct environment *environment);

/* What the suites of the options would be told on this host, NAME=VALUE, NULL-terminated; it
 * belongs to the environment. False (ERR_FILE) if two services give one name. */
bool environment_variables(struct environment *environment, const char *const **ret,
                           struct err *err);

/* One "SERVICE  ADDRESS" each for EVENT_ENDPOINT. */
void environment_tell_endpoints(struct environment *environment);

/* Let it outlive this process after all: until `down`, or for so long (ms; 0: no limit). */
struct task *environment_hold(struct environment *environment, long long ttl);

/* Remove it: what this environment itself has made, and nothing else of its name. */
struct task *environment_remove(struct environment *environment);

/* A line of a log is held back while a value from outside may go on in the next one: no more lines
 * will come, so tell those that are held. */
void environment_end_logs(struct environment *environment);

/* Tell what a record still lacks, before teardown: the rest of the logs, and how all objects are.
 * Bounded to a few seconds; it does not fail. */
struct task *environment_collect(struct environment *environment);

/* Remove whatever the engine has of an environment: containers first, then networks and volumes,
 * each kind at once, until nothing is left. Tells EVENT_TEARDOWN. ERR_LEFTOVER names what stays. */
struct teardown_options {
    const char *name;
    const char *owner; /* only what carries this LABEL_OWNER; NULL: whoever made it */
    bool has_reaper;   /* that goes on if this gives up */
    struct event_listener listener;
    long long began; /* when the run did */
};
struct task *teardown_new(struct loop *loop, struct engine *engine,
                          const struct teardown_options *options);
/* How many objects the first look found. */
int teardown_found(const struct task *teardown);

#endif
